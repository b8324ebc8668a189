//! SMBIOS structures 16 and 17, memory arrays and the modules in them, as dmidecode shows them. Pure.

use super::rows::{Rows, bits, bits_in_line, name, shown_text, size};
use crate::inventory::dmi::Structure;

// SMBIOS 7.17.1: 1 to 0Ah, and A0h to A4h.
const LOCATIONS: &str = "Other|Unknown|System Board Or Motherboard|ISA Add-on Card|EISA Add-on Card|PCI Add-on Card|\
    MCA Add-on Card|PCMCIA Add-on Card|Proprietary Add-on Card|NuBus";
const LATER_LOCATIONS: &str = "PC-98/C20 Add-on Card|PC-98/C24 Add-on Card|PC-98/E Add-on Card|PC-98/Local Bus Add-on Card|\
    CXL Add-on Card";
// SMBIOS 7.17.2
const USES: &str =
    "Other|Unknown|System Memory|Video Memory|Flash Memory|Non-volatile RAM|Cache Memory";
// SMBIOS 7.17.3
const CORRECTIONS: &str = "Other|Unknown|None|Parity|Single-bit ECC|Multi-bit ECC|CRC";
// SMBIOS 7.18.1
const FORM_FACTORS: &str = "Other|Unknown|SIMM|SIP|Chip|DIP|ZIP|Proprietary Card|DIMM|TSOP|Row Of Chips|RIMM|SODIMM|SRIMM|\
    FB-DIMM|Die";
// SMBIOS 7.18.2
const TYPES: &str = "Other|Unknown|DRAM|EDRAM|VRAM|SRAM|RAM|ROM|Flash|EEPROM|FEPROM|EPROM|CDRAM|3DRAM|SDRAM|SGRAM|RDRAM|DDR|\
    DDR2|DDR2 FB-DIMM|Reserved|Reserved|Reserved|DDR3|FBD2|DDR4|LPDDR|LPDDR2|LPDDR3|LPDDR4|Logical non-volatile device|HBM|\
    HBM2|DDR5|LPDDR5|HBM3";
// SMBIOS 7.18.3: bits 1 to 15.
const DETAILS: &str = "Other|Unknown|Fast-paged|Static Column|Pseudo-static|RAMBus|Synchronous|CMOS|EDO|Window DRAM|Cache DRAM|\
    Non-Volatile|Registered (Buffered)|Unbuffered (Unregistered)|LRDIMM";
// SMBIOS 7.18.6
const TECHNOLOGIES: &str =
    "Other|Unknown|DRAM|NVDIMM-N|NVDIMM-F|NVDIMM-P|Intel Optane DC persistent memory";
// SMBIOS 7.18.7: bits 1 to 5.
const MODES: &str = "Other|Unknown|Volatile memory|Byte-accessible persistent memory|Block-accessible persistent memory";

/// How many modules an array has room for.
pub(super) fn places(one: &Structure) -> u64 {
    one.word(0x0D).unwrap_or(0).into()
}

/// Of a memory array all but its number of places, which upstream sums up.
pub(super) fn array(one: &Structure, rows: &mut Rows) {
    let byte = |at| one.byte(at).unwrap_or(0);
    if one.length() < 0x0F {
        return;
    }
    rows.text(
        "Location",
        match byte(0x04) {
            code @ 0xA0.. => name(LATER_LOCATIONS, 0xA0, code),
            code => name(LOCATIONS, 1, code),
        },
    );
    rows.text("Use", name(USES, 1, byte(0x05)));
    rows.text("Error Correction Type", name(CORRECTIONS, 1, byte(0x06)));
    // SMBIOS 7.17: in KiB; 8000 0000h says that it stands further behind, in bytes.
    let capacity = match (one.double(0x07), one.quad(0x0F)) {
        (Some(0x8000_0000), Some(bytes)) => size(bytes, 0),
        (Some(0x8000_0000), None) => "Unknown".to_owned(),
        (kib, _) => size(kib.unwrap_or(0).into(), 1),
    };
    rows.text("Maximum Capacity", capacity);
    rows.text("Error Information Handle", error_handle(one, 0x0B));
}

