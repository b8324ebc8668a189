//! What a new ext4 file system has in it: its root, lost+found, the journal and the list of spare descriptor blocks.

use crate::codec::crc32c;
use crate::disk::filesystem::ext4::geometry::{
    ADDRESSES, BLOCK, GROUP, Geometry, INODE, LOST_AND_FOUND,
};
use crate::disk::filesystem::ext4::superblock::{FIRST_INODE, JOURNAL_INODE};
use crate::disk::filesystem::ext4::{Named, low, put};

const ROOT_INODE: u64 = 2;
const SPARE_INODE: u64 = 7;
const FOLDER: u16 = 0o040_000;
const FILE: u16 = 0o100_000;
/// i_flags: i_block holds extents.
const EXTENTS: u32 = 0x8_0000;
/// Where in an inode i_block is, and how long.
const PLACE: usize = 0x28;
const PLACE_LEN: usize = 60;
/// Of i_block, the entry for a list of lists.
const DOUBLE: usize = 13;
const OTHER: usize = 0xde;
/// Bytes at the end of a folder's block that hold its sum.
const TAIL: usize = 12;

struct Inode<'a> {
    number: u64,
    mode: u16,
    links: u16,
    size: u64,
    /// Of its own.
    blocks: u64,
    flags: u32,
    place: &'a [u8],
}

/// The first block of the inodes.
pub(super) fn table(geometry: &Geometry, named: &Named, seed: u32) -> Vec<u8> {
    let mut table = vec![0; BLOCK as usize];
    let mut add = |inode: Inode| {
        let at = ((inode.number - 1) * INODE) as usize;
        write(&inode, named, seed, &mut table[at..at + INODE as usize]);
    };
    for (number, mode, links, at, blocks) in [
        (ROOT_INODE, 0o755, 3, geometry.root(), 1),
        (
            FIRST_INODE,
            0o700,
            2,
            geometry.lost_and_found(),
            LOST_AND_FOUND,
        ),
    ] {
        add(Inode {
            number,
            mode: FOLDER | mode,
            links,
            size: blocks * BLOCK,
            blocks,
            flags: EXTENTS,
            place: &extents(&[(at, blocks)]),
        });
    }
    let blocks = geometry.journal_len();
    add(Inode {
        number: JOURNAL_INODE,
        mode: FILE | 0o600,
        links: 1,
        size: blocks * BLOCK,
        blocks,
        flags: EXTENTS,
        place: &extents(&geometry.journal),
    });
    if geometry.spare > 0 {
        let mut place = [0; PLACE_LEN];
        put(&mut place, 4 * DOUBLE, low(geometry.spare_list()));
        add(Inode {
            number: SPARE_INODE,
            mode: FILE | 0o600,
            links: 1,
            // As far as lists of lists reach.
            size: (ADDRESSES * ADDRESSES + ADDRESSES + 12) * BLOCK,
            blocks: 1 + geometry.spare * (1 + geometry.copies().count() as u64),
            flags: 0,
            place: &place,
        });
    }
    table
}

/// fs/ext4/ext4.h, struct ext4_inode.
fn write(inode: &Inode, named: &Named, seed: u32, to: &mut [u8]) {
    put(to, 0x0, inode.mode.to_le_bytes());
    put(to, 0x4, low(inode.size));
    for (at, more) in [(0x8, 0x8c), (0xc, 0x84), (0x10, 0x88), (0x90, 0x94)] {
        put(to, at, low(named.made));
        put(to, more, low(named.made >> 32 & 3));
    }
    put(to, 0x1a, inode.links.to_le_bytes());
    put(to, 0x1c, low(inode.blocks * (BLOCK / 512)));
    put(to, 0x20, inode.flags.to_le_bytes());
    to[PLACE..][..PLACE_LEN].copy_from_slice(inode.place);
    put(to, 0x6c, low(inode.size >> 32));
    put(to, 0x80, 32u16.to_le_bytes());
    let sum = crc32c::update(own_seed(seed, inode.number), to);
    put(to, 0x7c, (sum as u16).to_le_bytes());
    put(to, 0x82, ((sum >> 16) as u16).to_le_bytes());
}

