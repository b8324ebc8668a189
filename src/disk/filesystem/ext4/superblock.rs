//! The superblock of an ext4 file system, and the descriptors of its groups.

use crate::codec::crc32c;
use crate::disk::filesystem::ext4::geometry::{BLOCK, GROUP, Geometry, INODE};
use crate::disk::filesystem::ext4::{Named, low, put};

/// Inodes 1 to 11 have a meaning; 11 is that of lost+found.
pub(super) const FIRST_INODE: u64 = 11;
pub(super) const JOURNAL_INODE: u64 = 8;
/// Bytes of a superblock.
pub(super) const SIZE: usize = 1024;

// fs/ext4/ext4.h, EXT4_FEATURE_COMPAT_*, _INCOMPAT_* and _RO_COMPAT_*. What GRUB and kernels of long ago know: no
// flex_bg, no 64bit where 32 do.
const HAS_JOURNAL: u32 = 0x4;
const EXT_ATTR: u32 = 0x8;
const RESIZE_INODE: u32 = 0x10;
const DIR_INDEX: u32 = 0x20;
const FILETYPE: u32 = 0x2;
const EXTENTS: u32 = 0x40;
const WIDE: u32 = 0x80;
const SPARSE_SUPER: u32 = 0x1;
const LARGE_FILE: u32 = 0x2;
const HUGE_FILE: u32 = 0x8;
const DIR_NLINK: u32 = 0x20;
const EXTRA_ISIZE: u32 = 0x40;
const METADATA_CSUM: u32 = 0x400;

/// In percent: what only root may fill, as everywhere.
const RESERVED: u64 = 5;

// EXT4_BG_*: nothing of the inodes, and nothing but what the group begins with, is in use; whoever mounts it fills in
// the rest.
const INODE_UNINIT: u16 = 1;
const BLOCK_UNINIT: u16 = 2;

/// With which checksums begin: that of the UUID.
pub(super) fn seed(named: &Named) -> u32 {
    crc32c::update(!0, &named.uuid)
}

/// The copy in `group`; `blocks` is what the journal's inode says of its place.
pub(super) fn superblock(
    geometry: &Geometry,
    named: &Named,
    group: u64,
    blocks: &[u8],
) -> [u8; SIZE] {
    let mut all = [0; SIZE];
    let own = &mut all;
    let groups = 0..geometry.groups;
    let free: u64 = groups
        .map(|group| geometry.len(group) - geometry.used(group))
        .sum();
    let inodes = geometry.groups * geometry.inodes;
    let reserved = geometry.blocks * RESERVED / 100;
    put(own, 0x0, low(inodes));
    for (at, high, count) in [
        (0x4, 0x150, geometry.blocks),
        (0x8, 0x154, reserved),
        (0xc, 0x158, free),
    ] {
        put(own, at, low(count));
        put(own, high, low(count >> 32));
    }
    put(own, 0x10, low(inodes - FIRST_INODE));
    put(own, 0x18, low(2)); // 1024 << 2 is a block
    put(own, 0x1c, low(2));
    put(own, 0x20, low(GROUP));
    put(own, 0x24, low(GROUP));
    put(own, 0x28, low(geometry.inodes));
    // Written, checked, made.
    for (at, high) in [(0x30, 0x274), (0x40, 0x277), (0x108, 0x276)] {
        put(own, at, low(named.made));
        own[high] = (named.made >> 32) as u8;
    }
    put(own, 0x36, u16::MAX.to_le_bytes()); // never checked for the number of its mounts
    put(own, 0x38, 0xef53u16.to_le_bytes());
    put(own, 0x3a, 1u16.to_le_bytes()); // clean
    put(own, 0x3c, 1u16.to_le_bytes()); // goes on after errors
    put(own, 0x4c, low(1)); // with inodes of any size
    put(own, 0x54, low(FIRST_INODE));
    put(own, 0x58, (INODE as u16).to_le_bytes());
    put(own, 0x5a, (group as u16).to_le_bytes());
    let (resize, wide) = match (geometry.spare, geometry.is_wide()) {
        (0, wide) => (0, if wide { WIDE } else { 0 }),
        (_, _) => (RESIZE_INODE, 0),
    };
    for (at, features) in [
        (0x5c, HAS_JOURNAL | EXT_ATTR | DIR_INDEX | resize),
        (0x60, FILETYPE | EXTENTS | wide),
        (
            0x64,
            SPARSE_SUPER | LARGE_FILE | HUGE_FILE | DIR_NLINK | EXTRA_ISIZE | METADATA_CSUM,
        ),
    ] {
        put(own, at, features.to_le_bytes());
    }
    put(own, 0x68, named.uuid);
    let label = &named.label.as_bytes()[..named.label.len().min(16)];
    own[0x78..][..label.len()].copy_from_slice(label);
    put(own, 0xce, (geometry.spare as u16).to_le_bytes());
    put(own, 0xe0, low(JOURNAL_INODE));
    put(own, 0xec, named.hash_seed);
    own[0xfc] = 1; // names are hashed by half of MD4
    own[0xfd] = 1; // what follows at 0x10c is the journal's inode
    if geometry.is_wide() {
        put(own, 0xfe, (geometry.descriptor as u16).to_le_bytes());
    }
    put(own, 0x100, low(0xc)); // user_xattr, acl
    own[0x10c..][..blocks.len()].copy_from_slice(blocks);
    let journal = geometry.journal_len() * BLOCK;
    put(own, 0x148, low(journal >> 32));
    put(own, 0x14c, low(journal));
    put(own, 0x15c, 32u16.to_le_bytes());
    put(own, 0x15e, 32u16.to_le_bytes());
    put(own, 0x160, low(1)); // letters have a sign when names are hashed
    own[0x175] = 1; // CRC-32C
    let sum = crc32c::update(!0, &own[..SIZE - 4]);
    put(own, SIZE - 4, sum.to_le_bytes());
    all
}

