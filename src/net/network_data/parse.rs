//! Reads `network_data.json` (OpenStack's network_data format, as Nova, Ironic and Metal3 write it). Pure.
//!
//! A link or network that makes no sense costs itself, and is told; the others are as they stand.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::codec::json::{self, Fields, Number, Object, Value};
use crate::error::{Error, Result};
use crate::net::address::configure::{Address, Route};
use crate::net::link::links::Mac;
use crate::net::link::virtual_links::BondMode;
use crate::net::network_data::address_text::{address, any, masked, prefix};
use crate::net::network_data::{Kind, Network, NetworkData, PlannedLink};

/// Entries of each list that are read.
const MOST: usize = 256;
/// linux/if_bonding.h, in the order of their numbers.
const MODES: [&str; 7] = [
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
];
const HASHES: [&str; 6] = [
    "layer2",
    "layer3+4",
    "layer2+3",
    "encap2+3",
    "encap3+4",
    "vlan+srcmac",
];
/// Milliseconds; without it a bond never notices that a cable is out.
const MIIMON: u32 = 100;
/// linux/if_ether.h: the least that carries IPv4; and the most a header can say.
const MTU: std::ops::RangeInclusive<u64> = 68..=65535;

/// What the file plans, and what of it made no sense, in words. An error when it is not such a file at all.
pub fn parse(text: &str) -> Result<(NetworkData, Vec<String>)> {
    let Value::Object(file) = json::parse(text)? else {
        return Err(Error::plain("it is no JSON object"));
    };
    let mut reader = Reader::default();
    // Cards first, then bonds, then VLANs: so each finds what it is made of.
    let links = objects(&file, "links")?;
    for rank in 0..3 {
        for link in &links {
            if rank_of(link) == rank {
                let id = name_of(link);
                let read = reader.link(link);
                reader.keep(&format!("link {id}"), read);
            }
        }
    }
    for network in objects(&file, "networks")? {
        let id = name_of(network);
        let read = reader.network(network);
        reader.keep(&format!("network {id}"), read);
    }
    let servers = name_servers(&file);
    if let Some(servers) = reader.keep("services", servers) {
        // Before those of networks whose addresses come by themselves.
        reader.data.name_servers.splice(..0, servers);
    }
    Ok((reader.data, reader.faults))
}

#[derive(Default)]
struct Reader {
    data: NetworkData,
    faults: Vec<String>,
}

impl Reader {
    fn keep<T>(&mut self, what: &str, read: Result<T>) -> Option<T> {
        read.map_err(|error| {
            let what: String = what.chars().take(80).collect();
            let told = format!("{}: {}", what.escape_debug(), error.details());
            self.faults.push(told);
        })
        .ok()
    }

    fn link(&mut self, link: &Object) -> Result<()> {
        let id = required(link, "id")?;
        if self.place(id).is_ok() {
            return Err(Error::plain("there is another link of that id"));
        }
        let key = match rank_of(link) {
            2 => "vlan_mac_address",
            _ => "ethernet_mac_address",
        };
        let mac = link.string(key)?.map(|text| {
            let mac = Mac::parse(text);
            mac.ok_or_else(|| Error::plain(format!("'{key}' is no MAC address")))
        });
        let mac = mac.transpose()?;
        let kind = match rank_of(link) {
            1 => Kind::Bond(bond_mode(link)?, self.ports(link)?),
            2 => {
                let parent = self.place(required(link, "vlan_link")?)?;
                if matches!(self.data.links[parent].kind, Kind::Vlan(..)) {
                    return Err(Error::plain("a VLAN of a VLAN is not made here"));
                }
                Kind::Vlan(parent, vlan_number(link)?)
            }
            _ if mac.is_none() => {
                return Err(Error::plain(format!(
                    "it has no '{key}', by which cards are known"
                )));
            }
            _ => Kind::Card,
        };
        let mtu = link.integer("mtu")?;
        if mtu.is_some_and(|mtu| !MTU.contains(&mtu)) {
            return Err(Error::plain("'mtu' is none that a link can have"));
        }
        self.data.links.push(PlannedLink {
            id: id.to_owned(),
            kind,
            mac,
            mtu: mtu.map(|mtu| mtu as u32), // at most 65535
            networks: Vec::new(),
        });
        Ok(())
    }

