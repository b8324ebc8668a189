//! A host's name becomes addresses: a literal, a line of /etc/hosts, or what the DNS servers of /etc/resolv.conf say.
//!
//! Not by the C library: musl has no answer at all when a server answers the question for one family of addresses by
//! an error or not at all, believes whichever server is the first to say no, and never says what went wrong.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use crate::clock::{Clock, Deadline};
use crate::error::{Error, Result};
use crate::net::address::address_order;
use crate::net::address::dns_query::{self, PATIENCE, Query, SERVERS};
use crate::net::link::links;
use crate::system_root::SystemRoot;

/// Domains to look in; resolv.h calls it MAXDNSRCH.
const DOMAINS: usize = 6;
const PORT: u16 = 53;
/// Addresses of one name that are of any use: each is tried in turn.
const ADDRESSES: usize = 16;

/// Whom to ask, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolver {
    /// All are asked at once; of answers that differ the first one's addresses come first.
    pub servers: Vec<SocketAddr>,
    /// Domains a name is looked for in.
    pub search: Vec<String>,
    /// A name with as many dots is looked for as it stands before that.
    pub dots: usize,
    /// Lines of an address and its names.
    pub hosts: String,
}

/// The addresses of `host` with `port`, the best first. Takes twice [`PATIENCE`] at the longest.
pub fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    resolve_by(host, port, Deadline::within(Duration::MAX))
}

/// The same, but no server is waited for beyond `until`.
pub fn resolve_by(host: &str, port: u16, until: Deadline) -> Result<Vec<SocketAddr>> {
    Resolver::read(&SystemRoot::new("/")).resolve_by(host, port, until)
}

