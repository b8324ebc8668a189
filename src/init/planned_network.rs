//! What `network_data.json` plans of this machine's network, carried out as its links come.

use crate::drivers::modules;
use crate::init::dhcp_threads::DhcpThreads;
use crate::net::link::links::Link;
use crate::net::network_data::{Applier, NetworkData, Tools};

/// Nothing, where there is no such file.
pub struct PlannedNetwork(Option<Applier>);

impl PlannedNetwork {
    pub fn new(plan: Option<NetworkData>) -> Self {
        PlannedNetwork(plan.map(Applier::new))
    }

    /// Does the plan say what becomes of this link?
    pub fn plans(&self, link: &Link) -> bool {
        self.0.as_ref().is_some_and(|plan| plan.plans(link))
    }

    /// Is IPv6 on this link to be as routers say? None where the plan says nothing of it.
    pub fn wants_auto6(&self, link: &Link) -> Option<bool> {
        let plan = self.0.as_ref().filter(|plan| plan.plans(link));
        plan.map(|plan| plan.wants_auto6(link))
    }

    pub fn forget(&mut self, link: &Link) {
        if let Some(plan) = &mut self.0 {
            plan.forget(link.index);
        }
    }

    /// Goes on with it, as far as the links that are there let it.
    pub fn settle(&mut self, threads: &DhcpThreads, metric: &dyn Fn(&Link) -> u32) {
        let Some(plan) = &mut self.0 else {
            return;
        };
        let settled = plan.settle(&Tools {
            host: &threads.host,
            resolv_conf: &threads.resolv_conf,
            load: &|module| modules::load_named(&threads.host, module),
            metric,
            dhcp: &|link| threads.start_v4(link, metric(link)),
        });
        if let Err(error) = settled {
            log::error!("{error}");
        }
    }
}
