//! What a lease makes of a link: its address, routes and MTU; and of the machine: its name and the servers it asks.

use std::net::{IpAddr, Ipv4Addr};

use crate::error::Result;
use crate::net::address::configure;
use crate::net::address::configure::{Address, Route};
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::lease_times::Times;
use crate::net::link::links;
use crate::net::link::links::Link;
use crate::sys::kernel;
use crate::system_root::SystemRoot;

/// The link, and the rank of what it is given.
pub struct LinkLease<'a> {
    pub host: &'a SystemRoot,
    pub link: &'a Link,
    pub metric: u32,
    pub resolv_conf: &'a ResolvConf,
}

impl LinkLease<'_> {
    /// Routes and names first, the address last: whoever waits for an address finds all the rest in place.
    pub fn apply(&self, lease: &Lease) {
        let name = &self.link.name;
        let server = match lease.server {
            Some(server) => format!("the DHCP server {server}"),
            None => "a DHCP server that does not say which".to_owned(),
        };
        let time = match lease.times {
            Some(times) if times != Times::FOR_EVER => format!("{} s", times.expire.as_secs()),
            _ => "ever".to_owned(),
        };
        log::info!(
            "{name}: {}/{} from {server}, for {time}; gateway {}, name servers {:?}",
            lease.address,
            lease.prefix,
            gateway(lease).map_or("none".to_owned(), |gateway| gateway.to_string()),
            lease.name_servers,
        );
        self.resolv_conf.learn(self.metric, name, names(lease));
        if let Some(hostname) = &lease.hostname
            && let Err(error) = kernel::set_hostname(hostname)
        {
            log::warn!("{name}: host name {hostname}: {error}");
        }
        let mtu = lease.mtu.map(u32::from);
        if let Some(mtu) = mtu.filter(|mtu| *mtu != self.link.mtu) {
            tolerate(links::set_mtu(self.host, self.link, mtu));
        }
        for (network, prefix, gateway) in &lease.routes {
            let to = Address {
                ip: (*network).into(),
                prefix: *prefix,
            };
            let gateway = (!gateway.is_unspecified()).then_some((*gateway).into());
            let route = Route { to, gateway };
            tolerate(configure::add_route(
                self.host,
                self.link,
                route,
                self.metric,
            ));
        }
        let address = Address {
            ip: lease.address.into(),
            prefix: lease.prefix,
        };
        tolerate(configure::add(self.host, self.link, address, self.metric));
    }

    /// Removes every IPv4 address of the link, and with the last one its routes.
    pub fn give_up(&self) -> Result<()> {
        let named = Names::default();
        self.resolv_conf.learn(self.metric, &self.link.name, named);
        for assigned in configure::list()? {
            let ours = assigned.link == self.link.index;
            if ours && assigned.address.ip.is_ipv4() {
                configure::remove(self.host, self.link, assigned.address)?;
            }
        }
        Ok(())
    }
}

fn gateway(lease: &Lease) -> Option<Ipv4Addr> {
    let default = lease.routes.iter().find(|(_, prefix, _)| *prefix == 0);
    default.map(|(_, _, gateway)| *gateway)
}

fn names(lease: &Lease) -> Names {
    let ips = |ips: &[Ipv4Addr]| ips.iter().copied().map(IpAddr::from).collect();
    Names {
        servers: ips(&lease.name_servers),
        search: lease.search.clone(),
        time_servers: ips(&lease.time_servers),
        zone: None,
    }
}

/// One thing of a lease that cannot be had leaves the rest of it useful.
fn tolerate(result: Result<()>) {
    if let Err(error) = result {
        log::warn!("{error}");
    }
}
