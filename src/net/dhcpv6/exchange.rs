//! One card's conversation with the DHCPv6 servers: what to send when, and what an answer changes (RFC 8415 §18.2).
//! Sends nothing itself; the time is that of the clock it was given.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::clock::Clock;
use crate::net::dhcp::lease_times::Times;
use crate::net::dhcpv6::answer::{self, Answer};
use crate::net::dhcpv6::held_addresses::{Held, Need};
use crate::net::dhcpv6::message::{Ask, Kind};
use crate::net::dhcpv6::step::{Change, Mode, Step};

/// RFC 8415 §7.6: the first pause of a question, which is also how long offers are compared.
const FIRST: Duration = Duration::from_secs(1);
/// Pauses double up to this, as RFC 3315 had it; RFC 7083 says an hour, for networks of phones.
const LONGEST: Duration = Duration::from_secs(120);
/// Requests for what a server offered before the next offer is requested.
const REQUESTS: u32 = 4;
/// RFC 8415 §21.23: when nothing is said, and the least.
const REFRESH: u32 = 86_400;
const SOONEST_REFRESH: u32 = 600;
/// Offers kept for the case that the best comes to nothing.
const OFFERS: usize = 4;

/// What is known of one card's addresses, and what comes next.
pub struct Exchange {
    clock: Clock,
    /// For what it was made.
    pub mode: Mode,
    /// Number of the question; answers to another are not ours.
    pub transaction: [u8; 3],
    state: State,
    tries: u32,
    /// When the first of these tries was, and when the next is due.
    began: Duration,
    due: Duration,
    /// When the last try was.
    asked: Duration,
    /// Conversations that came to nothing, one after the other.
    setbacks: u32,
}

enum State {
    /// Nobody yet; offers, the best first.
    Looking(Vec<Answer>),
    /// The best of them, and those that are left.
    Requesting(Answer, Vec<Answer>),
    Holding(Held),
    /// All there is without an address, and until when.
    Informed(Duration),
}

impl Exchange {
    /// `transaction` begins the numbers that tell our answers from others'.
    pub fn new(clock: Clock, mode: Mode, transaction: [u8; 3]) -> Self {
        let now = clock.elapsed();
        Exchange {
            clock,
            mode,
            transaction,
            state: State::Looking(Vec::new()),
            tries: 0,
            began: now,
            due: now,
            asked: now,
            setbacks: 0,
        }
    }

