//! What this machine is called: by its NICs, its firmware and the network. Names an order by itself, and says whether one is meant.

use crate::error::{Error, Result};
use crate::inventory;
use crate::net::link::links::Mac;
use crate::system_root::{SystemRoot, attribute};

/// What makers leave where nobody filled in anything; any letter case.
const FILLERS: [&str; 14] = [
    "to be filled by o.e.m.",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "none",
    "n/a",
    "unknown",
    "system serial number",
    "chassis serial number",
    "no asset tag",
    "asset tag",
    "123456789",
    "0123456789",
];
/// Nor is any of these the UUID of one machine.
const NOBODYS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "03000200-0400-0500-0006-000700080009",
];
/// A name by which a host without one goes.
const HOSTS: [&str; 3] = ["(none)", "localhost", "localhost.localdomain"];

/// What one machine is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Lower case, with colons; that of the NIC it was booted from first.
    pub macs: Vec<String>,
    /// SMBIOS' of the system, else of the chassis; a device tree's.
    pub serial: Option<String>,
    /// SMBIOS' of the system, in lower case.
    pub uuid: Option<String>,
    /// SMBIOS' of the chassis.
    pub asset_tag: Option<String>,
    /// What the network called it.
    pub hostname: Option<String>,
}

impl Names {
    /// Of the machine `host`, which was booted from the NIC `bootif`.
    pub fn read(host: &SystemRoot, bootif: Option<&str>) -> Self {
        let firmware = |name: &str| {
            let told = attribute(host.sys("class/dmi/id").join(name));
            told.filter(|told| !is_filler(told))
        };
        let tree = || attribute(host.sys("firmware/devicetree/base/serial-number"));
        let mut macs = inventory::macs(&inventory::interfaces(host));
        let booted = bootif.and_then(Mac::parse).map(|mac| mac.to_string());
        if let Some(at) = macs.iter().position(|mac| Some(mac) == booted.as_ref()) {
            macs[..=at].rotate_right(1);
        }
        let uuid = firmware("product_uuid").map(|uuid| uuid.to_ascii_lowercase());
        let hostname = attribute(host.proc("sys/kernel/hostname"));
        Names {
            macs,
            serial: firmware("product_serial")
                .or_else(|| firmware("chassis_serial"))
                .or_else(tree),
            uuid: uuid.filter(|uuid| !NOBODYS.contains(&&**uuid)),
            asset_tag: firmware("chassis_asset_tag"),
            hostname: hostname.filter(|name| !HOSTS.contains(&&**name)),
        }
    }

    /// All that it is called by `kind`, the word in braces and in `for`; an error if nobody is called anything by that.
    pub fn of(&self, kind: &str) -> Result<Vec<String>> {
        let one = |name: &Option<String>| name.iter().cloned().collect();
        Ok(match kind {
            "mac" => self.macs.clone(),
            "serial" => one(&self.serial),
            "uuid" => one(&self.uuid),
            "asset_tag" => one(&self.asset_tag),
            "hostname" => one(&self.hostname),
            other => {
                return Err(Error::plain(format!(
                    "'{other:.40}' is none of {}",
                    KINDS.join(", ")
                )));
            }
        })
    }
}

/// What a machine can be called by.
pub const KINDS: [&str; 5] = ["mac", "serial", "uuid", "asset_tag", "hostname"];

/// Are they the same name, as people write it? Letter case means nothing, nor what stands between the digits of a MAC.
pub fn is_same(kind: &str, one: &str, other: &str) -> bool {
    let plain = |name: &str| match kind {
        "mac" => Mac::parse(name.trim()).map(|mac| mac.to_string()),
        _ => Some(name.trim().to_lowercase()),
    };
    plain(one).is_some_and(|one| Some(one) == plain(other))
}

fn is_filler(told: &str) -> bool {
    let told = told.to_ascii_lowercase();
    FILLERS.contains(&&*told) || told.chars().all(|c| "0.-x ".contains(c))
}
