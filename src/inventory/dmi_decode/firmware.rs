//! SMBIOS structure 0, the firmware, as dmidecode shows it. Pure.

use super::rows::{Rows, bits, size};
use crate::inventory::dmi::Structure;

// SMBIOS 7.1.1: bits 4 to 31; bit 3 says that there are none.
const CHARACTERISTICS: &str = "ISA is supported|MCA is supported|EISA is supported|PCI is supported|PC Card (PCMCIA) is supported|\
    PNP is supported|APM is supported|BIOS is upgradeable|BIOS shadowing is allowed|VLB is supported|ESCD support is available|\
    Boot from CD is supported|Selectable boot is supported|BIOS ROM is socketed|Boot from PC Card (PCMCIA) is supported|\
    EDD is supported|Japanese floppy for NEC 9800 1.2 MB is supported (int 13h)|Japanese floppy for Toshiba 1.2 MB is supported (int 13h)|\
    5.25\"/360 kB floppy services are supported (int 13h)|5.25\"/1.2 MB floppy services are supported (int 13h)|\
    3.5\"/720 kB floppy services are supported (int 13h)|3.5\"/2.88 MB floppy services are supported (int 13h)|\
    Print screen service is supported (int 5h)|8042 keyboard services are supported (int 9h)|Serial services are supported (int 14h)|\
    Printer services are supported (int 17h)|CGA/mono video services are supported (int 10h)|NEC PC-98";
// SMBIOS 7.1.2.1
const EXTENSION_1: &str = "ACPI is supported|USB legacy is supported|AGP is supported|I2O boot is supported|LS-120 boot is supported|\
    ATAPI Zip drive boot is supported|IEEE 1394 boot is supported|Smart battery is supported";
// SMBIOS 7.1.2.2
const EXTENSION_2: &str = "BIOS boot specification is supported|Function key-initiated network boot is supported|\
    Targeted content distribution is supported|UEFI is supported|System is a virtual machine|Manufacturing mode is supported|\
    Manufacturing mode is enabled";

pub(super) fn decode(one: &Structure, rows: &mut Rows) {
    let byte = |at| one.byte(at).unwrap_or(0);
    let word = |at| one.word(at).unwrap_or(0);
    if one.length() < 0x12 {
        return;
    }
    rows.texts(
        one,
        &[("Vendor", 0x04), ("Version", 0x05), ("Release Date", 0x08)],
    );
    // UEFI has no place below a megabyte.
    if let Some(segment) = one.word(0x06).filter(|segment| *segment != 0) {
        rows.text("Address", format!("0x{segment:04X}0"));
        let bytes = (0x10000 - u32::from(segment)) << 4;
        let (amount, unit) = match bytes % 1024 {
            0 => (bytes / 1024, "kB"),
            _ => (bytes, "bytes"),
        };
        rows.text("Runtime Size", format!("{amount} {unit}"));
    }
    let extended = one.word(0x18).unwrap_or(16);
    rows.text(
        "ROM Size",
        match byte(0x09) {
            0xFF => {
                let unit = super::rows::name("MB|GB", 0, (extended >> 14) as u8);
                format!("{} {unit}", extended & 0x3FFF)
            }
            blocks => size((u64::from(blocks) + 1) << 6, 1),
        },
    );
    let code = one.double(0x0A).unwrap_or(0);
    let none = (code & 1 << 3 != 0).then_some("BIOS characteristics not supported");
    let code = if none.is_some() { 0 } else { code };
    let some = bits(CHARACTERISTICS, 4, code)
        .chain(bits(EXTENSION_1, 0, byte(0x12).into()))
        .chain(bits(EXTENSION_2, 0, byte(0x13).into()));
    rows.list("Characteristics", none.into_iter().chain(some));
    if one.length() < 0x18 {
        return;
    }
    for (name, at) in [("BIOS Revision", 0x14), ("Firmware Revision", 0x16)] {
        let [major, minor] = word(at).to_le_bytes();
        if major != 0xFF && minor != 0xFF {
            rows.text(name, format!("{major}.{minor}"));
        }
    }
}