/// An address as text; one of a link may have `%` and the link's name or number behind it (RFC 4007 §11).
pub fn literal(text: &str, port: u16) -> Option<SocketAddr> {
    let Some((address, zone)) = text.split_once('%') else {
        return Some((text.parse::<IpAddr>().ok()?, port).into());
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let named = || {
        links::list()
            .ok()?
            .into_iter()
            .find(|link| link.name == zone)
    };
    let scope = zone.parse().ok().or_else(|| Some(named()?.index))?;
    Some(SocketAddrV6::new(address, port, 0, scope).into())
}

impl Resolver {
    /// As the files of `/etc` say (resolv.conf(5), hosts(5)).
    pub fn read(host: &SystemRoot) -> Resolver {
        let read = |name: &str| fs::read(host.etc(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        Resolver::parse(&text("resolv.conf"), text("hosts"))
    }

    fn parse(configuration: &str, hosts: String) -> Resolver {
        let mut resolver = Resolver {
            dots: 1,
            hosts,
            ..Resolver::default()
        };
        for line in configuration.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server = words.next().and_then(|word| literal(word, PORT));
                    resolver.servers.extend(server);
                }
                Some("search" | "domain") => {
                    let domains = words.map(|word| word.trim_end_matches('.'));
                    let named = domains.filter(|domain| !domain.is_empty());
                    resolver.search = named.map(str::to_owned).take(DOMAINS).collect();
                }
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    resolver.dots = dots.unwrap_or(resolver.dots);
                }
                _ => {}
            }
        }
        resolver.servers.truncate(SERVERS);
        resolver
    }

    /// See [`resolve`].
    pub fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        self.resolve_by(host, port, Deadline::within(Duration::MAX))
    }

    /// See [`resolve_by`].
    pub fn resolve_by(&self, host: &str, port: u16, until: Deadline) -> Result<Vec<SocketAddr>> {
        if let Some(address) = literal(host, port) {
            return Ok(vec![address]);
        }
        let mut found = self.written(host);
        if found.is_empty() {
            found = self.look_up(host, until).map_err(|why| {
                Error::plain(format!("the name '{host}' cannot be resolved: {why}"))
            })?;
        }
        address_order::sort(&mut found);
        Ok(found.into_iter().map(|ip| (ip, port).into()).collect())
    }

    /// What needs no server.
    fn written(&self, host: &str) -> Vec<IpAddr> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let named = |line: &str| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let address = words.next()?.parse().ok()?;
            words
                .any(|name| name.eq_ignore_ascii_case(host))
                .then_some(address)
        };
        let found: Vec<IpAddr> = self.hosts.lines().filter_map(named).collect();
        // RFC 6761 §6.3
        match found.is_empty() && host.eq_ignore_ascii_case("localhost") {
            true => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            false => found.into_iter().take(ADDRESSES).collect(),
        }
    }

    fn look_up(&self, host: &str, until: Deadline) -> Result<Vec<IpAddr>, String> {
        if self.servers.is_empty() {
            return Err("no DNS server is known; check the DNS servers that DHCP (option 6), router advertisements or ip= name, or use an address".into());
        }
        let (clock, mut reasons) = (Clock::real(), Vec::new());
        for name in self.candidates(host) {
            let longest = PATIENCE.min(until.left());
            let queries = dns_query::ask(&self.servers, &clock, &name, longest)
                .map_err(|error| error.to_string())?;
            let mut found = Vec::new();
            // Those of the first server before those of the next.
            for address in queries.iter().flat_map(Query::addresses) {
                if found.len() < ADDRESSES && !found.contains(address) {
                    found.push(*address);
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
            for outcome in queries.iter().map(Query::outcome) {
                if !reasons.contains(&outcome) {
                    reasons.push(outcome);
                }
            }
            // Who is silent about one name will be so about the next.
            let is_over = clock.elapsed() > PATIENCE || until.is_over();
            if is_over || !queries.iter().any(Query::is_answered) {
                break;
            }
        }
        let reasons = reasons.join(", ");
        Err(format!(
            "{reasons}; check the DNS servers and the name, or use an address"
        ))
    }

    /// The names `host` may stand for, in the order of resolv.conf(5).
    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let within = self.search.iter().map(|domain| format!("{host}.{domain}"));
        let mut names: Vec<String> = within.collect();
        let at = match host.matches('.').count() >= self.dots {
            true => 0,
            false => names.len(),
        };
        names.insert(at, host.to_owned());
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_etc_are_read_as_the_c_library_does() {
        let resolver = Resolver::parse(
            "# of the lab\nsearch lab.test. deep.lab.test\nnameserver 192.0.2.53 # first\nnameserver x\n\
             nameserver fe80::1%7\noptions timeout:1 ndots:2\nnameserver ::1\nnameserver 192.0.2.54\n",
            String::new(),
        );
        let scoped = SocketAddrV6::new("fe80::1".parse().expect("an address"), PORT, 0, 7);
        let servers = [
            "192.0.2.53:53".parse().expect("an address"),
            scoped.into(),
            "[::1]:53".parse().expect("an address"),
        ];
        assert_eq!(resolver.servers, servers);
        assert_eq!((resolver.search.len(), resolver.dots), (2, 2));
        assert_eq!(
            resolver.candidates("ironic"),
            ["ironic.lab.test", "ironic.deep.lab.test", "ironic"]
        );
        assert_eq!(resolver.candidates("a.b.c")[0], "a.b.c");
        assert_eq!(resolver.candidates("ironic."), ["ironic"]);
    }

    #[test]
    fn what_is_written_needs_no_server() {
        let hosts = "192.0.2.7 Ironic.lab.test ironic # of the lab\nfd00::7 ironic\nx y\n";
        let resolver = Resolver::parse("", hosts.into());
        let resolved = |host: &str| {
            let found = resolver.resolve(host, 80);
            found.map(|found| {
                found
                    .iter()
                    .map(|at| at.ip().to_string())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(resolved("ironic.LAB.test."), Ok(vec!["192.0.2.7".into()]));
        assert_eq!(resolved("ironic").map(|found| found.len()), Ok(2));
        assert_eq!(resolved("localhost").map(|found| found.len()), Ok(2));
        assert_eq!(resolved("2001:db8::1"), Ok(vec!["2001:db8::1".into()]));
        assert_eq!(literal("fe80::1%nope", 80), None);
        let zone = literal("fe80::1%lo", 80).expect("every machine has a loopback");
        assert!(zone.to_string().starts_with("[fe80::1%"), "{zone}");
        let error = resolved("lab").expect_err("not written");
        assert!(
            error.details().contains("no DNS server is known"),
            "{error}"
        );
    }
}
