//! A disk's place as firmware tells it, without numbers that an operating system gives: the PCI functions on the way
//! to its controller, and where it is on that.

use std::fs;

use crate::disk::list::Disk;
use crate::system_root::SystemRoot;

/// The way to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusPlace {
    /// Device and function of every bridge, and of the controller.
    pub pci: Vec<(u8, u8)>,
    /// Where on the controller.
    pub unit: Unit,
}

/// Where on its controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Ports from the root hub on, each from 1.
    Usb(Vec<u8>),
    /// A namespace.
    Nvme(u32),
    /// A port, from 0.
    Sata(u16),
    /// ExclusiveDisk and logical unit.
    Scsi(u16, u16),
    /// Nobody says; there is one.
    Only,
}

impl BusPlace {
    /// Is it that of `disk`? Of several disks that might be meant only USB ones are all taken for it: firmware and the
    /// kernel count the ports of fast and slow devices differently.
    pub fn is_of(&self, host: &SystemRoot, disk: &Disk, disks: &[Disk]) -> bool {
        let near = |disk: &Disk| Way::to(host, disk).filter(|way| way.pci == self.pci);
        let Some(way) = near(disk) else {
            return false;
        };
        let tail = |prefix: &str| {
            let path = disk.by_path.iter().find_map(|path| path.split_once(prefix));
            path.and_then(|(_, tail)| tail.split(['.', '-']).next()?.parse().ok())
        };
        match &self.unit {
            Unit::Usb(ports) => {
                let exact = |way: Way| way.usb.as_ref() == Some(ports);
                let other = disks.iter().any(|disk| near(disk).is_some_and(exact));
                way.usb.is_some() && (way.usb.as_ref() == Some(ports) || !other)
            }
            Unit::Nvme(namespace) => tail("-nvme-") == Some(*namespace),
            Unit::Sata(port) => tail("-ata-") == Some(u32::from(*port) + 1),
            Unit::Scsi(target, lun) => {
                let address = disk.hctl.as_deref().unwrap_or_default();
                address
                    .split(':')
                    .skip(2)
                    .eq([target.to_string(), lun.to_string()])
            }
            Unit::Only => disks.iter().filter_map(near).count() == 1,
        }
    }
}

/// The way to a disk in sysfs.
struct Way {
    pci: Vec<(u8, u8)>,
    usb: Option<Vec<u8>>,
}

impl Way {
    fn to(host: &SystemRoot, disk: &Disk) -> Option<Self> {
        let block = fs::canonicalize(host.sys("block").join(disk.kernel())).ok()?;
        let mut way = Way {
            pci: Vec::new(),
            usb: None,
        };
        for part in block.iter().filter_map(|part| part.to_str()) {
            way.pci.extend(function(part));
            way.usb = ports(part).or(way.usb);
        }
        Some(way)
    }
}

/// `0000:00:1f.2`
fn function(name: &str) -> Option<(u8, u8)> {
    let [domain, bus, last] = name.split(':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let (device, function) = last.split_once('.')?;
    let number = |text: &str| u8::from_str_radix(text, 16).ok();
    (domain.len() == 4 && bus.len() == 2).then_some(())?;
    Some((number(device)?, number(function)?))
}

/// `2-1.4`: the first port and the fourth of the hub there.
fn ports(name: &str) -> Option<Vec<u8>> {
    let (bus, ports) = name.split_once('-')?;
    bus.parse::<u8>().ok()?;
    ports.split('.').map(|port| port.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sysfs_are_taken_apart() {
        for (name, pci, usb) in [
            ("0000:00:1f.2", Some((0x1f, 2)), None),
            ("0000:a0:00.0", Some((0, 0)), None),
            ("2-1", None, Some(vec![1])),
            ("1-2.10.3", None, Some(vec![2, 10, 3])),
            ("2-1:1.0", None, None),
            ("6:0:0:0", None, None),
            ("pci0000:00", None, None),
            ("usb2", None, None),
            ("target6:0:0", None, None),
        ] {
            assert_eq!((function(name), ports(name)), (pci, usb), "{name}");
        }
    }
}
