//! One card's conversation with the DHCP servers: what to send when, and what an answer changes.
//! RFC 2131 §4.4. Sends nothing itself; the time is that of the clock it was given.

use std::net::Ipv4Addr;
use std::time::Duration;

use log::Level;

use crate::clock::Clock;
use crate::net::dhcp::held_lease::{HeldLease, Need};
use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::lease_times::Times;
use crate::net::dhcp::message::{Ask, Reply};
use crate::net::dhcp::step::{Change, Step, To};

/// Requests for an offered address before we look for another offer.
const REQUESTS: u32 = 4;
/// RFC 2131 §4.1: the pause between tries doubles up to 64 s. It says 4 s at first; most servers
/// answer within milliseconds, and a switch port that just came up eats the first tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// How long a better offer is waited for, once there is one that lacks what a client needs.
const BETTER: Duration = Duration::from_secs(3);

/// What is known of one card's lease, and what comes next.
pub struct Exchange {
    clock: Clock,
    /// Number of the conversation; answers to another are not ours.
    pub transaction: u32,
    state: State,
    /// Tries in this state, when the last was, and when the next is due.
    tries: u32,
    asked: Duration,
    due: Duration,
    began: Duration,
    /// Offers that came to nothing, one after the other.
    setbacks: u32,
}

enum State {
    /// Nothing yet, or nothing any more; perhaps an offer that lacks something, and until when it may be outdone.
    Looking(Option<(Lease, Duration)>),
    Requesting(Lease),
    Holding(HeldLease),
}

