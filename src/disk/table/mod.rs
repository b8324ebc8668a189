//! Partition tables as bytes: read, moved to the true end of a disk, given one partition more, and made anew.
//!
//! Pure: whoever has the first bytes of a disk calls [`Table::read`], and writes what comes back.

pub mod gpt;
pub mod mbr;
pub mod plan;

use crate::codec::uuid;
use crate::error::{Error, Result};
use crate::small_sort;
use crate::units::Bytes;
use gpt::Gpt;
use mbr::Mbr;

/// A table whose partitions lie on the disk and apart from each other.
#[derive(Debug)]
pub enum Table {
    Gpt(Gpt),
    Mbr(Mbr),
}

/// In bytes from the start of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// As the kernel counts them: from 1.
    pub number: u32,
    pub start: u64,
    /// The first byte after it.
    pub end: u64,
    /// Only a GPT has one.
    pub name: String,
}

impl Table {
    /// What the bytes at the start of a disk of `size` bytes say, if its sectors have one of the sizes in
    /// `sectors`. None if they are no table at all; an error if they are a bad one.
    pub fn read(head: &[u8], sectors: &[u64], size: u64) -> Result<Option<Table>> {
        let Some(records) = mbr::records(head) else {
            return Ok(None);
        };
        if !records.iter().any(mbr::Record::is_protective) {
            let Some(sector) = sectors.first() else {
                return Ok(None);
            };
            return Mbr::new(records, *sector, size).map(Table::Mbr).map(Some);
        }
        let found = sectors.iter().find(|sector| gpt::is_at(head, **sector));
        let Some(sector) = found else {
            return Err(no_header(head, sectors));
        };
        Gpt::read(head, *sector, size).map(Table::Gpt).map(Some)
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Table::Gpt(_) => "GPT",
            Table::Mbr(_) => "MBR",
        }
    }

    pub fn partitions(&self) -> Vec<Partition> {
        match self {
            Table::Gpt(gpt) => gpt.partitions(),
            Table::Mbr(mbr) => mbr.partitions(),
        }
    }

    /// `PARTUUID` as udev and the kernel have it, of the partition `number` of the disk that begins with `head`.
    pub fn partition_uuid(&self, head: &[u8], number: u32) -> Option<String> {
        match self {
            Table::Gpt(gpt) => Some(uuid::text(&uuid::swapped(gpt.guid(number)?))),
            // block/partitions/msdos.c, set_info
            Table::Mbr(_) => {
                let signature = u32_at(head.get(..512)?, mbr::SIGNATURE_OF_DISK.start);
                Some(format!("{signature:08x}-{number:02x}"))
            }
        }
    }
}

fn no_header(head: &[u8], sectors: &[u64]) -> Error {
    let other = [512, 4096].into_iter().find(|size| gpt::is_at(head, *size));
    match (other, sectors) {
        (Some(other), [own, ..]) => Error::plain(format!(
            "the GPT is made for sectors of {other} bytes, and the disk has {own}: take an image made for such disks"
        )),
        _ => Error::plain(
            "the boot record announces a GPT, and there is no header in the sector after it",
        ),
    }
}

/// An error unless every partition is on a disk of `size` bytes and no two share a byte.
fn check(partitions: &[Partition], size: u64) -> Result<()> {
    let mut by_start: Vec<&Partition> = partitions.iter().collect();
    small_sort::by_key(&mut by_start, |partition| partition.start);
    for partition in &by_start {
        if partition.end > size {
            let (number, end, size) = (partition.number, Bytes(partition.end), Bytes(size));
            let why = format!("partition {number} ends at {end}, and the disk at {size}");
            return Err(Error::plain(why));
        }
    }
    for pair in by_start.windows(2) {
        if let [one, other] = pair
            && one.end > other.start
        {
            let (one, other) = (one.number, other.number);
            let why = format!("partitions {one} and {other} overlap");
            return Err(Error::plain(why));
        }
    }
    Ok(())
}

/// The last whole stretch of `len` bytes before `limit` that begins at a multiple of `step`, if no
/// partition is in it.
fn last_gap(partitions: &[Partition], limit: u64, len: u64, step: u64) -> Option<u64> {
    let start = limit.checked_sub(len)? / step * step;
    let taken = |partition: &Partition| partition.start < start + len && start < partition.end;
    (start > 0 && !partitions.iter().any(taken)).then_some(start)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// `N` bytes at `at`; whoever asks has checked that they are there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