    fn ports(&self, bond: &Object) -> Result<Vec<usize>> {
        let mut ports = Vec::new();
        for port in list(bond, "bond_links")? {
            let Value::String(port) = port else {
                return Err(Error::plain("'bond_links' holds something that is no id"));
            };
            let place = self.place(port)?;
            if self.data.links[place].kind != Kind::Card {
                return Err(Error::plain(format!(
                    "its port '{port}' is no network card"
                )));
            }
            ports.push(place);
        }
        match ports.is_empty() {
            true => Err(Error::plain("'bond_links' names no port")),
            false => Ok(ports),
        }
    }

    fn network(&mut self, network: &Object) -> Result<()> {
        let place = self.place(required(network, "link")?)?;
        let read = match required(network, "type")? {
            "ipv4_dhcp" => Network::Dhcp4,
            "ipv6_dhcp" | "ipv6_slaac" | "ipv6_dhcpv6-stateful" | "ipv6_dhcpv6-stateless" => {
                Network::Auto6
            }
            "ipv4" => fixed(network, true)?,
            "ipv6" => fixed(network, false)?,
            other => return Err(Error::plain(format!("its type '{other}' is not known"))),
        };
        if !matches!(read, Network::Fixed { .. }) {
            self.data
                .name_servers
                .extend(name_servers_of_network(network)?);
        }
        self.data.links[place].networks.push(read);
        Ok(())
    }

    fn place(&self, id: &str) -> Result<usize> {
        let found = self.data.links.iter().position(|link| link.id == id);
        found.ok_or_else(|| {
            let id: String = id.chars().take(80).collect();
            Error::plain(format!(
                "it names the link '{id}', which is not there or makes no sense"
            ))
        })
    }
}

fn rank_of(link: &Object) -> u8 {
    match link.string("type") {
        Ok(Some("bond")) => 1,
        Ok(Some("vlan")) => 2,
        // phy, and what hypervisors call their ends of a card: ovs, bridge, tap, …
        _ => 0,
    }
}

fn fixed(network: &Object, v4: bool) -> Result<Network> {
    let text = required(network, "ip_address")?;
    let (ip, behind) = match text.split_once('/') {
        Some((ip, length)) => (ip, Some(length)),
        None => (text, None),
    };
    let ip = address(ip, v4)?;
    let length =
        mask_length(network, behind, v4)?.ok_or_else(|| Error::plain("it has no 'netmask'"))?;
    let mut routes = Vec::new();
    if let Some(gateway) = network.string("gateway")?.filter(|text| !text.is_empty()) {
        routes.push(route(any(v4), 0, Some(gateway), v4)?);
    }
    for entry in objects(network, "routes")? {
        let (to, behind) = match required(entry, "network")?.split_once('/') {
            Some((to, length)) => (to, Some(length)),
            None => (required(entry, "network")?, None),
        };
        let to = address(to, v4)?;
        let length = mask_length(entry, behind, v4)?;
        let length = length.ok_or_else(|| Error::plain("a route has no 'netmask'"))?;
        routes.push(route(to, length, entry.string("gateway")?, v4)?);
    }
    Ok(Network::Fixed {
        address: Address { ip, prefix: length },
        routes,
        name_servers: name_servers_of_network(network)?,
    })
}

/// Of `netmask`, a mask or a length, which some write as a number; else of what stands behind the address.
fn mask_length(of: &Object, behind: Option<&str>, v4: bool) -> Result<Option<u8>> {
    let mask = match of.field("netmask") {
        Some(Value::Number(Number::U64(length))) => Some(prefix(&length.to_string(), v4)),
        _ => of
            .string("netmask")?
            .or(behind)
            .map(|mask| prefix(mask, v4)),
    };
    mask.transpose()
}

