//! The GUID partition table: a header in the second sector, its entries, and a backup of both at the end.
//!
//! Numbers, offsets and rules without another source are those of UEFI 2.10, 5.3.

use std::ops::RangeInclusive;

use crate::codec::gzip::crc32;
use crate::disk::table::partition::{Partition, array, check, last_gap, u16_at, u32_at, u64_at};
use crate::error::{Error, Result};
use crate::units::{Bytes, MIB};

const SIGNATURE: &[u8] = b"EFI PART";
/// What every header has; the rest of its sector is reserved.
const HEADER: usize = 92;
const ENTRY: usize = 128;
/// Kept for the entries at least, be they fewer.
const ENTRIES_ROOM: u64 = 16 << 10;
/// In an entry: 36 UTF-16 units.
const NAME: std::ops::Range<usize> = 56..128;
/// Entries of a new table.
const ENTRIES: usize = 128;
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
    sector: u64,
    /// Of the disk.
    last: u64,
    /// Of the primary, as long as it says it is.
    header: Vec<u8>,
    entries: Vec<u8>,
    entry: usize,
    /// The first sector of the primary's entries.
    entries_at: u64,
    /// The sector of the backup's header.
    backup_at: u64,
    usable: RangeInclusive<u64>,
}

/// Bytes and where on the disk they belong.
pub type Piece = (u64, Vec<u8>);

/// Does a GPT begin in the second sector of `sector` bytes?
pub fn is_at(head: &[u8], sector: u64) -> bool {
    let second = usize::try_from(sector).ok().and_then(|at| head.get(at..));
    second.is_some_and(|second| second.starts_with(SIGNATURE))
}

/// Is this the first sector of a GPT's header, be it in order or not?
pub fn is_header(sector: &[u8]) -> bool {
    sector.starts_with(SIGNATURE)
}

impl Gpt {
    /// One without partitions for a disk of `size` bytes, called `guid`.
    pub fn new(guid: [u8; 16], sector: u64, size: u64) -> Result<Self> {
        let entries_at = 2;
        let first = entries_at + ((ENTRIES * ENTRY) as u64).div_ceil(sector);
        let last = (size / sector).saturating_sub(1);
        let mut header = vec![0; HEADER];
        header[..8].copy_from_slice(SIGNATURE);
        header[8..12].copy_from_slice(&0x0001_0000u32.to_le_bytes());
        header[12..16].copy_from_slice(&(HEADER as u32).to_le_bytes());
        header[40..48].copy_from_slice(&first.to_le_bytes());
        header[56..72].copy_from_slice(&guid);
        header[80..84].copy_from_slice(&(ENTRIES as u32).to_le_bytes());
        header[84..88].copy_from_slice(&(ENTRY as u32).to_le_bytes());
        let mut gpt = Gpt {
            sector,
            last,
            header,
            entries: vec![0; ENTRIES * ENTRY],
            entry: ENTRY,
            entries_at,
            backup_at: last,
            usable: first..=last,
        };
        gpt.use_up_to(last)?;
        Ok(gpt)
    }

