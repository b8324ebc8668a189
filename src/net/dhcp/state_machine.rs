//! One card's conversation with the DHCP servers: what to send when, and what an answer changes.
//! RFC 2131 §4.4. Sends nothing itself; the time is that of the clock it was given.

use std::time::Duration;

use crate::clock::Clock;
use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::message::{Ask, Reply};
use crate::net::dhcp::step::{Change, Step, To};

/// Requests for an offered address before we look for another offer.
const REQUESTS: u32 = 4;
/// RFC 2131 §4.1: the pause between tries doubles up to 64 s. It says 4 s at first; most servers
/// answer within milliseconds, and a switch port that just came up eats the first tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);

/// What is known of one card's lease, and what comes next.
pub struct Exchange {
    clock: Clock,
    /// Number of the conversation; answers to another are not ours.
    pub transaction: u32,
    state: State,
    /// Tries in this state, and when the next is due.
    tries: u32,
    due: Duration,
    began: Duration,
}

enum State {
    /// Nothing yet, or nothing any more.
    Looking,
    Requesting(Lease),
    Holding(Held),
}

struct Held {
    lease: Lease,
    since: Duration,
    /// The carrier was lost since: whether the lease holds where the cable is now is to be asked soon.
    unsure: bool,
}

impl Exchange {
    /// Without a lease; `transaction` begins the numbers that tell our answers from others'.
    pub fn new(clock: Clock, transaction: u32) -> Self {
        let began = clock.elapsed();
        Exchange {
            clock,
            transaction,
            state: State::Looking,
            tries: 0,
            due: began,
            began,
        }
    }

    /// Seconds since this conversation began, for the message.
    pub fn seconds(&self) -> u16 {
        let seconds = self.clock.elapsed().saturating_sub(self.began).as_secs();
        seconds.try_into().unwrap_or(u16::MAX)
    }

