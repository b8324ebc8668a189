//! The DHCPv4 client: holds a lease on one card for as long as the machine runs.
//!
//! state_machine.rs says what to send when, message.rs makes it bytes, lease.rs reads what comes back;
//! here are the sockets, and the address and routes a lease becomes.

pub mod lease;
pub mod message;
pub mod state_machine;
pub mod step;

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use self::lease::{Lease, Times};
use self::message::{Ask, CLIENT_PORT, SERVER_PORT};
use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::address::addresses;
use crate::net::address::addresses::{Address, Route};
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::dhcp::state_machine::Exchange;
use crate::net::dhcp::step::{Change, Step, To};
use crate::net::link::links;
use crate::net::link::links::{Changes, Link};
use crate::sys::kernel;
use crate::sys::socket::{Packets, readable, udp_on_link};
use crate::system_root::SystemRoot;

/// linux/if_ether.h: ETH_P_IP
const IPV4: u16 = 0x0800;
/// The longest packet we read; servers are told to stay below it.
const PACKET: usize = 2048;

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
        while self.link.carrier {
            if matches!(ear, Ear::Udp(_)) != exchange.lease().is_some() {
                ear = self.open_ear(exchange)?;
            }
            let until = match exchange.step() {
                Step::Send(ask, to) => {
                    self.send(&ask, to, exchange, &ear);
                    continue;
                }
                Step::Expire => {
                    self.give_up("the lease ran out")?;
                    continue;
                }
                Step::Wait(until) => until,
            };
            let left = until.saturating_sub(self.clock.elapsed());
            let [changed, heard] =
                readable([changes.as_fd(), ear.as_fd()], Some(left)).context("waiting for DHCP")?;
            if changed && self.follow(changes)? {
                // The servers at the other end may not be those of before.
                break;
            }
            if heard {
                self.hear(exchange, &ear)?;
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
    fn send(&self, ask: &Ask, to: To, exchange: &Exchange, ear: &Ear) {
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
        (self.report)(&format!("DHCP: try {tries}, no answer yet"));
        let name = &self.link.name;
        match sent {
            Ok(()) => log::debug!("{name}: DHCP {ask:?} to {to:?}, try {tries}"),
            Err(error) => log::warn!("{name}: sending to the DHCP server: {error}"),
        }
    }

    fn hear(&self, exchange: &mut Exchange, ear: &Ear) -> Result<()> {
        let mut buffer = [0; PACKET];
        loop {
            let payload = match ear {
                Ear::Packets(packets) => packets.receive(&mut buffer).map(message::payload),
                Ear::Udp(udp) => match udp.recv_from(&mut buffer) {
                    Ok((length, from)) if from.port() == SERVER_PORT => Ok(buffer.get(..length)),
                    Ok(_) => Ok(None),
                    Err(error) => Err(error),
                },
            };
            let payload = match payload {
                Ok(payload) => payload,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // An ICMP error for something sent, or the link went down: neither is an answer.
                Err(error) => {
                    log::debug!("{}: hearing DHCP: {error}", self.link.name);
                    return Ok(());
                }
            };
            let reply = payload
                .and_then(|payload| message::reply(payload, self.link.mac, exchange.transaction));
            let held = exchange.lease().cloned();
            match reply.map_or(Change::Nothing, |reply| exchange.hear(reply)) {
                Change::Nothing => {}
                Change::Granted(lease) => {
                    self.apply(&lease, held.as_ref());
                    // What listens for answers may have to change with the state.
                    return Ok(());
                }
                Change::Refused => return self.give_up("the server took the address back"),
            }
        }
    }

    /// Routes and names first, the address last: whoever waits for an address finds all the rest in place.
    fn apply(&self, lease: &Lease, held: Option<&Lease>) {
        let name = &self.link.name;
        let state = format!("{}/{} by DHCP", lease.address, lease.prefix);
        if held.is_some_and(|held| held.same(lease)) {
            log::debug!("{name}: {} is ours for longer", lease.address);
            return (self.report)(&state);
        }
        let time = match lease.times {
            Times::FOR_EVER => "ever".to_owned(),
            times => format!("{} s", times.expire.as_secs()),
        };
        log::info!(
            "{name}: {}/{} from the DHCP server {}, for {time}; gateway {}, name servers {:?}",
            lease.address,
            lease.prefix,
            lease.server,
            gateway(lease).map_or("none".to_owned(), |gateway| gateway.to_string()),
            lease.name_servers,
        );
        self.resolv_conf.learn(self.metric, name, names(lease));
        if let Some(hostname) = &lease.hostname
            && let Err(error) = kernel::set_hostname(hostname)
        {
            log::warn!("{name}: host name {hostname}: {error}");
        }
        let mtu = lease.mtu.map(u32::from);
        if let Some(mtu) = mtu.filter(|mtu| *mtu != self.link.mtu) {
            tolerate(links::set_mtu(self.host, &self.link, mtu));
        }
        for (network, prefix, gateway) in &lease.routes {
            let route = Route {
                to: Address {
                    ip: (*network).into(),
                    prefix: *prefix,
                },
                gateway: (!gateway.is_unspecified()).then_some((*gateway).into()),
            };
            let added = addresses::add_route(self.host, &self.link, route, self.metric);
            tolerate(added);
        }
        tolerate(addresses::add(
            self.host,
            &self.link,
            address(lease),
            self.metric,
        ));
        (self.report)(&state);
    }

    /// Removes every IPv4 address of the link, and with the last one its routes.
    fn give_up(&self, why: &str) -> Result<()> {
        log::warn!("{}: {why}; looking for another lease", self.link.name);
        (self.report)(why);
        let named = Names::default();
        self.resolv_conf.learn(self.metric, &self.link.name, named);
        for assigned in addresses::list()? {
            let ours = assigned.link == self.link.index;
            if ours && assigned.address.ip.is_ipv4() {
                addresses::remove(self.host, &self.link, assigned.address)?;
            }
        }
        Ok(())
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

fn address(lease: &Lease) -> Address {
    Address {
        ip: lease.address.into(),
        prefix: lease.prefix,
    }
}

fn gateway(lease: &Lease) -> Option<Ipv4Addr> {
    let default = lease.routes.iter().find(|(_, prefix, _)| *prefix == 0);
    default.map(|(_, _, gateway)| *gateway)
}

fn names(lease: &Lease) -> Names {
    let ips = |ips: &[Ipv4Addr]| ips.iter().copied().map(IpAddr::from).collect();
    Names {
        servers: ips(&lease.name_servers),
        domain: lease.domain.clone(),
        time_servers: ips(&lease.time_servers),
    }
}

/// One thing of a lease that cannot be had leaves the rest of it useful.
fn tolerate(result: Result<()>) {
    if let Err(error) = result {
        log::warn!("{error}");
    }
}
