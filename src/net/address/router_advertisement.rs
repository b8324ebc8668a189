//! Name servers and domains that IPv6 routers advertise (RFC 8106), as the kernel passes them on; routes and addresses are
//! its own business.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use crate::net::address::dns_message;
use crate::net::address::resolv_conf::Names;
use crate::net::dhcp::option_value::name;
use crate::net::link::rtnetlink::{Message, field};

// linux/rtnetlink.h
const RTM_NEWNDUSEROPT: u16 = 68;
// RFC 8106 §5.1, §5.2
const RDNSS: u8 = 25;
const DNSSL: u8 = 31;
/// Servers and domains kept of one link: whoever floods it does not get those out that are there.
const SERVERS: usize = 3;
const DOMAINS: usize = 6;

/// The options of one advertisement: each with the time it is good for, which may be none at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// The kernel's index of it.
    pub link: u32,
    /// Link-local ones mean something on this link alone.
    pub servers: Vec<(Ipv6Addr, Duration)>,
    /// Domains in which names are looked for.
    pub domains: Vec<(String, Duration)>,
}

/// What routers have said so far, by link.
#[derive(Default)]
pub struct Advertised(BTreeMap<u32, OfLink>);

#[derive(Default)]
struct OfLink {
    servers: Vec<(Ipv6Addr, Duration)>,
    domains: Vec<(String, Duration)>,
}

impl Advertisement {
    /// None from any other message, or when no option in it is of use.
    pub fn read(message: &Message) -> Option<Advertisement> {
        // struct nduseroptmsg: family u8, pad u8, options length u16, link i32, ICMP type and code u8, 6 bytes of padding;
        // the options follow.
        if message.kind != RTM_NEWNDUSEROPT {
            return None;
        }
        let length = usize::from(u16::from_ne_bytes(field(&message.body, 2)?));
        let link = u32::from_ne_bytes(field(&message.body, 4)?);
        let options = message.body.get(16..)?.get(..length)?;
        let read = Advertisement::options(link, options);
        (!read.servers.is_empty() || !read.domains.is_empty()).then_some(read)
    }

    fn options(link: u32, mut options: &[u8]) -> Advertisement {
        let mut read = Advertisement {
            link,
            ..Advertisement::default()
        };
        // RFC 4861 §4.6: type, length in units of eight bytes, data; here two bytes of nothing and a lifetime in seconds.
        while let [kind, units, ..] = *options {
            let whole = options.split_at_checked(usize::from(units) * 8);
            let Some((option, rest)) = whole.filter(|(option, _)| !option.is_empty()) else {
                break;
            };
            options = rest;
            let Some(lifetime) = field(option, 4).map(u32::from_be_bytes) else {
                continue;
            };
            let lifetime = Duration::from_secs(lifetime.into());
            let data = option.get(8..).unwrap_or_default();
            match kind {
                RDNSS => {
                    let servers = data.as_chunks::<16>().0.iter().copied().map(Ipv6Addr::from);
                    let usable = |ip: &Ipv6Addr| {
                        !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback()
                    };
                    let servers = servers.filter(usable).take(SERVERS);
                    read.servers.extend(servers.map(|ip| (ip, lifetime)));
                }
                DNSSL => {
                    let domains = dns_message::names(data).unwrap_or_default();
                    let domains = domains.iter().filter_map(|text| name(text.as_bytes()));
                    let domains = domains.take(DOMAINS);
                    read.domains
                        .extend(domains.map(|domain| (domain, lifetime)));
                }
                _ => {}
            }
        }
        read
    }
}

impl Advertised {
    /// Takes note of `said` at the time `now`.
    pub fn hear(&mut self, now: Duration, said: Advertisement) {
        let known = self.0.entry(said.link).or_default();
        known.expire(now);
        merge(&mut known.servers, said.servers, now, SERVERS);
        merge(&mut known.domains, said.domains, now, DOMAINS);
    }

    /// The link is gone, and what was said there with it.
    pub fn forget(&mut self, link: u32) {
        self.0.remove(&link);
    }

