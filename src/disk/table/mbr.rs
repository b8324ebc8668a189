//! The master boot record: four entries in the first sector; one may be extended, a chain of further records.

use std::ops::Range;

use crate::disk::table::partition::{Partition, check, last_gap, u32_at};
use crate::error::{Error, Result};
use crate::units::{Bytes, MIB};

// UEFI 2.10, 5.2.1: entries of 16 bytes from byte 446 on, then the signature.
const ENTRIES: usize = 446;
const ENTRY: usize = 16;
/// Where the boot record has the disk's signature.
pub const SIGNATURE_OF_DISK: Range<usize> = 440..444;
const SIGNATURE: [u8; 2] = [0x55, 0xaa];
// UEFI 2.10, 5.2.2: the type of the entry that covers a GPT.
const PROTECTIVE: u8 = 0xee;
// What parted gives a partition made for fat32 (libparted/labels/dos.c, PARTITION_FAT32_LBA).
const FAT32_LBA: u8 = 0x0c;
// block/partitions/msdos.c, is_extended_partition: DOS, Windows, Linux.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
// block/partitions/msdos.c, parse_extended: so many links are followed.
const LINKS: usize = 100;
/// Where a partition's cylinder, head and sector do not fit: every system goes by the sector numbers.
const BEYOND_CHS: [u8; 3] = [0xfe, 0xff, 0xff];

/// One entry of the record, used or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    kind: u8,
    start: u32,
    sectors: u32,
}

/// A master boot record and the disk it lies on.
#[derive(Debug)]
pub struct Mbr {
    records: [Record; 4],
    sector: u64,
    size: u64,
}

/// The entries, if `head` begins with a boot record at all.
pub fn records(head: &[u8]) -> Option<[Record; 4]> {
    let sector = signed(head)?;
    // block/partitions/msdos.c, msdos_partition: any other value, and this is a file system's boot sector.
    let sane = (0..4).all(|number| entry(sector, number)[0] & 0x7f == 0);
    sane.then(|| std::array::from_fn(|number| Record::read(entry(sector, number))))
}

/// Does the kernel look for a GPT behind this boot record? It asks for less than where it looks for partitions
/// (block/partitions/efi.c, is_pmbr_valid).
pub fn announces_gpt(head: &[u8]) -> bool {
    let protects =
        |sector| (0..4).any(|number| Record::read(entry(sector, number)).is_protective());
    signed(head).is_some_and(protects)
}

fn signed(head: &[u8]) -> Option<&[u8]> {
    let sector = head.get(..512)?;
    sector.ends_with(&SIGNATURE).then_some(sector)
}

fn entry(sector: &[u8], number: usize) -> &[u8] {
    &sector[ENTRIES + number * ENTRY..][..ENTRY]
}

/// Has the entry that covers the GPT of a disk cover all of `sectors` sectors. One that stands beside
/// others, as on a disk with two tables, is somebody's own arrangement and stays.
pub fn protect(head: &mut [u8], sectors: u64) {
    let Some(records) = records(head) else { return };
    let used = records.iter().filter(|record| record.kind != 0).count();
    if let (Some(at), 1) = (records.iter().position(Record::is_protective), used) {
        // UEFI 2.10, 5.2.3: as much as fits in the field.
        let covered = u32::try_from(sectors - 1).unwrap_or(u32::MAX);
        head[ENTRIES + at * ENTRY + 12..][..4].copy_from_slice(&covered.to_le_bytes());
    }
}

/// A boot record with `entries`, which are whole sectors within its reach, for the disk called `signature`:
/// type, start and end of each, and whether the firmware is to start it.
pub fn boot_record(signature: u32, sector: u64, entries: &[(u8, Range<u64>, bool)]) -> [u8; 512] {
    let mut head = [0; 512];
    head[SIGNATURE_OF_DISK].copy_from_slice(&signature.to_le_bytes());
    for (at, (kind, bytes, active)) in entries.iter().enumerate().take(4) {
        let field = |bytes: u64| u32::try_from(bytes / sector).unwrap_or(u32::MAX);
        let record = Record {
            kind: *kind,
            start: field(bytes.start),
            sectors: field(bytes.end - bytes.start),
        };
        record.write(at, &mut head);
        // UEFI 2.10, 5.2.1: the one entry a legacy boot record loads.
        head[ENTRIES + at * ENTRY] = if *active { 0x80 } else { 0 };
    }
    head[510..].copy_from_slice(&SIGNATURE);
    head
}

/// The boot record that protects a GPT of `sectors` sectors from those who know only MBRs.
pub fn protective(sectors: u64) -> [u8; 512] {
    let mut head = boot_record(0, 1, &[(PROTECTIVE, 1..2, false)]);
    // UEFI 2.10, 5.2.3: it starts at cylinder 0, head 0, sector 2, and ends at the last there is.
    head[ENTRIES + 1..ENTRIES + 4].copy_from_slice(&[0, 2, 0]);
    head[ENTRIES + 5..ENTRIES + 8].fill(0xff);
    protect(&mut head, sectors);
    head
}

