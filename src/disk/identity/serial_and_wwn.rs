//! Model, serial number and world-wide name of a disk, in the spelling udev would give them, so that root device hints
//! written for a machine with udev keep matching.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::identity::serial_spellings::{self, Usb};
use crate::disk::identity::unreadable_fields::{Reader, Unread};
use crate::disk::identity::{inquiry, vpd};
use crate::system_root::link_name;

/// Model, serial numbers and world-wide names of one disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As the disk says it.
    pub model: Option<String>,
    /// As the SCSI layer says it; `ATA` for a SATA disk.
    pub vendor: Option<String>,
    /// Every spelling of the serial number; the first is lsblk's, which is the one to show.
    pub serials: Vec<String>,
    /// World-wide name, with its vendor's extension.
    pub wwn: Option<String>,
    /// The same, as udev's own field.
    pub wwn_with_extension: Option<String>,
    /// The extension alone.
    pub wwn_vendor_extension: Option<String>,
}

impl Identity {
    /// `block` is the disk's directory in sysfs, links followed. `node` is opened to ask the disk itself what the kernel has
    /// not asked; not that of a `removable` one, unless it calls itself ATA. And what could not be read.
    pub fn read(block: &Path, node: &Path, removable: bool) -> (Self, Vec<Unread>) {
        let mut disk = Asked {
            block,
            node,
            removable,
            reader: Reader::default(),
        };
        let identity = disk.identity();
        (identity, disk.reader.unread)
    }

    /// As lsblk shows it.
    pub fn serial(&self) -> Option<&str> {
        self.serials.first().map(String::as_str)
    }
}

/// What page 83h tells.
const IDS: [&str; 4] = [
    "serial",
    "wwn",
    "wwn_with_extension",
    "wwn_vendor_extension",
];

/// One disk, while it is asked who it is.
struct Asked<'a> {
    block: &'a Path,
    node: &'a Path,
    removable: bool,
    reader: Reader,
}

