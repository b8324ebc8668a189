//! Sets every card up and has it ask for an address, the one the machine booted from first.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::parameters::Parameters;
use crate::clock::Clock;
use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::error::{Context, Result};
use crate::init::dhcp_threads::DhcpThreads;
use crate::init::ipv6_routers::Ipv6Routers;
use crate::init::network_report::Board;
use crate::init::planned_network::PlannedNetwork;
use crate::init::slow_nic_drivers::{LOOK_AGAIN, Starting};
use crate::init::vlan_interfaces::VlanInterfaces;
use crate::net::address::configure;
use crate::net::address::ip_parameter::{Fixed, Ip};
use crate::net::address::resolv_conf::ResolvConf;
use crate::net::address::router_advertisement::Advertisement;
use crate::net::dhcp::doubt::Doubt;
use crate::net::link::links::{self, Changes, Link, Mac};
use crate::net::link::router_flags::{self, RouterFlags};
use crate::net::network_data::NetworkData;
use crate::small_sort;
use crate::sys::socket::readable;
use crate::system_root::SystemRoot;

// linux/rtnetlink.h: the groups RTNLGRP_IPV4_IFADDR (5), RTNLGRP_IPV6_IFADDR (9), RTNLGRP_IPV6_IFINFO (12),
// RTNLGRP_ND_USEROPT (20)
const GROUPS: u32 = 1 << 4 | 1 << 8 | 1 << 11 | 1 << 19;
/// Metrics: the card the machine booted from wins, the others go by their index.
const BOOT: u32 = 100;
const OTHERS: u32 = 200;
/// When the console hears that there is still no network: then, later, and then every so often.
const REPORTS: [Duration; 3] = [
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

pub struct Network {
    pub host: SystemRoot,
    pub clock: Clock,
    pub parameters: Arc<Parameters>,
    threads: DhcpThreads,
    /// As last heard of, by index.
    known: BTreeMap<u32, Link>,
    starting: Starting,
    /// Those that would not go up; tried again with every report.
    stuck: BTreeSet<u32>,
    /// Addresses by hand that have not found their card, or that it did not take.
    unplaced: Vec<Fixed>,
    routers: Ipv6Routers,
    vlans: VlanInterfaces,
    plan: PlannedNetwork,
}

/// What else there is to be done than to set up cards.
pub struct Wishes {
    pub vlans: VlanInterfaces,
    pub plan: Option<NetworkData>,
    pub doubt: Doubt,
}

impl Network {
    pub fn new(
        host: &SystemRoot,
        clock: &Clock,
        parameters: Arc<Parameters>,
        board: Arc<Board>,
        wishes: Wishes,
    ) -> Self {
        let fixed = parameters.ips.iter().filter_map(|ip| match ip {
            Ip::Fixed(fixed) => Some(fixed.clone()),
            _ => None,
        });
        Network {
            host: host.clone(),
            clock: clock.clone(),
            threads: DhcpThreads {
                host: host.clone(),
                clock: clock.clone(),
                board,
                resolv_conf: Arc::new(ResolvConf::new(host)),
                doubt: wishes.doubt,
            },
            known: BTreeMap::new(),
            starting: Starting::default(),
            stuck: BTreeSet::new(),
            unplaced: fixed.collect(),
            routers: Ipv6Routers::default(),
            vlans: wishes.vlans,
            plan: PlannedNetwork::new(wishes.plan),
            parameters,
        }
    }

    /// Follows the links for as long as the machine runs; comes back only on an error.
    pub fn run(&mut self) -> Result<()> {
        let mut changes = Changes::open(GROUPS)?;
        self.look()?;
        let (mut reports, mut ready, mut since) = (0, false, self.clock.elapsed());
        loop {
            let now = self.clock.elapsed();
            let there = configure::list()?.iter().any(|assigned| assigned.usable);
            match (ready, there) {
                (false, true) => log::info!("the network is there"),
                (true, false) => {
                    log::warn!("the network is gone");
                    (reports, since) = (0, now);
                }
                _ => {}
            }
            ready = there;
            let left = (since + due(reports)).saturating_sub(now);
            if !ready && left.is_zero() {
                reports += 1;
                self.threads.board.report(&self.host);
                for line in self.vlans.missing() {
                    log::warn!("{line}");
                }
                self.try_again()?;
                continue;
            }
            let mut left = (!ready).then_some(left);
            if !self.starting.is_empty() {
                left = Some(left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN)));
            }
            readable([changes.as_fd()], left).context("waiting for network changes")?;
            let messages = changes.take();
            for message in messages.iter().flatten() {
                if let Some(link) = Link::read(message) {
                    self.adopt(&link);
                } else if let Some(said) = Advertisement::read(message) {
                    let link = self.known.get(&said.link);
                    self.routers.hear(said, link, &self.threads);
                } else if let Some(flags) = RouterFlags::read(message) {
                    self.ask_by_ipv6(flags);
                }
            }
            if messages.is_none() || !self.starting.is_empty() {
                self.look()?;
            }
        }
    }

    /// Adopts every link there is: the loopback first, without whose routes the kernel takes no gateway
    /// for another link's, then the one the machine booted from.
    fn look(&mut self) -> Result<()> {
        let mut links = links::list()?;
        let boot = self.parameters.boot;
        small_sort::by_key(&mut links, |link| {
            (link.name != "lo", Some(link.mac) != boot, link.index)
        });
        for link in &links {
            self.adopt(link);
        }
        for flags in router_flags::list()? {
            self.ask_by_ipv6(flags);
        }
        Ok(())
    }

    /// Starts to ask by DHCPv6 where a router says that there is something to be had.
    fn ask_by_ipv6(&mut self, flags: RouterFlags) {
        let Some(link) = self.known.get(&flags.link) else {
            return;
        };
        let wanted = self.plan.wants_auto6(link);
        let wanted = wanted.unwrap_or_else(|| self.parameters.wants_dhcpv6(&link.name));
        if (link.card || link.made) && wanted && self.routers.has_news(flags) {
            self.threads.start_v6(link, self.metric(link));
        }
    }

    fn adopt(&mut self, link: &Link) {
        if link.gone {
            return self.forget(link);
        }
        let ours = link.card || link.made;
        let new = !self.known.contains_key(&link.index);
        if ours && new && self.starting.waits(&self.host, self.clock.elapsed(), link) {
            return;
        }
        self.known.insert(link.index, link.clone());
        if new && (ours || link.name == "lo") {
            self.raise(link);
        }
        let planned = self.plan.plans(link);
        if new && ours {
            let kind = if link.made { "link" } else { "network card" };
            log::info!("{} is the {kind} {}", link.name, link.mac);
            self.threads.board.say(link, "set up, nothing heard yet");
            if !planned && self.parameters.wants_dhcp(&link.name) {
                self.threads.start_v4(link, self.metric(link));
            }
        }
        if ours {
            self.place(link);
        }
        if link.card {
            self.vlans.make(link);
        }
        self.settle();
    }

    fn forget(&mut self, link: &Link) {
        self.known.remove(&link.index);
        self.starting.forget(link);
        self.stuck.remove(&link.index);
        self.threads.board.forget(link.index);
        self.routers.forget(link, &self.threads);
        self.vlans.forget(link);
        self.plan.forget(link);
    }

    /// Goes on with what was planned.
    fn settle(&mut self) {
        let boot = self.parameters.boot;
        self.plan.settle(&self.threads, &|link| metric(link, boot));
    }

    /// Firmware that was busy and drivers that were not ready may be so a minute later. Links that others
    /// took down, as a lockdown does, stay down.
    fn try_again(&mut self) -> Result<()> {
        for link in links::list()? {
            if self.stuck.contains(&link.index) {
                self.raise(&link);
            }
            if link.card || link.made {
                self.place(&link);
            }
        }
        self.settle();
        Ok(())
    }

    fn raise(&mut self, link: &Link) {
        match links::set_up(&self.host, link) {
            Ok(()) => {
                self.stuck.remove(&link.index);
                if link.card || link.made {
                    self.threads.board.set_stuck(link, None);
                }
            }
            Err(error) => {
                log::error!("{error}");
                // A driver that has no firmware says so to the kernel's log, and to us only "no such file".
                let faults = Faults::look(&self.host, Purpose::Network).lacks.into_iter();
                for lack in faults.filter(|lack| lack.links.contains(&link.name)) {
                    log::error!("{lack}");
                }
                self.stuck.insert(link.index);
                self.threads.board.set_stuck(link, Some(error.to_string()));
            }
        }
    }

    /// Gives the link the addresses that were meant for it.
    fn place(&mut self, link: &Link) {
        let boot = self.parameters.boot;
        let fits = |fixed: &Fixed| match (&fixed.device, boot) {
            (Some(device), _) => *device == link.name,
            (None, Some(boot)) => boot == link.mac,
            (None, None) => link.carrier,
        };
        let metric = self.metric(link);
        let mut refused = Vec::new();
        for fixed in self.unplaced.extract_if(.., |fixed| fits(fixed)) {
            match fixed.apply(&self.host, link, metric, &self.threads.resolv_conf) {
                Ok(()) => self
                    .threads
                    .board
                    .say(link, "address from the kernel command line"),
                Err(error) => {
                    log::error!("{error}");
                    refused.push(fixed);
                }
            }
        }
        self.unplaced.extend(refused);
    }

    fn metric(&self, link: &Link) -> u32 {
        metric(link, self.parameters.boot)
    }
}

