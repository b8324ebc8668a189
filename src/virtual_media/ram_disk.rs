//! The disc that UEFI made in memory of an image it fetched by HTTP: what Ironic put on it is in no drive then.

use crate::system_root::{SystemRoot, read_bytes};

// ACPI 6.5, 5.2.25: behind its head the table is structures of a type and a length; of a range of memory, a GUID tells the use.
const HEAD: usize = 40;
const RANGE: u16 = 0;
const GUID: usize = 16;
// UEFI 2.10, 10.3.5.9, as tables have them: a disc, and a disk. Both are gone with the machine's power.
const IN_MEMORY: [u128; 2] = [
    0x30bd5a3d_7541_ce87_6d64_d2ade523c4bb,
    0x5a53ab77_fc45_4b62_5560_f7b281d1f96e,
];
/// Tables of machines with hundreds of NVDIMMs are smaller.
const LARGEST: u64 = 1 << 20;

/// Does the firmware tell of one?
pub fn is_there(host: &SystemRoot) -> bool {
    let table = read_bytes(host.sys("firmware/acpi/tables/NFIT"), LARGEST);
    table.is_ok_and(|table| table.is_some_and(|table| names_one(&table)))
}

/// The same, of a table NFIT.
pub fn names_one(table: &[u8]) -> bool {
    let mut rest = table.get(HEAD..).unwrap_or_default();
    while let Some((kind, length)) = rest.first_chunk().map(|&[a, b, c, d]| {
        let number = |bytes| u16::from_le_bytes(bytes);
        (number([a, b]), usize::from(number([c, d])))
    }) {
        // A structure without a length would be followed by itself.
        let Some(structure) = rest.get(..length.max(4)) else {
            return false;
        };
        let guid = structure.get(GUID..).and_then(<[u8]>::first_chunk);
        if kind == RANGE && guid.is_some_and(|guid| IN_MEMORY.contains(&u128::from_be_bytes(*guid)))
        {
            return true;
        }
        rest = &rest[structure.len()..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of structures: type, length as told, GUID.
    fn table(structures: &[(u16, u16, u128)]) -> Vec<u8> {
        let mut table = vec![0; HEAD];
        for (kind, length, guid) in structures {
            let mut structure = [0; 56];
            structure[..2].copy_from_slice(&kind.to_le_bytes());
            structure[2..4].copy_from_slice(&length.to_le_bytes());
            structure[GUID..GUID + 16].copy_from_slice(&guid.to_be_bytes());
            table.extend(structure);
        }
        table
    }

    #[test]
    fn a_disc_in_memory_is_told_from_memory_that_keeps_its_bytes() {
        let [disc, disk] = IN_MEMORY;
        let kept = 0x88810108_cd42_48bb_100f_5387d53ded3d;
        for (structures, is) in [
            (&[(0, 56, disc)][..], true),
            (&[(0, 56, kept), (0, 56, disk)], true),
            (&[(0, 56, kept)], false),
            (&[(1, 56, disc)], false),
            (&[(0, 0, kept)], false),
            (&[(0, 60, disc)], false),
            (&[(0, 20, disc)], false),
            (&[], false),
        ] {
            assert_eq!(names_one(&table(structures)), is, "{structures:x?}");
        }
        let whole = table(&[(0, 56, kept), (0, 56, disc)]);
        for len in 0..whole.len() {
            assert!(!names_one(&whole[..len]), "cut at {len}");
        }
    }
}