    /// The primary table in `head`, the start of a disk of `size` bytes; the error names the field that is
    /// wrong.
    pub(super) fn read(head: &[u8], sector: u64, size: u64) -> Result<Self> {
        let wrong = |what: &str| Error::plain(format!("the GPT is corrupt: {what}"));
        let own = sector as usize;
        let room = head
            .get(own..2 * own)
            .ok_or_else(|| wrong("it is cut short"))?;
        let length = u32_at(room, 12) as usize;
        let Some(header) = room.get(..length).filter(|_| length >= HEADER) else {
            return Err(wrong(&format!("its header has {length} bytes")));
        };
        let mut header = header.to_vec();
        let sum = u32_at(&header, 16);
        header[16..20].fill(0);
        if crc32(&header) != sum {
            return Err(wrong("the checksum of its header does not match"));
        }
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
        // What lies beyond the backup is beyond the disk the table was made for; the rest fits in 64 bits.
        let possible = backup_at <= u64::MAX / sector && last < backup_at;
        if first > last || first < end.div_ceil(sector) || !possible {
            return Err(wrong(&format!(
                "partitions may use sectors {first} to {last}"
            )));
        }
        let gpt = Gpt {
            sector,
            last: (size / sector).saturating_sub(1),
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

    /// Every partition within what may be used and on the disk, no two in the same place.
    fn check(&self, size: u64) -> Result<()> {
        let numbered = (1..).zip(self.entries.chunks_exact(self.entry));
        for (number, entry) in numbered.filter(|(_, entry)| is_used(entry)) {
            let (first, last): (u64, u64) = (u64_at(entry, 32), u64_at(entry, 40));
            if first > last || !self.usable.contains(&first) || !self.usable.contains(&last) {
                let number: u32 = number;
                let why =
                    format!("the GPT is corrupt: partition {number} has sectors {first} to {last}");
                return Err(Error::plain(why));
            }
        }
        check(&self.partitions(), size)
    }

    pub(super) fn partitions(&self) -> Vec<Partition> {
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

    /// Makes the table that of its whole disk: the backup at the very end, all before it usable. Gives the
    /// byte where the backup was announced, or none if it is where it belongs.
    pub fn fit(&mut self) -> Result<Option<u64>> {
        if self.backup_at == self.last {
            return Ok(None);
        }
        let was = std::mem::replace(&mut self.backup_at, self.last);
        self.use_up_to(self.last)?;
        Ok(Some(was * self.sector))
    }

    /// Partitions may use sectors up to `last`, as far as the backup leaves them room.
    fn use_up_to(&mut self, last: u64) -> Result<()> {
        let first = *self.usable.start();
        let last = last.min(self.backup_entries_at().saturating_sub(1));
        if last < first {
            let why = "the disk has no room between the GPT and its backup";
            return Err(Error::plain(why));
        }
        let over = |partition: &Partition| partition.end > (last + 1) * self.sector;
        if let Some(partition) = self.partitions().into_iter().find(over) {
            let why = format!(
                "partition {} reaches into the last sectors of the disk, where the backup of the GPT goes",
                partition.number
            );
            return Err(Error::plain(why));
        }
        self.usable = first..=last;
        Ok(())
    }

    /// A further partition of `len` bytes, the last on the disk, in the first entry that is free.
    pub fn add(&mut self, len: u64, name: &str, guid: [u8; 16]) -> Result<Partition> {
        self.use_up_to(*self.usable.end())?;
        let free = (self.entries.chunks_exact(self.entry)).position(|entry| !is_used(entry));
        let Some(at) = free else {
            let count = self.entries.len() / self.entry;
            let why = format!("all {count} entries of the GPT are in use");
            return Err(Error::plain(why));
        };
        let start = last_gap(&self.partitions(), self.limit(), len, MIB)
            .filter(|start| start / self.sector >= *self.usable.start());
        let Some(start) = start else {
            let why = format!("there are no {} free at the end of the disk", Bytes(len));
            return Err(Error::plain(why));
        };
        let partition = Partition {
            number: at as u32 + 1,
            start,
            end: start + len,
            name: name.to_owned(),
        };
        self.put(&partition, LINUX, guid);
        Ok(partition)
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

    /// The byte that no partition may reach beyond.
    pub fn limit(&self) -> u64 {
        (*self.usable.end() + 1) * self.sector
    }

    /// Both copies, ready to be written; the backup comes first.
    pub fn pieces(&self) -> [Piece; 4] {
        let header = |own: u64, other: u64, entries: u64| {
            let mut header = self.header.clone();
            for (at, value) in [
                (24, own),
                (32, other),
                (48, *self.usable.end()),
                (72, entries),
            ] {
                header[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            header[88..92].copy_from_slice(&crc32(&self.entries).to_le_bytes());
            let sum = crc32(&header);
            header[16..20].copy_from_slice(&sum.to_le_bytes());
            header.resize(self.sector as usize, 0);
            (own * self.sector, header)
        };
        let backup_entries = self.backup_entries_at();
        [
            (backup_entries * self.sector, self.entries.clone()),
            header(self.backup_at, 1, backup_entries),
            (self.entries_at * self.sector, self.entries.clone()),
            header(1, self.backup_at, self.entries_at),
        ]
    }

    /// Sectors of the disk.
    pub fn sectors(&self) -> u64 {
        self.last + 1
    }

    fn backup_entries_at(&self) -> u64 {
        let room = ENTRIES_ROOM.max(self.entries.len() as u64);
        self.backup_at.saturating_sub(room.div_ceil(self.sector))
    }
}

fn is_used(entry: &[u8]) -> bool {
    array::<16>(entry, 0) != [0; 16]
}

fn name(entry: &[u8]) -> String {
    let units = NAME.step_by(2).map(|at| u16_at(entry, at));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
