//! Addresses and routes of this machine as the kernel has them now, in the words of `ip`.

use std::fmt::Write;
use std::net::IpAddr;

use log::warn;

use crate::net::link::links;
use crate::net::link::rtnetlink::{Message, attributes, dump, field};

// linux/rtnetlink.h
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTN_UNICAST: u8 = 1;
// linux/if_addr.h
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// struct ifaddrmsg: family, prefix length, flags, scope, index u32.
const IFADDRMSG: usize = 8;
/// struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags u32.
const RTMSG: usize = 12;
/// Of a machine with more, the first; a routing daemon's thousands help nobody here.
const MOST: usize = 2000;

/// A line for each link and each of its addresses.
pub fn addresses() -> String {
    let links = links::list().unwrap_or_default();
    let told = asked(RTM_GETADDR, IFADDRMSG, "addresses");
    let mut text = String::new();
    for link in links.iter().take(MOST) {
        let state = match (link.up, link.carrier) {
            (false, _) => "down",
            (true, false) => "up, no carrier",
            (true, true) => "up",
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{} {} mtu {} {state}", link.name, link.mac, link.mtu);
        let own = told.iter().filter_map(address);
        for (_, address, length) in own.filter(|(index, ..)| *index == link.index) {
            let _ = writeln!(text, "    {address}/{length}");
        }
    }
    text
}

/// A line for each unicast route.
pub fn routes() -> String {
    let links = links::list().unwrap_or_default();
    let told = asked(RTM_GETROUTE, RTMSG, "routes");
    let mut text = String::new();
    for route in told.iter().filter_map(Route::read).take(MOST) {
        let via = route
            .gateway
            .map_or_else(String::new, |via| format!(" via {via}"));
        let link = links.iter().find(|link| Some(link.index) == route.link);
        let link = link.map_or_else(String::new, |link| format!(" dev {}", link.name));
        let metric = route
            .metric
            .map_or_else(String::new, |metric| format!(" metric {metric}"));
        let _ = writeln!(text, "{}{via}{link}{metric}", route.to);
    }
    text
}

fn asked(kind: u16, size: usize, what: &str) -> Vec<Message> {
    dump(kind, &vec![0; size]).unwrap_or_else(|error| {
        warn!("asking the kernel for its {what}: {error}");
        Vec::new()
    })
}

/// Index of the link, address, length of its prefix.
fn address(message: &Message) -> Option<(u32, IpAddr, u8)> {
    let body = message
        .body
        .get(IFADDRMSG..)
        .filter(|_| message.kind == RTM_NEWADDR)?;
    let value =
        |wanted| attributes(body).find_map(|(kind, value)| (kind == wanted).then_some(value));
    let found = value(IFA_LOCAL).or_else(|| value(IFA_ADDRESS))?;
    let index = u32::from_ne_bytes(field(&message.body, 4)?);
    Some((index, ip(found)?, *message.body.get(1)?))
}

struct Route {
    to: String,
    gateway: Option<IpAddr>,
    link: Option<u32>,
    metric: Option<u32>,
}

impl Route {
    fn read(message: &Message) -> Option<Self> {
        let [family, length, _, _, _, _, _, kind] = field(&message.body, 0)?;
        if message.kind != RTM_NEWROUTE || kind != RTN_UNICAST {
            return None;
        }
        let body = message.body.get(RTMSG..)?;
        let value =
            |wanted| attributes(body).find_map(|(kind, value)| (kind == wanted).then_some(value));
        let number = |wanted| Some(u32::from_ne_bytes(field(value(wanted)?, 0)?));
        let to = match value(RTA_DST).and_then(ip) {
            Some(to) => format!("{to}/{length}"),
            // linux/socket.h: 2 is IPv4, and of all other families only IPv6 is routed here.
            None if family == 2 => "default".to_owned(),
            None => "default (IPv6)".to_owned(),
        };
        Some(Route {
            to,
            gateway: value(RTA_GATEWAY).and_then(ip),
            link: number(RTA_OIF),
            metric: number(RTA_PRIORITY),
        })
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_its_address() {
        let text = addresses();
        let lo = text
            .split("lo 00:00:00:00:00:00")
            .nth(1)
            .expect("every network has one");
        assert!(lo.contains("mtu "), "{text}");
        if lo.starts_with(" mtu 65536 up") {
            assert!(lo.contains("127.0.0.1/8"), "{text}");
        }
    }

    #[test]
    fn messages_cut_anywhere_are_left_out() {
        let mut body = vec![2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0];
        for (kind, value) in [(RTA_DST, [10, 0, 0, 0]), (RTA_GATEWAY, [10, 0, 0, 1])] {
            body.extend(8u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
        }
        for length in 0..body.len() {
            let kind = RTM_NEWROUTE;
            let cut = Message {
                kind,
                body: body[..length].to_vec(),
            };
            let _ = (Route::read(&cut), address(&cut));
        }
        let kind = RTM_NEWROUTE;
        let route = Route::read(&Message { kind, body }).expect("a route");
        assert_eq!(route.to, "10.0.0.0/24");
        assert_eq!(route.gateway, Some(IpAddr::from([10, 0, 0, 1])));
    }
}
