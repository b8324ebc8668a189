//! A disk's first sector, by which firmware starts it: gone, or harmless, before anything else of the disk is.

use std::ops::Range;

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::Result;
use crate::sys::block::{ALIGNMENT, Aligned};

/// Has the first sector of a disk, or of a part of one, be zeros; not flushed. What else lies in its block stays as it is, so that a write torn
/// between sectors changes that one or none.
pub fn clear(disk: &ExclusiveDisk) -> Result<()> {
    change(disk, |sector| sector.fill(0))
}

/// Has no firmware start the disk, be it by BIOS or UEFI, and leaves what tells where partitions are: entries of an MBR without their
/// mark; a GPT, which firmware looks at no more where no entry of that sector stands for it, is elsewhere.
pub fn disarm(disk: &ExclusiveDisk) -> Result<()> {
    change(disk, disarm_sector)
}

/// The same of the first 512 bytes.
pub fn disarm_sector(sector: &mut [u8]) {
    sector[..ENTRIES.start].fill(0);
    sector[ENTRIES.end..512].fill(0);
    let entries = sector[ENTRIES].chunks_exact_mut(16);
    for entry in entries.filter(|entry| entry[4] == PROTECTIVE) {
        entry.fill(0);
    }
}

/// In a boot record, four of 16 bytes.
const ENTRIES: Range<usize> = 446..510;
/// UEFI 2.10, 5.2.3: the type of what stands for a GPT.
const PROTECTIVE: u8 = 0xee;

fn change(disk: &ExclusiveDisk, sector: impl FnOnce(&mut [u8])) -> Result<()> {
    let mut block = Aligned::new(ALIGNMENT);
    let block = &mut block[..disk.size().0.min(ALIGNMENT as u64) as usize];
    if disk.read_at(block, 0).is_err() {
        block.fill(0); // nothing that could be kept
    }
    sector(&mut block[..disk.sector() as usize]);
    disk.write_at(block, 0)
}
