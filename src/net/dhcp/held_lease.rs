//! A lease that is held: when to ask for more time, of whom, and who may take it back (RFC 2131 §4.4.5). Pure.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::lease_times::Times;

pub struct HeldLease {
    pub lease: Lease,
    pub times: Times,
    /// When it was asked for.
    pub since: Duration,
    /// The carrier was lost since: whether the lease holds where the cable is now is to be asked soon.
    pub unsure: bool,
}

/// What is to be done at some time.
pub enum Need {
    /// Nothing before this.
    Nothing(Duration),
    /// More time is to be asked of this server, or of anybody; until then that makes sense.
    More(Option<Ipv4Addr>, Duration),
    /// The address must not be used any more.
    Over,
}

impl HeldLease {
    pub fn need(&self, now: Duration) -> Need {
        let times = self.times;
        let age = now.saturating_sub(self.since);
        let until = |age: Duration| self.since.saturating_add(age);
        match self.asks_alone(now) {
            _ if age >= times.expire => Need::Over,
            _ if age < times.renew && !self.unsure => Need::Nothing(until(times.renew)),
            Some(server) => Need::More(Some(server), until(times.rebind)),
            None => Need::More(None, until(times.expire)),
        }
    }

    /// The next try, after one at `now` of a question that makes sense until `end`: after half of what is left, but
    /// no less than a minute, short leases have less, and at `end` at the latest, when another question makes sense.
    pub fn pause(&self, now: Duration, end: Duration) -> Duration {
        let least = self.times.expire.min(Duration::from_secs(480)) / 8;
        let left = end.saturating_sub(now);
        (left / 2).max(least).min(left)
    }

    /// While one server alone is asked, no other can say no.
    pub fn hears(&self, server: Option<Ipv4Addr>, now: Duration) -> bool {
        match (self.asks_alone(now), server) {
            (Some(asked), Some(server)) => asked == server,
            _ => true,
        }
    }

    fn asks_alone(&self, now: Duration) -> Option<Ipv4Addr> {
        let age = now.saturating_sub(self.since);
        let alone = age < self.times.rebind && !self.unsure;
        self.lease.server.filter(|_| alone)
    }
}
