//! The DHCPv6 client: asks where a router says that there is something to be had, and for that alone.
//!
//! exchange.rs says what to send when, message.rs makes it bytes and reads what comes back; here are the sockets, and what a
//! grant makes of the link. Routes, and addresses without a server, are the kernel's business: they come from routers.

pub mod answer;
pub mod exchange;
mod held_addresses;
pub mod message;
mod options;
pub mod step;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::AsFd;

use log::Level;

use self::answer::Answer;
use self::exchange::Exchange;
use self::message::{Ask, CLIENT_PORT, Heard, SERVER_PORT, SERVERS};
use self::step::{Change, Mode, Step};
use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::address::configure::{self, Address};
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::dhcp::doubt::Doubt;
use crate::net::dhcp::refusal_log::Refusals;
use crate::net::link::links::{self, Changes, Link};
use crate::net::link::router_flags::{self, RouterFlags};
use crate::net::link::rtnetlink::Message;
use crate::sys::kernel;
use crate::sys::socket::{readable, readable_each, udp6_on_link};
use crate::system_root::SystemRoot;

// linux/rtnetlink.h: the groups RTNLGRP_IPV6_IFADDR (9) and RTNLGRP_IPV6_IFINFO (12)
const GROUPS: u32 = 1 << 8 | 1 << 11;
/// The longest message we read.
const MESSAGE: usize = 4096;
/// Messages read in one go: a flood must not keep us from renewing.
const AT_ONCE: usize = 64;
/// An address stands for itself: which others are on the link, routers say.
const ALONE: u8 = 128;

/// One card's client.
pub struct Client<'a> {
    /// The files of this machine.
    pub host: &'a SystemRoot,
    /// For pauses and lifetimes.
    pub clock: &'a Clock,
    /// The card.
    pub link: Link,
    /// Rank of its addresses' routes and of its name servers: the lower goes first.
    pub metric: u32,
    /// Where name servers go.
    pub resolv_conf: &'a ResolvConf,
    /// Told in a few words whenever the state changes.
    pub report: &'a (dyn Fn(&str) + Sync),
    /// Whether the port may be in another network though no carrier was lost.
    pub doubt: Doubt,
}

