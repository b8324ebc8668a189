//! Which of a name's addresses is tried first: RFC 6724 §6, as far as it tells one from another before any packet is sent.

use std::net::{IpAddr, Ipv6Addr};

use crate::net::address::configure;
use crate::small_sort;

/// Rules 1, 2, 5 and 6: reachable ones first, then those whose source has the same scope, then the same label,
/// then by precedence; the rest as the name server had them.
pub fn sort(addresses: &mut [IpAddr]) {
    sort_by_source(addresses, |to| configure::source_address(to).ok());
}

fn sort_by_source(addresses: &mut [IpAddr], source: impl Fn(IpAddr) -> Option<IpAddr>) {
    small_sort::by_key(addresses, |to| {
        let from = source(*to);
        let apart = |of: fn(IpAddr) -> u8| from.is_none_or(|from| of(from) != of(*to));
        (
            from.is_none(),
            apart(scope),
            apart(label),
            u8::MAX - precedence(*to),
        )
    });
}

/// RFC 6724 §3.1, as far as unicast addresses have one: link-local is 2, global is 14.
fn scope(address: IpAddr) -> u8 {
    let local = match address {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_loopback(),
    };
    if local { 2 } else { 14 }
}

/// RFC 6724 §2.1, the default policy table.
fn policy(address: IpAddr) -> (u8, u8) {
    let IpAddr::V6(ip) = address else {
        return (35, 4);
    };
    match ip.segments() {
        _ if ip == Ipv6Addr::LOCALHOST => (50, 0),
        [0x2002, ..] => (30, 2),
        [0x2001, 0, ..] => (5, 5),
        [first, ..] if first & 0xfe00 == 0xfc00 => (3, 13),
        _ => (40, 1),
    }
}

fn precedence(address: IpAddr) -> u8 {
    policy(address).0
}

fn label(address: IpAddr) -> u8 {
    policy(address).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In this order whatever the order of the answer, given these addresses of our own.
    #[test]
    fn the_best_way_goes_first() {
        let ip = |text: &&str| text.parse::<IpAddr>().expect("an address");
        let table: &[(&[&str], &[&str])] = &[
            (
                &["192.0.2.9", "2001:db8::9"],
                &["2001:db8:1::1", "198.51.100.1"],
            ),
            (&["192.0.2.9"], &["198.51.100.1", "2001:db8:1::1"]),
            (
                &["192.0.2.9", "fe80::9"],
                &["198.51.100.1", "2001:db8:1::1"],
            ),
            (
                &["192.0.2.9", "fd00::9"],
                &["198.51.100.1", "2001:db8:1::1"],
            ),
            (&["192.0.2.9", "fd00::9"], &["198.51.100.1", "fd00::1"]),
            (&["fd00::9"], &["fd00::1", "198.51.100.1"]),
            (&["127.0.0.1", "::1"], &["::1", "127.0.0.1"]),
        ];
        for (own, wanted) in table {
            let own: Vec<IpAddr> = own.iter().map(ip).collect();
            let source = |to: IpAddr| {
                own.iter()
                    .copied()
                    .find(|own| own.is_ipv4() == to.is_ipv4())
            };
            let wanted: Vec<IpAddr> = wanted.iter().map(ip).collect();
            let mut other: Vec<IpAddr> = wanted.iter().rev().copied().collect();
            sort_by_source(&mut other, source);
            assert_eq!(other, wanted, "from {own:?}");
        }
        let mut same = ["192.0.2.2", "192.0.2.1"].each_ref().map(ip);
        sort_by_source(&mut same, Some);
        assert_eq!(same[0], ip(&"192.0.2.2"), "the name server's order");
    }
}
