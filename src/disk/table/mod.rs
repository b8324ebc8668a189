//! Partition tables as bytes: read, moved to the true end of a disk, given one partition more, and made anew.
//!
//! Pure: whoever has the first bytes of a disk calls [`Table::read`], and writes what comes back.

pub mod gpt;
pub mod gpt_geometry;
pub mod mbr;
pub mod partition;
pub mod partition_plan;

use crate::codec::uuid;
use crate::error::{Error, Result};
use gpt::Gpt;
use mbr::Mbr;
pub use partition::Partition;
use partition::u32_at;

/// A table whose partitions lie on the disk and apart from each other.
#[derive(Debug)]
pub enum Table {
    /// With its protective MBR.
    Gpt(Gpt),
    /// Four primary partitions, and logical ones in one of them.
    Mbr(Mbr),
}

impl Table {
    /// What the bytes at the start of a disk of `size` bytes say, if its sectors have one of the sizes in
    /// `sectors`. None if they are no table at all; an error if they are a bad one.
    pub fn read(head: &[u8], sectors: &[u64], size: u64) -> Result<Option<Table>> {
        if !mbr::announces_gpt(head) {
            let (Some(records), Some(sector)) = (mbr::records(head), sectors.first()) else {
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

    /// How many of the first bytes of a disk [`Table::read`] has to see for its last word, as far as `head` tells.
    pub fn extent(head: &[u8], sectors: &[u64]) -> u64 {
        let largest = sectors.iter().copied().max().unwrap_or_default().max(4096);
        let ends = sectors.iter().map(|sector| gpt::end(head, *sector));
        ends.fold(2 * largest, u64::max)
    }

    /// `GPT` or `MBR`.
    pub fn kind(&self) -> &'static str {
        match self {
            Table::Gpt(_) => "GPT",
            Table::Mbr(_) => "MBR",
        }
    }

    /// By their numbers; of an MBR the primary ones.
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
