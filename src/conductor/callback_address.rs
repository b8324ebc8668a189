//! Finds the address under which Ironic can reach this agent.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use log::debug;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::net::address::names;
use crate::net::http::client::{Client, Method, Request};
use crate::net::http::url;
use crate::secret::redacted;

/// What was asked for.
pub struct Wish<'a> {
    /// Told as it is.
    pub host: Option<&'a str>,
    /// Tell this interface's IPv4 address.
    pub interface: Option<&'a str>,
    /// How often to look, at least once.
    pub attempts: u32,
    /// Between two looks.
    pub pause: Duration,
}

/// What the kernel knows.
pub struct Routes<'a> {
    /// The address packets to this destination come from.
    pub source: &'a dyn Fn(IpAddr) -> io::Result<IpAddr>,
    /// The IPv4 address of an interface.
    pub interface: &'a dyn Fn(&str) -> io::Result<IpAddr>,
}

/// protocol/lifecycle.md §11, except that every attempt tests anew whether Ironic can be reached.
/// `anybody` is a client that verifies no certificate: it only tests.
pub fn address(
    wish: &Wish,
    routes: &Routes,
    api_urls: &[String],
    anybody: &Client,
    clock: &Clock,
) -> Result<String> {
    if let Some(host) = wish.host {
        return Ok(host.to_owned());
    }
    let mut reasons = Vec::new();
    for attempt in 0..wish.attempts {
        if attempt > 0 {
            clock.sleep(wish.pause);
        }
        reasons.clear();
        let found = match wish.interface {
            Some(name) => (routes.interface)(name)
                .map_err(|error| reasons.push(format!("{name}: {error}")))
                .ok(),
            None => api_urls
                .iter()
                .find_map(|url| towards(url, routes, anybody, &mut reasons)),
        };
        if let Some(address) = found {
            return Ok(address.to_string());
        }
    }
    Err(Error::new(
        Kind::LookupAgentIPError,
        format!(
            "{}; set ipa-advertise-host or ipa-network-interface if that cannot be helped",
            match reasons.is_empty() {
                true => "no URL of Ironic is known".to_owned(),
                false => reasons.join("; "),
            }
        ),
    ))
}

/// The source address of packets to the host of `url`, if somebody answers there.
fn towards(
    url: &str,
    routes: &Routes,
    anybody: &Client,
    reasons: &mut Vec<String>,
) -> Option<IpAddr> {
    let reached = anybody.send(&Request {
        method: Method::Get,
        url,
        headers: &[],
        body: None,
        verified: false,
    });
    if let Err(fault) = reached {
        reasons.push(fault.to_string());
        return None;
    }
    let shown = redacted(url);
    let target = url::parse(url)?;
    let addresses = match names::resolve(&target.reached(), target.port) {
        Ok(addresses) => addresses,
        Err(error) => {
            reasons.push(format!("{shown}: {error}"));
            return None;
        }
    };
    for address in addresses {
        match (routes.source)(address.ip()) {
            Ok(source) if is_link_local(source) => {
                reasons.push(format!("{shown}: {source} is valid on the own link only"));
            }
            Ok(source) => {
                debug!("{shown} is reached from {source}");
                return Some(source);
            }
            Err(error) => reasons.push(format!("no route to {}: {error}", address.ip())),
        }
    }
    None
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
