//! The collectors of an inspection: one table of their names, and what each adds to the data Ironic's hooks read.
//!
//! A new one is a file beside this one with a function `fn(&Subject) -> Result<Value>`, and a line in [`TABLE`].

use std::time::Duration;

use log::{error, info, warn};

use crate::clock::Clock;
use crate::codec::json::{Object, Value, object, text, text_or_null};
use crate::disk::{self, Choice, Wishes};
use crate::error::Result;
use crate::inventory::{
    self, BootFacts, disk_object, dmi_decode, lldp, lldp_tlvs, numa_topology, pci_devices,
    usb_devices,
};
use crate::small_sort;
use crate::system_root::SystemRoot;

/// The machine as collectors find it.
pub struct Subject<'a> {
    /// Its files.
    pub host: &'a SystemRoot,
    /// For windows of time, and the dates of logs.
    pub clock: &'a Clock,
    /// What only the boot loader knew.
    pub boot: &'a BootFacts,
    /// Which disks a deploy without hints would pass over.
    pub wishes: &'a Wishes,
    /// All that were asked for, in the order of asking.
    pub names: &'a [String],
    /// `ipa-lldp-timeout`: how long to listen for what switches say.
    pub lldp_timeout: Duration,
    /// Makes the archive of logs.
    pub archive: fn(&SystemRoot, &Clock) -> Result<String>,
}

/// One collector.
pub struct Collector {
    /// In `ipa-inspection-collectors`, as upstream spells it.
    pub name: &'static str,
    adds: Adds,
}

/// What it adds to the data.
#[derive(Clone, Copy)]
enum Adds {
    /// One key at the top, and what is under it.
    One(&'static str, fn(&Subject) -> Result<Value>),
    /// Several keys at the top.
    Several(fn(&Subject, &mut Object) -> Result<()>),
}

const fn one(
    name: &'static str,
    key: &'static str,
    collect: fn(&Subject) -> Result<Value>,
) -> Collector {
    Collector {
        name,
        adds: Adds::One(key, collect),
    }
}

const fn several(
    name: &'static str,
    collect: fn(&Subject, &mut Object) -> Result<()>,
) -> Collector {
    Collector {
        name,
        adds: Adds::Several(collect),
    }
}

// protocol/inventory.md §9
/// All there are. They run in the order they were asked for, except that `logs` is the last: it tells what the others logged.
#[rustfmt::skip]
pub const TABLE: &[Collector] = &[
    several("default", default),
    one("pci-devices", "pci_devices", |subject| pci_devices::collect(subject.host)),
    one("usb-devices", "usb_devices", |subject| usb_devices::collect(subject.host)),
    several("numa-topology", numa_topology),
    one("dmi-decode", "dmi", |subject| dmi_decode::collect(subject.host)),
    one("logs", LOGS, logs),
    one("lldp", "lldp_raw", |subject| {
        let heard = lldp::neighbours(subject.host, subject.clock, subject.lldp_timeout);
        Ok(lldp_tlvs::lldp_raw(&heard))
    }),
];

/// The key of the archive of logs.
pub const LOGS: &str = "logs";

/// What was collected, and what of it failed.
pub struct Collected {
    /// By key; without `error`.
    pub data: Object,
    /// A sentence for each collector that failed or that is not in the table.
    pub failures: Vec<String>,
}

/// Runs the collectors of `subject.names`. One that fails does not keep the others from it.
pub fn run(subject: &Subject) -> Collected {
    let mut collected = Collected {
        data: Object::new(),
        failures: Vec::new(),
    };
    let mut chosen: Vec<usize> = Vec::new();
    for name in subject.names {
        match TABLE.iter().position(|collector| collector.name == name) {
            Some(at) if chosen.contains(&at) => {}
            Some(at) => chosen.push(at),
            None => collected.fail(format!(
                "there is no collector '{name:.100}': this agent has {}",
                TABLE.iter().map(|c| c.name).collect::<Vec<_>>().join(", ")
            )),
        }
    }
    // Logs go last, whatever was asked for.
    small_sort::by_key(&mut chosen, |at| TABLE[*at].name == "logs");
    for Collector { name, adds } in chosen.into_iter().map(|at| &TABLE[at]) {
        let added = match *adds {
            Adds::One(key, collect) => collect(subject).map(|value| {
                collected.data.insert(key.to_owned(), value);
            }),
            Adds::Several(collect) => collect(subject, &mut collected.data),
        };
        if let Err(error) = added {
            collected.fail(format!("collector {name} failed: {error}"));
        }
    }
    collected
}

impl Collected {
    fn fail(&mut self, failure: String) {
        error!("inspection: {failure}");
        self.failures.push(failure);
    }
}

/// The inventory, the disk a deploy without hints would go to, and what collected both.
fn default(subject: &Subject, data: &mut Object) -> Result<()> {
    let mut add = |key: &str, value| data.insert(key.to_owned(), value);
    let boot = subject.boot;
    add("inventory", inventory::collect(subject.host, boot.clone()));
    match disk::root(subject.host, subject.wishes) {
        Ok(Choice { disk, why, .. }) => {
            info!("inspection: root disk {} ({}), {why}", disk.name, disk.size);
            add("root_disk", disk_object(&disk));
        }
        // Ironic takes a machine without disks as well.
        Err(error) => warn!("inspection: no root disk is reported: {}", error.details()),
    }
    add("boot_interface", text_or_null(boot.bootif.clone()));
    let names = subject.names.iter().map(|name| text(name.as_str()));
    let manager = object([
        ("name", text("generic_hardware_manager")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
    ]);
    let configuration = object([
        ("collectors", Value::Array(names.collect())),
        ("managers", Value::Array([manager].into_iter().collect())),
    ]);
    add("configuration", configuration);
    Ok(())
}

/// As upstream has it, a machine without nodes is no failure, and adds nothing.
fn numa_topology(subject: &Subject, data: &mut Object) -> Result<()> {
    let told = numa_topology::collect(subject.host)?;
    data.extend(told.map(|told| ("numa_topology".to_owned(), told)));
    Ok(())
}

fn logs(subject: &Subject) -> Result<Value> {
    (subject.archive)(subject.host, subject.clock).map(text)
}
