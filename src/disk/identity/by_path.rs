//! A disk's place on the buses: SCSI address, transport, and the by-path names udev makes of it.

use std::path::Path;

use crate::system_root::{SystemRoot, attribute, link_name, names};

/// `host:channel:target:lun` of a SCSI disk.
pub fn hctl(block: &Path) -> Option<String> {
    names(block.join("device/scsi_device")).into_iter().next()
}

/// The transport in lsblk's words. Virtio disks have none, as recorded from the lsblk upstream runs.
pub fn transport(host: &SystemRoot, block: &Path) -> Option<String> {
    let scsi_host = || {
        let address = hctl(block)?;
        Some(format!("host{}", address.split(':').next()?))
    };
    let Some(number) = scsi_host() else {
        let subsystem = link_name(block.join("device/subsystem"));
        let nvme = matches!(subsystem.as_deref(), Some("nvme" | "nvme-subsystem"));
        return nvme.then(|| "nvme".to_owned());
    };
    let class = |class: &str| host.sys("class").join(class).join(&number);
    for (of_host, name) in [("spi_host", "spi"), ("fc_host", "fc"), ("sas_host", "sas")] {
        if class(of_host).exists() {
            let over = attribute(class(of_host).join("symbolic_name")).unwrap_or_default();
            // libfcoe names its ports "… over eth0".
            let ethernet = name == "fc" && over.contains(" over ");
            return Some(if ethernet { "fcoe" } else { name }.to_owned());
        }
    }
    if class("iscsi_host").exists() {
        return Some("iscsi".to_owned());
    }
    if block
        .ancestors()
        .any(|above| above.join("idVendor").exists())
    {
        return Some("usb".to_owned());
    }
    let driver = attribute(class("scsi_host").join("proc_name"))?;
    let sata = driver.starts_with("ahci") || driver.starts_with("sata");
    match driver.contains("ata") {
        _ if sata => Some("sata".to_owned()),
        true => Some("ata".to_owned()),
        false => None,
    }
}

/// The names below disk/by-path, of which upstream tells whichever it happens to read last; the one recorded
/// from it first. Empty behind buses whose names this does not know: SAS, Fibre Channel, iSCSI.
pub fn by_path(block: &Path) -> Vec<String> {
    let Some(path) = path(block) else {
        return Vec::new();
    };
    let virtio = block.file_name().and_then(|name| name.to_str());
    let virtio = virtio.is_some_and(|name| name.starts_with("vd"));
    match path.strip_suffix(".0") {
        // udev-builtin path_id: the port alone, as long ago, and the drive on it.
        Some(port) if path.contains("-ata-") => vec![port.to_owned(), path],
        _ if virtio && path.starts_with("pci-") => vec![format!("virtio-{path}"), path],
        _ => vec![path],
    }
}

fn path(block: &Path) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last = String::new();
    for above in block.ancestors().skip(1) {
        let subsystem = match link_name(above.join("subsystem")) {
            Some(subsystem) if subsystem != last => subsystem,
            // One part for each bus, made where the walk first meets it; `ata1` and the like have none.
            _ => continue,
        };
        let name = above.file_name()?.to_str()?;
        match subsystem.as_str() {
            "scsi" => parts.push(scsi(above, name)?),
            "nvme" => parts.push(format!("nvme-{}", attribute(block.join("nsid"))?)),
            "usb" => parts.push(format!("usb-0:{}", name.split_once('-')?.1)),
            "virtio" => {}
            "pci" => {
                parts.push(format!("pci-{name}"));
                break;
            }
            "platform" => {
                parts.push(format!("platform-{name}"));
                break;
            }
            _ => return None,
        }
        last = subsystem;
    }
    parts.reverse();
    let path = parts.join("-");
    // Only a path that starts at a bus with stable names is stable itself.
    ["pci-", "platform-"]
        .iter()
        .any(|bus| path.starts_with(bus))
        .then_some(path)
}

/// `device` is the SCSI device's own directory, `address` its name.
fn scsi(device: &Path, address: &str) -> Option<String> {
    let path = device.to_str()?;
    let [number, channel, target, lun] = address.split(':').collect::<Vec<_>>()[..] else {
        return None;
    };
    if ["/rport-", "/end_device-", "/session"]
        .iter()
        .any(|bus| path.contains(bus))
    {
        return None;
    }
    let host = device.ancestors().find(|above| {
        above
            .file_name()
            .is_some_and(|name| *name == *format!("host{number}"))
    })?;
    let adapter = host.parent()?;
    let port = adapter.file_name()?.to_str()?;
    if port.starts_with("ata") {
        let port = attribute(adapter.join("ata_port").join(port).join("port_no"))?;
        return Some(format!("ata-{port}.{target}"));
    }
    // Host numbers depend on the order of probing; the position on the adapter does not.
    let number: u32 = number.parse().ok()?;
    let first = names(adapter)
        .iter()
        .filter_map(|name| name.strip_prefix("host")?.parse().ok())
        .min()
        .unwrap_or(number);
    let host = number.saturating_sub(first);
    Some(format!("scsi-{host}:{channel}:{target}:{lun}"))
}