/// One module, or the place for one.
pub(super) fn device(one: &Structure, rows: &mut Rows) {
    let byte = |at| one.byte(at).unwrap_or(0);
    let word = |at| one.word(at).unwrap_or(0);
    let length = one.length();
    if length < 0x15 {
        return;
    }
    rows.text("Array Handle", format!("0x{:04X}", word(0x04)));
    rows.text("Error Information Handle", error_handle(one, 0x06));
    for (name, at) in [("Total Width", 0x08), ("Data Width", 0x0A)] {
        let width = Some(word(at)).filter(|bits| !matches!(bits, 0 | 0xFFFF));
        rows.text(name, or_unknown(width.map(|bits| format!("{bits} bits"))));
    }
    rows.text("Size", module_size(one));
    rows.text("Form Factor", name(FORM_FACTORS, 1, byte(0x0E)));
    rows.text(
        "Set",
        match byte(0x0F) {
            0 => "None".to_owned(),
            0xFF => "Unknown".to_owned(),
            set => set.to_string(),
        },
    );
    rows.texts(one, &[("Locator", 0x10), ("Bank Locator", 0x11)]);
    rows.text("Type", name(TYPES, 1, byte(0x12)));
    // Bit 0 is reserved.
    rows.text("Type Detail", bits_in_line(DETAILS, 1, word(0x13).into()));
    if length < 0x17 || word(0x0C) == 0 {
        return;
    }
    rows.text("Speed", speed(one, 0x15, 0x54));
    if length < 0x1B {
        return;
    }
    rows.texts(
        one,
        &[
            ("Manufacturer", 0x17),
            ("Serial Number", 0x18),
            ("Asset Tag", 0x19),
            ("Part Number", 0x1A),
        ],
    );
    if length < 0x1C {
        return;
    }
    let rank = Some(byte(0x1B) & 0x0F).filter(|rank| *rank != 0);
    rows.text("Rank", or_unknown(rank.map(|rank| rank.to_string())));
    if length < 0x22 {
        return;
    }
    rows.text("Configured Memory Speed", speed(one, 0x20, 0x58));
    if length < 0x28 {
        return;
    }
    for (name, at) in [
        ("Minimum Voltage", 0x22),
        ("Maximum Voltage", 0x24),
        ("Configured Voltage", 0x26),
    ] {
        rows.text(name, voltage(word(at)));
    }
    if length >= 0x34 {
        later_fields(one, rows);
    }
}

fn later_fields(one: &Structure, rows: &mut Rows) {
    let word = |at| one.word(at).unwrap_or(0);
    rows.text(
        "Memory Technology",
        name(TECHNOLOGIES, 1, one.byte(0x28).unwrap_or(0)),
    );
    // Bits that mean nothing yet are not none.
    let modes = match word(0x29) & 0xFFC0 {
        0 => bits_in_line(MODES, 1, word(0x29).into()),
        _ => bits(MODES, 1, word(0x29).into())
            .collect::<Vec<_>>()
            .join(" "),
    };
    rows.text("Memory Operating Mode Capability", modes);
    rows.text("Firmware Version", shown_text(one, 0x2B));
    for (name, maker, product) in [
        ("Module", 0x2C, 0x2E),
        ("Memory Subsystem Controller", 0x30, 0x32),
    ] {
        rows.text(&format!("{name} Manufacturer ID"), jedec_maker(word(maker)));
        let product = Some(word(product)).filter(|product| *product != 0);
        rows.text(
            &format!("{name} Product ID"),
            or_unknown(product.map(|id| format!("0x{id:04X}"))),
        );
    }
    for (name, at) in [
        ("Non-Volatile", 0x34),
        ("Volatile", 0x3C),
        ("Cache", 0x44),
        ("Logical", 0x4C),
    ] {
        if let Some(bytes) = one.quad(at) {
            let shown = match bytes {
                u64::MAX => "Unknown".to_owned(),
                0 => "None".to_owned(),
                bytes => size(bytes, 0),
            };
            rows.text(&format!("{name} Size"), shown);
        }
    }
    if one.length() < 0x64 {
        return;
    }
    for (name, maker, revision) in [("PMIC0", 0x5C, 0x5E), ("RCD", 0x60, 0x62)] {
        rows.text(&format!("{name} Manufacturer ID"), jedec_maker(word(maker)));
        revision_of(name, word(revision), one.byte(0x12), rows);
    }
}

