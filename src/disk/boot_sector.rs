//! A disk's first sector, by which firmware starts it: gone before anything else of the disk is.

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::Result;
use crate::sys::block::{ALIGNMENT, Aligned};

/// Has the first sector of a disk, or of a part of one, be zeros; not flushed. What else lies in its block stays as it is, so that a write torn
/// between sectors changes that one or none.
pub fn clear(disk: &ExclusiveDisk) -> Result<()> {
    let mut block = Aligned::new(ALIGNMENT);
    let block = &mut block[..disk.size().0.min(ALIGNMENT as u64) as usize];
    if disk.read_at(block, 0).is_err() {
        block.fill(0); // nothing that could be kept
    }
    block[..disk.sector() as usize].fill(0);
    disk.write_at(block, 0)
}
