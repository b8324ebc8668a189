//! What the machine is made of, in the words Ironic stores: protocol/inventory.md names every field.
//!
//! Read from sysfs, /proc, the SMBIOS tables and the management controller.

pub mod arm_processors;
pub mod biosdevname;
pub mod bmc;
pub mod collectors;
pub mod dmi;
pub mod dmi_decode;
pub mod ethernet_speed;
pub mod ipmi;
pub mod memory_and_vendor;
pub mod nics;
pub mod numa_topology;
pub mod pci_devices;
pub mod pci_function;
pub mod processor;
pub mod usb_devices;

use biosdevname::BiosNames;
use bmc::{Addresses, Question};
pub use nics::{Interface, interfaces, macs};

use crate::codec::json::{Value, gather, number, object, text, text_or_null};
use crate::disk::{self, Disk};
use crate::system_root::{SystemRoot, attribute};

/// What only the boot loader knew, and Ironic.
#[derive(Clone, Debug, Default)]
pub struct BootFacts {
    /// `BOOTIF` as it stood on the kernel command line.
    pub bootif: Option<String>,
    /// `agent_skip_bmc_detect`: Ironic knows the management controller by other means.
    pub skips_bmc: bool,
}

/// The full inventory: the answer to `poll.get_hardware_info` and the inspection's `inventory`.
pub fn collect(host: &SystemRoot, boot: BootFacts) -> Value {
    // It is slow, and answers while everything else is read.
    let bmc = match boot.skips_bmc {
        true => Question::NoController,
        false => Question::ask(host),
    };
    let firmware = dmi::Tables::read(host);
    let bios_names = BiosNames::read(host, &firmware);
    let mut nics = interfaces(host);
    for nic in &mut nics {
        nic.biosdevname = bios_names.of(&nic.name).map(str::to_owned);
    }
    let mode = match host.sys("firmware/efi").is_dir() {
        true => "uefi",
        false => "bios",
    };
    let list = |objects: Vec<Value>| Value::Array(objects.into_iter().collect());
    let known = [
        (
            "interfaces",
            list(nics.iter().map(Interface::object).collect()),
        ),
        ("cpu", processor::object_of(host, &firmware)),
        (
            "disks",
            list(disk::list(host).iter().map(disk_object).collect()),
        ),
        ("memory", memory_and_vendor::memory(host, &firmware)),
        ("system_vendor", memory_and_vendor::vendor(host, &firmware)),
        (
            "boot",
            object([
                ("current_boot_mode", text(mode)),
                ("pxe_interface", text_or_null(boot.bootif)),
            ]),
        ),
        ("hostname", text(hostname(host))),
    ];
    let fields = known.into_iter().chain(bmc_fields(bmc.answer()));
    Value::Object(gather(fields.map(|(name, value)| (name.to_owned(), value))))
}

/// Null without a controller, the addresses of nobody without an address; the MAC is there only if it is known.
fn bmc_fields(answer: Option<Addresses>) -> impl Iterator<Item = (&'static str, Value)> {
    let Addresses { ipv4, ipv6, mac } = answer.clone().unwrap_or_default();
    let known = |shown: String| answer.is_some().then_some(shown);
    let ipv4 = known(ipv4.map_or("0.0.0.0".to_owned(), |address| address.to_string()));
    let ipv6 = known(ipv6.map_or("::/0".to_owned(), |address| address.to_string()));
    let fields = [
        Some(("bmc_address", text_or_null(ipv4))),
        Some(("bmc_v6address", text_or_null(ipv6))),
        mac.map(|mac| ("bmc_mac", text(mac))),
    ];
    fields.into_iter().flatten()
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
