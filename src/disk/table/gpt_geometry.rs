//! Where the two copies of a GPT lie and what is usable between them: made to fit the disk, given one partition
//! more, and written.
//!
//! What is written holds for everybody who checks it (`sgdisk -v`), though less was read ([`Gpt::read`]).

use crate::codec::gzip::crc32;
use crate::disk::table::gpt::{ENTRY, Gpt, HEADER, LINUX, SIGNATURE, header, is_header, is_used};
use crate::disk::table::partition::{Partition, last_gap, u64_at};
use crate::error::{Error, Result};
use crate::units::{Bytes, MIB};

/// Kept for the entries of the backup at least, be they fewer, where there is room.
const ENTRIES_ROOM: u64 = 16 << 10;
/// Entries of a new table.
const ENTRIES: usize = 128;

/// Bytes and where on the disk they belong.
pub type Piece = (u64, Vec<u8>);

/// A table that has to be written anew.
pub struct Moved {
    /// The byte where it announced its backup, if that is elsewhere now.
    pub old_backup: Option<u64>,
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

    /// Makes the table that of its whole disk: the backup at the very end, all before it usable. None if
    /// that is how it was.
    pub fn fit(&mut self) -> Result<Option<Moved>> {
        if self.backup_at == self.last && self.is_sound() {
            return Ok(None);
        }
        let was = std::mem::replace(&mut self.backup_at, self.last);
        self.use_up_to(self.last)?;
        // One may be announced where no backup can be: nowhere, in the table itself, in a partition.
        let spare = |at: &u64| self.entries_end() <= *at && self.free(*at * self.sector);
        let old_backup = Some(was)
            .filter(|was| *was < self.last)
            .filter(spare)
            .map(|was| was * self.sector);
        Ok(Some(Moved { old_backup }))
    }

    /// Does the usable range have all partitions in it, and neither copy of the table?
    fn is_sound(&self) -> bool {
        let (first, last) = (*self.usable.start(), *self.usable.end());
        let entries = (self.entries.len() as u64).div_ceil(self.sector);
        let used = self.used();
        last.checked_add(entries)
            .is_some_and(|last| last < self.backup_at)
            && used.end <= last + 1
            && first <= used.start
            && (first >= self.entries_end() || first == used.start)
    }

    /// Is the backup where it should be, and what it should be? `read` gets bytes of the disk.
    pub fn has_backup(&self, mut read: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Result<bool> {
        let mut sector = vec![0; self.sector as usize];
        read(self.backup_at * self.sector, &mut sector)?;
        let Ok(header) = header(&sector) else {
            return Ok(false);
        };
        let at = u64_at(&header, 72);
        let end = at.checked_add((self.entries.len() as u64).div_ceil(self.sector));
        let says = (u64_at(&header, 24), u64_at(&header, 32), &header[40..72]);
        let usable = *self.usable.end();
        let inside = usable < at && end.is_some_and(|end| end <= self.backup_at);
        // Both have the same usable range, GUID, and number, size and checksum of entries.
        if !is_header(&sector)
            || says != (self.backup_at, 1, &self.header[40..72])
            || header[80..92] != self.header[80..92]
            || !inside
        {
            return Ok(false);
        }
        let mut entries = vec![0; self.entries.len()];
        read(at * self.sector, &mut entries)?;
        Ok(entries == self.entries)
    }

    /// Partitions may use sectors up to `last`, as far as the backup leaves them room, and from where they
    /// always could, as far as the table itself does.
    fn use_up_to(&mut self, last: u64) -> Result<()> {
        let used = self.used();
        let first = (*self.usable.start())
            .max(self.entries_end())
            .min(used.start);
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

    /// The sectors from the first partition to the last; without any it ends before it begins.
    fn used(&self) -> std::ops::Range<u64> {
        let entries = self.entries.chunks_exact(self.entry);
        let used = entries.filter(|entry| is_used(entry));
        let (first, end) = used.fold((u64::MAX, 0), |(first, end), entry| {
            let (start, last) = (u64_at(entry, 32), u64_at(entry, 40));
            (first.min(start), end.max(last + 1))
        });
        first..end
    }

    fn free(&self, at: u64) -> bool {
        let has = |partition: &Partition| (partition.start..partition.end).contains(&at);
        !self.partitions().iter().any(has)
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
            .filter(|start| start / self.sector >= self.entries_end().max(*self.usable.start()));
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
                (40, *self.usable.start()),
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
        let least = self.entries.len() as u64;
        let before = |room: u64| self.backup_at.saturating_sub(room.div_ceil(self.sector));
        match before(ENTRIES_ROOM.max(least)) {
            enough if self.used().end <= enough => enough,
            _ => before(least),
        }
    }
}