    /// Tries since something last changed.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// The one that is held now.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::Holding(held) => Some(&held.lease),
            _ => None,
        }
    }

    /// The carrier was lost: whoever is at the other end now must confirm the lease.
    pub fn reconnected(&mut self) {
        (self.tries, self.due) = (0, self.clock.elapsed());
        if let State::Holding(held) = &mut self.state {
            held.unsure = true;
        }
    }

    /// What to do now.
    pub fn step(&mut self) -> Step {
        let now = self.clock.elapsed();
        if let State::Holding(held) = &self.state {
            let times = held.lease.times;
            let age = now.saturating_sub(held.since);
            if age >= times.expire {
                self.restart();
                return Step::Expire;
            }
            if age < times.renew && !held.unsure {
                return Step::Wait(held.since.saturating_add(times.renew));
            }
            // A renewal is asked of the server alone, and when that does not help, of anybody.
            let (to, end) = match age < times.rebind && !held.unsure {
                true => (To::Server(held.lease.server), times.rebind),
                false => (To::Everybody, times.expire),
            };
            let end = held.since.saturating_add(end);
            if now < self.due {
                return Step::Wait(self.due.min(end));
            }
            let (address, unsure) = (held.lease.address, held.unsure);
            // RFC 2131 §4.4.5: half of what is left, but no less than a minute; short leases have less.
            let least = times.expire.min(Duration::from_secs(480)) / 8;
            self.tries += 1;
            self.due = now
                + match unsure {
                    true => self.pause(),
                    false => (end.saturating_sub(now) / 2).max(least),
                };
            return Step::Send(Ask::Extend { address }, to);
        }
        if now < self.due {
            return Step::Wait(self.due);
        }
        if matches!(self.state, State::Requesting(_)) && self.tries >= REQUESTS {
            self.restart();
        }
        self.tries += 1;
        self.due = now + self.pause();
        let ask = match &self.state {
            State::Requesting(offer) => Ask::Request {
                address: offer.address,
                server: Some(offer.server),
            },
            _ => Ask::Discover,
        };
        Step::Send(ask, To::Everybody)
    }

    /// An answer to the transaction of this exchange.
    pub fn hear(&mut self, reply: Reply) -> Change {
        let now = self.clock.elapsed();
        match (&self.state, reply) {
            (State::Looking, Reply::Offer(offer)) => {
                self.state = State::Requesting(offer);
                (self.tries, self.due) = (0, now);
                Change::Nothing
            }
            (State::Requesting(offer), Reply::Ack(lease)) if lease.server == offer.server => {
                self.hold(lease)
            }
            // Only a renewal that was asked for is one.
            (State::Holding(held), Reply::Ack(lease))
                if self.tries > 0 && lease.address == held.lease.address =>
            {
                self.hold(lease)
            }
            (State::Requesting(offer), Reply::Nak { server })
                if server.is_none_or(|server| server == offer.server) =>
            {
                self.restart();
                Change::Nothing
            }
            (State::Holding(_), Reply::Nak { .. }) if self.tries > 0 => {
                self.restart();
                Change::Refused
            }
            _ => Change::Nothing,
        }
    }

    fn hold(&mut self, lease: Lease) -> Change {
        let since = self.clock.elapsed();
        self.state = State::Holding(Held {
            lease: lease.clone(),
            since,
            unsure: false,
        });
        (self.tries, self.due) = (0, since);
        Change::Granted(lease)
    }

    /// Looks for a lease anew, after a breath: a server that refuses at once must not be asked in a loop.
    fn restart(&mut self) {
        self.state = State::Looking;
        self.transaction = self.transaction.wrapping_add(1);
        self.began = self.clock.elapsed();
        self.tries = 0;
        self.due = self.began + self.pause();
    }

    /// RFC 2131 §4.1: doubling, and random by half a second or more either way, so that a hall of
    /// machines switched on at once does not ask in step.
    fn pause(&self) -> Duration {
        let whole =
            Duration::from_secs(1 << self.tries.saturating_sub(1).min(6)).min(LONGEST_PAUSE);
        self.clock.between(whole / 2..whole * 3 / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::net::dhcp::message::tests::{MAC, OFFER, answer};
    use crate::net::dhcp::message::{Reply, reply};

    const ADDRESS: [u8; 4] = [192, 0, 2, 9];
    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn lease() -> Lease {
        match reply(&answer(7, ADDRESS, OFFER), MAC, 7) {
            Some(Reply::Offer(lease)) => lease,
            other => panic!("an offer, not {other:?}"),
        }
    }

    /// Lets time pass until there is something to do.
    fn next(exchange: &mut Exchange) -> Step {
        for _ in 0..100 {
            match exchange.step() {
                Step::Wait(until) => {
                    let now = exchange.clock.elapsed();
                    assert!(until > now, "a wait that does not wait is a busy loop");
                    exchange.clock.sleep(until - now);
                }
                step => return step,
            }
        }
        panic!("nothing ever happens")
    }

    fn holding() -> Exchange {
        let mut exchange = Exchange::new(Clock::fake(), 7);
        assert_eq!(exchange.step(), Step::Send(Ask::Discover, To::Everybody));
        assert_eq!(exchange.hear(Reply::Offer(lease())), Change::Nothing);
        let request = Ask::Request {
            address: ADDRESS.into(),
            server: Some(SERVER),
        };
        assert_eq!(exchange.step(), Step::Send(request, To::Everybody));
        assert_eq!(exchange.hear(Reply::Ack(lease())), Change::Granted(lease()));
        exchange
    }

    #[test]
    fn a_lease_is_renewed_rebound_and_given_up() {
        let mut exchange = holding();
        let extend = || Ask::Extend {
            address: ADDRESS.into(),
        };
        assert_eq!(
            next(&mut exchange),
            Step::Send(extend(), To::Server(SERVER))
        );
        assert_eq!(exchange.clock.elapsed().as_secs(), 1800);
        assert_eq!(exchange.hear(Reply::Ack(lease())), Change::Granted(lease()));
        let mut sent = Vec::new();
        loop {
            match next(&mut exchange) {
                Step::Send(_, to) => sent.push(to),
                step => {
                    assert_eq!(step, Step::Expire);
                    break;
                }
            }
        }
        assert_eq!(exchange.clock.elapsed().as_secs(), 1800 + 3600);
        let rebinding = sent.iter().position(|to| *to == To::Everybody);
        assert!(rebinding.is_some_and(|at| at > 1), "{sent:?}");
        assert!(sent.len() < 40, "{} is a flood", sent.len());
        assert_eq!(exchange.lease(), None);
        assert_eq!(
            next(&mut exchange),
            Step::Send(Ask::Discover, To::Everybody)
        );
    }

    #[test]
    fn silence_is_asked_again_for_ever_and_ever_more_slowly() {
        let mut exchange = Exchange::new(Clock::fake(), 7);
        for _ in 0..200 {
            assert_eq!(
                next(&mut exchange),
                Step::Send(Ask::Discover, To::Everybody)
            );
        }
        let hours = exchange.clock.elapsed().as_secs() as f64 / 3600.0;
        assert!((2.0..6.0).contains(&hours), "{hours}");
    }

    #[test]
    fn a_server_that_offers_and_then_is_silent_or_refuses_is_left() {
        let mut exchange = Exchange::new(Clock::fake(), 7);
        exchange.step();
        exchange.hear(Reply::Offer(lease()));
        let asked = (0..=REQUESTS)
            .map(|_| next(&mut exchange))
            .collect::<Vec<_>>();
        assert_eq!(
            asked.last(),
            Some(&Step::Send(Ask::Discover, To::Everybody))
        );
        exchange.hear(Reply::Offer(lease()));
        exchange.step();
        let nak = Reply::Nak {
            server: Some(SERVER),
        };
        assert_eq!(exchange.hear(nak), Change::Nothing);
        assert!(matches!(exchange.step(), Step::Wait(_)), "not at once");
    }

    #[test]
    fn after_the_cable_was_out_anybody_may_confirm_or_refuse() {
        let mut exchange = holding();
        let unasked = Reply::Nak { server: None };
        assert_eq!(exchange.hear(unasked.clone()), Change::Nothing);
        exchange.clock.sleep(Duration::from_secs(100));
        exchange.reconnected();
        // A switch port that just came up swallows the first tries: they are repeated soon.
        for _ in 0..4 {
            let sent = next(&mut exchange);
            assert!(matches!(
                sent,
                Step::Send(Ask::Extend { .. }, To::Everybody)
            ));
        }
        assert!(exchange.clock.elapsed() < Duration::from_secs(100 + 15));
        assert_eq!(exchange.hear(unasked), Change::Refused);
        assert_eq!(exchange.lease(), None);
    }
}
