//! Sets every card up and has it ask for an address, the one the machine booted from first.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::parameters::Parameters;
use crate::clock::Clock;
use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::error::{Context, Result};
use crate::init::network_report::Board;
use crate::init::slow_nic_drivers::{LOOK_AGAIN, Starting};
use crate::net::address::configure;
use crate::net::address::ip_parameter::{Fixed, Ip};
use crate::net::address::resolv_conf::{Names, ResolvConf, advertisement};
use crate::net::dhcp::Client;
use crate::net::link::links;
use crate::net::link::links::{Changes, Link};
use crate::small_sort;
use crate::sys::socket::readable;
use crate::system_root::SystemRoot;

// linux/rtnetlink.h: the groups RTNLGRP_IPV4_IFADDR (5), RTNLGRP_IPV6_IFADDR (9), RTNLGRP_ND_USEROPT (20)
const GROUPS: u32 = 1 << 4 | 1 << 8 | 1 << 19;
/// Metrics: the card the machine booted from wins, the others go by their index.
const BOOT: u32 = 100;
const OTHERS: u32 = 200;
/// Name servers of router advertisements rank behind those of leases.
const ADVERTISED: u32 = 10_000;
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
    pub board: Arc<Board>,
    resolv_conf: Arc<ResolvConf>,
    known: BTreeSet<u32>,
    starting: Starting,
    /// Those that would not go up; tried again with every report.
    stuck: BTreeSet<u32>,
    /// Addresses by hand that have not found their card, or that it did not take.
    unplaced: Vec<Fixed>,
}

impl Network {
    pub fn new(
        host: &SystemRoot,
        clock: &Clock,
        parameters: Arc<Parameters>,
        board: Arc<Board>,
    ) -> Self {
        let fixed = parameters.ips.iter().filter_map(|ip| match ip {
            Ip::Fixed(fixed) => Some(fixed.clone()),
            _ => None,
        });
        Network {
            host: host.clone(),
            clock: clock.clone(),
            board,
            resolv_conf: Arc::new(ResolvConf::new(host)),
            known: BTreeSet::new(),
            starting: Starting::default(),
            stuck: BTreeSet::new(),
            unplaced: fixed.collect(),
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
                self.board.report(&self.host);
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
                } else if let Some((link, servers)) = advertisement(message) {
                    let names = Names {
                        servers,
                        ..Names::default()
                    };
                    let source = format!("router advertisement on link {link}");
                    self.resolv_conf.learn(ADVERTISED, &source, names);
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
        Ok(())
    }

    fn adopt(&mut self, link: &Link) {
        if link.gone {
            self.known.remove(&link.index);
            self.starting.forget(link);
            self.stuck.remove(&link.index);
            self.board.forget(link.index);
            return;
        }
        let new = link.card && !self.known.contains(&link.index);
        if new && self.starting.waits(&self.host, self.clock.elapsed(), link) {
            return;
        }
        if self.known.insert(link.index) && (link.card || link.name == "lo") {
            self.raise(link);
            if link.card {
                log::info!("{} is the network card {}", link.name, link.mac);
                self.board.say(link, "set up, nothing heard yet");
                if self.parameters.wants_dhcp(&link.name) {
                    self.start_dhcp(link.clone());
                }
            }
        }
        if link.card {
            self.place(link);
        }
    }

    /// Firmware that was busy and drivers that were not ready may be so a minute later. Links that others
    /// took down, as a lockdown does, stay down.
    fn try_again(&mut self) -> Result<()> {
        for link in links::list()? {
            if self.stuck.contains(&link.index) {
                self.raise(&link);
            }
            if link.card {
                self.place(&link);
            }
        }
        Ok(())
    }

    fn raise(&mut self, link: &Link) {
        match links::set_up(&self.host, link) {
            Ok(()) => {
                self.stuck.remove(&link.index);
                if link.card {
                    self.board.set_stuck(link, None);
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
                self.board.set_stuck(link, Some(error.to_string()));
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
            match fixed.apply(&self.host, link, metric, &self.resolv_conf) {
                Ok(()) => self.board.say(link, "address from the kernel command line"),
                Err(error) => {
                    log::error!("{error}");
                    refused.push(fixed);
                }
            }
        }
        self.unplaced.extend(refused);
    }

    fn metric(&self, link: &Link) -> u32 {
        match self.parameters.boot == Some(link.mac) {
            true => BOOT,
            false => OTHERS + link.index,
        }
    }

    /// A client that fails is started again while its link is there.
    fn start_dhcp(&self, link: Link) {
        let metric = self.metric(&link);
        let (host, clock) = (self.host.clone(), self.clock.clone());
        let (board, resolv_conf) = (self.board.clone(), self.resolv_conf.clone());
        let name = link.name.clone();
        let work = move || {
            let mut failures = 0;
            loop {
                let client = Client {
                    host: &host,
                    clock: &clock,
                    link: link.clone(),
                    metric,
                    resolv_conf: &resolv_conf,
                    report: &|text| board.say(&link, text),
                };
                if let Err(error) = client.run() {
                    log::error!("{}: {error}", link.name);
                }
                failures += 1;
                clock.sleep(clock.backoff(failures, Duration::from_secs(1), REPORTS[1]));
                // A list that cannot be had says nothing about the link.
                let gone = links::list()
                    .is_ok_and(|links| !links.iter().any(|other| other.index == link.index));
                if gone {
                    return resolv_conf.learn(metric, &link.name, Names::default());
                }
            }
        };
        let started = thread::Builder::new()
            .name(format!("dhcp-{name}"))
            .spawn(work);
        if let Err(error) = started {
            log::error!("{name}: no thread for its DHCP client: {error}");
        }
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
            gone: false,
        }
    }

    #[test]
    fn what_a_card_refuses_is_tried_again() {
        // The tree is no ramdisk: every change to a link is refused.
        let host = SystemRoot::new("/nonexistent");
        let parameters = Arc::new(Parameters::parse("ip=192.0.2.9::192.0.2.1:24::eth7:off"));
        let mut network = Network::new(&host, &Clock::fake(), parameters, Arc::default());
        network.adopt(&card(7));
        assert!(network.stuck.contains(&7) && network.unplaced.len() == 1);
        network.adopt(&Link {
            gone: true,
            ..card(7)
        });
        assert!(network.stuck.is_empty() && network.known.is_empty());
    }
}
