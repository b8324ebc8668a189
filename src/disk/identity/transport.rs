//! How a disk is attached: its SCSI address, and the transport in lsblk's words.

use std::path::Path;

use crate::disk::identity::unreadable_fields::Reader;
use crate::system_root::{SystemRoot, link_name, names};

/// `host:channel:target:lun` of a SCSI disk.
pub fn hctl(block: &Path) -> Option<String> {
    names(block.join("device/scsi_device")).into_iter().next()
}

/// The transport in lsblk's words. Virtio disks and SD cards have none, as recorded from the lsblk upstream runs; newer
/// ones say `virtio` and `mmc`, which is told apart, second.
pub fn transport(
    host: &SystemRoot,
    block: &Path,
    reader: &mut Reader,
) -> (Option<String>, Option<&'static str>) {
    let kernel = block.file_name().and_then(|name| name.to_str());
    let newer = match kernel {
        // util-linux 2.39, lsblk.c
        Some(name) if name.starts_with("vd") => Some("virtio"),
        Some(name) if name.starts_with("mmcblk") => Some("mmc"),
        _ => None,
    };
    (today(host, block, reader).map(str::to_owned), newer)
}

fn today(host: &SystemRoot, block: &Path, reader: &mut Reader) -> Option<&'static str> {
    let address = hctl(block);
    let number = address
        .as_deref()
        .and_then(|address| address.split(':').next());
    let Some(number) = number.map(|number| format!("host{number}")) else {
        let subsystem = link_name(block.join("device/subsystem"));
        let nvme = matches!(subsystem.as_deref(), Some("nvme" | "nvme-subsystem"));
        return nvme.then_some("nvme");
    };
    let class = |class: &str| host.sys("class").join(class).join(&number);
    let device = block.join("device");
    if class("spi_host").exists() {
        return Some("spi");
    }
    if class("fc_host").exists() {
        let over = reader.text("tran", &class("fc_host").join("symbolic_name"));
        // libfcoe names its ports "… over eth0".
        let ethernet = over.is_some_and(|over| over.contains(" over "));
        return Some(if ethernet { "fcoe" } else { "fc" });
    }
    if class("sas_host").exists() || device.join("sas_device").exists() {
        return Some("sas");
    }
    if device.join("ieee1394_id").exists() {
        return Some("sbp");
    }
    if class("iscsi_host").exists() {
        return Some("iscsi");
    }
    let mut above = block.ancestors();
    if above.any(|above| above.join("idVendor").exists()) {
        return Some("usb");
    }
    let driver = reader.text("tran", &class("scsi_host").join("proc_name"))?;
    match driver.contains("ata") {
        _ if driver.starts_with("ahci") || driver.starts_with("sata") => Some("sata"),
        true => Some("ata"),
        false => None,
    }
}
