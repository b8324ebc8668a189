//! The threads that ask for addresses: for each card one that speaks DHCPv4, and one that speaks DHCPv6 once a router says
//! that there is a server. They end when the card is gone.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Result;
use crate::init::network_report::Board;
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::dhcp::doubt::Doubt;
use crate::net::link::links;
use crate::net::link::links::Link;
use crate::net::{dhcp, dhcpv6};
use crate::system_root::SystemRoot;

/// The longest pause after a client that failed.
const LONGEST: Duration = Duration::from_secs(60);

/// What every client works with.
#[derive(Clone)]
pub struct DhcpThreads {
    pub host: SystemRoot,
    pub clock: Clock,
    pub board: Arc<Board>,
    pub resolv_conf: Arc<ResolvConf>,
    pub doubt: Doubt,
}

impl DhcpThreads {
    /// `metric` is the rank of what the card is granted: the lower goes first.
    pub fn start_v4(&self, link: &Link, metric: u32) {
        self.start("dhcp", link, metric, move |all, link| {
            let client = dhcp::Client {
                host: &all.host,
                clock: &all.clock,
                link: link.clone(),
                metric,
                resolv_conf: &all.resolv_conf,
                report: &|text| all.board.say(link, text),
                doubt: all.doubt.clone(),
            };
            client.run()
        });
    }

    /// The same of DHCPv6.
    pub fn start_v6(&self, link: &Link, metric: u32) {
        self.start("dhcpv6", link, metric, move |all, link| {
            let client = dhcpv6::Client {
                host: &all.host,
                clock: &all.clock,
                link: link.clone(),
                metric,
                resolv_conf: &all.resolv_conf,
                report: &|text| all.board.say_ipv6(link, text),
                doubt: all.doubt.clone(),
            };
            client.run()
        });
    }

    /// A client that fails is started again while its link is there.
    fn start(
        &self,
        kind: &str,
        link: &Link,
        metric: u32,
        client: impl Fn(&DhcpThreads, &Link) -> Result<()> + Send + 'static,
    ) {
        let (all, card) = (self.clone(), link.clone());
        let work = move || {
            let mut failures = 0;
            loop {
                if let Err(error) = client(&all, &card) {
                    log::error!("{}: {error}", card.name);
                }
                failures += 1;
                let pause = all.clock.backoff(failures, Duration::from_secs(1), LONGEST);
                all.clock.sleep(pause);
                // A list that cannot be had says nothing about the link.
                let gone = links::list()
                    .is_ok_and(|links| !links.iter().any(|other| other.index == card.index));
                if gone {
                    for source in [card.name.clone(), dhcpv6::source(&card)] {
                        all.resolv_conf.learn(metric, &source, Names::default());
                    }
                    return;
                }
            }
        };
        let name = format!("{kind}-{}", link.name);
        if let Err(error) = thread::Builder::new().name(name).spawn(work) {
            log::error!("{}: no thread for its {kind} client: {error}", link.name);
        }
    }
}
