//! Finds a service of OpenStack by multicast DNS. Whoever is on the link may answer, and nobody can tell a liar: this is for
//! those who asked for it by name, and what it finds is an address, never a setting.

pub mod message;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use self::message::Service;
use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::address::configure;
use crate::net::link::links;
use crate::sys::kernel;
use crate::sys::socket::{readable_each, udp_on_link, udp6_on_link};

/// RFC 6762 §3.
const PORT: u16 = 5353;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// How long one question waits, and how long after the first answer another that contradicts it may come.
const PATIENCE: Duration = Duration::from_secs(1);
/// Answers read of one socket in one go.
const AT_ONCE: usize = 16;
/// Different answers that are told apart.
const ANSWERS: usize = 8;
/// RFC 6762 §17: the longest message.
const MESSAGE: usize = 9000;
/// Links that are asked on.
const LINKS: usize = 64;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `http` or `https`, host, port and path.
    pub url: String,
    /// What else is told of it, and is nobody's order: keys in lower case.
    pub properties: Vec<(String, String)>,
}

/// An answer, and the link it came by.
struct Heard {
    service: Service,
    link: String,
}

/// A socket, and the link it is tied to.
struct Ear {
    socket: UdpSocket,
    to: SocketAddr,
    link: String,
}

/// Asks on every link for `service` (`baremetal`), as often as is said, with pauses that grow. Two that answer differently
/// are an error that names both: one of them lies, and nobody knows which.
pub fn find(clock: &Clock, service: &str, attempts: u32) -> Result<Endpoint> {
    let name = format!("{service}._openstack._tcp.local");
    let doing = || format!("looking for {name} by multicast DNS");
    let mut pause = Duration::from_millis(100);
    for attempt in 0..attempts {
        if attempt > 0 {
            clock.sleep(pause);
            pause *= 2;
        }
        let found = ask(clock, &name).with_context(doing)?;
        let told: Vec<Endpoint> = found.into_iter().filter_map(Heard::endpoint).collect();
        match &told[..] {
            [] => {}
            [one] => return Ok(one.clone()),
            several => {
                let urls: Vec<&str> = several.iter().map(|told| told.url.as_str()).collect();
                let why = format!(
                    "different answers came: {}; check who is on this network, or set the URL",
                    urls.join(", ")
                );
                return Err(Error::plain(why)).with_context(doing);
            }
        }
    }
    Err(Error::plain("nobody answered; check that Ironic announces itself on this network (enable_mdns), or set the URL"))
        .with_context(doing)
}

/// Every different answer that comes within the time.
fn ask(clock: &Clock, name: &str) -> Result<Vec<Heard>> {
    let mut id = [0; 2];
    kernel::random(&mut id).context("choosing a number")?;
    let question = message::question(id, name).ok_or_else(|| Error::plain("that is no name"))?;
    let ears = open()?;
    for ear in &ears {
        if let Err(error) = ear.socket.send_to(&question, ear.to) {
            log::debug!("mDNS on {}: {error}", ear.link);
        }
    }
    let mut until = clock.elapsed() + PATIENCE;
    let mut found: Vec<Heard> = Vec::new();
    loop {
        let left = until.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return Ok(found);
        }
        let files: Vec<_> = ears.iter().map(|ear| ear.socket.as_fd()).collect();
        let heard = readable_each(&files, left).context("waiting for answers")?;
        for (ear, _) in ears.iter().zip(heard).filter(|(_, heard)| *heard) {
            for heard in ear.hear(id, name) {
                if found.is_empty() {
                    until = clock.elapsed() + PATIENCE;
                }
                match found.iter().position(|known| known.agrees(&heard)) {
                    Some(known) => found[known].join(heard),
                    None if found.len() < ANSWERS => found.push(heard),
                    None => {}
                }
            }
        }
    }
}

fn open() -> Result<Vec<Ear>> {
    let mut ears = Vec::new();
    for link in links::list()?
        .into_iter()
        .filter(|link| link.carrier && (link.card || link.made))
        .take(LINKS)
    {
        let group6 = SocketAddrV6::new(GROUP6, PORT, 0, link.index);
        let sockets = [
            (udp_on_link(&link.name, 0), SocketAddr::from((GROUP, PORT))),
            (udp6_on_link(&link.name, 0), group6.into()),
        ];
        for (socket, to) in sockets {
            match socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket)) {
                Ok(socket) => ears.push(Ear {
                    socket,
                    to,
                    link: link.name.clone(),
                }),
                Err(error) => log::debug!("mDNS on {}: {error}", link.name),
            }
        }
    }
    Ok(ears)
}

impl Ear {
    /// What came, from the port that multicast DNS has to itself.
    fn hear(&self, id: [u8; 2], name: &str) -> Vec<Heard> {
        let mut buffer = vec![0; MESSAGE];
        let mut heard = Vec::new();
        for _ in 0..AT_ONCE {
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else {
                break;
            };
            let service = message::answer(&buffer[..length], id, name);
            if let Some(service) = service.filter(|_| from.port() == PORT) {
                let link = self.link.clone();
                log::info!(
                    "mDNS: {from} on {link} says that {name} is at {}:{}",
                    service.host,
                    service.port
                );
                heard.push(Heard { service, link });
            }
        }
        heard
    }
}

