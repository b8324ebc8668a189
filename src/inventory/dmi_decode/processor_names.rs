//! Names of processors' families, kinds and sockets in SMBIOS, as dmidecode spells them. Pure.

use super::rows::{OUT_OF_SPEC, name};

// SMBIOS 7.5.1
const KINDS: &str = "Other|Unknown|Central Processor|Math Processor|DSP Processor|Video Processor";

/// SMBIOS 7.5.2: the first code of a run, and the names from there on; what has no name is not assigned. Families of machines
/// this agent is not built for are left out behind 202h.
const FAMILIES: &[(u16, &str)] = &[
    (
        0x01,
        "Other|Unknown|8086|80286|80386|80486|8087|80287|80387|80487|Pentium|Pentium Pro|Pentium II|Pentium MMX|Celeron|\
         Pentium II Xeon|Pentium III|M1|M2|Celeron M|Pentium 4 HT|Intel||Duron|K5|K6|K6-2|K6-3|Athlon|AMD29000|K6-2+|Power PC|\
         Power PC 601|Power PC 603|Power PC 603+|Power PC 604|Power PC 620|Power PC x704|Power PC 750|Core Duo|Core Duo Mobile|\
         Core Solo Mobile|Atom|Core M|Core m3|Core m5|Core m7|Alpha|Alpha 21064|Alpha 21066|Alpha 21164|Alpha 21164PC|\
         Alpha 21164a|Alpha 21264|Alpha 21364|Turion II Ultra Dual-Core Mobile M|Turion II Dual-Core Mobile M|\
         Athlon II Dual-Core M|Opteron 6100|Opteron 4100|Opteron 6200|Opteron 4200|FX|MIPS|MIPS R4000|MIPS R4200|MIPS R4400|\
         MIPS R4600|MIPS R10000|C-Series|E-Series|A-Series|G-Series|Z-Series|R-Series|Opteron 4300|Opteron 6300|Opteron 3300|\
         FirePro|SPARC|SuperSPARC|MicroSPARC II|MicroSPARC IIep|UltraSPARC|UltraSPARC II|UltraSPARC IIi|UltraSPARC III|\
         UltraSPARC IIIi",
    ),
    (
        0x60,
        "68040|68xxx|68000|68010|68020|68030|Athlon X4|Opteron X1000|Opteron X2000|Opteron A-Series|Opteron X3000|Zen",
    ),
    (0x70, "Hobbit"),
    (0x78, "Crusoe TM5000|Crusoe TM3000|Efficeon TM8000"),
    (
        0x80,
        "Weitek||Itanium|Athlon 64|Opteron|Sempron|Turion 64|Dual-Core Opteron|Athlon 64 X2|Turion 64 X2|Quad-Core Opteron|\
         Third-Generation Opteron|Phenom FX|Phenom X4|Phenom X2|Athlon X2|PA-RISC|PA-RISC 8500|PA-RISC 8000|PA-RISC 7300LC|\
         PA-RISC 7200|PA-RISC 7100LC|PA-RISC 7100",
    ),
    (
        0xA0,
        "V30|Quad-Core Xeon 3200|Dual-Core Xeon 3000|Quad-Core Xeon 5300|Dual-Core Xeon 5100|Dual-Core Xeon 5000|\
         Dual-Core Xeon LV|Dual-Core Xeon ULV|Dual-Core Xeon 7100|Quad-Core Xeon 5400|Quad-Core Xeon|Dual-Core Xeon 5200|\
         Dual-Core Xeon 7200|Quad-Core Xeon 7300|Quad-Core Xeon 7400|Multi-Core Xeon 7400|Pentium III Xeon|\
         Pentium III Speedstep|Pentium 4|Xeon|AS400|Xeon MP|Athlon XP|Athlon MP|Itanium 2|Pentium M|Celeron D|Pentium D|\
         Pentium EE|Core Solo||Core 2 Duo|Core 2 Solo|Core 2 Extreme|Core 2 Quad|Core 2 Extreme Mobile|Core 2 Duo Mobile|\
         Core 2 Solo Mobile|Core i7|Dual-Core Celeron|IBM390|G4|G5|ESA/390 G6|z/Architecture|Core i5|Core i3|Core i9|||C7-M|\
         C7-D|C7|Eden|Multi-Core Xeon|Dual-Core Xeon 3xxx|Quad-Core Xeon 3xxx|Nano|Dual-Core Xeon 5xxx|Quad-Core Xeon 5xxx||\
         Dual-Core Xeon 7xxx|Quad-Core Xeon 7xxx|Multi-Core Xeon 7xxx|Multi-Core Xeon 3400||||Opteron 3000|Sempron II|\
         Embedded Opteron Quad-Core|Phenom Triple-Core|Turion Ultra Dual-Core Mobile|Turion Dual-Core Mobile|Athlon Dual-Core|\
         Sempron SI|Phenom II|Athlon II|Six-Core Opteron|Sempron M",
    ),
    (0xFA, "i860|i960"),
    (0x100, "ARMv7|ARMv8|ARMv9|ARM|SH-3|SH-4"),
    (0x118, "ARM|StrongARM"),
    (0x12C, "6x86|MediaGX|MII"),
    (0x140, "WinChip"),
    (0x15E, "DSP"),
    (0x1F4, "Video Processor"),
    (0x200, "RV32|RV64|RV128"),
];

