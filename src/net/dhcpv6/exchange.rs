//! One card's conversation with the DHCPv6 servers: what to send when, and what an answer changes (RFC 8415 §18.2).
//! Sends nothing itself; the time is that of the clock it was given.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::clock::Clock;
use crate::net::dhcp::lease_times::Times;
use crate::net::dhcpv6::message::{Answer, Ask, Kind};

/// RFC 8415 §7.6: the first pause of a question, which is also how long offers are compared.
const FIRST: Duration = Duration::from_secs(1);
/// Pauses double up to this, as RFC 3315 had it; RFC 7083 says an hour, for networks of phones.
const LONGEST: Duration = Duration::from_secs(120);
/// Requests for what a server offered before the next offer is requested.
const REQUESTS: u32 = 4;
/// RFC 8415 §7.6, CNF_MAX_RD: when nobody has confirmed, the addresses are believed.
const CONFIRM: Duration = Duration::from_secs(10);
/// RFC 8415 §21.23: when nothing is said, and the least.
const REFRESH: u32 = 86_400;
const SOONEST_REFRESH: u32 = 600;
/// Offers kept for the case that the best comes to nothing.
const OFFERS: usize = 4;

/// What the router says is to be had here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything but addresses.
    Stateless,
    /// Addresses, and everything else.
    Stateful,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and wait for an answer until the next step is due.
    Send(Ask),
    /// Nothing until this time of the clock.
    Wait(Duration),
    /// The addresses must not be used any more.
    Expire,
}

/// What an answer changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// Addresses are ours, or for longer, or what goes without an address is known.
    Granted(Answer),
    /// The addresses must not be used any more, and why.
    TakenBack(String),
    /// Nothing was gained, and why.
    Told(String),
}

/// What is known of one card's addresses, and what comes next.
pub struct Exchange {
    clock: Clock,
    mode: Mode,
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

struct Held {
    answer: Answer,
    times: Times,
    since: Duration,
    /// The carrier was lost since then, at this time the first question was asked whether it holds here.
    unsure: Option<Duration>,
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

    /// For what it was made.
    pub fn mode(&self) -> Mode {
        self.mode
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
            State::Holding(held) => addresses(&held.answer),
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
                addresses: addresses(offer),
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
        let addresses = addresses(&held.answer);
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
        self.send(ask, longest)
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
        let (now, who) = (self.clock.elapsed(), shown(&answer.server));
        if let Some((code, words)) = &answer.status {
            return self.refused(
                &answer,
                format!("{who} refuses: {} {words}", meaning(*code)),
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

enum Need {
    Nothing(Duration),
    /// This, of whoever is to be asked; until then that makes sense.
    Ask(Kind, Duration),
    /// Nobody has said that the addresses do not belong here.
    Believed,
    Over,
}

impl Held {
    fn need(&self, now: Duration) -> Need {
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
    fn asks_alone(&self, now: Duration) -> bool {
        self.unsure.is_none() && now.saturating_sub(self.since) < self.times.rebind
    }
}

fn addresses(answer: &Answer) -> Vec<Ipv6Addr> {
    answer.addresses.iter().map(|granted| granted.ip).collect()
}

/// An identifier for people: of the usual kinds, the Ethernet address at its end.
fn shown(server: &[u8]) -> String {
    let tail = &server[server.len().saturating_sub(6)..];
    let pairs: Vec<String> = tail.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("the DHCPv6 server …{}", pairs.join(":"))
}

/// RFC 8415 §21.13
fn meaning(code: u16) -> String {
    match code {
        1 => "it fails, and does not say why".to_owned(),
        2 => "it has no address to give".to_owned(),
        3 => "it does not know our lease".to_owned(),
        4 => "our address does not belong to this link".to_owned(),
        code => format!("status {code}"),
    }
}
