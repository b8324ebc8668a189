//! Every spelling of a disk's serial number that lsblk and udev have had for it. Pure: what the disk says in, texts out.
//!
//! Of each list the first is what lsblk shows; then udev's ID_SERIAL_SHORT and ID_SERIAL, and what its rules of other versions
//! and those of sg3_utils make. Hints and skip lists were written down from any of them.

use crate::disk::identity::udev_text::{replaced, spelled};
use crate::disk::identity::vpd::{Ata, Identification};

/// Of a SCSI disk. `vendor` and `model` are those of its inquiry, `unit` the serial number of page 80h.
pub fn scsi(vendor: &str, model: &str, unit: Option<&str>, named: &Identification) -> Vec<String> {
    // SPC-4 6.6.2: the fields are as wide as this, and udev joins them as they are.
    let maker = format!("{vendor:8.8}{model:16.16}");
    let mut found = Vec::new();
    match (&named.best, unit) {
        (Some(best), unit) => {
            found.extend(unit.map(str::to_owned));
            let (before, whose) = match (best.old, best.kind) {
                (true, _) => ("", ""),
                (false, 0) => ("0", maker.as_str()),
                (false, 1) => ("1", ""),
                (false, 2) => ("2", ""),
                (false, _) => ("3", ""),
            };
            // The old form has its kind before the short one, too.
            let kind = if best.old { "3" } else { "" };
            found.push(spelled(&format!("{kind}{}", best.text)));
            found.push(spelled(&format!("{before}{whose}{kind}{}", best.text)));
        }
        (None, Some(unit)) => {
            found.push(spelled(unit));
            found.push(unit.to_owned());
            found.push(spelled(&format!("S{maker}{unit}")));
        }
        (None, None) => {}
    }
    // sg3_utils: only where there is neither NAA nor EUI-64.
    let better = named.best.as_ref().is_some_and(|best| best.kind >= 2);
    if let Some(name) = named.name.as_ref().filter(|_| !better) {
        found.extend([spelled(name), spelled(&format!("8{name}"))]);
    }
    found
}

/// Of an ATA drive; `unit` is what its SCSI view has in page 80h.
pub fn ata(drive: &Ata, unit: Option<&str>) -> Vec<String> {
    let model = spelled(drive.model.as_deref().unwrap_or_default());
    let mut found = match &drive.serial {
        Some(serial) => {
            let serial = spelled(serial);
            let long = format!("{model}_{serial}");
            vec![serial, long]
        }
        None if model.is_empty() => Vec::new(),
        None => vec![model],
    };
    let own = drive.serial.as_deref().into_iter().chain(unit);
    found.extend(own.map(str::to_owned));
    found
}

/// What a USB device says of itself and the SCSI disk in it of itself.
#[derive(Clone, Debug, Default)]
pub struct Usb {
    /// SCSI vendor; else the manufacturer, else the number of the maker.
    pub vendor: String,
    /// SCSI model; else the product, else its number.
    pub model: String,
    /// Of the device, which its disks share.
    pub serial: Option<String>,
    /// ExclusiveDisk and LUN of a SCSI disk: `0:0`.
    pub instance: Option<String>,
}

/// Of a USB disk.
pub fn usb(usb: &Usb) -> Vec<String> {
    // udev takes no serial number that Windows would not take.
    let fits = |serial: &&str| {
        serial.bytes().all(|byte| matches!(byte, b' '..=0x7f)) && !serial.contains(',')
    };
    let serial = usb.serial.as_deref().filter(fits).map(spelled);
    let serial = serial.filter(|serial| !serial.is_empty());
    let mut long = format!("{}_{}", spelled(&usb.vendor), spelled(&usb.model));
    if let Some(serial) = &serial {
        long += &format!("_{serial}");
    }
    if let Some(instance) = &usb.instance {
        long += &format!("-{instance}");
    }
    serial.into_iter().chain([long]).collect()
}

