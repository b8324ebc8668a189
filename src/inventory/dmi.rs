//! SMBIOS tables: maker, serial number, firmware and memory modules. The parser is pure and bounded by its
//! input; a table that breaks off yields what stood before.
//!
//! "SMBIOS" below is DMTF DSP0134, version 3.7.

use crate::error::{Context, Error, Result};
use crate::system_root::{SystemRoot, read_bytes};

/// The structures, still undecoded.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    bytes: Vec<u8>,
    version: u16,
}

/// One structure: its formatted part, and the text after it.
#[derive(Clone, Copy, Debug)]
pub struct Structure<'a> {
    formatted: &'a [u8],
    strings: &'a [u8],
}

// SMBIOS 7: structure types.
/// Structure type: BIOS information.
pub const FIRMWARE: u8 = 0;
/// Structure type: system information.
pub const SYSTEM: u8 = 1;
/// Structure type: system enclosure.
pub const CHASSIS: u8 = 3;
/// Structure type: processor information.
pub const PROCESSOR: u8 = 4;
/// Structure type: system slot.
pub const SYSTEM_SLOT: u8 = 9;
/// Structure type: physical memory array.
pub const MEMORY_ARRAY: u8 = 16;
/// Structure type: memory device.
pub const MEMORY_DEVICE: u8 = 17;
/// Structure type: onboard device, extended.
pub const ONBOARD_DEVICE: u8 = 41;
const END: u8 = 127;

impl Tables {
    /// The machine's own; empty where the firmware has none, or they cannot be read.
    pub fn read(host: &SystemRoot) -> Self {
        Tables::try_read(host).unwrap_or_else(|error| {
            log::warn!("{error}");
            Tables::default()
        })
    }

    /// The machine's own; empty where the firmware has none.
    pub fn try_read(host: &SystemRoot) -> Result<Self> {
        // Real ones are below 64 KiB; a megabyte is room for the largest machines.
        const LONGEST: u64 = 1 << 20;
        let read = |name: &str| {
            let path = host.sys("firmware/dmi/tables").join(name);
            let bytes =
                read_bytes(path, LONGEST).with_context(|| format!("reading the SMBIOS {name}"))?;
            Ok::<_, Error>(bytes.unwrap_or_default())
        };
        let entry = read("smbios_entry_point")?;
        Ok(Tables::new(read("DMI")?).of_version(version(&entry)))
    }

    /// The raw table, as the firmware has it.
    pub fn new(bytes: Vec<u8>) -> Self {
        Tables { bytes, version: 0 }
    }

    /// The same, written by this version of the standard: 0305h is 3.5.
    pub fn of_version(self, version: u16) -> Self {
        Tables { version, ..self }
    }

    /// The version of the standard they were written by; 0 if that is not known.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Has the firmware none?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The structures in order, up to the end or the first broken one.
    pub fn structures(&self) -> impl Iterator<Item = Structure<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            // SMBIOS 6.1.2: type, length of the formatted part, handle.
            let length = usize::from(*rest.get(1)?);
            let (formatted, after) = rest.split_at_checked(length.max(4))?;
            // SMBIOS 6.1.3: strings end with a zero each, the set of them with one more.
            let end = after.windows(2).position(|pair| pair == [0, 0])?;
            let (strings, after) = after.split_at(end);
            rest = &after[2..];
            (length >= 4 && formatted[0] != END).then_some(Structure { formatted, strings })
        })
    }

    /// The first structure of that type.
    pub fn first(&self, kind: u8) -> Option<Structure<'_>> {
        self.structures().find(|one| one.kind() == kind)
    }

    /// KiB of memory in the modules of the system's memory arrays; none if no module tells its size.
    pub fn memory(&self) -> Option<u64> {
        // SMBIOS 7.17: uses 4 to 7 are graphics, flash, NVRAM and caches.
        let other_arrays: Vec<_> = self
            .structures()
            .filter(|one| one.kind() == MEMORY_ARRAY && matches!(one.byte(0x05), Some(4..=7)))
            .map(|one| one.handle())
            .collect();
        self.structures()
            .filter(|one| one.kind() == MEMORY_DEVICE)
            .filter(|one| {
                one.word(0x04)
                    .is_none_or(|array| !other_arrays.contains(&array))
            })
            .filter_map(|one| one.module())
            .fold(None, |sum: Option<u64>, kib| {
                Some(sum.unwrap_or(0).saturating_add(kib))
            })
    }
}

/// SMBIOS 5.2: in the 32-bit entry point, the 64-bit one, and that of before.
fn version(entry: &[u8]) -> u16 {
    let at = |major: usize| {
        entry
            .get(major..major + 2)
            .map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    };
    match entry {
        [b'_', b'S', b'M', b'3', b'_', ..] => at(0x07),
        // Some firmware has mistaken decimal numbers for hexadecimal ones.
        [b'_', b'S', b'M', b'_', ..] => match at(0x06) {
            0x021F | 0x0221 => 0x0203,
            0x0233 => 0x0206,
            version => version,
        },
        [b'_', b'D', b'M', b'I', b'_', ..] => {
            let digits = u16::from(entry.get(0x0E).copied().unwrap_or(0));
            (digits & 0xF0) << 4 | digits & 0x0F
        }
        _ => 0,
    }
}