/// With which the checksums of an inode begin: its number and its generation, 0.
fn own_seed(seed: u32, number: u64) -> u32 {
    crc32c::update(crc32c::update(seed, &low(number)), &[0; 4])
}

/// What the journal's inode says of its place.
pub(super) fn journal_place(geometry: &Geometry) -> [u8; PLACE_LEN] {
    extents(&geometry.journal)
}

/// fs/ext4/ext4_extents.h, struct ext4_extent_header and ext4_extent.
fn extents(all: &[(u64, u64)]) -> [u8; PLACE_LEN] {
    let mut place = [0; PLACE_LEN];
    put(&mut place, 0, 0xf30au16.to_le_bytes());
    put(&mut place, 2, (all.len() as u16).to_le_bytes());
    put(&mut place, 4, 4u16.to_le_bytes()); // there is room for
    let mut first = 0;
    for (index, (at, len)) in all.iter().enumerate() {
        let own = &mut place[12 * (index + 1)..];
        put(own, 0, low(first));
        put(own, 4, (*len as u16).to_le_bytes());
        put(own, 6, ((at >> 32) as u16).to_le_bytes());
        put(own, 8, low(*at));
        first += len;
    }
    place
}

/// The blocks of root and lost+found, one behind the other.
pub(super) fn folders(seed: u32) -> Vec<u8> {
    let mut all = Vec::new();
    let room = BLOCK as usize - TAIL;
    let mut block = |inode, entries: &[(u64, &str)]| {
        let start = all.len();
        all.resize(start + BLOCK as usize, 0);
        let own: &mut [u8] = &mut all[start..];
        let mut at = 0;
        for (index, (number, name)) in entries.iter().enumerate() {
            let len = match index + 1 == entries.len() {
                true => room - at,
                false => (8 + name.len()).next_multiple_of(4),
            };
            put(own, at, low(*number));
            put(own, at + 4, (len as u16).to_le_bytes());
            own[at + 6] = name.len() as u8;
            own[at + 7] = if name.is_empty() { 0 } else { 2 };
            own[at + 8..][..name.len()].copy_from_slice(name.as_bytes());
            at += len;
        }
        let sum = crc32c::update(own_seed(seed, inode), &own[..room]);
        put(own, room + 4, (TAIL as u16).to_le_bytes());
        own[room + 7] = OTHER as u8;
        put(own, room + 8, sum.to_le_bytes());
    };
    let (root, lost) = (ROOT_INODE, FIRST_INODE);
    block(root, &[(root, "."), (root, ".."), (lost, "lost+found")]);
    block(lost, &[(lost, "."), (root, "..")]);
    for _ in 1..LOST_AND_FOUND {
        block(lost, &[(0, "")]);
    }
    all
}

/// The first block of the journal: include/linux/jbd2.h, journal_superblock_t.
pub(super) fn journal(geometry: &Geometry) -> Vec<u8> {
    let mut own = vec![0; BLOCK as usize];
    for (at, number) in [
        (0x0, 0xc03b_3998),
        (0x4, 4), // a superblock of the second version
        (0xc, BLOCK as u32),
        (0x10, geometry.journal_len() as u32),
        (0x14, 1), // what follows this block is the log
        (0x18, 1), // the next transaction
        (0x40, 1), // one file system writes it
    ] {
        put(&mut own, at, u32::to_be_bytes(number));
    }
    own
}

/// The list of lists, and the lists themselves: each spare block behind the descriptors lists its counterparts in the
/// copies.
pub(super) fn spare_lists(geometry: &Geometry) -> (Vec<u8>, Vec<u8>) {
    let first = 1 + geometry.table;
    let mut list = vec![0; BLOCK as usize];
    let mut lists = Vec::new();
    for spare in first..first + geometry.spare {
        let entry = (spare - 1) % ADDRESSES;
        put(&mut list, 4 * entry as usize, low(spare));
        let start = lists.len();
        lists.resize(start + BLOCK as usize, 0);
        for (index, group) in geometry.copies().enumerate() {
            put(&mut lists[start..], 4 * index, low(group * GROUP + spare));
        }
    }
    (list, lists)
}
