//! Addresses that DHCPv6 granted: when to ask for more time, of whom, and who may take them back (RFC 8415 §18.2). Pure.

use std::time::Duration;

use crate::net::dhcp::lease_times::Times;
use crate::net::dhcpv6::answer::Answer;
use crate::net::dhcpv6::message::Kind;

/// RFC 8415 §7.6, CNF_MAX_RD: when nobody has confirmed, the addresses are believed.
const CONFIRM: Duration = Duration::from_secs(10);

pub struct Held {
    pub answer: Answer,
    pub times: Times,
    pub since: Duration,
    /// The carrier was lost since then, at this time the first question was asked whether it holds here.
    pub unsure: Option<Duration>,
}

/// What is to be done at some time.
pub enum Need {
    /// Nothing before this.
    Nothing(Duration),
    /// This, of whoever is to be asked; until then that makes sense.
    Ask(Kind, Duration),
    /// Nobody has said that the addresses do not belong here.
    Believed,
    /// They must not be used any more.
    Over,
}

impl Held {
    pub fn need(&self, now: Duration) -> Need {
        let (age, times) = (now.saturating_sub(self.since), self.times);
        let until = |age: Duration| self.since.saturating_add(age);
        match self.unsure {
            _ if age >= times.expire => Need::Over,
            Some(began) if now >= began + CONFIRM => Need::Believed,
            Some(began) => Need::Ask(Kind::Confirm, began + CONFIRM),
            None if age < times.renew => Need::Nothing(until(times.renew)),
            None if age < times.rebind => Need::Ask(Kind::Renew, until(times.rebind)),
            None => Need::Ask(Kind::Rebind, until(times.expire)),
        }
    }

    /// While one server alone is asked, no other can say no.
    pub fn asks_alone(&self, now: Duration) -> bool {
        self.unsure.is_none() && now.saturating_sub(self.since) < self.times.rebind
    }
}
