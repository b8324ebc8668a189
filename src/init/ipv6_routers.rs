//! What IPv6 routers say beside the routes and addresses that the kernel takes from them: name servers, domains, and where
//! DHCPv6 is to be asked.

use std::collections::BTreeSet;

use crate::init::dhcp_threads::DhcpThreads;
use crate::net::address::resolv_conf::Names;
use crate::net::address::router_advertisement::{Advertised, Advertisement};
use crate::net::dhcpv6;
use crate::net::link::links::Link;
use crate::net::link::router_flags::RouterFlags;

/// Their name servers rank behind those of leases.
const RANK: u32 = 10_000;

/// So far.
#[derive(Default)]
pub struct Ipv6Routers {
    advertised: Advertised,
    /// Links on which somebody asks by DHCPv6, by index.
    asked: BTreeSet<u32>,
}

impl Ipv6Routers {
    /// Name servers and domains of an advertisement on `link`; on one that nobody knows they are left alone.
    pub fn hear(&mut self, said: Advertisement, link: Option<&Link>, threads: &DhcpThreads) {
        let (Some(link), now) = (link, threads.clock.elapsed()) else {
            return;
        };
        self.advertised.hear(now, said);
        let names = self.advertised.names(link.index, &link.name, now);
        threads.resolv_conf.learn(RANK, &source(link), names);
    }

    /// Do they say for the first time that there is something to be had by DHCPv6?
    pub fn has_news(&mut self, flags: RouterFlags) -> bool {
        dhcpv6::mode_of(flags).is_some() && self.asked.insert(flags.link)
    }

    pub fn forget(&mut self, link: &Link, threads: &DhcpThreads) {
        self.advertised.forget(link.index);
        self.asked.remove(&link.index);
        threads
            .resolv_conf
            .learn(RANK, &source(link), Names::default());
    }
}

fn source(link: &Link) -> String {
    format!("router advertisement on link {}", link.index)
}
