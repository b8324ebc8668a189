//! What else the machine has, a line each: devices by class, the firmware's boot entries, and what our own threads wait for.

use std::fmt::Write;

use crate::efi::boot_order::BootOrder;
use crate::efi::efivars::Variables;
use crate::system_root::{SystemRoot, attribute, link_name, names};

/// Directories of /sys and the attributes worth telling of each device there.
const CLASSES: [(&str, &[&str]); 9] = [
    (
        "block",
        &[
            "size",
            "ro",
            "removable",
            "queue/logical_block_size",
            "queue/physical_block_size",
            "queue/rotational",
            "queue/scheduler",
            "device/vendor",
            "device/model",
            "device/rev",
            "device/firmware_rev",
            "device/state",
            "md/level",
            "md/array_state",
            "md/metadata_version",
            "md/degraded",
            "md/sync_action",
            "dm/name",
            "dm/uuid",
        ],
    ),
    (
        "class/net",
        &[
            "address",
            "operstate",
            "carrier",
            "mtu",
            "speed",
            "duplex",
            "statistics/rx_errors",
            "statistics/tx_errors",
            "statistics/rx_dropped",
        ],
    ),
    (
        "bus/pci/devices",
        &[
            "class",
            "vendor",
            "device",
            "subsystem_vendor",
            "subsystem_device",
            "current_link_speed",
            "current_link_width",
            "numa_node",
        ],
    ),
    (
        "bus/usb/devices",
        &[
            "idVendor",
            "idProduct",
            "manufacturer",
            "product",
            "speed",
            "bInterfaceClass",
        ],
    ),
    (
        "class/nvme",
        &["model", "firmware_rev", "state", "address", "transport"],
    ),
    ("class/scsi_host", &["proc_name", "state", "unique_id"]),
    ("class/fc_host", &["port_name", "port_state", "speed"]),
    ("class/thermal", &["type", "temp"]),
    (
        "class/dmi",
        &[
            "sys_vendor",
            "product_name",
            "product_version",
            "product_serial",
            "board_vendor",
            "board_name",
            "board_serial",
            "bios_vendor",
            "bios_version",
            "bios_date",
            "chassis_asset_tag",
        ],
    ),
];

/// Each class that has a device, and its list.
pub fn classes(host: &SystemRoot) -> impl Iterator<Item = (&'static str, String)> {
    CLASSES
        .iter()
        .map(|(class, attributes)| (*class, listed(host, class, attributes)))
}

/// `sda driver=sd size=2097152 ro=0 …`, a line each.
fn listed(host: &SystemRoot, class: &str, attributes: &[&str]) -> String {
    let mut lines = String::new();
    for device in names(host.sys(class)) {
        let own = host.sys(class).join(&device);
        lines.push_str(&device);
        // Writing to a string does not fail.
        let driver = link_name(own.join("driver")).or_else(|| link_name(own.join("device/driver")));
        if let Some(driver) = driver {
            let _ = write!(lines, " driver={driver}");
        }
        for name in attributes {
            if let Some(value) = attribute(own.join(name)) {
                let _ = write!(lines, " {name}={value:.200}");
            }
        }
        lines.push('\n');
    }
    lines
}

/// In the order that the firmware tries them; empty without UEFI, and on a host that is not ours.
pub fn boot_entries(host: &SystemRoot) -> String {
    let Ok(order) = Variables::open(host).and_then(BootOrder::read) else {
        return String::new();
    };
    order
        .entries()
        .iter()
        .fold(String::new(), |mut text, entry| {
            let (label, path) = (entry.label.escape_debug(), &entry.path);
            let _ = writeln!(text, "{} {label:.200} {path:.400}", entry.name);
            text
        })
}

/// Names of the threads of process 1 and this one, their state, and what in the kernel they wait for: a command that hangs, hangs there.
pub fn threads(host: &SystemRoot) -> String {
    let mut text = String::new();
    for process in ["1", "self"] {
        let tasks = host.proc(process).join("task");
        for task in names(&tasks).iter().take(1000) {
            let told = |name: &str| attribute(tasks.join(task).join(name)).unwrap_or_default();
            let status = told("stat");
            // proc(5): the state follows the name, which is in parentheses and may hold any.
            let state = status.rsplit_once(") ").map_or("", |(_, rest)| rest);
            let state = state.get(..1).unwrap_or_default();
            let _ = writeln!(
                text,
                "{process} {task} {state} {} {}",
                told("comm"),
                told("wchan")
            );
        }
    }
    text
}
