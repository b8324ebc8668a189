//! Model, serial number and world-wide name of a disk, in the spelling udev would give them, so that root device hints
//! keep matching.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::disk::identity::vpd;
use crate::disk::identity::vpd::tidy;
use crate::system_root::{attribute, link_name};

/// Each field as udev would spell it; none where the disk does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Of an ATA disk all of its 40 characters.
    pub model: Option<String>,
    /// Of SCSI disks alone.
    pub vendor: Option<String>,
    /// Short, without vendor or model.
    pub serial: Option<String>,
    /// With `0x` before it; of NVMe what the kernel calls `wwid`.
    pub wwn: Option<String>,
    /// The same and the extension, as one number.
    pub wwn_with_extension: Option<String>,
    /// The extension alone.
    pub wwn_vendor_extension: Option<String>,
}

impl Identity {
    /// `block` is the disk's directory in sysfs, links followed.
    pub fn read(block: &Path) -> Self {
        let device = block.join("device");
        let text = |path: &str| attribute(block.join(path)).and_then(|text| tidy(text.as_bytes()));
        let inquired = Identity {
            model: text("device/model"),
            vendor: text("device/vendor"),
            ..Identity::default()
        };
        match link_name(device.join("subsystem")).as_deref() {
            // udev takes the id of a USB disk from the USB device, which is where its serial number is true.
            Some("scsi") if usb(block).is_some() => Identity {
                serial: usb(block),
                ..inquired
            },
            Some("scsi") if inquired.vendor.as_deref() == Some("ATA") => ata(&device, inquired),
            Some("scsi") => scsi(&device, inquired),
            // The namespace has the name, its controller the serial number; upstream takes `wwid` as the WWN.
            Some("nvme" | "nvme-subsystem") => Identity {
                serial: text("device/serial"),
                wwn: text("wwid"),
                ..inquired
            },
            // virtio-blk has its serial number on the disk; others (MMC) on the device.
            _ => Identity {
                serial: text("serial").or_else(|| text("device/serial")),
                ..inquired
            },
        }
    }
}

fn scsi(device: &Path, inquired: Identity) -> Identity {
    let named = vpd::identification(&page(device, "vpd_pg83"));
    Identity {
        serial: vpd::serial(&page(device, "vpd_pg80")).or(named.serial),
        wwn: full(&named.wwn, &named.extension),
        wwn_with_extension: full(&named.wwn, &named.extension),
        wwn_vendor_extension: named.extension,
        ..inquired
    }
}

/// The SCSI view of an ATA drive cuts its model at 16 characters; the drive's own words are in page 89h.
fn ata(device: &Path, inquired: Identity) -> Identity {
    let Some(drive) = vpd::ata(&page(device, "vpd_pg89")) else {
        return scsi(device, inquired);
    };
    Identity {
        model: drive.model.or(inquired.model),
        // udev makes blanks within an ATA serial number underscores.
        serial: drive.serial.map(|serial| serial.replace(' ', "_")),
        wwn: drive.wwn.clone(),
        wwn_with_extension: drive.wwn,
        ..inquired
    }
}

/// The WWN with its extension, which is what upstream reports as the WWN, too.
fn full(wwn: &Option<String>, extension: &Option<String>) -> Option<String> {
    let extension = extension.as_deref().unwrap_or_default();
    let digits = extension.trim_start_matches("0x");
    wwn.as_ref().map(|wwn| format!("{wwn}{digits}"))
}

/// The serial number of the USB device a disk hangs on, if it hangs on one and that has one.
fn usb(block: &Path) -> Option<String> {
    let usb = block
        .ancestors()
        .find(|above| above.join("idVendor").exists())?;
    attribute(usb.join("serial"))
}

/// A page of vital product data; empty if there is none.
fn page(device: &Path, name: &str) -> Vec<u8> {
    // SPC-4 7.8.1: a two-byte length bounds a page; sysfs passes on what the device sent.
    const LONGEST: u64 = 4 + u16::MAX as u64;
    let mut bytes = Vec::new();
    let read =
        File::open(device.join(name)).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    match read {
        Ok(_) => bytes,
        Err(_) => Vec::new(),
    }
}
