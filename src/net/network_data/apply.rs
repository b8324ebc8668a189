//! Makes a machine's network of a plan, step by step as its cards appear; what is there already stays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::error::Result;
use crate::net::address::configure;
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::link::links::{self, Link};
use crate::net::link::virtual_links;
use crate::net::network_data::{Kind, Network, NetworkData, PlannedLink};
use crate::system_root::SystemRoot;

/// Name servers for all links go before those of one.
const FIRST: u32 = 1;
/// Their name among those who know some.
const SOURCE: &str = "network_data.json";

/// A plan, and how far it has come.
pub struct Applier {
    data: NetworkData,
    /// The kernel's index of each link that is there, by its place in the plan.
    placed: BTreeMap<usize, u32>,
    /// Ports that have been given to their bond, links that have been set.
    done: BTreeSet<usize>,
    /// What was said once.
    told: BTreeSet<String>,
}

/// What the plan is carried out with.
pub struct Tools<'a> {
    /// Must be a ramdisk.
    pub host: &'a SystemRoot,
    /// Where name servers go.
    pub resolv_conf: &'a ResolvConf,
    /// Makes the kernel know VLANs (`8021q`) or bonds (`bonding`).
    pub load: &'a dyn Fn(&str),
    /// The rank of a link's routes.
    pub metric: &'a dyn Fn(&Link) -> u32,
    /// Starts to ask by DHCPv4 on a link.
    pub dhcp: &'a dyn Fn(&Link),
}