impl Exchange {
    /// Without a lease; `transaction` begins the numbers that tell our answers from others'.
    pub fn new(clock: Clock, transaction: u32) -> Self {
        let began = clock.elapsed();
        Exchange {
            clock,
            transaction,
            state: State::Looking(None),
            tries: 0,
            asked: began,
            due: began,
            began,
            setbacks: 0,
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

    /// What is being asked for, if a server offered it.
    pub fn offer(&self) -> Option<&Lease> {
        match &self.state {
            State::Requesting(offer) | State::Looking(Some((offer, _))) => Some(offer),
            _ => None,
        }
    }

    /// The carrier was lost: whoever is at the other end now must confirm the lease.
    pub fn reconnected(&mut self) {
        (self.tries, self.setbacks, self.due) = (0, 0, self.clock.elapsed());
        if let State::Holding(held) = &mut self.state {
            held.unsure = true;
        }
    }

    /// What to do now.
    pub fn step(&mut self) -> Step {
        let now = self.clock.elapsed();
        if let State::Holding(held) = &self.state {
            let (to, end) = match held.need(now) {
                Need::Nothing(until) => return Step::Wait(until),
                Need::More(server, end) => (server.map_or(To::Everybody, To::Server), end),
                Need::Over => {
                    self.restart();
                    return Step::Expire;
                }
            };
            if now < self.due {
                return Step::Wait(self.due.min(end));
            }
            let (address, pause) = (held.lease.address, held.pause(now, end));
            let unsure = held.unsure;
            return self.send(Ask::Extend { address }, to, |exchange| match unsure {
                true => exchange.pause(),
                false => pause,
            });
        }
        if let State::Looking(Some((_, until))) = &self.state
            && now >= *until
            && let State::Looking(Some((offer, _))) =
                std::mem::replace(&mut self.state, State::Looking(None))
        {
            self.request(offer);
        }
        if now < self.due {
            return Step::Wait(match &self.state {
                State::Looking(Some((_, until))) => self.due.min(*until),
                _ => self.due,
            });
        }
        if matches!(self.state, State::Requesting(_)) && self.tries >= REQUESTS {
            self.restart();
            return Step::Wait(self.due);
        }
        let ask = match &self.state {
            State::Requesting(offer) => Ask::Request {
                address: offer.address,
                server: offer.server,
            },
            _ => Ask::Discover,
        };
        self.send(ask, To::Everybody, Exchange::pause)
    }

    fn send(&mut self, ask: Ask, to: To, pause: impl Fn(&Self) -> Duration) -> Step {
        self.tries += 1;
        self.asked = self.clock.elapsed();
        self.due = self.asked + pause(self);
        Step::Send(ask, to)
    }

    /// An answer to the transaction of this exchange.
    pub fn hear(&mut self, reply: Reply) -> Change {
        match reply {
            Reply::Offer(offer) => self.hear_offer(offer),
            Reply::Ack(lease) => self.hear_ack(lease),
            Reply::Nak { server, why } => self.hear_nak(server, &why),
        }
    }

    fn hear_offer(&mut self, offer: Lease) -> Change {
        let said = named(offer.server);
        let address = offer.address;
        match &self.state {
            State::Looking(_) if offer.is_complete() => {
                self.request(offer);
                Change::Nothing
            }
            State::Looking(None) => {
                let lacking = match (&offer.server, &offer.times) {
                    (None, None) => "neither a server (option 54) nor a lease time (option 51)",
                    (None, _) => "no server (option 54)",
                    _ => "no lease time (option 51)",
                };
                let until = self.clock.elapsed() + BETTER;
                self.state = State::Looking(Some((offer, until)));
                let told = format!(
                    "the offer of {address} by {said} names {lacking}; it is taken if no better one comes"
                );
                Change::Kept(told)
            }
            State::Looking(Some((known, _))) | State::Requesting(known) if known.same(&offer) => {
                Change::Nothing
            }
            State::Holding(_) => Change::Nothing,
            _ => Change::Told(Level::Info, format!("{said} offers {address}, too")),
        }
    }

    fn hear_ack(&mut self, mut lease: Lease) -> Change {
        let before = match &self.state {
            State::Looking(_) => {
                let told = format!(
                    "{} confirms {}, which nobody asked for",
                    named(lease.server),
                    lease.address
                );
                return Change::Told(Level::Warn, told);
            }
            State::Requesting(offer) => {
                if let (Some(asked), Some(server)) = (offer.server, lease.server)
                    && asked != server
                {
                    let told =
                        format!("{server} confirms {}, but {asked} was asked", lease.address);
                    return Change::Told(Level::Warn, told);
                }
                offer
            }
            // Only a renewal that was asked for is one.
            State::Holding(_) if self.tries == 0 => return Change::Nothing,
            State::Holding(held) if held.lease.address != lease.address => {
                let told = format!(
                    "{} confirms {}, but {} is ours",
                    named(lease.server),
                    lease.address,
                    held.lease.address
                );
                return Change::Told(Level::Warn, told);
            }
            State::Holding(held) => &held.lease,
        };
        // What it does not say again is as it was.
        lease.server = lease.server.or(before.server);
        let times = lease.times.or(before.times).unwrap_or(Times::UNSAID);
        lease.times = Some(times);
        self.state = State::Holding(HeldLease {
            lease: lease.clone(),
            times,
            since: self.asked,
            unsure: false,
        });
        (self.tries, self.setbacks, self.due) = (0, 0, self.clock.elapsed());
        Change::Granted(lease)
    }

    fn hear_nak(&mut self, server: Option<Ipv4Addr>, why: &str) -> Change {
        let why = match why {
            "" => "without a word",
            why => why,
        };
        let told = |what: &str| {
            let told = format!("{} says no (NAK, {why}); {what}", named(server));
            Change::Told(Level::Warn, told)
        };
        match &self.state {
            State::Requesting(offer) => match (offer.server, server) {
                (Some(asked), Some(server)) if asked == server => {
                    let address = offer.address;
                    self.restart();
                    Change::Refused(format!(
                        "the server {server} refused {address}, which it had offered (NAK, {why})"
                    ))
                }
                (Some(asked), Some(_)) => told(&format!("{asked} was asked, not that one")),
                // It may be meant for us or not; whoever is to confirm does so within this try.
                _ => {
                    self.tries = REQUESTS;
                    told("nobody knows whom it speaks for")
                }
            },
            State::Holding(_) if self.tries == 0 => Change::Nothing,
            State::Holding(held) if !held.hears(server, self.clock.elapsed()) => {
                told("another one was asked for more time")
            }
            State::Holding(_) => {
                self.restart();
                Change::TakenBack
            }
            State::Looking(_) => Change::Nothing,
        }
    }

    fn request(&mut self, offer: Lease) {
        self.state = State::Requesting(offer);
        (self.tries, self.due) = (0, self.clock.elapsed());
    }

    /// Looks for a lease anew, after a breath that grows: a server that refuses at once must not be asked in a loop.
    fn restart(&mut self) {
        self.state = State::Looking(None);
        self.transaction = self.transaction.wrapping_add(1);
        self.began = self.clock.elapsed();
        self.setbacks += 1;
        self.tries = self.setbacks;
        self.due = self.began + self.pause();
        self.tries = 0;
    }

    /// RFC 2131 §4.1: doubling, and random by half a second or more either way, so that a hall of
    /// machines switched on at once does not ask in step.
    fn pause(&self) -> Duration {
        let whole =
            Duration::from_secs(1 << self.tries.saturating_sub(1).min(6)).min(LONGEST_PAUSE);
        self.clock.between(whole / 2..whole * 3 / 2)
    }
}

fn named(server: Option<Ipv4Addr>) -> String {
    server.map_or("a server that does not say which".into(), |server| {
        format!("the server {server}")
    })
}