fn route(to: IpAddr, prefix: u8, gateway: Option<&str>, v4: bool) -> Result<Route> {
    // Metal3 writes an empty one where there is none.
    let gateway = gateway.filter(|gateway| !gateway.is_empty());
    let gateway = gateway.map(|gateway| address(gateway, v4)).transpose()?;
    Ok(Route {
        to: Address {
            ip: masked(to, prefix),
            prefix,
        },
        gateway: gateway.filter(|gateway| !gateway.is_unspecified()),
    })
}

fn name_servers(of: &Object) -> Result<Vec<IpAddr>> {
    let mut servers = Vec::new();
    for service in objects(of, "services")? {
        if service.string("type")? == Some("dns") {
            servers.push(name_server(required(service, "address")?)?);
        }
    }
    Ok(servers)
}

/// Nova has them as `dns_nameservers`, others as services, Metal3 as services of routes.
fn name_servers_of_network(network: &Object) -> Result<Vec<IpAddr>> {
    let mut servers = name_servers(network)?;
    for server in list(network, "dns_nameservers")? {
        match server {
            Value::String(text) => servers.push(name_server(text)?),
            _ => return Err(Error::plain("a name server has no address")),
        }
    }
    for route in objects(network, "routes")? {
        servers.extend(name_servers(route)?);
    }
    let mut once = BTreeSet::new();
    servers.retain(|server| once.insert(*server));
    Ok(servers)
}

fn name_server(text: &str) -> Result<IpAddr> {
    text.parse()
        .map_err(|_| Error::plain("a name server has no address"))
}

fn bond_mode(bond: &Object) -> Result<BondMode> {
    let named = |key: &str, names: &[&str]| match bond.field(key) {
        None => Ok(None),
        Some(Value::String(name)) => {
            // OpenStack's own example has the number of another standard.
            let name = if name == "802.1ad" { "802.3ad" } else { name };
            let place = names.iter().position(|known| *known == name);
            let place = place.or_else(|| name.parse().ok().filter(|at| *at < names.len()));
            let known = || Error::plain(format!("'{key}' is none of {}", names.join(", ")));
            place.map(|at| Some(at as u8)).ok_or_else(known)
        }
        Some(Value::Number(Number::U64(at))) if *at < names.len() as u64 => Ok(Some(*at as u8)),
        Some(_) => Err(Error::plain(format!(
            "'{key}' is none of {}",
            names.join(", ")
        ))),
    };
    Ok(BondMode {
        mode: named("bond_mode", &MODES)?.unwrap_or(0),
        miimon: match bond.integer("bond_miimon")? {
            Some(time) => u32::try_from(time.min(60_000)).unwrap_or(MIIMON),
            None => MIIMON,
        },
        hash: named("bond_xmit_hash_policy", &HASHES)?,
    })
}

/// Some write it as text.
fn vlan_number(vlan: &Object) -> Result<u16> {
    let number = match vlan.field("vlan_id") {
        Some(Value::Number(Number::U64(number))) => Some(*number),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..4095).contains(number));
    number
        .map(|number| number as u16) // at most 4094
        .ok_or_else(|| Error::plain("'vlan_id' is no number from 1 to 4094"))
}

fn required<'a>(of: &'a Object, key: &str) -> Result<&'a str> {
    of.string(key)?
        .ok_or_else(|| Error::plain(format!("it has no '{key}'")))
}

fn list<'a>(of: &'a Object, key: &str) -> Result<Vec<&'a Value>> {
    let entries = of.array(key)?;
    Ok(entries
        .into_iter()
        .flat_map(|list| list.iter())
        .take(MOST)
        .collect())
}

fn objects<'a>(of: &'a Object, key: &str) -> Result<Vec<&'a Object>> {
    let each = list(of, key)?.into_iter().map(|entry| match entry {
        Value::Object(entry) => Ok(entry),
        _ => Err(Error::plain(format!(
            "'{key}' holds something that is no object"
        ))),
    });
    each.collect()
}

fn name_of(of: &Object) -> String {
    of.string("id")
        .ok()
        .flatten()
        .unwrap_or("without an id")
        .to_owned()
}