impl Applier {
    /// Nothing is done yet.
    pub fn new(data: NetworkData) -> Self {
        Applier {
            data,
            placed: BTreeMap::new(),
            done: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// Does the plan say what becomes of this link?
    pub fn plans(&self, link: &Link) -> bool {
        self.placed.values().any(|index| *index == link.index)
            || (0..self.data.links.len()).any(|at| self.is_planned_as(at, link))
    }

    /// Does it leave IPv6 on this link to routers?
    pub fn wants_auto6(&self, link: &Link) -> bool {
        let planned = self
            .placed
            .iter()
            .filter(|(_, index)| **index == link.index);
        planned
            .into_iter()
            .any(|(at, _)| self.data.links[*at].networks.contains(&Network::Auto6))
    }

    /// The link is gone; one that comes in its place is set up anew.
    pub fn forget(&mut self, index: u32) {
        let gone = self.placed.iter().find(|(_, placed)| **placed == index);
        if let Some(at) = gone.map(|(at, _)| *at) {
            self.placed.remove(&at);
            self.done.remove(&at);
        }
    }

    /// Goes as far as the machine's links let it. What fails is told once, and tried again the next time.
    pub fn settle(&mut self, tools: &Tools) -> Result<()> {
        let names = Names {
            servers: self.data.name_servers.clone(),
            ..Names::default()
        };
        tools.resolv_conf.learn(FIRST, SOURCE, names);
        if self.done.len() == self.data.links.len() {
            return Ok(());
        }
        for at in 0..self.data.links.len() {
            // Anew each time: the link before may have become what this one is made of.
            let links = links::list()?;
            if let Err(error) = self.settle_one(at, &links, tools) {
                self.tell(error.to_string());
            }
        }
        Ok(())
    }

    fn settle_one(&mut self, at: usize, links: &[Link], tools: &Tools) -> Result<()> {
        let Some(link) = self.find(at, links) else {
            return self.make(at, links, tools);
        };
        if self.placed.insert(at, link.index) != Some(link.index) {
            self.done.remove(&at);
        }
        let bond = self
            .data
            .links
            .iter()
            .position(|planned| match &planned.kind {
                Kind::Bond(_, ports) => ports.contains(&at),
                _ => false,
            });
        match bond {
            _ if self.done.contains(&at) => return Ok(()),
            Some(bond) => {
                // It comes in a moment.
                let Some(bond) = self.find(bond, links) else {
                    return Ok(());
                };
                virtual_links::add_port(tools.host, &bond, &link)?;
                log::info!("{} is a port of {}", link.name, bond.name);
            }
            None => set(&self.data.links[at], &link, tools)?,
        }
        self.done.insert(at);
        Ok(())
    }

    /// Makes what is made of others, when enough of these is there.
    fn make(&mut self, at: usize, links: &[Link], tools: &Tools) -> Result<()> {
        self.placed.remove(&at);
        self.done.remove(&at);
        let name = self.name(at, links);
        let planned = &self.data.links[at];
        match (&planned.kind, name) {
            (Kind::Bond(mode, ports), Some(name)) => {
                if !ports.iter().any(|port| self.placed.contains_key(port)) {
                    return Ok(());
                }
                (tools.load)("bonding");
                virtual_links::add_bond(tools.host, &name, *mode, planned.mac)?;
                // A new bond has none of them.
                for port in ports.clone() {
                    self.done.remove(&port);
                }
                log::info!("{name} is a bond");
            }
            (Kind::Vlan(parent, number), Some(name)) => {
                let Some(parent) = self.find(*parent, links) else {
                    return Ok(());
                };
                (tools.load)("8021q");
                virtual_links::add_vlan(tools.host, &parent, *number, &name, planned.mac)?;
                log::info!("{name} is the VLAN {number} of {}", parent.name);
            }
            // A card that has not come yet.
            _ => return Ok(()),
        }
        let links = links::list()?;
        match self.find(at, &links).is_some() {
            true => self.settle_one(at, &links, tools),
            false => Ok(()),
        }
    }

    fn find(&self, at: usize, links: &[Link]) -> Option<Link> {
        let placed = self.placed.get(&at);
        let known = links.iter().find(|link| placed == Some(&link.index));
        let name = self.name(at, links);
        known
            .or_else(|| {
                links.iter().find(|link| match &name {
                    Some(name) => link.name == *name && link.made,
                    None => self.is_planned_as(at, link),
                })
            })
            .cloned()
    }

    /// A card is known by its address, which a bond may take from it later; all others by what they are called.
    fn is_planned_as(&self, at: usize, link: &Link) -> bool {
        let planned = &self.data.links[at];
        match planned.kind {
            Kind::Card => link.card && planned.mac == Some(link.mac),
            Kind::Bond(..) => link.made && self.bond_name(at) == link.name,
            Kind::Vlan(..) => false,
        }
    }

    /// None for a card, which has its name, and for a VLAN whose parent is not there.
    fn name(&self, at: usize, links: &[Link]) -> Option<String> {
        match self.data.links[at].kind {
            Kind::Card => None,
            Kind::Bond(..) => Some(self.bond_name(at)),
            Kind::Vlan(parent, number) => {
                let parent = self.find(parent, links)?;
                Some(virtual_links::vlan_name(&parent.name, number))
            }
        }
    }

    /// Its id, if a link may be called so, and no VLAN could be.
    fn bond_name(&self, at: usize) -> String {
        let id = &self.data.links[at].id;
        match virtual_links::is_name(id) && !id.contains('.') {
            true => id.clone(),
            false => format!("bond{at}"),
        }
    }

    fn tell(&mut self, told: String) {
        // As many as there can be of honest ones.
        if self.told.len() < 64 && self.told.insert(told.clone()) {
            log::error!("network_data.json: {told}");
        }
    }
}

/// Up, with its MTU, and with its addresses: routes and names first, an address last, so that whoever waits for one finds all
/// the rest in place.
fn set(planned: &PlannedLink, link: &Link, tools: &Tools) -> Result<()> {
    if let Some(mtu) = planned.mtu.filter(|mtu| *mtu != link.mtu) {
        links::set_mtu(tools.host, link, mtu)?;
    }
    if !link.up {
        links::set_up(tools.host, link)?;
    }
    let metric = (tools.metric)(link);
    let mut servers: Vec<IpAddr> = Vec::new();
    for network in &planned.networks {
        if let Network::Fixed { name_servers, .. } = network {
            servers.extend(name_servers);
        }
    }
    let names = Names {
        servers,
        zone: Some(link.name.clone()),
        ..Names::default()
    };
    let source = format!("{SOURCE} for {}", link.name);
    tools.resolv_conf.learn(metric, &source, names);
    for network in &planned.networks {
        if let Network::Fixed {
            address, routes, ..
        } = network
        {
            let (ip, prefix) = (address.ip, address.prefix);
            log::info!("{}: {ip}/{prefix} from network_data.json", link.name);
            // What the kernel does not take, such as a gateway that is none, costs itself, not the address or the link.
            for route in routes {
                tell_failure(configure::add_route(tools.host, link, *route, metric));
            }
            tell_failure(configure::add(tools.host, link, *address, metric));
        }
    }
    if planned.networks.contains(&Network::Dhcp4) {
        (tools.dhcp)(link);
    }
    Ok(())
}

fn tell_failure(done: Result<()>) {
    if let Err(error) = done {
        log::error!("network_data.json: {error}");
    }
}
