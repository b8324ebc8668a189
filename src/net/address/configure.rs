//! Addresses and routes: set, removed, waited for; and the one we would be called back on.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::link::links;
use crate::net::link::links::{Changes, Link, must_be_ours};
use crate::net::link::rtnetlink::{
    Message, NLM_F_CREATE, NLM_F_REPLACE, Request, attributes, dump, field, tell,
};
use crate::sys::socket::readable;
use crate::system_root::SystemRoot;

// linux/rtnetlink.h
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTMGRP_IPV6_IFADDR: u32 = 0x100;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_STATIC: u8 = 4;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;
const RTNH_F_ONLINK: u32 = 4;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
// linux/if_addr.h
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_RT_PRIORITY: u16 = 9;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_TENTATIVE: u32 = 0x40;
// linux/socket.h
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// struct ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32.
const IFADDRMSG: usize = 8;

/// An address and the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// IPv4 or IPv6.
    pub ip: IpAddr,
    /// Bits of the network part.
    pub prefix: u8,
}

/// Where packets for a network go: through a gateway, or straight out of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network it leads to; 0.0.0.0/0 or ::/0 is everywhere.
    pub to: Address,
    /// None leads straight onto the link.
    pub gateway: Option<IpAddr>,
}

/// An address as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The kernel's index of it.
    pub link: u32,
    /// With the length of its network part.
    pub address: Address,
    /// Reaches beyond its link, and no duplicate check is pending or failed.
    pub usable: bool,
    /// Somebody else on the link has it.
    pub duplicate: bool,
}

/// Sets an address; the route to its network gets `metric`.
pub fn add(host: &SystemRoot, link: &Link, address: Address, metric: u32) -> Result<()> {
    must_be_ours(host)?;
    let metric = metric.to_ne_bytes();
    let with = |request| with_address(request, address).attribute(IFA_RT_PRIORITY, &metric);
    let flags = NLM_F_CREATE | NLM_F_REPLACE;
    tell(RTM_NEWADDR, flags, with, &ifaddrmsg(link, address))
        .with_context(|| format!("setting {} on {}", address.ip, link.name))
}

/// Removes an address; one that is gone already is no error. The link's routes go with its last one.
pub fn remove(host: &SystemRoot, link: &Link, address: Address) -> Result<()> {
    must_be_ours(host)?;
    let with = |request| with_address(request, address);
    match tell(RTM_DELADDR, 0, with, &ifaddrmsg(link, address)) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(()),
        other => other.with_context(|| format!("removing {} from {}", address.ip, link.name)),
    }
}

/// Sets a route out of `link`. The gateway is taken to be on the link whatever the link's address,
/// so that routes can be set before it and a gateway outside its network works.
pub fn add_route(host: &SystemRoot, link: &Link, route: Route, metric: u32) -> Result<()> {
    must_be_ours(host)?;
    // struct rtmsg: family, destination length, source length, tos, table, protocol, scope, type, flags u32.
    let scope = match route.gateway {
        Some(_) => RT_SCOPE_UNIVERSE,
        None => RT_SCOPE_LINK,
    };
    let onlink = route.gateway.map_or(0, |_| RTNH_F_ONLINK);
    let mut body = [0; 12];
    body[..2].copy_from_slice(&[family(route.to.ip), route.to.prefix]);
    body[4..8].copy_from_slice(&[RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST]);
    body[8..].copy_from_slice(&onlink.to_ne_bytes());
    let with = |mut request: Request| {
        request = request
            .attribute(RTA_DST, &bytes(route.to.ip))
            .attribute(RTA_OIF, &link.index.to_ne_bytes())
            .attribute(RTA_PRIORITY, &metric.to_ne_bytes());
        match route.gateway {
            Some(gateway) => request.attribute(RTA_GATEWAY, &bytes(gateway)),
            None => request,
        }
    };
    tell(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, with, &body).with_context(|| {
        let Address { ip, prefix } = route.to;
        format!("routing {ip}/{prefix} through {}", link.name)
    })
}

/// Every address of every link.
pub fn list() -> Result<Vec<Assigned>> {
    let messages = dump(RTM_GETADDR, &[0; IFADDRMSG]).context("listing the addresses")?;
    Ok(messages.iter().filter_map(Assigned::read).collect())
}

/// Waits until some link has an address that reaches beyond it; false after `timeout`.
pub fn wait_for_address(clock: &Clock, timeout: Duration) -> Result<bool> {
    let until = clock.elapsed() + timeout;
    let mut changes = Changes::open(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)?;
    loop {
        if list()?.iter().any(|assigned| assigned.usable) {
            return Ok(true);
        }
        let left = until.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        readable([changes.as_fd()], Some(left)).context("waiting for an address")?;
        changes.take();
    }
}

