//! Devices that carry a network or disks, by sysfs: which there are, what they are for, and who drives them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::system_root::{SystemRoot, attribute, link_name, names};

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It has network links.
    Network,
    /// Disks hang on it.
    Disk,
}

impl Purpose {
    /// What people call such a device.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Network => "network card",
            Purpose::Disk => "disk controller",
        }
    }
}

/// One device on one bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its directory below /sys/devices.
    pub path: PathBuf,
    /// None for what is neither.
    pub purpose: Option<Purpose>,
    /// The name of the one that has it.
    pub driver: Option<String>,
    /// `8086:1572 at 0000:01:00.0`: vendor, product and place.
    pub label: String,
}

/// Attribute → what its value begins with → what that says, bus by bus.
#[rustfmt::skip]
const PURPOSES: &[(&str, &str, &str, Purpose)] = &[
    // PCI Code and ID Assignment Specification: base class, sub-class.
    ("pci", "class", "0x02", Purpose::Network),
    ("pci", "class", "0x01", Purpose::Disk),       // mass storage
    ("pci", "class", "0x0805", Purpose::Disk),     // SD host controller
    ("pci", "class", "0x0c04", Purpose::Disk),     // Fibre Channel
    // VIRTIO 1.2, section 5: device types.
    ("virtio", "device", "0x0001", Purpose::Network),
    ("virtio", "device", "0x0002", Purpose::Disk), // block
    ("virtio", "device", "0x0008", Purpose::Disk), // SCSI host
    // modalias of an interface, see USB_DEVICE_ID_MATCH_*: class, sub-class, protocol.
    ("usb", "modalias", "ic08", Purpose::Disk),            // mass storage
    ("usb", "modalias", "ic02isc06", Purpose::Network),    // CDC Ethernet
    ("usb", "modalias", "ic02isc0C", Purpose::Network),    // CDC EEM
    ("usb", "modalias", "ic02isc0D", Purpose::Network),    // CDC NCM
    ("usb", "modalias", "icE0isc01ip03", Purpose::Network), // RNDIS
    // linux/hyperv.h: HV_NIC_GUID, HV_SCSI_GUID, HV_IDE_GUID, HV_SYNTHFC_GUID.
    ("vmbus", "class_id", "{f8615163-", Purpose::Network),
    ("vmbus", "class_id", "{ba6163d9-", Purpose::Disk),
    ("vmbus", "class_id", "{32412632-", Purpose::Disk),
    ("vmbus", "class_id", "{2f9bcc4a-", Purpose::Disk),
    ("xen", "devtype", "vif", Purpose::Network),
    ("xen", "devtype", "vbd", Purpose::Disk),
];

impl Device {
    /// Every network card and disk controller the kernel shows.
    pub fn all(host: &SystemRoot) -> Vec<Device> {
        let busses = ["pci", "virtio", "usb", "vmbus", "xen"];
        let places = busses.iter().flat_map(|bus| {
            let devices = host.sys(format!("bus/{bus}/devices"));
            let paths = names(&devices)
                .into_iter()
                .map(move |name| devices.join(name));
            paths.filter_map(move |path| Device::read(&path, bus))
        });
        places.filter(|device| device.purpose.is_some()).collect()
    }

    /// The device of this name on any bus.
    pub fn named(host: &SystemRoot, name: &str) -> Option<Device> {
        if !is_name(name) {
            return None;
        }
        names(host.sys("bus")).iter().find_map(|bus| {
            let path = host.sys(format!("bus/{bus}/devices/{name}"));
            Device::read(&path, bus)
        })
    }

    /// The device behind the network link of this name.
    pub fn of_link(host: &SystemRoot, link: &str) -> Option<Device> {
        if !is_name(link) {
            return None;
        }
        let path = host.sys(format!("class/net/{link}/device"));
        let bus = link_name(path.join("subsystem")).unwrap_or_default();
        Device::read(&path, &bus)
    }

    /// Those that the driver of this name has taken.
    pub fn driven_by(host: &SystemRoot, driver: &str) -> Vec<Device> {
        if !is_name(driver) {
            return Vec::new();
        }
        let busses = names(host.sys("bus")).into_iter();
        let found = busses.flat_map(|bus| {
            let place = host.sys(format!("bus/{bus}/drivers/{driver}"));
            let paths = names(&place).into_iter().map(move |name| place.join(name));
            // Beside links to devices there are `bind`, `new_id`, and a link to the module.
            paths
                .filter(|path| path.join("driver").symlink_metadata().is_ok())
                .filter_map(move |path| Device::read(&path, &bus))
                .collect::<Vec<_>>()
        });
        found.collect()
    }

    /// The names of its network links.
    pub fn links(&self) -> Vec<String> {
        names(self.path.join("net"))
    }

    fn read(path: &Path, bus: &str) -> Option<Device> {
        let path = fs::canonicalize(path).ok()?;
        let name = path.file_name()?.to_str()?;
        let told = PURPOSES.iter().find(|(of, file, word, _)| {
            let value = (*of == bus).then(|| attribute(path.join(file))).flatten();
            value.is_some_and(|value| match bus {
                "usb" => value.contains(word),
                _ => value.starts_with(word),
            })
        });
        let linked = path.join("net").is_dir().then_some(Purpose::Network);
        Some(Device {
            purpose: told.map(|(_, _, _, purpose)| *purpose).or(linked),
            driver: link_name(path.join("driver")),
            label: label(&path, name),
            path,
        })
    }
}

/// Vendor and product as PCI or USB tells them, of the device or of what carries it, and its place.
fn label(path: &Path, name: &str) -> String {
    let pair = |path: &Path, [vendor, product]: [&str; 2]| {
        let id = |file| attribute(path.join(file)).map(|id| id.trim_start_matches("0x").to_owned());
        Some(format!("{}:{}", id(vendor)?, id(product)?))
    };
    let pci = |path: &Path| {
        path.join("class")
            .exists()
            .then(|| pair(path, ["vendor", "device"]))?
    };
    let usb = |path: &Path| pair(path, ["idVendor", "idProduct"]);
    let above = path.parent().unwrap_or(path);
    if let Some(id) = pci(path).or_else(|| usb(path)).or_else(|| usb(above)) {
        return format!("{id} at {name}");
    }
    match (pci(above), above.file_name().and_then(|name| name.to_str())) {
        (Some(id), Some(place)) => format!("{id} at {place}"),
        _ => name.to_owned(),
    }
}

/// Words of a log become parts of a path only if they are one.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.len() < 64 && !word.contains('/') && !word.starts_with('.')
}