fn metric(link: &Link, boot: Option<Mac>) -> u32 {
    match boot == Some(link.mac) {
        true => BOOT,
        false => OTHERS + link.index,
    }
}

/// How long without a network until the report after so many.
fn due(reports: u32) -> Duration {
    match REPORTS.get(reports as usize) {
        Some(due) => *due,
        None => REPORTS[2] * (reports - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_become_rare() {
        let due: Vec<_> = (0..6).map(|reports| due(reports).as_secs()).collect();
        assert_eq!(due, [15, 60, 300, 600, 900, 1200]);
    }

    fn card(index: u32) -> Link {
        Link {
            index,
            name: format!("eth{index}"),
            mac: links::Mac([2, 0, 0, 0, 0, index as u8]),
            mtu: 1500,
            up: false,
            carrier: false,
            card: true,
            made: false,
            gone: false,
        }
    }

    #[test]
    fn what_a_card_refuses_is_tried_again() {
        // The tree is no ramdisk: every change to a link is refused.
        let host = SystemRoot::new("/nonexistent");
        let parameters = Arc::new(Parameters::parse("ip=192.0.2.9::192.0.2.1:24::eth7:off"));
        let wishes = Wishes {
            vlans: VlanInterfaces::new(&host, &Clock::fake(), &[], None),
            plan: None,
            doubt: Doubt::default(),
        };
        let mut network = Network::new(&host, &Clock::fake(), parameters, Arc::default(), wishes);
        network.adopt(&card(7));
        assert!(network.stuck.contains(&7) && network.unplaced.len() == 1);
        network.adopt(&Link {
            gone: true,
            ..card(7)
        });
        assert!(network.stuck.is_empty() && network.known.is_empty());
    }
}
