//! What UEFI firmware and its boot loaders say of the disk the machine was started from.

use log::debug;

use crate::codec::uuid;
use crate::disk::select::boot_medium::{Clue, Sign};
use crate::disk::select::firmware_bus_path::{BusPlace, Unit};
use crate::efi::device_path::nodes;
use crate::efi::efivars::Variables;
use crate::efi::load_option::{LoadOption, utf16};
use crate::system_root::SystemRoot;

// systemd.io/BOOT_LOADER_INTERFACE: set by systemd-boot and by GRUB from 2.12 on, as text.
const LOADER_PARTITION: &str = "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/// Nothing where there is no such firmware, and of a machine started over the network.
pub fn clues(host: &SystemRoot) -> Vec<Clue> {
    let Ok(variables) = Variables::open(host) else {
        return Vec::new();
    };
    let loader = || {
        let text = utf16(&variables.read_any(LOADER_PARTITION).ok()??);
        let guid = uuid::parse(text.trim_end_matches('\0'))?;
        Some(Clue {
            sign: Sign::Partition(uuid::swapped(guid)),
            by: "its boot loader's LoaderDevicePartUUID says so".to_owned(),
        })
    };
    let firmware = || {
        // UEFI 2.10, 3.3: BootCurrent is the number of the Boot#### that was taken.
        let number = variables.read("BootCurrent").ok()??;
        let name = format!("Boot{:04X}", u16::from_le_bytes(*number.first_chunk()?));
        let option = LoadOption::parse(&variables.read(&name).ok()??)?;
        debug!("the firmware started {name}, {}", option.label);
        Some(Clue {
            sign: sign(&option.path)?,
            by: format!("UEFI's BootCurrent is {name}, {:.60}", option.label),
        })
    };
    [loader(), firmware()].into_iter().flatten().collect()
}

/// The medium a device path leads to; none for the network, the firmware's own volumes and what cannot be told.
pub fn sign(path: &[u8]) -> Option<Sign> {
    let (mut pci, mut usb) = (Vec::new(), Vec::new());
    let mut unit = Unit::Only;
    let word = |data: &[u8], at: usize| Some(u16::from_le_bytes(*data.get(at..)?.first_chunk()?));
    // UEFI 2.10, 10.3.2 (hardware), 10.3.4 (messaging) and 10.3.5 (media).
    for (kind, subtype, data) in nodes(path) {
        match (kind, subtype) {
            (1, 1) => pci.push((*data.get(1)?, *data.first()?)),
            (3, 2) => unit = Unit::Scsi(word(data, 0)?, word(data, 2)?),
            (3, 5) => usb.push(data.first()?.checked_add(1)?),
            (3, 18) => unit = Unit::Sata(word(data, 0)?),
            (3, 23) => unit = Unit::Nvme(u32::from_le_bytes(*data.first_chunk()?)),
            // MAC, IPv4, IPv6, iSCSI, Vlan, URI, DNS; the RAM disk made of what HTTP brought; the firmware's own.
            (3, 11 | 12 | 13 | 19 | 20 | 24 | 31) | (4, 6 | 7 | 9) => return None,
            (4, 1) => {
                return Some(match data.get(37)? {
                    1 => Sign::BootRecord {
                        signature: *data.get(20..)?.first_chunk()?,
                        external: false,
                    },
                    2 => Sign::Partition(*data.get(20..)?.first_chunk()?),
                    _ => return None,
                });
            }
            _ => {}
        }
    }
    if !usb.is_empty() {
        unit = Unit::Usb(usb);
    }
    (!pci.is_empty()).then_some(Sign::Place(BusPlace { pci, unit }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of a type, a subtype and data; then the end.
    fn path(nodes: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut path = Vec::new();
        for (kind, subtype, data) in nodes {
            path.extend([*kind, *subtype, 4 + data.len() as u8, 0]);
            path.extend(*data);
        }
        path.extend([0x7f, 0xff, 4, 0]);
        path
    }

    #[test]
    fn a_device_path_leads_to_a_disk_or_to_none() {
        let root = (2, 1, &[0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0][..]);
        let pci = (1, 1, &[2u8, 0x1f][..]);
        let mut drive = vec![0u8; 38];
        drive[20..24].copy_from_slice(&[1, 2, 3, 4]);
        let place = |unit| {
            let pci = vec![(0x1f, 2)];
            Some(Sign::Place(BusPlace { pci, unit }))
        };
        let with = |kind: u8| {
            let mut drive = drive.clone();
            drive[37] = kind;
            drive
        };
        let (mbr, gpt) = (with(1), with(2));
        let mut guid = [0; 16];
        guid[..4].copy_from_slice(&[1, 2, 3, 4]);
        let record = Sign::BootRecord {
            signature: [1, 2, 3, 4],
            external: false,
        };
        for (nodes, sign_of) in [
            (&[root, pci][..], place(Unit::Only)),
            (&[root, pci, (3, 5, &[0, 0])], place(Unit::Usb(vec![1]))),
            (
                &[root, pci, (3, 5, &[1, 0]), (3, 5, &[3, 0])],
                place(Unit::Usb(vec![2, 4])),
            ),
            (
                &[root, pci, (3, 23, &[1, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9])],
                place(Unit::Nvme(1)),
            ),
            (
                &[root, pci, (3, 18, &[2, 0, 0xff, 0xff, 0, 0])],
                place(Unit::Sata(2)),
            ),
            (&[root, pci, (3, 2, &[3, 0, 1, 0])], place(Unit::Scsi(3, 1))),
            (&[root, pci, (4, 1, &gpt)], Some(Sign::Partition(guid))),
            (&[(4, 1, &mbr)], Some(record)),
            (&[root, pci, (3, 11, &[0; 33])], None),
            (&[root, pci, (3, 11, &[0; 33]), (3, 24, b"http://h")], None),
            (&[(4, 7, &[0; 16]), (4, 6, &[0; 16])], None),
            (&[root, pci, (3, 23, &[1, 0])], None),
            (&[root], None),
            (&[], None),
        ] {
            assert_eq!(sign(&path(nodes)), sign_of, "{nodes:?}");
        }
        let whole = path(&[root, pci, (4, 1, &gpt)]);
        for len in 0..whole.len() {
            let _ = sign(&whole[..len]); // cut anywhere it is not more than that
        }
    }
}