impl Heard {
    /// Is it the same service, perhaps by another link or family of addresses?
    fn agrees(&self, other: &Heard) -> bool {
        let (one, other) = (&self.service, &other.service);
        let same = one.host.eq_ignore_ascii_case(&other.host) && one.port == other.port;
        let none = one.addresses.is_empty() || other.addresses.is_empty();
        let shared = one.addresses.iter().any(|ip| other.addresses.contains(ip));
        same && one.text == other.text && (none || shared)
    }

    /// An answer that names an address beyond the link is the better one: Ironic calls back nobody who is reached by another.
    fn join(&mut self, other: Heard) {
        if self.service.addresses.iter().all(is_link_local) {
            *self = other;
        }
    }

    /// None for one whose host has no address and no name beyond the link, or that could not stand in a URL.
    fn endpoint(self) -> Option<Endpoint> {
        let service = self.service;
        let local = service.host.to_ascii_lowercase().ends_with(".local");
        let host = match local {
            true => address(&service.addresses, &self.link)?,
            false => plain(&service.host)?,
        };
        let (mut path, mut protocol, mut properties) = (String::new(), String::new(), Vec::new());
        for (key, value) in service.text {
            match key.as_str() {
                "path" => path = value,
                "protocol" => protocol = value,
                _ => properties.push((key, value)),
            }
        }
        let scheme = match (protocol.as_str(), service.port) {
            ("http", _) | ("", 80) => "http",
            ("https" | "", _) => "https",
            _ => return None,
        };
        let sane = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte);
        let slash = match path.is_empty() || path.starts_with('/') {
            true => "",
            false => "/",
        };
        let url = format!("{scheme}://{host}:{}{slash}{path}", service.port);
        path.bytes()
            .all(sane)
            .then_some(Endpoint { url, properties })
    }
}

/// The first that there is a way to, of this link alone only if there is no other; as a URL has it.
fn address(addresses: &[IpAddr], link: &str) -> Option<String> {
    let routed = |ip: &&IpAddr| !is_link_local(ip) && configure::source_address(**ip).is_ok();
    let best = addresses.iter().find(routed);
    let best = best.or_else(|| addresses.iter().find(|ip| !is_link_local(ip)));
    Some(match best.or(addresses.first())? {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => format!("[{ip}%25{link}]"),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    })
}

fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// A host's name that can stand in a URL.
fn plain(host: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (host.bytes().all(plain) && !host.starts_with(['.', '-'])).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(host: &str, port: u16, text: &[(&str, &str)]) -> Service {
        let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Service {
            host: host.to_owned(),
            port,
            text: text.iter().map(pair).collect(),
            addresses: vec![[127, 0, 0, 1].into()],
        }
    }

    #[test]
    fn an_endpoint_is_a_url_and_nothing_that_could_be_read_otherwise() {
        for (host, port, text, url) in [
            (
                "i.local",
                6385,
                &[("path", "/b"), ("protocol", "http")][..],
                Some("http://127.0.0.1:6385/b"),
            ),
            ("i.local", 80, &[], Some("http://127.0.0.1:80")),
            (
                "i.local",
                443,
                &[("path", "b")],
                Some("https://127.0.0.1:443/b"),
            ),
            (
                "ironic.example.org",
                443,
                &[],
                Some("https://ironic.example.org:443"),
            ),
            ("i.local", 80, &[("protocol", "file")], None),
            ("i.local", 80, &[("path", "/@evil.test/")], None),
            ("i.local", 80, &[("path", "/a b")], None),
            ("user@evil.test", 80, &[], None),
        ] {
            let made = heard(service(host, port, text)).endpoint();
            assert_eq!(made.map(|made| made.url).as_deref(), url, "{host} {text:?}");
        }
        let made = heard(service("i.local", 80, &[("ipa_debug", "1"), ("path", "/")]));
        let properties = made.endpoint().expect("an endpoint").properties;
        assert_eq!(properties, [("ipa_debug".to_owned(), "1".to_owned())]);
        let nowhere = Service {
            addresses: Vec::new(),
            ..service("i.local", 80, &[])
        };
        assert_eq!(heard(nowhere).endpoint(), None);
    }

    fn heard(service: Service) -> Heard {
        Heard {
            service,
            link: "lo".to_owned(),
        }
    }

    #[test]
    fn answers_that_differ_in_anything_are_two() {
        let with = |last: u8| Service {
            addresses: vec![[192, 0, 2, last].into(), [192, 0, 2, 7].into()],
            ..service("i.local", 80, &[])
        };
        let of = |service| heard(service);
        let one = of(with(1));
        assert!(one.agrees(&of(with(2))), "one address in common");
        for other in [
            service("i.local", 81, &[]),
            service("j.local", 80, &[]),
            service("i.local", 80, &[("ipa_ntp_server", "x")]),
            service("i.local", 80, &[]),
        ] {
            assert!(!one.agrees(&of(other.clone())), "{other:?}");
        }
    }
}
