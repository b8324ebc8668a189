//! SMBIOS structure 4, a processor, as dmidecode shows it. Pure.

use super::processor_names::{family, kind, upgrade};
use super::rows::{Rows, bits, bits_in_line, name, shown_text};
use crate::inventory::dmi::Structure;

/// How the processor's identification is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identification {
    /// As CPUID gives it, Intel's way: EAX, then EDX.
    Intel,
    /// As CPUID gives it, AMD's way.
    Amd,
    /// What DX held after reset.
    I386,
    /// The same, of later ones.
    I486,
    /// Arm's main ID register.
    Midr,
    /// Arm's SoC ID.
    SocId,
    /// Not at all.
    None,
}

// Intel AP-485: the bits of EDX.
const FLAGS: &str = "FPU (Floating-point unit on-chip)|VME (Virtual mode extension)|DE (Debugging extension)|\
    PSE (Page size extension)|TSC (Time stamp counter)|MSR (Model specific registers)|PAE (Physical address extension)|\
    MCE (Machine check exception)|CX8 (CMPXCHG8 instruction supported)|APIC (On-chip APIC hardware supported)||\
    SEP (Fast system call)|MTRR (Memory type range registers)|PGE (Page global enable)|MCA (Machine check architecture)|\
    CMOV (Conditional move instruction supported)|PAT (Page attribute table)|PSE-36 (36-bit page size extension)|\
    PSN (Processor serial number present and enabled)|CLFSH (CLFLUSH instruction supported)||DS (Debug store)|\
    ACPI (ACPI supported)|MMX (MMX technology supported)|FXSR (FXSAVE and FXSTOR instructions supported)|\
    SSE (Streaming SIMD extensions)|SSE2 (Streaming SIMD extensions 2)|SS (Self-snoop)|HTT (Multi-threading)|\
    TM (Thermal monitor supported)||PBE (Pending break enabled)";
// SMBIOS 7.5.9: bits 2 to 9.
const CHARACTERISTICS: &str = "64-bit capable|Multi-Core|Hardware Thread|Execute Protection|Enhanced Virtualization|\
    Power/Performance Control|128-bit Capable|Arm64 SoC ID";
// SMBIOS 7.5: bits 0 to 2 of the status.
const STATUS: &str =
    "Unknown|Enabled|Disabled By User|Disabled By BIOS|Idle|<OUT OF SPEC>|<OUT OF SPEC>|Other";
// SMBIOS 7.5.4
const VOLTAGES: &str = "5.0 V|3.3 V|2.9 V";

pub(super) fn decode(one: &Structure, version: u16, rows: &mut Rows) {
    let byte = |at| one.byte(at).unwrap_or(0);
    let word = |at| one.word(at).unwrap_or(0);
    let length = one.length();
    if length < 0x1A {
        return;
    }
    rows.texts(one, &[("Socket Designation", 0x04)]);
    rows.text("Type", kind(byte(0x05)));
    rows.text(
        "Family",
        family(family_code(one), &shown_text(one, 0x07), version),
    );
    rows.texts(one, &[("Manufacturer", 0x07), ("Version", 0x10)]);
    identify(one, rows);
    rows.text("Voltage", voltage(byte(0x11)));
    for (name, at) in [
        ("External Clock", 0x12),
        ("Max Speed", 0x14),
        ("Current Speed", 0x16),
    ] {
        let shown = match word(at) {
            0 => "Unknown".to_owned(),
            mhz => format!("{mhz} MHz"),
        };
        rows.text(name, shown);
    }
    let status = byte(0x18);
    rows.text(
        "Status",
        match status & 1 << 6 {
            0 => "Unpopulated".to_owned(),
            _ => format!("Populated, {}", name(STATUS, 0, status & 7)),
        },
    );
    rows.text("Upgrade", upgrade(byte(0x19)));
    if length < 0x20 {
        return;
    }
    for (level, at) in [("L1", 0x1A), ("L2", 0x1C), ("L3", 0x1E)] {
        let shown = match word(at) {
            0xFFFF if version >= 0x0203 => "Not Provided".to_owned(),
            0xFFFF => format!("No {level} Cache"),
            handle => format!("0x{handle:04X}"),
        };
        rows.text(&format!("{level} Cache Handle"), shown);
    }
    if length < 0x23 {
        return;
    }
    rows.texts(
        one,
        &[
            ("Serial Number", 0x20),
            ("Asset Tag", 0x21),
            ("Part Number", 0x22),
        ],
    );
    if length >= 0x28 {
        counts(one, rows);
    }
}

fn counts(one: &Structure, rows: &mut Rows) {
    for (name, at, further) in [
        ("Core Count", 0x23, 0x2A),
        ("Core Enabled", 0x24, 0x2C),
        ("Thread Count", 0x25, 0x2E),
    ] {
        let count = match (one.byte(at).unwrap_or(0), one.word(further)) {
            (0, _) => continue,
            (0xFF, Some(count)) => count,
            (count, _) => count.into(),
        };
        rows.text(name, count.to_string());
    }
    if let Some(threads) = one.word(0x30).filter(|threads| *threads != 0) {
        rows.text("Thread Enabled", threads.to_string());
    }
    let code = one.word(0x26).unwrap_or(0);
    match code & 0xFC {
        0 => rows.text("Characteristics", "None"),
        _ => rows.list("Characteristics", bits(CHARACTERISTICS, 2, code.into())),
    }
}

