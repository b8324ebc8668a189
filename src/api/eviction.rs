//! Who gives up the seat when all are taken and somebody new comes: never who is being served and has shown the token, and of
//! all others the one whose network holds most. Pure; `connection_limit.rs` does what is decided here.
//!
//! Whoever has shown the token wins over whoever has not. Among those who have not, seats are shared out evenly (max-min) by
//! network, then by address: a client alone gets its seat from whoever holds two more than it. Where all hold as many, nobody
//! loses the seat within a grace, so that a handshake under way is not broken off by one that begins; but who was answered
//! once without the token has had its chance, and goes first, in the middle of the next reply if need be.

use std::cmp::Reverse;
use std::time::Duration;

use crate::api::client_standing::{Place, Standing};

/// The guest whose seat `newcomer`, a stranger, known or with the token in its request, gets at the time it comes; none if it
/// gets none. Who has been there for less than `grace` gives it up only to somebody with a better right to it.
pub fn victim(guests: &[(u64, Place)], newcomer: &Place, grace: Duration) -> Option<u64> {
    let of = |standing| guests.iter().filter(move |(_, p)| p.standing == standing);
    let own_network = newcomer.network();
    let known = newcomer.standing != Standing::Stranger;
    let shown = newcomer.standing == Standing::Shown;
    let networks = groups(of(Standing::Stranger), Place::network);
    let neighbours = size(&networks, own_network);
    let by_right = largest(&networks, if known { 0 } else { neighbours + 1 }).or_else(|| {
        let own = of(Standing::Stranger).filter(|(_, p)| p.network() == own_network);
        let addresses = groups(own, |place| place.address);
        largest(&addresses, size(&addresses, newcomer.address) + 1)
    });
    // One of a smaller network has a better right to stay than one more of this has to come.
    let equals = networks
        .iter()
        .filter(|n| n.key == own_network || n.size > neighbours);
    let first_equal = equals.map(|network| network.first).min();
    let first_known = first(of(Standing::Known));
    let grace_over =
        |((waits, since), _): &Goes| !waits || newcomer.since.saturating_sub(*since) >= grace;
    let no_stranger = |_: &Goes| networks.is_empty();
    let nobody_else = networks.is_empty() && first_known.is_none();
    let victim = by_right
        .or(first_equal.filter(grace_over))
        .or(first_known
            .filter(no_stranger)
            .filter(|one| shown || grace_over(one)))
        .or_else(|| first(of(Standing::Idle)).filter(|_| known || nobody_else));
    victim.map(|(_, number)| number)
}

/// Guests who have something in common.
struct Group<K> {
    key: K,
    size: usize,
    /// Of them.
    first: Goes,
}

/// Who goes when: the least is the first.
type Goes = ((bool, Duration), u64);

fn first<'a>(guests: impl Iterator<Item = &'a (u64, Place)>) -> Option<Goes> {
    guests.map(|(number, place)| (place.goes(), *number)).min()
}

fn groups<'a, K: PartialEq>(
    guests: impl Iterator<Item = &'a (u64, Place)>,
    key: impl Fn(&Place) -> K,
) -> Vec<Group<K>> {
    let mut groups: Vec<Group<K>> = Vec::new();
    for (number, place) in guests {
        let (key, own) = (key(place), (place.goes(), *number));
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => (group.size, group.first) = (group.size + 1, group.first.min(own)),
            None => groups.push(Group {
                key,
                size: 1,
                first: own,
            }),
        }
    }
    groups
}

fn size<K: PartialEq>(groups: &[Group<K>], key: K) -> usize {
    let own = groups.iter().find(|group| group.key == key);
    own.map_or(0, |group| group.size)
}