impl Record {
    fn read(entry: &[u8]) -> Self {
        Record {
            kind: entry[4],
            start: u32_at(entry, 8),
            sectors: u32_at(entry, 12),
        }
    }

    /// The kernel takes a disk for a GPT one by this (block/partitions/efi.c, pmbr_part_valid).
    pub fn is_protective(&self) -> bool {
        self.kind == PROTECTIVE && self.start == 1
    }

    fn is_extended(&self) -> bool {
        EXTENDED.contains(&self.kind) && self.sectors > 0
    }

    fn is_used(&self) -> bool {
        self.kind != 0 && self.sectors > 0
    }

    /// As the entry number `at`, from 0, of the boot record `head` begins with.
    fn write(&self, at: usize, head: &mut [u8]) {
        let entry = &mut head[ENTRIES + at * ENTRY..][..ENTRY];
        entry[0] = 0;
        entry[1..4].copy_from_slice(&BEYOND_CHS);
        entry[4] = self.kind;
        entry[5..8].copy_from_slice(&BEYOND_CHS);
        entry[8..12].copy_from_slice(&self.start.to_le_bytes());
        entry[12..].copy_from_slice(&self.sectors.to_le_bytes());
    }
}

impl Mbr {
    pub(super) fn new(records: [Record; 4], sector: u64, size: u64) -> Result<Self> {
        let mbr = Mbr {
            records,
            sector,
            size,
        };
        let partitions = mbr.partitions();
        if let Some(first) = partitions.iter().find(|partition| partition.start == 0) {
            let why = format!("partition {} begins with the table itself", first.number);
            return Err(Error::plain(why));
        }
        check(&partitions, size)?;
        Ok(mbr)
    }

    pub(super) fn partitions(&self) -> Vec<Partition> {
        let used = (1..)
            .zip(&self.records)
            .filter(|(_, record)| record.is_used());
        used.map(|(number, record)| {
            let start = u64::from(record.start) * self.sector;
            Partition {
                number,
                start,
                end: start + u64::from(record.sectors) * self.sector,
                name: String::new(),
            }
        })
        .collect()
    }

    /// What one of the four partitions is for.
    pub fn kind(&self, number: u32) -> Option<u8> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.records.get(at).map(|record| record.kind)
    }

    /// The partitions within the extended one, whose records `read` gets; a broken chain ends there.
    pub fn logical(&self, mut read: impl FnMut(u64, &mut [u8]) -> Result<()>) -> Vec<Partition> {
        let Some(extended) = self.records.iter().find(|record| record.is_extended()) else {
            return Vec::new();
        };
        let byte = |sectors: u64| sectors * self.sector;
        let (base, mut next) = (u64::from(extended.start), u64::from(extended.start));
        let end = byte(base + u64::from(extended.sectors));
        let mut found = Vec::new();
        for _ in 0..LINKS {
            let mut sector = [0; 512];
            if byte(next) >= end || read(byte(next), &mut sector).is_err() {
                break;
            }
            let Some(records) = records(&sector) else {
                break;
            };
            let data = |record: &&Record| record.is_used() && !record.is_extended();
            for record in records.iter().filter(data) {
                let start = byte(next + u64::from(record.start));
                let stop = start + byte(u64::from(record.sectors));
                // One at 0 would lie over the record that names it.
                if record.start > 0 && stop <= end {
                    found.push(Partition {
                        number: 5 + found.len() as u32,
                        start,
                        end: stop,
                        name: String::new(),
                    });
                }
            }
            match records.iter().find(|record| record.is_extended()) {
                Some(link) => next = base + u64::from(link.start),
                None => break,
            }
        }
        found
    }

    /// A further partition of `len` bytes, the last on the disk or as far back as the table reaches;
    /// `head` gets its entry.
    pub fn add(&mut self, len: u64, head: &mut [u8]) -> Result<Partition> {
        let free = self.records.iter().position(|record| !record.is_used());
        let Some(at) = free else {
            let why = "the MBR already has 4 primary partitions, and there is no room for another";
            return Err(Error::plain(why));
        };
        // The sector number is 32 bits wide; the reference agent stays a MiB below that (protocol/deploy.md §11).
        let reach = (self.sector << 32) - MIB;
        let limit = if self.size > reach { reach } else { self.size };
        let start = last_gap(&self.partitions(), limit, len, MIB).ok_or_else(|| {
            let (len, limit) = (Bytes(len), Bytes(limit));
            Error::plain(format!(
                "there are no {len} free before the end of the MBR's reach, {limit}"
            ))
        })?;
        let field = |bytes: u64| u32::try_from(bytes / self.sector).unwrap_or(u32::MAX);
        let record = Record {
            kind: FAT32_LBA,
            start: field(start),
            sectors: field(len),
        };
        self.records[at] = record;
        record.write(at, head);
        Ok(Partition {
            number: at as u32 + 1,
            start,
            end: start + len,
            name: String::new(),
        })
    }
}
