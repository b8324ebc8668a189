//! Writes /etc/resolv.conf and keeps the time servers, from every lease, router and parameter that names some.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Result};
use crate::system_root::SystemRoot;

/// The C library asks no more (resolv.h: MAXNS).
const SERVERS: usize = 3;

/// What one source knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Name servers, the best first.
    pub servers: Vec<IpAddr>,
    /// Domains in which names are looked for, the first one first.
    pub search: Vec<String>,
    /// For the clock.
    pub time_servers: Vec<IpAddr>,
    /// The name of the link where link-local addresses of servers mean something; without it they are left out.
    pub zone: Option<String>,
}

impl Names {
    fn is_empty(&self) -> bool {
        let Names {
            servers,
            search,
            time_servers,
            zone: _,
        } = self;
        servers.is_empty() && search.is_empty() && time_servers.is_empty()
    }

    /// As resolv.conf has them (RFC 4007 §11).
    fn servers(&self) -> impl Iterator<Item = String> {
        self.servers.iter().filter_map(|server| match server {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                Some(format!("{ip}%{}", self.zone.as_ref()?))
            }
            server => Some(server.to_string()),
        })
    }
}

/// All that is known, by source; the lowest rank goes first.
pub struct ResolvConf {
    host: SystemRoot,
    known: Mutex<BTreeMap<(u32, String), Names>>,
}

impl ResolvConf {
    /// Writes `host`'s /etc/resolv.conf at each change.
    pub fn new(host: &SystemRoot) -> Self {
        ResolvConf {
            host: host.clone(),
            known: Mutex::default(),
        }
    }

    /// Replaces what `source` said before; with no names at all it is forgotten.
    pub fn learn(&self, rank: u32, source: &str, names: Names) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (rank, source.to_owned());
        let before = match names.is_empty() {
            true => known.remove(&key),
            false => known.insert(key, names.clone()),
        };
        let before = before.unwrap_or_default();
        if before == names || before.is_empty() && names.is_empty() {
            return;
        }
        let written = replace(&self.host.etc("resolv.conf"), &configuration(&known))
            .and_then(|()| replace(&self.host.run("time-servers"), &time_servers(&known)));
        if let Err(error) = written {
            log::error!("{error}");
        }
    }
}

/// The time servers some DHCP server named, best first; those of one link alone are left out.
pub fn known_time_servers(host: &SystemRoot) -> Vec<IpAddr> {
    let text = fs::read_to_string(host.run("time-servers")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

type Known = BTreeMap<(u32, String), Names>;

fn configuration(known: &Known) -> String {
    let mut servers: Vec<String> = Vec::new();
    for server in known.values().flat_map(Names::servers) {
        if servers.len() < SERVERS && !servers.contains(&server) {
            servers.push(server);
        }
    }
    let search = known.values().map(|names| names.search.join(" "));
    let search = search.into_iter().find(|domains| !domains.is_empty());
    let mut text = search.map_or_else(String::new, |domains| format!("search {domains}\n"));
    for server in servers {
        text += &format!("nameserver {server}\n");
    }
    text
}

fn time_servers(known: &Known) -> String {
    let servers = known.values().flat_map(|names| &names.time_servers);
    let beyond = |ip: &&IpAddr| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    servers
        .filter(beyond)
        .map(|server| format!("{server}\n"))
        .collect()
}

/// Readers see the old file or the new one, never half of one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&new, text))
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(servers: &[&str], search: &[&str]) -> Names {
        Names {
            servers: servers
                .iter()
                .map(|server| server.parse().expect("an address"))
                .collect(),
            search: search.iter().map(|domain| (*domain).to_owned()).collect(),
            time_servers: Vec::new(),
            zone: None,
        }
    }

    #[test]
    fn a_server_of_a_link_names_the_link() {
        let local = names(&["fe80::1", "2001:db8::1"], &[]);
        let zoned = Names {
            zone: Some("eth0".to_owned()),
            ..local.clone()
        };
        for (names, expected) in [
            (local, "nameserver 2001:db8::1\n"),
            (zoned, "nameserver fe80::1%eth0\nnameserver 2001:db8::1\n"),
        ] {
            let known = BTreeMap::from([((7, String::new()), names)]);
            assert_eq!(configuration(&known), expected);
        }
    }

    #[test]
    fn the_lowest_rank_goes_first_and_three_servers_are_all() {
        let known = BTreeMap::from([
            (
                (200, "eth1".to_owned()),
                names(
                    &["192.0.2.3", "192.0.2.1", "192.0.2.4", "192.0.2.5"],
                    &["b"],
                ),
            ),
            (
                (100, "eth0".to_owned()),
                names(&["192.0.2.1", "2001:db8::1"], &["a", "c"]),
            ),
        ]);
        assert_eq!(
            configuration(&known),
            "search a c\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver 192.0.2.3\n"
        );
        assert_eq!(configuration(&BTreeMap::new()), "");
    }
}