/// The first to go of the largest group, if that has more than `above`.
fn largest<K>(groups: &[Group<K>], above: usize) -> Option<Goes> {
    let larger = groups.iter().filter(|group| group.size > above);
    let first = larger.min_by_key(|group| (Reverse(group.size), group.first));
    first.map(|group| group.first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Idle, Known, Served, Shown, Stranger};

    const GRACE: Duration = Duration::from_millis(250);
    const LONG_AGO: u64 = 1_000;
    const NOW: u64 = 100_000;

    fn place(address: &str, standing: Standing, milliseconds_ago: u64) -> Place {
        Place {
            address: address.parse().expect("an address"),
            standing,
            since: Duration::from_millis(NOW - milliseconds_ago),
            answered: false,
        }
    }

    /// Guests are given youngest first; the answer is the place in the list.
    fn decide(guests: &[(&str, Standing, u64)], address: &str, standing: Standing) -> Option<u64> {
        let guests = guests.iter().enumerate();
        let guests: Vec<_> = guests
            .map(|(n, (address, standing, ago))| (n as u64, place(address, *standing, *ago)))
            .collect();
        victim(&guests, &place(address, standing, 0), GRACE)
    }

    #[test]
    fn who_has_shown_the_token_stays_and_of_the_others_goes_who_has_most() {
        let attackers = [("10.0.0.9", Stranger, 20), ("10.0.0.9", Stranger, 30)];
        let with = |more: &[(&'static str, Standing, u64)]| [&attackers[..], more].concat();
        for (what, guests, address, standing, goes) in [
            (
                "a client alone",
                with(&[("10.0.0.7", Stranger, LONG_AGO)]),
                "10.0.0.1",
                Stranger,
                Some(1),
            ),
            (
                "one more of the many",
                with(&[("10.0.0.7", Stranger, LONG_AGO)]),
                "10.0.0.9",
                Stranger,
                None,
            ),
            (
                "one more of the many, later",
                vec![
                    ("10.0.0.9", Stranger, 1),
                    ("10.0.0.9", Stranger, LONG_AGO),
                    ("10.0.0.7", Stranger, 2 * LONG_AGO),
                ],
                "10.0.0.9",
                Stranger,
                Some(1),
            ),
            (
                "its second",
                with(&[("10.0.0.1", Stranger, 10)]),
                "10.0.0.1",
                Stranger,
                None,
            ),
            (
                "its second, known by now",
                with(&[("10.0.0.1", Idle, 10)]),
                "10.0.0.1",
                Known,
                Some(1),
            ),
            (
                "each has one",
                vec![("10.0.0.2", Stranger, 100), ("10.0.0.3", Stranger, 249)],
                "10.0.0.1",
                Stranger,
                None,
            ),
            (
                "each has one, one for long enough",
                vec![("10.0.0.2", Stranger, 100), ("10.0.0.3", Stranger, 250)],
                "10.0.0.1",
                Stranger,
                Some(1),
            ),
            (
                "each has one, and the newcomer is known",
                vec![("10.0.0.2", Stranger, 100), ("10.0.0.3", Stranger, 249)],
                "10.0.0.1",
                Known,
                Some(1),
            ),
            (
                "an IPv6 network with many addresses",
                vec![
                    ("fd00::1", Stranger, 1),
                    ("fd00::2", Stranger, 2),
                    ("10.0.0.2", Stranger, LONG_AGO),
                ],
                "fd00:0:0:1::1",
                Stranger,
                Some(1),
            ),
            (
                "another address of the same IPv6 network",
                vec![("fd00::1", Stranger, 1), ("fd00::1", Stranger, 2)],
                "fd00::2",
                Stranger,
                Some(1),
            ),
            (
                "all served",
                vec![("10.0.0.9", Served, LONG_AGO)],
                "10.0.0.9",
                Known,
                None,
            ),
            (
                "the longest idle, where nobody else is",
                vec![
                    ("10.0.0.8", Served, LONG_AGO),
                    ("10.0.0.9", Idle, 5),
                    ("10.0.0.9", Idle, 6),
                ],
                "10.0.0.1",
                Stranger,
                Some(2),
            ),
            (
                "no stranger takes it from who is idle while strangers are there",
                vec![("10.0.0.8", Idle, LONG_AGO), ("10.0.0.9", Stranger, 5)],
                "10.0.0.1",
                Stranger,
                None,
            ),
            (
                "known ones share what they have",
                vec![("10.0.0.8", Known, 249), ("10.0.0.8", Idle, 1)],
                "10.0.0.8",
                Known,
                Some(1),
            ),
            (
                "who is seen to have the token waits for no grace",
                vec![("10.0.0.8", Known, 1), ("10.0.0.8", Idle, 1)],
                "10.0.0.8",
                Shown,
                Some(0),
            ),
            (
                "and keeps the seat",
                vec![("10.0.0.8", Shown, LONG_AGO)],
                "10.0.0.8",
                Known,
                None,
            ),
            (
                "known ones are not for ever either",
                vec![("10.0.0.8", Known, 250), ("10.0.0.8", Idle, LONG_AGO)],
                "10.0.0.7",
                Stranger,
                Some(0),
            ),
        ] {
            assert_eq!(decide(&guests, address, standing), goes, "{what}");
        }
    }

    #[test]
    fn who_was_answered_without_the_token_goes_before_who_was_not() {
        let mut guests = [(1, 100, false), (2, 1, true), (3, 2, true), (4, 50, false)].map(
            |(number, ago, answered)| {
                let own = place("10.0.0.9", Stranger, ago);
                (number, Place { answered, ..own })
            },
        );
        let newcomer = place("10.0.0.9", Stranger, 0);
        assert_eq!(victim(&guests, &newcomer, GRACE), Some(3));
        guests[2].1.answered = false;
        assert_eq!(victim(&guests, &newcomer, GRACE), Some(2));
        guests[1].1.answered = false;
        assert_eq!(victim(&guests, &newcomer, GRACE), None);
    }

    /// Each attacker's address asks for a seat every millisecond; a conductor nobody knows needs one for `needs` milliseconds
    /// and comes once a second. How many of its calls got through, of 100.
    fn siege(addresses: u32, needs: u64) -> usize {
        let mut guests: Vec<(u64, Place)> = Vec::new();
        let (mut next, mut through) = (0, 0);
        let mut come = |guests: &mut Vec<(u64, Place)>, number: u32, now: u64| {
            next += 1;
            let newcomer = Place {
                address: std::net::Ipv4Addr::from_bits(number).into(),
                standing: Stranger,
                since: Duration::from_millis(now),
                answered: false,
            };
            if guests.len() >= 64 {
                let goes = victim(guests, &newcomer, GRACE)?;
                guests.retain(|(number, _)| *number != goes);
            }
            guests.push((next, newcomer));
            Some(next)
        };
        let mut conductor = None;
        for now in 0..500 {
            for attacker in 1..=addresses {
                come(&mut guests, attacker, now);
            }
            match now % 100 {
                0 => conductor = come(&mut guests, 0, now),
                ms if ms == needs => {
                    through += guests.iter().filter(|(n, _)| Some(*n) == conductor).count();
                    guests.retain(|(number, _)| Some(*number) != conductor);
                }
                _ => {}
            }
        }
        through
    }

    #[test]
    fn fewer_addresses_than_seats_keep_nobody_out() {
        for addresses in [1, 31, 62] {
            assert_eq!(siege(addresses, 90), 5, "{addresses} addresses");
        }
    }
}