fn or_unknown(told: Option<String>) -> String {
    told.unwrap_or_else(|| "Unknown".to_owned())
}

fn error_handle(one: &Structure, at: usize) -> String {
    match one.word(at).unwrap_or(0) {
        0xFFFE => "Not Provided".to_owned(),
        0xFFFF => "No Error".to_owned(),
        handle => format!("0x{handle:04X}"),
    }
}

/// SMBIOS 7.18: in MiB, or in KiB with the top bit set; 7FFFh says that it stands further behind, in MiB.
fn module_size(one: &Structure) -> String {
    match (one.word(0x0C).unwrap_or(0), one.double(0x1C)) {
        (0, _) => "No Module Installed".to_owned(),
        (0xFFFF, _) => "Unknown".to_owned(),
        (0x7FFF, Some(mib)) => {
            let mib = mib & 0x7FFF_FFFF;
            match mib {
                mib if mib & 0x3FF != 0 => format!("{mib} MB"),
                mib if mib & 0xF_FC00 != 0 => format!("{} GB", mib >> 10),
                mib => format!("{} TB", mib >> 20),
            }
        }
        (kib, _) if kib & 0x8000 != 0 => size(u64::from(kib & 0x7FFF), 1),
        (mib, _) => size(u64::from(mib) << 10, 1),
    }
}

/// SMBIOS 7.18.4: FFFFh says that it stands further behind.
fn speed(one: &Structure, at: usize, further: usize) -> String {
    let mega = match one.word(at).unwrap_or(0) {
        // Both, or none.
        0xFFFF if one.length() >= 0x5C => one.double(further).unwrap_or(0),
        0xFFFF => 0,
        mega => mega.into(),
    };
    or_unknown((mega != 0).then(|| format!("{mega} MT/s")))
}

/// Of so many mV: one digit behind the point, or as many as it takes.
fn voltage(millivolts: u16) -> String {
    let (volts, rest) = (millivolts / 1000, millivolts % 1000);
    match millivolts {
        0 => "Unknown".to_owned(),
        _ if rest % 100 == 0 => format!("{volts}.{} V", rest / 100),
        _ => format!("{} V", format!("{volts}.{rest:03}").trim_end_matches('0')),
    }
}

/// SMBIOS 7.18.8: a bank of JEP-106 and the number in it.
fn jedec_maker(code: u16) -> String {
    match code {
        0 => "Unknown".to_owned(),
        _ => format!("Bank {}, Hex 0x{:02X}", (code & 0x7F) + 1, code >> 8),
    }
}

/// SMBIOS 7.18.16
fn revision_of(part: &str, code: u16, memory_type: Option<u8>, rows: &mut Rows) {
    const DDR5: [Option<u8>; 2] = [Some(0x22), Some(0x23)];
    let (number, kind) = (
        format!("{part} Revision Number"),
        format!("{part} Device Type"),
    );
    match code {
        0xFF00 => rows.text(&number, "Unknown"),
        _ if !DDR5.contains(&memory_type) => rows.text(&number, format!("0x{code:04x}")),
        _ if code & 0x8000 == 0 => rows.text(&kind, "Not Installed"),
        _ => {
            rows.text(&kind, (code >> 8 & 0x0F).to_string());
            let revision = format!("{}.{}", code >> 4 & 0x0F, code & 0x0F);
            rows.text(&format!("{part} Device Revision"), revision);
        }
    }
}
