//! Writes /etc/resolv.conf and keeps the time servers, from every lease, router and parameter that names some.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Result};
use crate::net::link::rtnetlink::{Message, field};
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
        let before = match names == Names::default() {
            true => known.remove(&key),
            false => known.insert(key, names.clone()),
        };
        if before.unwrap_or_default() == names {
            return;
        }
        let written = replace(&self.host.etc("resolv.conf"), &configuration(&known))
            .and_then(|()| replace(&self.host.run("time-servers"), &time_servers(&known)));
        if let Err(error) = written {
            log::error!("{error}");
        }
    }
}

/// The time servers some DHCP server named, best first.
pub fn known_time_servers(host: &SystemRoot) -> Vec<IpAddr> {
    let text = fs::read_to_string(host.run("time-servers")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The link and the name servers of a router advertisement the kernel passed on; none from any other message.
pub fn advertisement(message: &Message) -> Option<(u32, Vec<IpAddr>)> {
    // linux/rtnetlink.h; struct nduseroptmsg: family u8, pad u8, options length u16, link i32, ICMP type
    // and code u8, 6 bytes of padding; the options follow.
    const RTM_NEWNDUSEROPT: u16 = 68;
    if message.kind != RTM_NEWNDUSEROPT {
        return None;
    }
    let length = usize::from(u16::from_ne_bytes(field(&message.body, 2)?));
    let link = u32::from_ne_bytes(field(&message.body, 4)?);
    let options = message.body.get(16..)?.get(..length)?;
    Some((link, advertised(options)?))
}

/// The servers of a router advertisement (RFC 8106 §5.1); none when there is no such option in it.
/// Link-local ones are left out: they mean nothing without their link.
fn advertised(mut options: &[u8]) -> Option<Vec<IpAddr>> {
    const RDNSS: u8 = 25;
    let mut found = None;
    // RFC 4861 §4.6: type, length in units of eight bytes, data.
    while let [kind, units, ..] = *options {
        let option = options.get(..usize::from(units) * 8)?;
        let (servers, _) = option.get(8..)?.as_chunks::<16>();
        if kind == RDNSS {
            let servers = servers.iter().copied().map(Ipv6Addr::from);
            let usable = |ip: &Ipv6Addr| !ip.is_multicast() && !ip.is_unspecified();
            let global = servers.filter(|ip| usable(ip) && !ip.is_unicast_link_local());
            // A lifetime of zero takes them back.
            let lifetime = &option[4..8];
            let kept = global.filter(|_| lifetime != [0; 4]).map(IpAddr::from);
            found = Some(kept.take(SERVERS).collect());
        }
        options = &options[option.len()..];
    }
    found
}

type Known = BTreeMap<(u32, String), Names>;

fn configuration(known: &Known) -> String {
    let mut servers: Vec<IpAddr> = Vec::new();
    for server in known.values().flat_map(|names| &names.servers) {
        if servers.len() < SERVERS && !servers.contains(server) {
            servers.push(*server);
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
    servers.map(|server| format!("{server}\n")).collect()
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

    #[test]
    fn servers_are_learned_from_router_advertisements() {
        let server: Ipv6Addr = "2001:db8::53".parse().expect("an address");
        let local: Ipv6Addr = "fe80::1".parse().expect("an address");
        // A source link-layer address first (type 1, one unit), then two servers.
        let mut options = vec![1, 1, 2, 0, 0, 0, 0, 7, 25, 5, 0, 0, 0, 0, 0, 60];
        options.extend(server.octets());
        options.extend(local.octets());
        assert_eq!(advertised(&options), Some(vec![server.into()]));
        options[15] = 0;
        assert_eq!(advertised(&options), Some(Vec::new()), "taken back");
        for broken in [&[][..], &[25, 0], &[25, 9, 0, 0, 0, 0, 0, 1], &[25]] {
            assert_eq!(advertised(broken), None, "{broken:?}");
        }
    }
}