impl<'a> Structure<'a> {
    /// Its type.
    pub fn kind(&self) -> u8 {
        self.formatted[0]
    }

    /// What other structures call it.
    pub fn handle(&self) -> u16 {
        u16::from_le_bytes([self.formatted[2], self.formatted[3]])
    }

    /// The byte at `at`; none beyond its end.
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.formatted.get(at).copied()
    }

    /// The 16 bits at `at`; none beyond its end.
    pub fn word(&self, at: usize) -> Option<u16> {
        let bytes = self.formatted.get(at..at + 2)?;
        Some(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// The 32 bits at `at`; none beyond its end.
    pub fn double(&self, at: usize) -> Option<u32> {
        let (low, high) = (self.word(at)?, self.word(at + 2)?);
        Some(u32::from(high) << 16 | u32::from(low))
    }

    /// The 64 bits at `at`; none beyond its end.
    pub fn quad(&self, at: usize) -> Option<u64> {
        let (low, high) = (self.double(at)?, self.double(at + 4)?);
        Some(u64::from(high) << 32 | u64::from(low))
    }

    /// Bytes in the formatted part: older firmware has fewer fields.
    pub fn length(&self) -> usize {
        self.formatted.len()
    }

    /// The text whose number stands at `at`, trimmed; none if there is none or it is blank.
    pub fn text(&self, at: usize) -> Option<String> {
        let bytes = self.raw_text(at)?;
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The same as it stands there; none if there is none or it is empty.
    pub fn raw_text(&self, at: usize) -> Option<&'a [u8]> {
        let number = usize::from(self.byte(at)?).checked_sub(1)?;
        let bytes = self.strings.split(|byte| *byte == 0).nth(number)?;
        (!bytes.is_empty()).then_some(bytes)
    }

    /// KiB in a memory module; none for an empty slot or an unknown size.
    fn module(&self) -> Option<u64> {
        // SMBIOS 7.18: size in MiB, or in KiB with the top bit set; 7FFFh: it stands in the extended size.
        match self.word(0x0C)? {
            0 | 0xFFFF => None,
            0x7FFF => Some(u64::from(self.double(0x1C)? & 0x7FFF_FFFF) * 1024),
            kib if kib & 0x8000 != 0 => Some(u64::from(kib & 0x7FFF)),
            mib => Some(u64::from(mib) * 1024),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory device of 34 bytes in array `array`.
    fn module(array: u16, size: u16, extended: u32) -> Vec<u8> {
        let mut bytes = vec![0; 0x22];
        (bytes[0], bytes[1]) = (MEMORY_DEVICE, 0x22);
        bytes[4..6].copy_from_slice(&array.to_le_bytes());
        bytes[0x0C..0x0E].copy_from_slice(&size.to_le_bytes());
        bytes[0x1C..0x20].copy_from_slice(&extended.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    #[test]
    fn modules_of_system_memory_add_up() {
        let flash = [&[MEMORY_ARRAY, 15, 9, 0, 3, 5][..], &[0; 9], &[0, 0]].concat();
        let system = [&[MEMORY_ARRAY, 15, 1, 0, 3, 3][..], &[0; 9], &[0, 0]].concat();
        let all = [
            system,
            flash,
            module(1, 16384, 0),         // MiB
            module(1, 0x7FFF, 65536),    // MiB, extended
            module(1, 0x8000 | 2048, 0), // KiB
            module(1, 0, 0),             // an empty slot
            module(1, 0xFFFF, 0),        // unknown
            module(9, 16, 0),            // flash
        ];
        let tables = Tables::new(all.concat());
        assert_eq!(tables.memory(), Some((16384 + 65536 + 2) << 10));
        assert_eq!(Tables::default().memory(), None);
        assert_eq!(Tables::new(module(1, 0, 0)).memory(), None);
    }

    #[test]
    fn text_is_found_by_number() {
        let tables = Tables::new(b"\x01\x08\x00\x00\x01\x02\x03\x00Maker\0  Box \0\0".to_vec());
        let system = tables.first(SYSTEM).expect("there is one");
        assert_eq!(system.text(4).as_deref(), Some("Maker"));
        assert_eq!(system.text(5).as_deref(), Some("Box"));
        assert_eq!(system.text(6), None, "no third text");
        assert_eq!(system.text(7), None, "zero is no text");
        assert_eq!(system.text(99), None, "beyond the structure");
    }

    #[test]
    fn broken_tables_yield_what_stood_before() {
        let good = b"\x01\x06\x00\x00\x01\x00A\0\0".to_vec();
        for (tail, structures) in [
            (&b""[..], 1),
            (b"\x02", 1),
            (b"\x02\x00\x00\x00\x00\x00", 1),
            (b"\x02\xff\x00\x00\x00\x00", 1),
            (b"\x02\x04\x00\x00no end", 1),
            (b"\x02\x04\x00\x00\x00\x00", 2),
            (b"\x7f\x04\x00\x00\x00\x00\x02\x04\x00\x00\x00\x00", 1),
        ] {
            let tables = Tables::new([&good, tail].concat());
            assert_eq!(tables.structures().count(), structures, "{tail:?}");
        }
    }
}
