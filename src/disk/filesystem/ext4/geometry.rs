//! What lies where in an ext4 file system: its groups, what each begins with, and where the journal is.
//!
//! Every group keeps its own bitmaps and inodes, in one piece at its start, and what is taken of the rest follows: so a
//! group nobody has written to yet needs nothing but its descriptor.

use crate::error::{Error, Result};
use crate::units::{Bytes, GIB, MIB};

/// Bytes in a block: at least a sector of any disk, at most a page of any kernel.
pub(super) const BLOCK: u64 = 4096;
/// Blocks in a group: as many as a block has bits.
pub(super) const GROUP: u64 = 8 * BLOCK;
pub(super) const INODE: u64 = 256;
/// Numbers in a block that lists blocks.
pub(super) const ADDRESSES: u64 = BLOCK / 4;
/// Of the folder lost+found, as mke2fs makes it.
pub(super) const LOST_AND_FOUND: u64 = 4;
/// Extents that fit into an inode.
const EXTENTS: usize = 4;
const LEAST: u64 = 8 * MIB;
const TIB: u64 = 1024 * GIB;
const MOST: u64 = 128 * TIB;
/// mke2fs drops a last group that has no more than this beside what it begins with.
const WORTH_IT: u64 = 50;

/// mke2fs.conf: bytes for each inode, from this size on.
const RATIOS: [(u64, u64); 3] = [(16 * TIB, 65536), (4 * TIB, 32768), (0, 16384)];
/// Blocks of the journal by those of the whole, as mke2fs had them for twenty years (e2fsprogs, lib/ext2fs/mkjournal.c;
/// since 1.43 it takes up to a GiB).
const JOURNALS: [(u64, u64); 5] = [
    (4096 * 1024, 32768),
    (512 * 1024, 16384),
    (256 * 1024, 8192),
    (32768, 4096),
    (0, 1024),
];

/// All in blocks, but for what says otherwise.
pub(super) struct Geometry {
    pub blocks: u64,
    pub groups: u64,
    /// In a group.
    pub inodes: u64,
    /// Bytes of a group's descriptor.
    pub descriptor: u64,
    /// All descriptors.
    pub table: u64,
    /// Room for more of them, for the day the file system grows.
    pub spare: u64,
    /// Where the journal lies: the n-th extent is in group n.
    pub journal: Vec<(u64, u64)>,
}

impl Geometry {
    /// For `size` bytes, of which the last ones may remain unused.
    pub fn plan(size: u64) -> Result<Self> {
        if !(LEAST..=MOST).contains(&size) {
            let (size, least, most) = (Bytes(size), Bytes(LEAST), Bytes(MOST));
            let why = format!(
                "no ext4 file system is made of {size}: it takes {least} at least and {most} at most"
            );
            return Err(Error::plain(why));
        }
        let blocks = size / BLOCK;
        let mut own = Self::of(blocks, size);
        let last = own.groups - 1;
        if last > 0 && own.len(last) < own.overhead(last) + WORTH_IT {
            own = Self::of(last * GROUP, size);
        }
        own.place_journal()?;
        Ok(own)
    }

    fn of(blocks: u64, size: u64) -> Self {
        let groups = blocks.div_ceil(GROUP);
        let ratio = RATIOS.iter().find(|(from, _)| size >= *from);
        let ratio = ratio.map_or(1, |(_, ratio)| ratio / BLOCK);
        let per_block = BLOCK / INODE;
        let inodes = (blocks / ratio)
            .div_ceil(groups)
            .next_multiple_of(per_block);
        let wide = blocks > u32::MAX.into();
        let descriptor = if wide { 64 } else { 32 };
        let table = (groups * descriptor).div_ceil(BLOCK);
        // e2fsprogs, lib/ext2fs/initialize.c: room to grow a thousand times, as far as 32 bits count.
        let grown = (blocks * 1024).min(u32::MAX.into()).div_ceil(GROUP);
        let grown = (grown * descriptor).div_ceil(BLOCK);
        let spare = match wide {
            true => 0,
            false => grown.saturating_sub(table).min(ADDRESSES),
        };
        Geometry {
            blocks,
            groups,
            inodes,
            descriptor,
            table,
            spare,
            journal: Vec::new(),
        }
    }

    fn place_journal(&mut self) -> Result<()> {
        let wanted = JOURNALS.iter().find(|(from, _)| self.blocks >= *from);
        let mut left = wanted.map_or(0, |(_, journal)| *journal);
        for group in (0..self.groups).take(EXTENTS) {
            let at = self.used(group);
            let len = left.min(self.len(group).saturating_sub(at));
            self.journal.push((group * GROUP + at, len));
            left -= len;
            if left == 0 {
                return Ok(());
            }
        }
        Err(Error::plain(
            "an ext4 file system has no room for its journal",
        ))
    }

    /// Does it need numbers of more than 32 bits?
    pub fn is_wide(&self) -> bool {
        self.blocks > u32::MAX.into()
    }

    pub fn journal_len(&self) -> u64 {
        self.journal.iter().map(|(_, len)| len).sum()
    }

    /// Has the group a copy of superblock and descriptors (the feature sparse_super)?
    pub fn has_copy(group: u64) -> bool {
        let is_power = |base: u64| {
            let mut power = base;
            while power < group {
                power *= base;
            }
            power == group
        };
        group <= 1 || [3, 5, 7].into_iter().any(is_power)
    }

    /// Groups with such a copy, the first aside.
    pub fn copies(&self) -> impl Iterator<Item = u64> {
        (1..self.groups).filter(|group| Self::has_copy(*group))
    }

    /// Blocks before the bitmaps of a group.
    pub fn lead(&self, group: u64) -> u64 {
        match Self::has_copy(group) {
            true => 1 + self.table + self.spare,
            false => 0,
        }
    }

    /// Blocks in a group; the last one may have fewer.
    pub fn len(&self, group: u64) -> u64 {
        GROUP.min(self.blocks - group * GROUP)
    }

    /// Blocks of a group that are taken: the first ones.
    pub fn used(&self, group: u64) -> u64 {
        let data = if group == 0 { self.fixed() } else { 0 };
        let journal = usize::try_from(group)
            .ok()
            .and_then(|at| self.journal.get(at));
        self.overhead(group) + data + journal.map_or(0, |(_, len)| *len)
    }

    /// What a group begins with: that, both bitmaps and the inodes.
    pub fn overhead(&self, group: u64) -> u64 {
        self.lead(group) + 2 + self.inodes * INODE / BLOCK
    }

    /// The first block behind what the first group begins with: the root folder's.
    pub fn root(&self) -> u64 {
        self.overhead(0)
    }

    pub fn lost_and_found(&self) -> u64 {
        self.root() + 1
    }

    /// Lists the spare blocks; only where there are any.
    pub fn spare_list(&self) -> u64 {
        self.lost_and_found() + LOST_AND_FOUND
    }

    fn fixed(&self) -> u64 {
        1 + LOST_AND_FOUND + u64::from(self.spare > 0)
    }
}