/// What is in use of the blocks of a group, a bit for each.
pub(super) fn block_bitmap(geometry: &Geometry, group: u64) -> Vec<u8> {
    let mut bitmap = bits(0..geometry.used(group));
    // What is not there counts as in use.
    let beyond = bits(geometry.len(group)..GROUP);
    bitmap
        .iter_mut()
        .zip(&beyond)
        .for_each(|(to, more)| *to |= more);
    bitmap
}

/// The same of the inodes of the first group.
pub(super) fn inode_bitmap(geometry: &Geometry) -> Vec<u8> {
    let mut bitmap = bits(0..FIRST_INODE);
    let beyond = bits(geometry.inodes..GROUP);
    bitmap
        .iter_mut()
        .zip(&beyond)
        .for_each(|(to, more)| *to |= more);
    bitmap
}

fn bits(range: std::ops::Range<u64>) -> Vec<u8> {
    let byte = |byte: u64| {
        let bits = (0..8).filter(|bit| range.contains(&(byte * 8 + bit)));
        bits.fold(0, |bits, bit| bits | 1 << bit)
    };
    (0..BLOCK).map(byte).collect()
}

/// Has the group bitmaps of its own on the disk?
pub(super) fn is_written(geometry: &Geometry, group: u64) -> bool {
    group + 1 == geometry.groups || geometry.used(group) > geometry.overhead(group)
}

/// The descriptor of `group`, appended to `to`.
pub(super) fn describe(geometry: &Geometry, seed: u32, group: u64, to: &mut Vec<u8>) {
    let mut all = [0; 64];
    let own = &mut all[..geometry.descriptor as usize];
    let place = group * GROUP + geometry.lead(group);
    let free = geometry.len(group) - geometry.used(group);
    let first = group == 0;
    let in_use = if first { FIRST_INODE } else { 0 };
    let mut flags = if first { 0 } else { INODE_UNINIT };
    for (at, block) in [(0x0, place), (0x4, place + 1), (0x8, place + 2)] {
        put(own, at, low(block));
        if geometry.is_wide() {
            put(own, at + 0x20, low(block >> 32));
        }
    }
    put(own, 0xc, (free as u16).to_le_bytes());
    let inodes = ((geometry.inodes - in_use) as u16).to_le_bytes();
    put(own, 0xe, inodes);
    put(own, 0x10, (if first { 2u16 } else { 0 }).to_le_bytes()); // folders
    put(own, 0x1c, inodes); // never used yet
    let mut sums = [(0x18, 0x38, None), (0x1a, 0x3a, None)];
    match is_written(geometry, group) {
        true => sums[0].2 = Some(crc32c::update(seed, &block_bitmap(geometry, group))),
        false => flags |= BLOCK_UNINIT,
    }
    if first {
        let counted = &inode_bitmap(geometry)[..geometry.inodes as usize / 8];
        sums[1].2 = Some(crc32c::update(seed, counted));
    }
    for (at, high, sum) in sums {
        let sum: u32 = sum.unwrap_or(0);
        put(own, at, (sum as u16).to_le_bytes());
        if geometry.is_wide() {
            put(own, high, ((sum >> 16) as u16).to_le_bytes());
        }
    }
    put(own, 0x12, flags.to_le_bytes());
    let sum = crc32c::update(seed, &low(group));
    let sum = crc32c::update(sum, own);
    put(own, 0x1e, (sum as u16).to_le_bytes());
    to.extend_from_slice(own);
}
