//! The DHCPv4 client: holds a lease on one card for as long as the machine runs.
//!
//! state_machine.rs says what to send when, message.rs makes it bytes, lease.rs reads what comes back, link_lease.rs
//! makes it an address; here are the sockets.

pub mod doubt;
mod held_lease;
pub mod lease;
pub mod lease_times;
mod link_lease;
pub mod message;
pub mod option_value;
pub mod options;
pub mod refusal_log;
pub mod state_machine;
pub mod step;
mod udp_packet;

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use log::Level;

use self::lease::Lease;
use self::link_lease::LinkLease;
use self::message::{Ask, CLIENT_PORT, Heard, SERVER_PORT};
use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::address::resolv_conf::ResolvConf;
use crate::net::dhcp::doubt::Doubt;
use crate::net::dhcp::refusal_log::Refusals;
use crate::net::dhcp::state_machine::Exchange;
use crate::net::dhcp::step::{Change, Step, To};
use crate::net::link::links;
use crate::net::link::links::{Changes, Link};
use crate::sys::kernel;
use crate::sys::socket::{Packets, readable, readable_each, udp_on_link};
use crate::system_root::SystemRoot;

/// linux/if_ether.h: ETH_P_IP
const IPV4: u16 = 0x0800;
/// The longest packet we read; servers are told to stay below it.
const PACKET: usize = 2048;
/// Packets read in one go: a flood must not keep us from renewing.
const AT_ONCE: usize = 64;

/// One card's client.
pub struct Client<'a> {
    /// The files of this machine.
    pub host: &'a SystemRoot,
    /// For pauses and lease times.
    pub clock: &'a Clock,
    /// The card.
    pub link: Link,
    /// Metric of its routes and rank of its name servers: the lower goes first.
    pub metric: u32,
    /// Where name servers go.
    pub resolv_conf: &'a ResolvConf,
    /// Told in a few words whenever the state changes.
    pub report: &'a (dyn Fn(&str) + Sync),
    /// Whether the port may be moved.
    pub doubt: Doubt,
}

/// Where answers come from: a card without an address hears only raw packets; with one, UDP is
/// enough, and no other packet of the card has to pass through here.
enum Ear {
    Packets(Packets),
    Udp(UdpSocket),
}

