//! What the machine is made of, in the words Ironic stores: protocol/inventory.md names every field.
//!
//! Read from sysfs, /proc and the SMBIOS tables. There is no IPMI door in this build, so the management
//! controller's addresses are null, as for a machine without one.

use std::time::Duration;

pub mod collectors;
pub mod dmi;
pub mod ethernet_speed;
pub mod lldp;
pub mod lldp_tlvs;
pub mod memory_and_vendor;
pub mod nics;
pub mod processor;

pub use nics::{Interface, interfaces, macs};

use crate::clock::Clock;
use crate::codec::json::{Value, number, object, text, text_or_null};
use crate::disk::{self, Disk};
use crate::system_root::{SystemRoot, attribute};

/// What only the boot loader knew.
#[derive(Clone, Debug, Default)]
pub struct BootFacts {
    /// `BOOTIF` as it stood on the kernel command line.
    pub bootif: Option<String>,
    /// `ipa-collect-lldp`: for how long to listen for the `lldp` of the interfaces; none leaves it null.
    pub lldp: Option<Duration>,
}

/// The full inventory: the answer to `poll.get_hardware_info` and the inspection's `inventory`.
pub fn collect(host: &SystemRoot, boot: BootFacts) -> Value {
    let firmware = dmi::Tables::read(host);
    let mode = match host.sys("firmware/efi").is_dir() {
        true => "uefi",
        false => "bios",
    };
    let lldp = boot
        .lldp
        .map(|time| lldp::neighbours(host, &Clock::real(), time));
    let interface = |nic: &Interface| nic.object(lldp.as_ref());
    let list = |objects: Vec<Value>| Value::Array(objects.into_iter().collect());
    object([
        (
            "interfaces",
            list(interfaces(host).iter().map(interface).collect()),
        ),
        ("cpu", processor::object_of(host)),
        (
            "disks",
            list(disk::list(host).iter().map(disk_object).collect()),
        ),
        ("memory", memory_and_vendor::memory(host, &firmware)),
        ("bmc_address", Value::Null),
        ("bmc_v6address", Value::Null),
        ("system_vendor", memory_and_vendor::vendor(host, &firmware)),
        (
            "boot",
            object([
                ("current_boot_mode", text(mode)),
                ("pxe_interface", text_or_null(boot.bootif)),
            ]),
        ),
        ("hostname", text(hostname(host))),
    ])
}

/// One of `disks`, and the inspection's `root_disk`.
pub fn disk_object(disk: &Disk) -> Value {
    let known = |text: &Option<String>| text_or_null(text.as_deref());
    let identity = &disk.identity;
    object([
        ("name", text(disk.name.as_str())),
        ("model", known(&identity.model)),
        ("size", number(disk.size.0)),
        ("rotational", Value::Bool(disk.rotational)),
        ("wwn", known(&identity.wwn)),
        ("serial", text_or_null(identity.serial())),
        ("vendor", known(&identity.vendor)),
        ("wwn_with_extension", known(&identity.wwn_with_extension)),
        (
            "wwn_vendor_extension",
            known(&identity.wwn_vendor_extension),
        ),
        ("hctl", known(&disk.hctl)),
        ("by_path", known(&disk.by_path.first().cloned())),
        ("logical_sectors", number(disk.logical_sector)),
        ("physical_sectors", number(disk.physical_sector)),
        ("tran", known(&disk.transport)),
    ])
}

fn hostname(host: &SystemRoot) -> String {
    attribute(host.proc("sys/kernel/hostname")).unwrap_or_else(|| "localhost".to_owned())
}
