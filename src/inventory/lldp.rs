//! What switches say at each interface: heard once for all who ask within minutes.

use std::fs;
use std::time::Duration;

use crate::clock::Clock;
use crate::codec::json::{self, Fields, Value, number, object};
use crate::error::{Context, Error, Result};
use crate::inventory::lldp_tlvs::{self, lldp_raw};
use crate::logger::status::{Row, set};
use crate::net::lldp::{self, Neighbours, firmware_agent, frame};
use crate::system_root::{SystemRoot, attribute};

/// Below /run/ironlet: process 1 and the agent listen for one another.
const KEPT: &str = "lldp";
/// Seconds for which what was heard is as good as new.
const FRESH: u64 = 300;

/// The neighbours of the interfaces of the inventory: what was heard in the last five minutes of this machine, or else
/// within `timeout` from now. Nobody's where the machine does not let us listen; the log says why.
pub fn neighbours(host: &SystemRoot, clock: &Clock, timeout: Duration) -> Neighbours {
    if !host.is_here() {
        return Neighbours::new();
    }
    if let Some(kept) = kept(host) {
        show(&kept);
        return kept;
    }
    if host.is_ramdisk() {
        firmware_agent::stop(host);
    }
    let names: Vec<String> = super::interfaces(host)
        .into_iter()
        .map(|nic| nic.name)
        .collect();
    let heard = match lldp::listen(clock, &names, timeout) {
        Ok(heard) => heard,
        Err(error) => {
            log::warn!("no LLDP: {error}");
            return Neighbours::new();
        }
    };
    show(&heard);
    if host.is_ramdisk()
        && let Err(error) = keep(host, &heard)
    {
        log::warn!("LLDP will be heard again when it is asked for: {error}");
    }
    heard
}

/// The first neighbour that says who it is, on the screens.
fn show(heard: &Neighbours) {
    let told = heard.iter().find_map(|(name, tlvs)| {
        let (switch, port) = frame::name_and_port(tlvs)?;
        Some(format!("{name} is at {port} of {switch}"))
    });
    if let Some(told) = told {
        set(Row::Switch, &told);
    }
}

fn keep(host: &SystemRoot, heard: &Neighbours) -> Result<()> {
    let at = uptime(host)
        .ok_or_else(|| Error::plain("the kernel does not say how long it has been up"))?;
    let text = json::print(&object([
        ("uptime", number(at)),
        ("interfaces", lldp_raw(heard)),
    ]));
    let path = host.run(KEPT);
    let new = path.with_extension("new");
    fs::create_dir_all(host.run(""))
        .and_then(|()| fs::write(&new, text))
        .and_then(|()| fs::rename(&new, &path))
        .with_context(|| format!("writing {}", path.display()))
}

fn kept(host: &SystemRoot) -> Option<Neighbours> {
    let text = fs::read_to_string(host.run(KEPT)).ok()?;
    let Ok(Value::Object(kept)) = json::parse(&text) else {
        return None;
    };
    let at = kept.integer("uptime").ok()??;
    let fresh = uptime(host)?.checked_sub(at)? < FRESH;
    lldp_tlvs::parse(kept.object("interfaces").ok()??).filter(|_| fresh)
}

fn uptime(host: &SystemRoot) -> Option<u64> {
    attribute(host.proc("uptime"))?
        .split('.')
        .next()?
        .parse()
        .ok()
}
