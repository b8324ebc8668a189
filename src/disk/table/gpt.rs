//! The GUID partition table: a header in the second sector, its entries, and a backup of both at the end.
//!
//! Numbers, offsets and rules without another source are those of UEFI 2.10, 5.3.

use std::ops::RangeInclusive;

use crate::codec::gzip::crc32;
use crate::disk::table::partition::{Partition, array, check, u16_at, u32_at, u64_at};
use crate::error::{Error, Result};
use crate::units::Bytes;

pub(super) const SIGNATURE: &[u8] = b"EFI PART";
/// What every header has; the rest of its sector is reserved.
pub(super) const HEADER: usize = 92;
pub(super) const ENTRY: usize = 128;
/// In an entry: 36 UTF-16 units.
const NAME: std::ops::Range<usize> = 56..128;
// 0FC63DAF-8483-4772-8E79-3D69D8477DE4, Linux filesystem data: what sgdisk gives by default.
/// Partition type: Linux file system data, 0FC63DAF-8483-4772-8E79-3D69D8477DE4, as it lies on the disk.
pub const LINUX: [u8; 16] = [
    0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
];
// UEFI 2.10, table 5.7: C12A7328-F81F-11D2-BA4B-00A0C93EC93B, in the byte order of its appendix A.
/// Partition type: EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it lies on the disk.
pub const EFI_SYSTEM: [u8; 16] = [
    0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b,
];

/// A GUID partition table (UEFI 2.10, 5.3) and the disk it lies on.
#[derive(Debug)]
pub struct Gpt {
    pub(super) sector: u64,
    /// Of the disk.
    pub(super) last: u64,
    /// Of the primary, as long as it says it is.
    pub(super) header: Vec<u8>,
    pub(super) entries: Vec<u8>,
    pub(super) entry: usize,
    /// The first sector of the primary's entries.
    pub(super) entries_at: u64,
    /// The sector where the backup's header is said to be.
    pub(super) backup_at: u64,
    /// What partitions are said to have for themselves. Some lie outside, and the kernel does not mind.
    pub(super) usable: RangeInclusive<u64>,
}

/// Does a GPT begin in the second sector of `sector` bytes?
pub fn is_at(head: &[u8], sector: u64) -> bool {
    let second = usize::try_from(sector).ok().and_then(|at| head.get(at..));
    second.is_some_and(|second| second.starts_with(SIGNATURE))
}

/// Where the table ends that begins in the second sector of `sector` bytes, by its own word; 0 if none does.
pub(super) fn end(head: &[u8], sector: u64) -> u64 {
    let header = usize::try_from(sector).ok().and_then(|at| head.get(at..));
    let Some(header) = header.filter(|header| header.len() >= HEADER && is_header(header)) else {
        return 0;
    };
    let length = u64::from(u32_at(header, 80)) * u64::from(u32_at(header, 84));
    u64_at(header, 72)
        .saturating_mul(sector)
        .saturating_add(length)
}

/// The header that `sector` begins with, its checksum zeroed, or what is wrong with it.
pub(super) fn header(sector: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let length = u32_at(sector, 12) as usize;
    let Some(header) = sector.get(..length).filter(|_| length >= HEADER) else {
        return Err(format!("its header has {length} bytes"));
    };
    let mut header = header.to_vec();
    let sum = u32_at(&header, 16);
    header[16..20].fill(0);
    match crc32(&header) == sum {
        true => Ok(header),
        false => Err("the checksum of its header does not match".into()),
    }
}

/// Is this the first sector of a GPT's header, be it in order or not?
pub fn is_header(sector: &[u8]) -> bool {
    sector.starts_with(SIGNATURE)
}