impl Client<'_> {
    /// Comes back only when the link is gone or its sockets cannot be had.
    pub fn run(mut self) -> Result<()> {
        links::must_be_ours(self.host)?;
        let mut transaction = [0; 4];
        kernel::random(&mut transaction).context("choosing a DHCP transaction")?;
        let mut exchange = Exchange::new(self.clock.clone(), u32::from_ne_bytes(transaction));
        let mut changes = Changes::open(0)?;
        self.refresh()?;
        loop {
            if self.link.carrier {
                exchange.reconnected();
                self.talk(&mut exchange, &mut changes)?;
            } else {
                self.sit(&mut exchange, &mut changes)?;
            }
        }
    }

    /// Talks to the servers until the carrier is lost.
    fn talk(&mut self, exchange: &mut Exchange, changes: &mut Changes) -> Result<()> {
        let mut ear = self.open_ear(exchange)?;
        let mut refusals = Refusals::default();
        while self.link.carrier {
            if matches!(ear, Ear::Udp(_)) != exchange.lease().is_some() {
                ear = self.open_ear(exchange)?;
            }
            let until = match exchange.step() {
                Step::Send(ask, to) => {
                    self.send(&ask, to, exchange, &ear, &refusals);
                    continue;
                }
                Step::Expire => {
                    self.give_up("the lease ran out")?;
                    continue;
                }
                Step::Wait(until) => until,
            };
            let now = self.clock.elapsed();
            if self.doubt.is_due(now) {
                exchange.reconnected();
                continue;
            }
            let left = until.saturating_sub(now).min(self.doubt.longest(now));
            let waited: Vec<_> = [changes.as_fd(), ear.as_fd()]
                .into_iter()
                .chain(self.doubt.word())
                .collect();
            let ready = readable_each(&waited, left).context("waiting for DHCP")?;
            let [changed, heard, moved] = [0, 1, 2].map(|at| ready.get(at) == Some(&true));
            if moved {
                self.doubt.begin(self.clock.elapsed());
            }
            if changed && self.follow(changes)? {
                // The servers at the other end may not be those of before.
                break;
            }
            if heard {
                self.hear(exchange, &ear, &mut refusals)?;
            }
        }
        log::warn!("{}: the carrier was lost", self.link.name);
        Ok(())
    }

    /// Waits for the cable; a lease that ends meanwhile is given up all the same.
    fn sit(&mut self, exchange: &mut Exchange, changes: &mut Changes) -> Result<()> {
        (self.report)("no carrier");
        while !self.link.carrier {
            let left = match exchange.lease() {
                None => None,
                Some(_) => match exchange.step() {
                    Step::Expire => {
                        self.give_up("the lease ran out")?;
                        continue;
                    }
                    Step::Wait(until) => Some(until.saturating_sub(self.clock.elapsed())),
                    // Nobody would hear it.
                    Step::Send(..) => continue,
                },
            };
            if readable([changes.as_fd()], left).context("waiting for a carrier")? == [true] {
                self.follow(changes)?;
            }
        }
        Ok(())
    }

    fn open_ear(&self, exchange: &Exchange) -> Result<Ear> {
        let ear = match exchange.lease() {
            None => Packets::open(self.link.index, IPV4).map(Ear::Packets),
            Some(_) => udp_on_link(&self.link.name, CLIENT_PORT)
                .and_then(|udp| udp.set_nonblocking(true).map(|()| Ear::Udp(udp))),
        };
        ear.with_context(|| format!("listening for DHCP on {}", self.link.name))
    }

    /// A send that fails is one more unanswered try.
    fn send(&self, ask: &Ask, to: To, exchange: &Exchange, ear: &Ear, refusals: &Refusals) {
        let (transaction, seconds) = (exchange.transaction, exchange.seconds());
        let message = message::message(ask, self.link.mac, transaction, seconds);
        let sent = match ear {
            Ear::Packets(packets) => packets.send([0xff; 6], &message::broadcast(&message)),
            Ear::Udp(udp) => {
                let to = match to {
                    To::Everybody => Ipv4Addr::BROADCAST,
                    To::Server(server) => server,
                };
                udp.send_to(&message, (to, SERVER_PORT)).map(drop)
            }
        };
        let tries = exchange.tries();
        let so_far = match (exchange.offer(), refusals.summary()) {
            (_, Some(refused)) => refused,
            (Some(offer), None) => format!("{} was offered, and not confirmed yet", offer.address),
            (None, None) => "no answer yet".to_owned(),
        };
        (self.report)(&format!("DHCP: try {tries}, {so_far}"));
        let name = &self.link.name;
        match sent {
            Ok(()) => log::debug!("{name}: DHCP {ask:?} to {to:?}, try {tries}"),
            Err(error) => log::warn!("{name}: sending to the DHCP server: {error}"),
        }
    }

    fn hear(&self, exchange: &mut Exchange, ear: &Ear, refusals: &mut Refusals) -> Result<()> {
        let mut buffer = [0; PACKET];
        let (name, mac) = (&self.link.name, self.link.mac);
        for _ in 0..AT_ONCE {
            let transaction = exchange.transaction;
            let heard = match ear {
                Ear::Packets(packets) => packets
                    .receive(&mut buffer)
                    .map(|packet| message::hear_packet(packet, mac, transaction)),
                Ear::Udp(udp) => udp
                    .recv(&mut buffer)
                    .map(|length| message::hear(&buffer[..length], mac, transaction)),
            };
            let reply = match heard {
                Ok(Heard::Reply(reply, faults)) => {
                    for fault in faults {
                        refusals.tell(name, Level::Warn, fault);
                    }
                    reply
                }
                Ok(Heard::Unusable(why)) => {
                    refusals.note(name, Level::Warn, why);
                    continue;
                }
                Ok(Heard::Foreign) => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // An ICMP error for something sent, or the link went down: neither is an answer.
                Err(error) => {
                    log::debug!("{name}: hearing DHCP: {error}");
                    return Ok(());
                }
            };
            let held = exchange.lease().cloned();
            match exchange.hear(reply) {
                Change::Nothing => {}
                Change::Told(level, why) => refusals.note(name, level, why),
                Change::Refused(why) => refusals.refuse(name, why),
                Change::Kept(why) => refusals.tell(name, Level::Warn, why),
                Change::Granted(lease) => {
                    refusals.forget();
                    self.take(&lease, held.as_ref());
                    // What listens for answers may have to change with the state.
                    return Ok(());
                }
                Change::TakenBack => return self.give_up("the server took the address back"),
            }
        }
        Ok(())
    }

    fn take(&self, lease: &Lease, held: Option<&Lease>) {
        match held.is_some_and(|held| held.same(lease)) {
            true => log::debug!("{}: {} is ours for longer", self.link.name, lease.address),
            false => self.link_lease().apply(lease),
        }
        (self.report)(&format!("{}/{} by DHCP", lease.address, lease.prefix));
    }

    fn give_up(&self, why: &str) -> Result<()> {
        log::warn!("{}: {why}; looking for another lease", self.link.name);
        (self.report)(why);
        self.link_lease().give_up()
    }

    fn link_lease(&self) -> LinkLease<'_> {
        LinkLease {
            host: self.host,
            link: &self.link,
            metric: self.metric,
            resolv_conf: self.resolv_conf,
        }
    }

    /// Keeps up with what the kernel says of our link; true when the carrier is out, or was for a moment.
    fn follow(&mut self, changes: &mut Changes) -> Result<bool> {
        let Some(messages) = changes.take() else {
            self.refresh()?;
            return Ok(true);
        };
        let mut lost = false;
        for message in messages {
            match Link::read(&message) {
                Some(link) if link.index != self.link.index => {}
                Some(link) if link.gone => {
                    return Err(Error::plain(format!("{} is gone", link.name)));
                }
                Some(link) => {
                    lost |= !link.carrier;
                    self.link = link;
                }
                None => {}
            }
        }
        Ok(lost)
    }

    fn refresh(&mut self) -> Result<()> {
        let index = self.link.index;
        self.link = links::list()?
            .into_iter()
            .find(|link| link.index == index)
            .ok_or_else(|| Error::plain(format!("{} is gone", self.link.name)))?;
        Ok(())
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Ear::Packets(packets) => packets.as_fd(),
            Ear::Udp(udp) => udp.as_fd(),
        }
    }
}