impl Asked<'_> {
    /// An attribute below the disk's directory, blanks within in runs of one.
    fn text(&mut self, field: &'static str, path: &str) -> Option<String> {
        let text = self.reader.text(field, &self.block.join(path));
        text.and_then(|text| vpd::tidy(text.as_bytes()))
    }

    fn identity(&mut self) -> Identity {
        let inquired = Identity {
            model: self.text("model", "device/model"),
            vendor: self.text("vendor", "device/vendor"),
            ..Identity::default()
        };
        match link_name(self.block.join("device/subsystem")).as_deref() {
            // udev takes the id of a USB disk from the USB device, which is where its serial number is true.
            Some("scsi") => match usb_interface(self.block) {
                Some(interface) => self.usb(&interface, inquired),
                None if inquired.vendor.as_deref() == Some("ATA") => self.ata(inquired),
                None => self.scsi(inquired),
            },
            Some("nvme" | "nvme-subsystem") => self.nvme(inquired),
            // virtio-blk has its serial number on the disk; others (MMC) on the device.
            _ => {
                let own = self.text("serial", "serial");
                let serial = own.or_else(|| self.text("serial", "device/serial"));
                Identity {
                    serials: serial.into_iter().collect(),
                    ..inquired
                }
            }
        }
    }

    /// The namespace has the name, its controller the serial number; upstream takes `wwid` as the WWN.
    fn nvme(&mut self, inquired: Identity) -> Identity {
        let serial = self.text("serial", "device/serial");
        let namespace = self.text("serial", "nsid");
        // Long spellings keep the blanks that are within.
        let raw = |disk: &mut Self, path: &str| disk.reader.text("serial", &disk.block.join(path));
        let (model, own) = (raw(self, "device/model"), raw(self, "device/serial"));
        let long = serial_spellings::nvme(model.as_deref(), own.as_deref(), namespace.as_deref());
        Identity {
            serials: serial.into_iter().chain(long).collect(),
            wwn: self.text("wwn", "wwid"),
            ..inquired
        }
        .without_repeats()
    }

    fn scsi(&mut self, inquired: Identity) -> Identity {
        let named = self.page("vpd_pg83", &IDS);
        let unit = self.page("vpd_pg80", &["serial"]);
        let (named, unit) = match named.is_empty() && unit.is_empty() {
            false => (named, unit),
            // The kernel asks no pages of disks that are older than they, or of which it knows that they fall ill of it.
            true => (self.ask(0x83), self.ask(0x80)),
        };
        let named = vpd::identification(&named);
        let unit = vpd::serial(&unit);
        let (vendor, model) = (inquired.vendor.as_deref(), inquired.model.as_deref());
        let (vendor, model) = (vendor.unwrap_or_default(), model.unwrap_or_default());
        Identity {
            serials: serial_spellings::scsi(vendor, model, unit.as_deref(), &named),
            wwn: full(&named.wwn, &named.extension),
            wwn_with_extension: full(&named.wwn, &named.extension),
            wwn_vendor_extension: named.extension,
            ..inquired
        }
        .without_repeats()
    }

    /// The SCSI view of an ATA drive cuts its model at 16 characters; the drive's own words are in page 89h.
    fn ata(&mut self, inquired: Identity) -> Identity {
        match self.drive() {
            Some(drive) => self.ata_drive(drive, inquired),
            None => self.scsi(inquired),
        }
    }

    fn ata_drive(&mut self, drive: vpd::Ata, inquired: Identity) -> Identity {
        let unit = self.page("vpd_pg80", &["serial"]);
        let unit = vpd::serial(&unit);
        Identity {
            serials: serial_spellings::ata(&drive, unit.as_deref()),
            model: drive.model.or(inquired.model),
            wwn: drive.wwn.clone(),
            wwn_with_extension: drive.wwn,
            vendor: inquired.vendor,
            wwn_vendor_extension: None,
        }
        .without_repeats()
    }

    /// The ATA drive within, if there is one that says so: from the kernel, else from the drive.
    fn drive(&mut self) -> Option<vpd::Ata> {
        let page = self.page("vpd_pg89", &["model", "serial", "wwn"]);
        if let Some(drive) = vpd::ata(&page) {
            return Some(drive);
        }
        let answer = inquiry::identify(self.node);
        let identify = self.answered(answer)?;
        vpd::identified(&identify)
    }

    /// A stick has its number on the device; a drive in a case has its own as well, which udev prefers.
    fn usb(&mut self, interface: &Path, inquired: Identity) -> Identity {
        let device = interface.parent().unwrap_or(interface).to_owned();
        let mut read = |path: PathBuf| self.reader.text("serial", &path);
        // USB mass storage class, table 1: subclasses 2 and 6 speak SCSI. Others do not say so.
        let subclass = read(interface.join("bInterfaceSubClass"));
        let scsi = subclass.is_none_or(|class| matches!(class.as_str(), "02" | "06"));
        let own = |text: &Option<String>| text.clone().filter(|_| scsi);
        let mut first = |own: Option<String>, name: &str, number: &str| {
            own.or_else(|| read(device.join(name)))
                .or_else(|| read(device.join(number)))
                .unwrap_or_default()
        };
        let usb = Usb {
            vendor: first(own(&inquired.vendor), "manufacturer", "idVendor"),
            model: first(own(&inquired.model), "product", "idProduct"),
            serial: read(device.join("serial")),
            instance: link_name(self.block.join("device"))
                .and_then(|address| {
                    let mut parts = address.splitn(3, ':').skip(2);
                    parts.next().map(str::to_owned)
                })
                .filter(|_| scsi),
        };
        let shared = serial_spellings::usb(&usb);
        let ata = inquired.vendor.as_deref() == Some("ATA");
        let drive = match self.removable && !ata {
            true => None,
            false => self.drive(),
        };
        let mut disk = match drive {
            Some(drive) => self.ata_drive(drive, inquired),
            None => inquired,
        };
        disk.serials.extend(shared);
        disk.without_repeats()
    }

    /// A page of vital product data, as sysfs has it, which `fields` are made of; empty if there is none.
    fn page(&mut self, name: &str, fields: &[&'static str]) -> Vec<u8> {
        // SPC-4 7.8.1: a two-byte length bounds a page; sysfs passes on what the device sent.
        const LONGEST: u64 = 4 + u16::MAX as u64;
        let path = self.block.join("device").join(name);
        let page = self.reader.bytes(fields, &path, LONGEST);
        page.unwrap_or_default()
    }

    /// A page of vital product data, as the disk has it.
    fn ask(&mut self, code: u8) -> Vec<u8> {
        if self.removable {
            return Vec::new();
        }
        let answer = inquiry::page(self.node, code);
        self.answered(answer).unwrap_or_default()
    }

    fn answered(&mut self, answer: io::Result<Option<Vec<u8>>>) -> Option<Vec<u8>> {
        match answer {
            Ok(answer) => answer,
            Err(error) => {
                let why = format!("asking {} who it is: {error}", self.node.display());
                self.reader.note(&IDS, &why);
                None
            }
        }
    }
}

impl Identity {
    fn without_repeats(mut self) -> Self {
        let mut seen: Vec<String> = Vec::new();
        for serial in std::mem::take(&mut self.serials) {
            if !serial.is_empty() && !seen.contains(&serial) {
                seen.push(serial);
            }
        }
        self.serials = seen;
        self
    }
}

/// The WWN with its extension, which is what upstream reports as the WWN, too.
fn full(wwn: &Option<String>, extension: &Option<String>) -> Option<String> {
    let extension = extension.as_deref().unwrap_or_default();
    let digits = extension.trim_start_matches("0x");
    wwn.as_ref().map(|wwn| format!("{wwn}{digits}"))
}

/// The directory of the USB interface a disk hangs on, if it hangs on one.
fn usb_interface(block: &Path) -> Option<PathBuf> {
    let device = block
        .ancestors()
        .find(|above| above.join("idVendor").exists())?;
    let mut within = block.ancestors();
    let interface = within.find(|below| below.parent() == Some(device))?;
    Some(interface.to_owned())
}
