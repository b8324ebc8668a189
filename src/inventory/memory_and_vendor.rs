//! The machine as a whole: memory, and who made it.

use std::fs;

use crate::codec::json::{Value, number, object, text};
use crate::inventory::dmi::{CHASSIS, FIRMWARE, SYSTEM, Tables};
use crate::system_root::{SystemRoot, attribute};

/// The `memory` of the inventory: bytes the kernel has, MiB the modules have; null for what is not known. Upstream's lshw
/// believes the firmware if it tells more than the kernel has, else the kernel's blocks of memory, else the kernel.
pub fn memory(host: &SystemRoot, firmware: &Tables) -> Value {
    let info = fs::read_to_string(host.proc("meminfo")).unwrap_or_default();
    let total = info.lines().find_map(|line| {
        // proc_meminfo(5): "kB" is 1024 bytes.
        let kib = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        kib.trim().parse::<u64>().ok()?.checked_mul(1024)
    });
    let least = total.unwrap_or(0);
    let modules = firmware.memory().map(|kib| kib.saturating_mul(1024));
    let more = modules.filter(|bytes| *bytes > least);
    let physical = more
        .or_else(|| blocks(host).filter(|bytes| *bytes > least))
        .or(total);
    let known = |amount: Option<u64>| amount.map_or(Value::Null, number);
    object([
        ("total", known(total)),
        ("physical_mb", known(physical.map(|bytes| bytes >> 20))),
    ])
}

/// Bytes in the blocks of memory that are in use.
fn blocks(host: &SystemRoot) -> Option<u64> {
    // Documentation/admin-guide/mm/memory-hotplug.rst
    let size = attribute(host.sys("devices/system/memory/block_size_bytes"))?;
    let size = u64::from_str_radix(&size, 16).ok()?;
    let all = host.sys("bus/memory/devices");
    // There may be ten thousand of them, and their order is of no matter.
    let is_online =
        |block: &fs::DirEntry| attribute(block.path().join("online")).as_deref() == Some("1");
    let online = fs::read_dir(all).ok()?.flatten().filter(is_online).count() as u64;
    size.checked_mul(online)
}

/// The `system_vendor` of the inventory: empty text for what is not known.
pub fn vendor(host: &SystemRoot, tables: &Tables) -> Value {
    // The kernel's own reading stands in where the tables cannot be read.
    let id = |name: &str| attribute(host.sys("class/dmi/id").join(name));
    let told = |kind: u8, at: usize| tables.first(kind).and_then(|one| one.text(at));
    let or_empty = |told: Option<String>| text(told.unwrap_or_default());

    // SMBIOS 7.2: manufacturer 04h, product 05h, serial number 07h, SKU 19h. 7.4, the chassis, fills in
    // as it does upstream: manufacturer 04h, serial number 07h.
    let maker = told(SYSTEM, 0x04).or_else(|| told(CHASSIS, 0x04));
    let serial = told(SYSTEM, 0x07).or_else(|| told(CHASSIS, 0x07));
    let product = told(SYSTEM, 0x05).or_else(|| id("product_name"));
    // Upstream's lshw puts the SKU behind the product, if the structure is long enough for a family, too.
    let system = tables.first(SYSTEM).filter(|one| one.length() >= 0x1B);
    let sku = system.and_then(|one| one.text(0x19));
    let product = match (product, sku) {
        (Some(product), Some(sku)) => Some(format!("{product} ({sku})")),
        (product, _) => product,
    };
    object([
        ("product_name", or_empty(product)),
        (
            "serial_number",
            or_empty(serial.or_else(|| id("product_serial"))),
        ),
        ("manufacturer", or_empty(maker.or_else(|| id("sys_vendor")))),
        (
            "firmware",
            // SMBIOS 7.1: vendor 04h, version 05h, release date 08h.
            object([
                (
                    "vendor",
                    or_empty(told(FIRMWARE, 0x04).or_else(|| id("bios_vendor"))),
                ),
                (
                    "version",
                    or_empty(told(FIRMWARE, 0x05).or_else(|| id("bios_version"))),
                ),
                (
                    "build_date",
                    or_empty(told(FIRMWARE, 0x08).or_else(|| id("bios_date"))),
                ),
            ]),
        ),
    ])
}