impl Gpt {
    /// The primary table in `head`, the start of a disk of `size` bytes; the error names the field that is
    /// wrong.
    pub(super) fn read(head: &[u8], sector: u64, size: u64) -> Result<Self> {
        let wrong = |what: &str| Error::plain(format!("the GPT is corrupt: {what}"));
        let own = sector as usize;
        let room = head
            .get(own..2 * own)
            .ok_or_else(|| wrong("it is cut short"))?;
        let header = header(room).map_err(|what| wrong(&what))?;
        let (own_at, backup_at) = (u64_at(&header, 24), u64_at(&header, 32));
        let (first, last) = (u64_at(&header, 40), u64_at(&header, 48));
        let entries_at = u64_at(&header, 72);
        let (count, entry) = (u32_at(&header, 80), u32_at(&header, 84) as usize);
        if own_at != 1 {
            return Err(wrong(&format!("its header says it is in sector {own_at}")));
        }
        if entry < ENTRY || !entry.is_power_of_two() {
            return Err(wrong(&format!("its entries have {entry} bytes each")));
        }
        let length = u64::from(count) * entry as u64;
        let start = entries_at.checked_mul(sector).filter(|_| entries_at >= 2);
        let end = start.and_then(|start| start.checked_add(length));
        let (Some(start), Some(end)) = (start, end) else {
            return Err(wrong(&format!("its entries begin in sector {entries_at}")));
        };
        let held = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let Some(entries) = held.and_then(|(start, end)| head.get(start..end)) else {
            return Err(Error::plain(format!(
                "the GPT has {count} entries from sector {entries_at} on; only those within the first {} of a \
                 disk are supported",
                Bytes(head.len() as u64)
            )));
        };
        if crc32(entries) != u32_at(&header, 88) {
            return Err(wrong("the checksum of its entries does not match"));
        }
        // The kernel asks no more (block/partitions/efi.c, is_gpt_valid); and a disk smaller than the one the
        // table was made for may hold all its partitions.
        let disk = (size / sector).saturating_sub(1);
        if first > last || last > disk && (last >= backup_at || backup_at > u64::MAX / sector) {
            return Err(wrong(&format!(
                "partitions may use sectors {first} to {last}"
            )));
        }
        let gpt = Gpt {
            sector,
            last: disk,
            entries: entries.to_vec(),
            header,
            entry,
            entries_at,
            backup_at,
            usable: first..=last,
        };
        gpt.check(size)?;
        Ok(gpt)
    }

    /// Every partition on the disk, none over the table or in another's place.
    fn check(&self, size: u64) -> Result<()> {
        let table = self.entries_at..self.entries_end();
        let numbered = (1..).zip(self.entries.chunks_exact(self.entry));
        for (number, entry) in numbered.filter(|(_, entry)| is_used(entry)) {
            let (first, last): (u64, u64) = (u64_at(entry, 32), u64_at(entry, 40));
            let lies = first > last || last >= u64::MAX / self.sector;
            let over_table = first < table.end && table.start <= last;
            if lies || first < 2 || over_table {
                let number: u32 = number;
                let over = if lies { "" } else { ", where the table is" };
                return Err(Error::plain(format!(
                    "the GPT is corrupt: partition {number} has sectors {first} to {last}{over}"
                )));
            }
        }
        check(&self.partitions(), size)
    }

    /// The sector after the primary's entries.
    pub(super) fn entries_end(&self) -> u64 {
        self.entries_at + (self.entries.len() as u64).div_ceil(self.sector)
    }

    /// Those in use, in bytes of the disk.
    pub fn partitions(&self) -> Vec<Partition> {
        let used = (1..)
            .zip(self.entries.chunks_exact(self.entry))
            .filter(|(_, entry)| is_used(entry));
        used.map(|(number, entry)| Partition {
            number,
            start: u64_at(entry, 32) * self.sector,
            end: (u64_at(entry, 40) + 1) * self.sector,
            name: name(entry),
        })
        .collect()
    }

    /// Writes the entry of `partition`, whose number the table has room for.
    pub fn put(&mut self, partition: &Partition, kind: [u8; 16], guid: [u8; 16]) {
        let at = (partition.number as usize - 1) * self.entry;
        let entry = &mut self.entries[at..][..self.entry];
        entry.fill(0);
        entry[..16].copy_from_slice(&kind);
        entry[16..32].copy_from_slice(&guid);
        entry[32..40].copy_from_slice(&(partition.start / self.sector).to_le_bytes());
        entry[40..48].copy_from_slice(&(partition.end / self.sector - 1).to_le_bytes());
        let units = partition.name.encode_utf16().take(NAME.len() / 2);
        for (at, unit) in units.enumerate() {
            entry[NAME.start + 2 * at..][..2].copy_from_slice(&unit.to_le_bytes());
        }
    }

    /// What a partition is called nowhere else, if there is one of this number.
    pub fn guid(&self, number: u32) -> Option<[u8; 16]> {
        self.entry(number).map(|entry| array(entry, 16))
    }

    /// What a partition is for.
    pub fn kind(&self, number: u32) -> Option<[u8; 16]> {
        self.entry(number).map(|entry| array(entry, 0))
    }

    fn entry(&self, number: u32) -> Option<&[u8]> {
        let at = (number as usize).checked_sub(1)?.checked_mul(self.entry)?;
        let entry = self.entries.get(at..at + self.entry)?;
        is_used(entry).then_some(entry)
    }
}

pub(super) fn is_used(entry: &[u8]) -> bool {
    array::<16>(entry, 0) != [0; 16]
}

fn name(entry: &[u8]) -> String {
    let units = NAME.step_by(2).map(|at| u16_at(entry, at));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