/// The IPv4 address of the interface `name`, or if it has none, one of IPv6 that reaches beyond the link.
pub fn of_interface(name: &str) -> Result<IpAddr> {
    let link = links::list()?.into_iter().find(|link| link.name == name);
    let index = link
        .ok_or_else(|| Error::plain(format!("there is no interface {name}")))?
        .index;
    let mut own = list()?;
    own.retain(|assigned| assigned.link == index);
    let v4 = own.iter().find(|assigned| assigned.address.ip.is_ipv4());
    let found = v4.or_else(|| own.iter().find(|assigned| assigned.usable));
    found
        .map(|assigned| assigned.address.ip)
        .ok_or_else(|| Error::plain(format!("{name} has no address")))
}

/// The address this machine would use towards `to`: what can be called back from there.
pub fn source_address(to: IpAddr) -> Result<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => [0u8; 4].into(),
        IpAddr::V6(_) => [0u8; 16].into(),
    };
    // Connecting a UDP socket sends nothing: the kernel only picks a route and its source. 9 is discard.
    let source = UdpSocket::bind((any, 0))
        .and_then(|socket| socket.connect((to, 9)).and_then(|()| socket.local_addr()))
        .with_context(|| format!("looking for a route to {to}"))?
        .ip();
    match source.is_unspecified() {
        true => Err(Error::plain(format!("no address of ours reaches {to}"))),
        false => Ok(source),
    }
}

impl Assigned {
    fn read(message: &Message) -> Option<Assigned> {
        if message.kind != RTM_NEWADDR {
            return None;
        }
        let body = &message.body;
        let [family, prefix, flags, scope] = field(body, 0)?;
        let (mut flags, mut ip) = (u32::from(flags), None);
        for (kind, value) in attributes(body.get(IFADDRMSG..)?) {
            match kind {
                // On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL is ours.
                IFA_LOCAL => ip = address(family, value),
                IFA_ADDRESS => ip = ip.or(address(family, value)),
                IFA_FLAGS => flags = field(value, 0).map_or(flags, u32::from_ne_bytes),
                _ => {}
            }
        }
        let ip = ip?;
        let settled = flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) == 0;
        Some(Assigned {
            link: u32::from_ne_bytes(field(body, 4)?),
            address: Address { ip, prefix },
            usable: scope == RT_SCOPE_UNIVERSE && settled && !ip.is_loopback(),
            duplicate: flags & IFA_F_DADFAILED != 0,
        })
    }
}

fn ifaddrmsg(link: &Link, address: Address) -> [u8; IFADDRMSG] {
    let [a, b, c, d] = link.index.to_ne_bytes();
    let scope = RT_SCOPE_UNIVERSE;
    [family(address.ip), address.prefix, 0, scope, a, b, c, d]
}

fn with_address(request: Request, address: Address) -> Request {
    let ip = bytes(address.ip);
    request
        .attribute(IFA_LOCAL, &ip)
        .attribute(IFA_ADDRESS, &ip)
}

fn family(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    }
}

fn bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn address(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => field::<4>(value, 0).map(IpAddr::from),
        AF_INET6 => field::<16>(value, 0).map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn the_loopback_address_is_listed_and_is_not_what_we_wait_for() {
        let found = list().expect("addresses can be listed");
        let loopback = found
            .iter()
            .find(|assigned| assigned.address.ip == LOOPBACK)
            .expect("127.0.0.1");
        assert_eq!(loopback.address.prefix, 8);
        assert!(!loopback.usable);
    }

    #[test]
    fn towards_ourselves_we_are_ourselves() {
        assert_eq!(source_address(LOOPBACK), Ok(LOOPBACK));
    }

    #[test]
    fn addresses_and_routes_of_a_host_stay_as_they_are() {
        let host = SystemRoot::new("/nonexistent");
        let lo = crate::net::link::links::list().expect("links").remove(0);
        let to = Address {
            ip: Ipv4Addr::new(192, 0, 2, 1).into(),
            prefix: 32,
        };
        let route = Route { to, gateway: None };
        for refused in [
            add(&host, &lo, to, 0),
            remove(&host, &lo, to),
            add_route(&host, &lo, route, 0),
        ] {
            assert!(
                refused
                    .expect_err("an error")
                    .details()
                    .contains("not a ramdisk")
            );
        }
    }
}