    /// Tries since something last changed.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Since the first of these tries.
    pub fn waited(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.began)
    }

    /// The addresses that are held now.
    pub fn addresses(&self) -> Vec<Ipv6Addr> {
        match &self.state {
            State::Holding(held) => held.answer.ips(),
            _ => Vec::new(),
        }
    }

    /// The carrier was lost: whether the addresses hold where the cable is now is to be asked.
    pub fn reconnected(&mut self) {
        self.turn();
        self.setbacks = 0;
        match &mut self.state {
            State::Holding(held) => held.unsure = Some(self.began),
            State::Informed(_) => self.state = State::Looking(Vec::new()),
            _ => {}
        }
    }

    /// Somebody else has an address of ours: tells the server, and what is to be sent to it.
    pub fn decline(&mut self, ip: Ipv6Addr) -> Option<Ask> {
        let State::Holding(held) = &self.state else {
            return None;
        };
        let ask = Ask {
            kind: Kind::Decline,
            server: Some(held.answer.server.clone()),
            addresses: vec![ip],
        };
        self.restart();
        Some(ask)
    }

    /// What to do now.
    pub fn step(&mut self) -> Step {
        let now = self.clock.elapsed();
        match &self.state {
            State::Holding(held) => return self.hold(now, held.need(now)),
            State::Informed(until) if now < *until => return Step::Wait(*until),
            State::Informed(_) => {
                self.state = State::Looking(Vec::new());
                self.turn();
            }
            _ => {}
        }
        if now < self.due {
            return Step::Wait(self.due);
        }
        if let State::Looking(offers) = &mut self.state
            && !offers.is_empty()
        {
            let best = offers.remove(0);
            self.state = State::Requesting(best, std::mem::take(offers));
            self.turn();
        }
        if let State::Requesting(_, others) = &mut self.state
            && self.tries >= REQUESTS
        {
            match others.is_empty() {
                true => self.restart(),
                false => {
                    let next = others.remove(0);
                    self.state = State::Requesting(next, std::mem::take(others));
                    self.turn();
                }
            }
            return Step::Wait(self.due);
        }
        let ask = match (&self.state, self.mode) {
            (State::Requesting(offer, _), _) => Ask {
                kind: Kind::Request,
                server: Some(offer.server.clone()),
                addresses: offer.ips(),
            },
            (_, mode) => Ask {
                kind: match mode {
                    Mode::Stateful => Kind::Solicit,
                    Mode::Stateless => Kind::Information,
                },
                server: None,
                addresses: Vec::new(),
            },
        };
        self.send(ask, LONGEST)
    }

    fn hold(&mut self, now: Duration, need: Need) -> Step {
        let State::Holding(held) = &mut self.state else {
            return Step::Wait(self.due);
        };
        let (kind, end) = match need {
            Need::Nothing(until) => return Step::Wait(until),
            Need::Over => {
                self.restart();
                return Step::Expire;
            }
            Need::Believed => {
                held.unsure = None;
                self.turn();
                return Step::Wait(now);
            }
            Need::Ask(kind, end) => (kind, end),
        };
        if now < self.due {
            return Step::Wait(self.due.min(end));
        }
        let server = (kind == Kind::Renew).then(|| held.answer.server.clone());
        let addresses = held.answer.ips();
        let longest = match kind {
            Kind::Confirm => 4 * FIRST,
            // Half of what is left, as DHCPv4 has it, and of short leases less.
            _ => (end.saturating_sub(now) / 2).max(held.times.expire.min(8 * LONGEST) / 8),
        };
        let ask = Ask {
            kind,
            server,
            addresses,
        };
        let step = self.send(ask, longest);
        self.due = self.due.min(end); // another question makes sense then, at once
        step
    }

    fn send(&mut self, ask: Ask, longest: Duration) -> Step {
        let now = self.clock.elapsed();
        if self.tries == 0 {
            self.began = now;
        }
        let pause = FIRST
            .saturating_mul(1 << (self.tries + self.setbacks).min(16))
            .min(longest);
        self.tries += 1;
        self.asked = now;
        // RFC 8415 §15: a tenth of it either way; the first one is longer, so that all offers come before its end.
        let spread = match self.tries {
            1 => pause..pause + pause / 10,
            _ => pause - pause / 10..pause + pause / 10,
        };
        self.due = now + self.clock.between(spread);
        Step::Send(ask)
    }

    /// An answer to the transaction of this exchange.
    pub fn hear(&mut self, answer: Answer) -> Change {
        let (now, who) = (self.clock.elapsed(), answer.who());
        if let Some((code, words)) = &answer.status {
            return self.refused(
                &answer,
                format!("{who} refuses: {} {words}", answer::meaning(*code)),
            );
        }
        match &mut self.state {
            State::Looking(offers) if self.mode == Mode::Stateful && answer.advertised => {
                if answer.addresses.is_empty() {
                    return Change::Told(format!("{who} offers no address"));
                }
                let known = offers.iter().any(|offer| offer.server == answer.server);
                if known || offers.len() >= OFFERS {
                    return Change::Nothing;
                }
                // Of equals, the first: the order is who comes before it.
                let better = |offer: &Answer| offer.preference >= answer.preference;
                let place = offers.iter().take_while(|offer| better(offer)).count();
                let at_once = answer.preference == u8::MAX || self.tries > 1;
                offers.insert(place, answer);
                if at_once {
                    self.due = now;
                }
                Change::Nothing
            }
            State::Looking(_) if self.mode == Mode::Stateless && !answer.advertised => {
                let refresh = answer.refresh.unwrap_or(REFRESH).max(SOONEST_REFRESH);
                self.state = State::Informed(now + Duration::from_secs(refresh.into()));
                (self.tries, self.setbacks) = (0, 0);
                Change::Granted(answer)
            }
            State::Requesting(offer, _) if !answer.advertised => {
                match offer.server == answer.server {
                    true if answer.addresses.is_empty() => {
                        self.give_up_offer();
                        Change::Told(format!("{who} offered an address and grants none"))
                    }
                    true => self.granted(answer),
                    false => Change::Told(format!("{who} answers, but another was asked")),
                }
            }
            State::Holding(held) if !answer.advertised && self.tries > 0 => {
                if held.unsure.is_some() {
                    held.unsure = None;
                    self.turn();
                    return Change::Nothing;
                }
                let alone = held.asks_alone(now) && held.answer.server != answer.server;
                // RFC 8415 §18.2.10.1: an answer without the addresses says nothing of them.
                if alone || answer.addresses.is_empty() {
                    return Change::Nothing;
                }
                match answer.addresses.iter().all(|granted| granted.valid == 0) {
                    true => {
                        self.restart();
                        Change::TakenBack(format!("{who} took the address back"))
                    }
                    false => self.granted(answer),
                }
            }
            _ => Change::Nothing,
        }
    }

    fn refused(&mut self, answer: &Answer, told: String) -> Change {
        let now = self.clock.elapsed();
        match &self.state {
            State::Requesting(offer, _) if offer.server == answer.server => {
                self.give_up_offer();
                Change::Told(told)
            }
            State::Holding(held) if self.tries > 0 && !answer.advertised => {
                let alone = held.asks_alone(now) && held.answer.server != answer.server;
                match alone {
                    true => Change::Nothing,
                    false => {
                        self.restart();
                        Change::TakenBack(told)
                    }
                }
            }
            State::Looking(_) => Change::Told(told),
            _ => Change::Nothing,
        }
    }

    fn granted(&mut self, mut answer: Answer) -> Change {
        answer.addresses.retain(|granted| granted.valid > 0);
        let shortest = answer.addresses.iter().map(|granted| granted.valid).min();
        let (renew, rebind) = answer.renew_rebind;
        let said = |time: u32| (time > 0).then_some(time);
        let times = Times::new(shortest.unwrap_or_default(), said(renew), said(rebind));
        self.state = State::Holding(Held {
            answer: answer.clone(),
            times,
            since: self.asked,
            unsure: None,
        });
        self.turn();
        self.setbacks = 0;
        Change::Granted(answer)
    }

    fn give_up_offer(&mut self) {
        self.tries = REQUESTS;
        self.due = self.clock.elapsed();
    }

    fn restart(&mut self) {
        self.state = State::Looking(Vec::new());
        self.turn();
        self.setbacks += 1;
        self.due += self.clock.between(Duration::ZERO..FIRST);
    }

    /// A new question, now: answers to the one before are not waited for any more.
    fn turn(&mut self) {
        self.tries = 0;
        self.began = self.clock.elapsed();
        self.due = self.began;
        let [a, b, c] = self.transaction;
        let [_, next @ ..] = (u32::from_be_bytes([0, a, b, c]) + 1).to_be_bytes();
        self.transaction = next;
    }
}