impl Client<'_> {
    /// Comes back only when the link is gone or its sockets cannot be had.
    pub fn run(mut self) -> Result<()> {
        links::must_be_ours(self.host)?;
        let mut changes = Changes::open(GROUPS)?;
        let (mut mode, mut lost) = (None, false);
        self.refresh(&mut mode)?;
        while !(self.link.carrier && mode.is_some()) {
            readable([changes.as_fd()], None).context("waiting for an IPv6 router")?;
            self.follow(&mut changes, &mut mode, &mut lost)?;
        }
        let socket = udp6_on_link(&self.link.name, CLIENT_PORT)
            .and_then(|udp| udp.set_nonblocking(true).map(|()| udp))
            .with_context(|| format!("listening for DHCPv6 on {}", self.link.name))?;
        let mut exchange = self.exchange(mode.unwrap_or(Mode::Stateless))?;
        let mut refusals = Refusals::default();
        loop {
            let until = match exchange.step() {
                Step::Send(ask) if self.link.carrier => {
                    self.send(&socket, &ask, &exchange, &refusals);
                    continue;
                }
                // Nobody would hear it.
                Step::Send(_) => continue,
                Step::Expire => {
                    self.give_up("the DHCPv6 lease ran out")?;
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
            let waited = [changes.as_fd(), socket.as_fd()].into_iter();
            let waited: Vec<_> = waited.chain(self.doubt.word()).collect();
            let ready = readable_each(&waited, left).context("waiting for DHCPv6")?;
            let [changed, heard, moved] = [0, 1, 2].map(|at| ready.get(at) == Some(&true));
            if moved {
                self.doubt.begin(self.clock.elapsed());
            }
            if changed {
                self.follow(&mut changes, &mut mode, &mut lost)?;
                if lost && self.link.carrier {
                    lost = false;
                    exchange.reconnected();
                }
                // Addresses once granted stay when a router says that it has none any more.
                if mode == Some(Mode::Stateful) && exchange.mode == Mode::Stateless {
                    exchange = self.exchange(Mode::Stateful)?;
                }
                self.check_duplicates(&socket, &mut exchange)?;
            }
            if heard {
                self.hear(&socket, &mut exchange, &mut refusals)?;
            }
        }
    }

    fn exchange(&self, mode: Mode) -> Result<Exchange> {
        let mut transaction = [0; 3];
        kernel::random(&mut transaction).context("choosing a DHCPv6 transaction")?;
        Ok(Exchange::new(self.clock.clone(), mode, transaction))
    }

    /// A send that fails is one more unanswered try: before the link has an address of its own, all do.
    fn send(&self, socket: &UdpSocket, ask: &Ask, exchange: &Exchange, refusals: &Refusals) {
        let name = &self.link.name;
        let waited = exchange.waited();
        let message = message::message(ask, self.link.mac, exchange.transaction, waited);
        let to = SocketAddrV6::new(SERVERS, SERVER_PORT, 0, self.link.index);
        match socket.send_to(&message, to) {
            Ok(_) => log::debug!("{name}: DHCPv6 {:?}, try {}", ask.kind, exchange.tries()),
            Err(error) => log::debug!("{name}: sending to DHCPv6 servers: {error}"),
        }
        let so_far = refusals.summary();
        let so_far = so_far.unwrap_or_else(|| "no answer yet".to_owned());
        (self.report)(&format!("DHCPv6: try {}, {so_far}", exchange.tries()));
    }

    fn hear(
        &self,
        socket: &UdpSocket,
        exchange: &mut Exchange,
        refusals: &mut Refusals,
    ) -> Result<()> {
        let mut buffer = [0; MESSAGE];
        let name = &self.link.name;
        for _ in 0..AT_ONCE {
            let heard = match socket.recv(&mut buffer) {
                Ok(length) => message::hear(&buffer[..length], self.link.mac, exchange.transaction),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // An ICMP error for something sent, or the link went down.
                Err(error) => {
                    log::debug!("{name}: hearing DHCPv6: {error}");
                    return Ok(());
                }
            };
            let answer = match heard {
                Heard::Foreign => continue,
                Heard::Unusable(why) => {
                    refusals.note(name, Level::Warn, format!("DHCPv6: {why}"));
                    continue;
                }
                Heard::Answer(answer, faults) => {
                    for fault in faults {
                        refusals.tell(name, Level::Warn, format!("DHCPv6: {fault}"));
                    }
                    answer
                }
            };
            match exchange.hear(answer) {
                Change::Nothing => {}
                Change::Told(why) => refusals.note(name, Level::Warn, why),
                Change::TakenBack(why) => self.give_up(&why)?,
                Change::Granted(answer) => {
                    refusals.forget();
                    self.take(&answer)?;
                }
            }
        }
        Ok(())
    }

    /// Names first, the addresses last: whoever waits for an address finds all the rest in place.
    fn take(&self, answer: &Answer) -> Result<()> {
        let name = &self.link.name;
        let ips = |ips: &[Ipv6Addr]| ips.iter().copied().map(IpAddr::from).collect();
        let names = Names {
            servers: ips(&answer.name_servers),
            search: answer.search.clone(),
            time_servers: ips(&answer.time_servers),
            zone: Some(name.clone()),
        };
        self.resolv_conf
            .learn(self.metric, &source(&self.link), names);
        let assigned = configure::list()?;
        let there = |ip: IpAddr| {
            let own = assigned.iter().filter(|own| own.link == self.link.index);
            own.into_iter().any(|own| own.address.ip == ip)
        };
        for granted in &answer.addresses {
            let address = alone(granted.ip);
            if there(address.ip) {
                log::debug!("{name}: {} is ours for longer", granted.ip);
                continue;
            }
            log::info!(
                "{name}: {} by DHCPv6, for {}; name servers {:?}",
                granted.ip,
                match granted.valid {
                    u32::MAX => "ever".to_owned(),
                    valid => format!("{valid} s"),
                },
                answer.name_servers,
            );
            if let Err(error) = configure::add(self.host, &self.link, address, self.metric) {
                log::warn!("{error}");
            }
        }
        // Of an earlier grant, and not of this one.
        let kept = |ip: IpAddr| answer.addresses.iter().any(|granted| ip == granted.ip);
        self.remove(|ip| !answer.addresses.is_empty() && !kept(ip))?;
        (self.report)(&match answer.addresses.first() {
            Some(granted) => format!("{} by DHCPv6", granted.ip),
            None => "name servers by DHCPv6".to_owned(),
        });
        Ok(())
    }

    fn check_duplicates(&self, socket: &UdpSocket, exchange: &mut Exchange) -> Result<()> {
        let ours = exchange.addresses();
        if ours.is_empty() {
            return Ok(());
        }
        for assigned in configure::list()? {
            let IpAddr::V6(ip) = assigned.address.ip else {
                continue;
            };
            if assigned.link == self.link.index && assigned.duplicate && ours.contains(&ip) {
                let ask = exchange.decline(ip);
                if let Some(ask) = ask {
                    self.send(socket, &ask, exchange, &Refusals::default());
                }
                return self.give_up(&format!("somebody else has {ip}, which DHCPv6 granted"));
            }
        }
        Ok(())
    }

    fn give_up(&self, why: &str) -> Result<()> {
        log::warn!("{}: {why}; looking for other addresses", self.link.name);
        (self.report)(why);
        let nothing = Names::default();
        self.resolv_conf
            .learn(self.metric, &source(&self.link), nothing);
        self.remove(|_| true)
    }

    /// Removes those of our kind that are meant; a router's have shorter prefixes.
    fn remove(&self, meant: impl Fn(IpAddr) -> bool) -> Result<()> {
        for assigned in configure::list()? {
            let Address { ip, prefix } = assigned.address;
            let ours = assigned.link == self.link.index && ip.is_ipv6() && prefix == ALONE;
            if ours && meant(ip) {
                configure::remove(self.host, &self.link, assigned.address)?;
            }
        }
        Ok(())
    }

    /// Keeps up with what the kernel says of our link and its routers; sets `lost` when the carrier is or was out.
    fn follow(
        &mut self,
        changes: &mut Changes,
        mode: &mut Option<Mode>,
        lost: &mut bool,
    ) -> Result<()> {
        let Some(messages) = changes.take() else {
            *lost = true;
            return self.refresh(mode);
        };
        for message in &messages {
            self.notice(message, mode, lost)?;
        }
        Ok(())
    }

    fn notice(
        &mut self,
        message: &Message,
        mode: &mut Option<Mode>,
        lost: &mut bool,
    ) -> Result<()> {
        if let Some(flags) = RouterFlags::read(message) {
            if flags.link == self.link.index {
                *mode = mode_of(flags).or(*mode);
            }
        } else if let Some(link) = Link::read(message).filter(|l| l.index == self.link.index) {
            if link.gone {
                return Err(Error::plain(format!("{} is gone", link.name)));
            }
            *lost |= !link.carrier;
            self.link = link;
        }
        Ok(())
    }

    fn refresh(&mut self, mode: &mut Option<Mode>) -> Result<()> {
        let index = self.link.index;
        let found = links::list()?.into_iter().find(|link| link.index == index);
        self.link = found.ok_or_else(|| Error::plain(format!("{} is gone", self.link.name)))?;
        let flags = router_flags::list()?;
        let flags = flags.into_iter().find(|flags| flags.link == index);
        *mode = flags.and_then(mode_of).or(*mode);
        Ok(())
    }
}

/// Under what name the servers of this link's DHCPv6 are kept.
pub fn source(link: &Link) -> String {
    format!("{} by DHCPv6", link.name)
}

/// What there is to ask for; none where routers say that there is nothing.
pub fn mode_of(flags: RouterFlags) -> Option<Mode> {
    match (flags.addresses, flags.other) {
        (true, _) => Some(Mode::Stateful),
        (false, true) => Some(Mode::Stateless),
        (false, false) => None,
    }
}

fn alone(ip: Ipv6Addr) -> Address {
    Address {
        ip: ip.into(),
        prefix: ALONE,
    }
}