/// Of an NVMe namespace: without its number, as years ago, and with it.
pub fn nvme(model: Option<&str>, serial: Option<&str>, namespace: Option<&str>) -> Vec<String> {
    let mut found: Vec<_> = serial.map(str::to_owned).into_iter().collect();
    if let (Some(model), Some(serial)) = (model, serial) {
        let long = format!("{model}_{serial}");
        let numbered = namespace.map(|number| replaced(&format!("{long}_{number}")));
        found.extend(numbered.into_iter().chain([replaced(&long)]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::identity::vpd::Designation;

    fn named(kind: u8, text: &str) -> Identification {
        let (text, old) = (text.to_owned(), false);
        Identification {
            best: Some(Designation { kind, text, old }),
            ..Identification::default()
        }
    }

    /// As recorded from udev 252 and lsblk 2.38; those of sg3_utils from reports of its users.
    #[test]
    fn scsi_serial_numbers_are_spelled_as_udev_does() {
        let nothing = Identification::default();
        let iqn = Identification {
            name: Some("iqn.2024-01.org:x y".into()),
            ..named(1, "IET 00010001")
        };
        for (vendor, model, unit, identification, expected) in [
            (
                "ACME",
                "Rocket 15k",
                Some("SCSI 0001"),
                named(3, "5000c50015ea71aa"),
                &["SCSI 0001", "5000c50015ea71aa", "35000c50015ea71aa"][..],
            ),
            (
                "QEMU",
                "QEMU HARDDISK",
                None,
                named(0, "odd id/1"),
                &["odd_id_1", "0QEMU_QEMU_HARDDISK_odd_id_1"],
            ),
            (
                "LONGNAME",
                "A model of 16 ch",
                None,
                named(0, "x"),
                &["x", "0LONGNAMEA_model_of_16_chx"],
            ),
            (
                "IET",
                "VIRTUAL-DISK",
                Some("beaf41"),
                iqn,
                &[
                    "beaf41",
                    "IET_00010001",
                    "1IET_00010001",
                    "iqn.2024-01.org:x_y",
                    "8iqn.2024-01.org:x_y",
                ],
            ),
            (
                "IBM",
                "OLD",
                Some("A 1"),
                nothing.clone(),
                &["A_1", "A 1", "SIBM_OLD_A_1"],
            ),
            ("IBM", "OLD", None, nothing, &[]),
        ] {
            let found = scsi(vendor, model, unit, &identification);
            assert_eq!(found, expected, "{vendor} {model}");
        }
        let mut old = named(3, "600604800102");
        old.best.as_mut().expect("named").old = true;
        assert_eq!(
            scsi("EMC", "SYMMETRIX", None, &old),
            ["3600604800102", "3600604800102"]
        );
    }

    #[test]
    fn other_serial_numbers_are_spelled_as_udev_does() {
        let drive = |model: &str, serial: Option<&str>| Ata {
            model: Some(model.into()),
            serial: serial.map(str::to_owned),
            wwn: None,
        };
        let sata = ata(&drive("Old/Disk #1", Some("WD-1 2 3")), Some("WD-1 2 3"));
        assert_eq!(sata[..2], ["WD-1_2_3", "Old_Disk_#1_WD-1_2_3"]);
        assert!(sata.contains(&"WD-1 2 3".to_owned()));
        assert_eq!(ata(&drive("QEMU HARDDISK", None), None), ["QEMU_HARDDISK"]);

        let stick = |serial: Option<&str>, instance: Option<&str>| {
            usb(&Usb {
                vendor: "Reader&Co".into(),
                model: "Slot  B".into(),
                serial: serial.map(str::to_owned),
                instance: instance.map(str::to_owned),
            })
        };
        assert_eq!(
            stick(Some("BOT 1"), Some("0:1")),
            ["BOT_1", "Reader_Co_Slot_B_BOT_1-0:1"]
        );
        for serial in [None, Some(""), Some("a,b"), Some("é")] {
            assert_eq!(stick(serial, None), ["Reader_Co_Slot_B"], "{serial:?}");
        }

        assert_eq!(
            nvme(Some("QEMU NVMe Ctrl"), Some("NVME 3/x"), Some("7")),
            [
                "NVME 3/x",
                "QEMU_NVMe_Ctrl_NVME_3_x_7",
                "QEMU_NVMe_Ctrl_NVME_3_x"
            ]
        );
        assert_eq!(nvme(None, Some("S"), Some("1")), ["S"]);
        assert!(nvme(Some("M"), None, Some("1")).is_empty());
    }
}