    /// What is good on that link at the time `now`; `zone` is the link's name.
    pub fn names(&mut self, link: u32, zone: &str, now: Duration) -> Names {
        let known = self.0.entry(link).or_default();
        known.expire(now);
        Names {
            servers: known.servers.iter().map(|(ip, _)| (*ip).into()).collect(),
            search: known
                .domains
                .iter()
                .map(|(domain, _)| domain.clone())
                .collect(),
            time_servers: Vec::new(),
            zone: Some(zone.to_owned()),
        }
    }
}

impl OfLink {
    fn expire(&mut self, now: Duration) {
        self.servers.retain(|(_, until)| *until > now);
        self.domains.retain(|(_, until)| *until > now);
    }
}

/// The time of one that is known is the new one; others come last, as long as there is room.
fn merge<T: PartialEq>(
    known: &mut Vec<(T, Duration)>,
    said: Vec<(T, Duration)>,
    now: Duration,
    most: usize,
) {
    for (value, lifetime) in said {
        let until = now.saturating_add(lifetime);
        match known.iter().position(|(other, _)| *other == value) {
            // A lifetime of zero takes it back.
            Some(at) if lifetime.is_zero() => drop(known.remove(at)),
            Some(at) => known[at].1 = until,
            None if !lifetime.is_zero() && known.len() < most => known.push((value, until)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().expect("an address")
    }

    #[test]
    fn servers_and_domains_are_read() {
        // A source link-layer address first (type 1, one unit), then two servers, then a domain.
        let mut options = vec![1, 1, 2, 0, 0, 0, 0, 7, 25, 5, 0, 0, 0, 0, 0, 60];
        options.extend(ip("2001:db8::53").octets());
        options.extend(ip("fe80::1").octets());
        options.extend(b"\x1f\x03\0\0\0\0\0\x3c\x03lab\x04test\0\0\0\0\0\0\0");
        let read = Advertisement::options(7, &options);
        let servers = [(ip("2001:db8::53"), MINUTE), (ip("fe80::1"), MINUTE)];
        assert_eq!(read.servers, servers);
        assert_eq!(read.domains, [("lab.test".to_owned(), MINUTE)]);
        for broken in [
            &[][..],
            &[25, 0, 0, 0],
            &[25, 9, 0, 0, 0, 0, 0, 1],
            &[25],
            &[25, 1, 0, 0, 0, 0, 0, 9],
            b"\x1f\x02\0\0\0\0\0\x3c\x03l\nb\0\0\0\0",
            b"\x1f\x02\0\0\0\0\0\x3c\x3flab\0\0\0\0",
        ] {
            let nothing = Advertisement {
                link: 7,
                ..Advertisement::default()
            };
            assert_eq!(Advertisement::options(7, broken), nothing, "{broken:?}");
        }
    }

    #[test]
    fn what_is_known_stays_until_its_time_is_over_or_it_is_taken_back() {
        let mut known = Advertised::default();
        let mut hear = |now: u32, server: &str, seconds: u64| {
            let said = Advertisement {
                link: 7,
                servers: vec![(ip(server), Duration::from_secs(seconds))],
                domains: vec![("lab".to_owned(), MINUTE)],
            };
            known.hear(now * MINUTE, said);
            let names = known.names(7, "eth0", now * MINUTE);
            assert_eq!(
                (names.search, names.zone),
                (vec!["lab".to_owned()], Some("eth0".to_owned()))
            );
            let shown: Vec<String> = names.servers.iter().map(ToString::to_string).collect();
            shown.join(" ")
        };
        assert_eq!(hear(0, "2001:db8::1", 600), "2001:db8::1");
        for number in 2..1000 {
            hear(0, &format!("2001:db8::{number:x}"), 180);
        }
        assert_eq!(
            hear(1, "2001:db8::9", 60),
            "2001:db8::1 2001:db8::2 2001:db8::3"
        );
        assert_eq!(hear(1, "2001:db8::2", 0), "2001:db8::1 2001:db8::3");
        assert_eq!(hear(4, "2001:db8::1", 0), "", "the others' time was over");
        known.forget(7);
        assert!(known.0.is_empty());
    }
}
