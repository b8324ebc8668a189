//! The names of software RAID volumes a disk is or is a member of: in the superblocks of the disk and its partitions,
//! whether or not the arrays are put together. An array is the volume that its members say it is.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::disk::list::Disk;
use crate::disk::raid::array_name::ArrayName;
use crate::disk::raid::members;
use crate::disk::wipe::partition_ranges::Places;
use crate::error::{Context, Error, Result};

/// linux/raid/md_p.h, struct mdp_superblock_1: what is looked at ends with super_offset, at 144.
const LENGTH: usize = 152;
/// md_p.h: MD_SB_MAGIC, then the major version.
const MAGIC: [u8; 8] = [0xfc, 0x4e, 0x2b, 0xa9, 1, 0, 0, 0];

/// Every name, of an array its own and of any other disk those of its members. An error if a superblock cannot be read.
pub fn names(disk: &Disk) -> Result<Vec<ArrayName>> {
    let reading = || format!("looking for software RAID volumes on {}", disk.name);
    if !disk.slaves.is_empty() {
        let own = members::full_name(&disk.slaves).with_context(reading)?;
        return Ok(vec![ArrayName {
            full: own.unwrap_or_default(),
            kernels: vec![disk.kernel().to_owned()],
        }]);
    }
    let file = File::open(&disk.path).with_context(reading)?;
    let read = &mut |at: u64, bytes: &mut [u8]| file.read_exact_at(bytes, at).map_err(Error::from);
    let places = Places::read(disk.size.0, disk.logical_sector, read);
    let parts = places.partitions.iter().map(|place| place.start..place.end);
    // Which of them is which of the arrays that hold it matters to nobody.
    let mut found = vec![ArrayName {
        full: String::new(),
        kernels: disk.holders.clone(),
    }];
    for part in std::iter::once(0..disk.size.0).chain(parts) {
        let size = part.end.saturating_sub(part.start);
        for at in places_in(size) {
            let mut block = [0; LENGTH];
            read(part.start + at, &mut block).with_context(reading)?;
            found.extend(name(&block, at).map(|full| ArrayName {
                full,
                kernels: Vec::new(),
            }));
        }
    }
    Ok(found)
}

/// drivers/md/md.c, super_1_load: at the end (1.0), at the start (1.1), 4 KiB from it (1.2).
fn places_in(size: u64) -> impl Iterator<Item = u64> {
    let last = (size / 512)
        .checked_sub(16)
        .map(|sector| sector / 8 * 8 * 512);
    let fits = move |at: &u64| at + LENGTH as u64 <= size;
    [last, Some(0), Some(4096)]
        .into_iter()
        .flatten()
        .filter(fits)
}

/// The name in the superblock that `block` begins with, if it is one and says that it lies at byte `at`.
fn name(block: &[u8; LENGTH], at: u64) -> Option<String> {
    let (field, offset) = (&block[32..64], &block[144..152]);
    if !block.starts_with(&MAGIC) || offset != (at / 512).to_le_bytes() {
        return None;
    }
    let end = field.iter().position(|byte| *byte == 0);
    let whole = String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]);
    Some(whole.into_owned()).filter(|name| !name.trim().is_empty())
}
