//! ext4, made anew: what Ironic has the ephemeral partition of an instance be.
//!
//! Blocks of 4 KiB, a journal, checksums, room to grow. Whoever mounts it first fills in the inodes, as after mke2fs, so
//! that a large one takes no longer than a small one. Nothing here reads one: that is the kernel's.

mod geometry;
mod inodes;
mod superblock;

use crate::disk::filesystem::ext4::geometry::{BLOCK, GROUP, Geometry};
use crate::error::{Context, Result};

/// Descriptors that are in memory at once, in blocks.
const STEP: u64 = 64;

/// What tells one file system from another.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// At most 16 bytes count.
    pub label: &'a str,
    /// Of the file system.
    pub uuid: [u8; 16],
    /// What hashes of names begin with: random.
    pub hash_seed: [u8; 16],
    /// In seconds since 1970.
    pub made: u64,
}

/// Where a file system is made; offsets are from its start.
pub trait Place {
    /// Has it hold `bytes` from byte `at` on.
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()>;
    /// Has `len` bytes from `at` read as zeros.
    fn zeros(&mut self, at: u64, len: u64) -> Result<()>;
}

/// Can there be one of `size` bytes?
pub fn check(size: u64) -> Result<()> {
    Geometry::plan(size).map(drop)
}

/// Makes an empty ext4 file system of `size` bytes. Until its last write, the superblock, there is none.
pub fn format(place: &mut dyn Place, size: u64, named: &Named) -> Result<()> {
    let geometry = Geometry::plan(size)?;
    write(place, &geometry, named).context("making an ext4 file system")
}

fn write(place: &mut dyn Place, geometry: &Geometry, named: &Named) -> Result<()> {
    place.zeros(0, BLOCK)?;
    let seed = superblock::seed(named);
    // The journal: whatever old blocks of a journal lie there would be taken for its own.
    let mut rest = inodes::journal(geometry);
    for (at, len) in &geometry.journal {
        place.zeros(at * BLOCK, len * BLOCK)?;
        place.write(at * BLOCK, &std::mem::take(&mut rest))?;
    }
    place.write(geometry.root() * BLOCK, &inodes::folders(seed))?;
    if geometry.spare > 0 {
        let (list, lists) = inodes::spare_lists(geometry);
        place.write(geometry.spare_list() * BLOCK, &list)?;
        place.write((1 + geometry.table) * BLOCK, &lists)?;
    }
    let own = geometry.lead(0);
    place.write((own + 1) * BLOCK, &superblock::inode_bitmap(geometry))?;
    place.write((own + 2) * BLOCK, &inodes::table(geometry, named, seed))?;
    let last = geometry.groups - 1;
    let used = 0..geometry.journal.len() as u64;
    for group in used.clone().chain((!used.contains(&last)).then_some(last)) {
        let bitmap = superblock::block_bitmap(geometry, group);
        place.write((group * GROUP + geometry.lead(group)) * BLOCK, &bitmap)?;
    }
    let journal = inodes::journal_place(geometry);
    let per_block = BLOCK / geometry.descriptor;
    for first in (0..geometry.table).step_by(STEP as usize) {
        let end = (first + STEP).min(geometry.table);
        let mut table = Vec::new();
        for group in first * per_block..(end * per_block).min(geometry.groups) {
            superblock::describe(geometry, seed, group, &mut table);
        }
        table.resize(((end - first) * BLOCK) as usize, 0);
        for copy in [0].into_iter().chain(geometry.copies()) {
            place.write((copy * GROUP + 1 + first) * BLOCK, &table)?;
        }
    }
    let of = |group| superblock::superblock(geometry, named, group, &journal);
    for copy in geometry.copies() {
        place.write(copy * GROUP * BLOCK, &of(copy))?;
    }
    // fs/ext4: the first one leaves room for a boot sector.
    place.write(superblock::SIZE as u64, &of(0))
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// The lower 32 bits.
fn low(number: u64) -> [u8; 4] {
    (number as u32).to_le_bytes()
}