// SMBIOS 7.5.5
const UPGRADES: &str = "Other|Unknown|Daughter Board|ZIF Socket|Replaceable Piggy Back|None|LIF Socket|Slot 1|Slot 2|370-pin Socket|Slot A|\
    Slot M|Socket 423|Socket A (Socket 462)|Socket 478|Socket 754|Socket 940|Socket 939|Socket mPGA604|Socket LGA771|\
    Socket LGA775|Socket S1|Socket AM2|Socket F (1207)|Socket LGA1366|Socket G34|Socket AM3|Socket C32|Socket LGA1156|\
    Socket LGA1567|Socket PGA988A|Socket BGA1288|Socket rPGA988B|Socket BGA1023|Socket BGA1224|Socket BGA1155|\
    Socket LGA1356|Socket LGA2011|Socket FS1|Socket FS2|Socket FM1|Socket FM2|Socket LGA2011-3|Socket LGA1356-3|\
    Socket LGA1150|Socket BGA1168|Socket BGA1234|Socket BGA1364|Socket AM4|Socket LGA1151|Socket BGA1356|Socket BGA1440|\
    Socket BGA1515|Socket LGA3647-1|Socket SP3|Socket SP3r2|Socket LGA2066|Socket BGA1392|Socket BGA1510|Socket BGA1528|\
    Socket LGA4189|Socket LGA1200|Socket LGA4677|Socket LGA1700|Socket BGA1744|Socket BGA1781|Socket BGA1211|\
    Socket BGA2422|Socket LGA1211|Socket LGA2422|Socket LGA5773|Socket BGA5773|Socket AM5|Socket SP5|Socket SP6|\
    Socket BGA883|Socket BGA1190|Socket BGA4129|Socket LGA4710|Socket LGA7529";

pub(super) fn kind(code: u8) -> &'static str {
    name(KINDS, 1, code)
}

pub(super) fn upgrade(code: u8) -> &'static str {
    name(UPGRADES, 1, code)
}

/// Two codes have had two meanings; the maker tells which.
pub(super) fn family(code: u16, maker: &str, version: u16) -> &'static str {
    let is = |name: &str| {
        let start = maker.get(..name.len());
        maker.contains(name) || start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    match code {
        0x30 if version == 0x0200 && is("Intel") => return "Pentium Pro",
        0xBE if is("Intel") => return "Core 2",
        0xBE if is("AMD") => return "K7",
        0xBE => return "Core 2 or K7",
        _ => {}
    }
    let run = FAMILIES.iter().rev().find(|(first, _)| *first <= code);
    let named = run.and_then(|(first, names)| names.split('|').nth((code - first).into()));
    named.filter(|name| !name.is_empty()).unwrap_or(OUT_OF_SPEC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_their_code_and_some_by_their_maker() {
        for (code, maker, version, named) in [
            (0x01, "", 0x0300, "Other"),
            (0x17, "", 0x0300, OUT_OF_SPEC),
            (0x18, "", 0x0300, "Duron"),
            (0xB3, "", 0x0300, "Xeon"),
            (0xBE, "GenuineIntel", 0x0300, "Core 2"),
            (0xBE, "amd", 0x0300, "K7"),
            (0xBE, "é", 0x0300, "Core 2 or K7"),
            (0x30, "Intel", 0x0200, "Pentium Pro"),
            (0x30, "Intel", 0x0201, "Alpha"),
            (0x101, "", 0x0300, "ARMv8"),
            (0x202, "", 0x0300, "RV128"),
            (0x203, "", 0x0300, OUT_OF_SPEC),
            (0xFFFF, "", 0x0300, OUT_OF_SPEC),
            (0, "", 0x0300, OUT_OF_SPEC),
        ] {
            assert_eq!(family(code, maker, version), named, "{code:x}");
        }
        assert_eq!(upgrade(0x50), "Socket LGA7529");
        assert_eq!(upgrade(0x51), OUT_OF_SPEC);
    }
}
