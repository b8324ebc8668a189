//! The collector `pci-devices`: every PCI device by its numbers, for Ironic's hooks `pci-devices` and `accelerators`.

use std::fs;
use std::path::Path;

use crate::codec::json::{Value, object, text, text_or_null};
use crate::error::{Context, Result};
use crate::system_root::{SystemRoot, names, read_attribute};

/// `pci_devices`: a list of {`vendor_id`, `product_id`, `class`, `revision`, `bus`, `numa_node_id`}, in the order of
/// addresses. Numbers are hex text as in sysfs, without `0x`; revision and node are null where the kernel has none. A
/// device that does not tell its numbers is left out, said in the log.
pub fn collect(host: &SystemRoot) -> Result<Value> {
    let all = host.sys("bus/pci/devices");
    // Upstream calls it a failure of the collector when there is no PCI at all.
    fs::metadata(&all).context("listing PCI devices")?;
    let known = names(&all).into_iter().filter_map(|bus| {
        let found = device(&all.join(&bus), &bus);
        if found.is_none() {
            log::warn!(
                "leaving out the PCI device {bus}: it does not tell its vendor, number or class"
            );
        }
        found
    });
    Ok(Value::Array(known.collect()))
}

fn device(directory: &Path, bus: &str) -> Option<Value> {
    let attribute = |name: &str| {
        read_attribute(directory.join(name)).unwrap_or_else(|error| {
            log::warn!("reading {name} of the PCI device {bus}: {error}");
            None
        })
    };
    let digits = |name: &str| hex_digits(&attribute(name)?);
    Some(object([
        ("vendor_id", text(digits("vendor")?)),
        ("product_id", text(digits("device")?)),
        ("class", text(digits("class")?)),
        ("revision", text_or_null(digits("revision"))),
        ("bus", text(bus)),
        ("numa_node_id", text_or_null(attribute("numa_node"))),
    ]))
}

/// What follows `0x`.
fn hex_digits(told: &str) -> Option<String> {
    told.split('x').nth(1).map(str::to_owned)
}