/// SMBIOS 7.5.2: FEh says that it stands further behind.
fn family_code(one: &Structure) -> u16 {
    match (one.byte(0x06).unwrap_or(0), one.word(0x28)) {
        (0xFE, Some(code)) => code,
        (code, _) => code.into(),
    }
}

fn identify(one: &Structure, rows: &mut Rows) {
    let bytes: Vec<_> = (0x08..0x10)
        .map(|at| format!("{:02X}", one.byte(at).unwrap_or(0)))
        .collect();
    rows.text("ID", bytes.join(" "));
    let (low, high) = (one.double(0x08).unwrap_or(0), one.double(0x0C).unwrap_or(0));
    let has_soc_id = one.word(0x26).is_some_and(|code| code & 1 << 9 != 0);
    let way = identification(family_code(one), low, has_soc_id);
    if let Some(signature) = signature(way, low, high) {
        rows.text("Signature", signature);
    }
    if matches!(way, Identification::Intel | Identification::Amd) {
        match high & 0xBFEF_FBFF {
            0 => rows.text("Flags", "None"),
            _ => rows.list("Flags", bits(FLAGS, 0, high)),
        }
    }
}

/// SMBIOS 7.5.3: by the family.
fn identification(family: u16, low: u32, has_soc_id: bool) -> Identification {
    match family {
        0x05 => Identification::I386,
        // Only later ones have the instruction CPUID.
        0x06 => match (low >> 8 & 0xF, low >> 4 & 0xF, low & 0xF) {
            (4, 4 | 7.., 3..) => Identification::Intel,
            _ => Identification::I486,
        },
        0x0B..=0x15
        | 0x28..=0x2F
        | 0xA1..=0xB3
        | 0xB5
        | 0xB9..=0xC7
        | 0xCD..=0xCF
        | 0xD2..=0xDB
        | 0xDD..=0xE0 => Identification::Intel,
        0x18..=0x1D
        | 0x1F
        | 0x38..=0x3F
        | 0x46..=0x4F
        | 0x66..=0x6B
        | 0x83..=0x8F
        | 0xB6..=0xB7
        | 0xE4..=0xEF => Identification::Amd,
        0x100..=0x102 | 0x118..=0x119 if has_soc_id => Identification::SocId,
        0x100..=0x102 | 0x118..=0x119 => Identification::Midr,
        _ => Identification::None,
    }
}

fn signature(way: Identification, low: u32, high: u32) -> Option<String> {
    let nibble = |shift: u32| low >> shift & 0xF;
    let extended = low >> 20 & 0xFF;
    Some(match way {
        Identification::None => return None,
        Identification::I386 => format!(
            "Type {}, Family {}, Major Stepping {}, Minor Stepping {}",
            nibble(12),
            nibble(8),
            nibble(4),
            nibble(0)
        ),
        Identification::I486 => format!(
            "Type {}, Family {}, Model {}, Stepping {}",
            nibble(12) & 3,
            nibble(8),
            nibble(4),
            nibble(0)
        ),
        Identification::Intel => format!(
            "Type {}, Family {}, Model {}, Stepping {}",
            nibble(12) & 3,
            extended + nibble(8),
            (nibble(16) << 4) + nibble(4),
            nibble(0)
        ),
        Identification::Amd => {
            let (family, model) = match nibble(8) {
                0xF => (extended + 0xF, nibble(16) << 4 | nibble(4)),
                family => (family, nibble(4)),
            };
            format!("Family {family}, Model {model}, Stepping {}", nibble(0))
        }
        // Before SMBIOS 3.1 it meant nothing there.
        Identification::Midr if low == 0 => return None,
        Identification::Midr => format!(
            "Implementor 0x{:02x}, Variant 0x{:x}, Architecture {}, Part 0x{:03x}, Revision {}",
            low >> 24,
            nibble(20),
            nibble(16),
            low >> 4 & 0xFFF,
            nibble(0)
        ),
        Identification::SocId => format!(
            "JEP-106 Bank 0x{:02x} Manufacturer 0x{:02x}, SoC ID 0x{:04x}, SoC Revision 0x{high:08x}",
            low >> 24 & 0x7F,
            low >> 16 & 0x7F,
            low & 0xFFFF
        ),
    })
}

/// SMBIOS 7.5.4: tenths of a volt with the top bit set, else the voltages it can take.
fn voltage(code: u8) -> String {
    match code {
        0x80.. => format!("{}.{} V", (code & 0x7F) / 10, (code & 0x7F) % 10),
        code if code & 7 == 0 => "Unknown".to_owned(),
        code => bits_in_line(VOLTAGES, 0, code.into()),
    }
}
