//! `network_data.json` as OpenStack's config drives have it: which links a machine is to have, and which addresses.
//!
//! parse.rs reads the file, apply.rs makes the machine's network of it, again and again as cards come and go.

mod address_text;
pub mod apply;
pub mod parse;

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;

pub use apply::{Applier, Tools};
pub use parse::parse;

use crate::net::address::configure::{Address, Route};
use crate::net::link::links::Mac;
use crate::net::link::virtual_links::BondMode;
use crate::system_root::SystemRoot;

/// Far above any real one.
const LONGEST: u64 = 1 << 20;

/// Where an operator of upstream's ramdisk has it: below a config drive's root.
pub const PATH: &str = "/mnt/config/openstack/latest/network_data.json";

/// The whole file, checked: every link that is named is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkData {
    /// Cards first, then bonds, then VLANs: each after those it is made of.
    pub links: Vec<PlannedLink>,
    /// For names, whatever the link.
    pub name_servers: Vec<IpAddr>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLink {
    /// What the file calls it.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Of a card, by which it is known; else what it is to have.
    pub mac: Option<Mac>,
    /// If it is to be changed.
    pub mtu: Option<u32>,
    /// Ways to its addresses.
    pub networks: Vec<Network>,
}

/// What a link is; others are named by their places in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A network card.
    Card,
    /// Several as one.
    Bond(BondMode, Vec<usize>),
    /// One of the networks on a cable: parent and number.
    Vlan(usize, u16),
}

/// One way to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// By DHCPv4.
    Dhcp4,
    /// As IPv6 routers say: by themselves or by DHCPv6.
    Auto6,
    /// By hand.
    Fixed {
        /// With its prefix.
        address: Address,
        /// Through where.
        routes: Vec<Route>,
        /// For names.
        name_servers: Vec<IpAddr>,
    },
}

/// What the file at [`PATH`] plans; none where there is no such file, or none that can be read. The log tells what makes no
/// sense.
pub fn read(host: &SystemRoot) -> Option<NetworkData> {
    let path = host.seen(PATH);
    let mut text = String::new();
    match File::open(&path).and_then(|file| file.take(LONGEST).read_to_string(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            log::error!("reading {}: {error}", path.display());
            return None;
        }
        Ok(_) => log::info!("the network is as {} plans it", path.display()),
    }
    match parse(&text) {
        Ok((data, faults)) => {
            for fault in faults {
                log::error!("network_data.json: {fault}");
            }
            Some(data)
        }
        Err(error) => {
            log::error!("network_data.json: {error}; every card asks for an address instead");
            None
        }
    }
}
