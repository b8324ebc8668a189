//! Recognises a file system by its first bytes, with its label and UUID, as far as config drives and images of one
//! partition need it.

use crate::codec::uuid;

use std::fmt;

/// Bytes from the start of a file system that tell what it is.
pub const LOOK: usize = 36 << 10;
/// Bytes from its start that tell its UUID.
pub const LOOK_FOR_UUID: usize = 68 << 10;

/// Where the superblock of btrfs is.
const BTRFS: usize = 64 << 10;

/// What holds a UUID: a magic and where it is, and where the UUID is, 16 bytes.
#[rustfmt::skip]
const WITH_UUID: &[(&[u8], usize, usize)] = &[
    // fs/ext4/ext4.h, struct ext4_super_block: s_magic at 0x38, s_uuid at 0x68 of the block at 1024.
    (b"\x53\xef", 1024 + 0x38, 1024 + 0x68),
    // fs/xfs/libxfs/xfs_format.h, struct xfs_dsb: sb_magicnum, sb_uuid.
    (b"XFSB", 0, 32),
    // fs/btrfs: include/uapi/linux/btrfs_tree.h, struct btrfs_super_block at 64 KiB: fsid, magic.
    (b"_BHRfS_M", BTRFS + 0x40, BTRFS + 0x20),
    // include/linux/f2fs_fs.h, struct f2fs_super_block at 1024: magic, uuid.
    (b"\x10\x20\xf5\xf2", 1024, 1024 + 108),
    // fs/erofs/erofs_fs.h, struct erofs_super_block at 1024: magic, uuid.
    (b"\xe2\xe1\xf5\xe0", 1024, 1024 + 48),
    // include/linux/swap.h, union swap_header, pages of 4 KiB.
    (b"SWAPSPACE2", 4096 - 10, 1024 + 12),
];

/// A file system by what it begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Which one.
    pub kind: Kind,
    /// As blkid has it; empty without one.
    pub label: String,
    /// The smallest part of a disk it counts in; it works only where sectors are no larger.
    pub unit: u64,
}

/// Those that hold config drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECMA-119.
    Iso9660,
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// ext2, ext3 or ext4.
    Ext,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Iso9660 => "ISO 9660",
            Kind::Fat => "vfat",
            Kind::Ext => "ext",
        })
    }
}

impl FileSystem {
    /// None if it is none of these.
    pub fn find(start: &[u8]) -> Option<Self> {
        iso9660(start).or_else(|| fat(start)).or_else(|| ext(start))
    }
}

/// `UUID` as blkid has it, of the file system that begins with `start`.
pub fn uuid(start: &[u8]) -> Option<String> {
    let found = WITH_UUID.iter().find_map(|(magic, at, uuid)| {
        start.get(*at..)?.starts_with(magic).then_some(())?;
        <[u8; 16]>::try_from(start.get(*uuid..*uuid + 16)?).ok()
    });
    let found = found.filter(|bytes| *bytes != [0; 16]);
    let found = found.map(|bytes| uuid::text(&bytes));
    // Last: a boot loader may have put a sector like that of FAT before another file system.
    found.or_else(|| volume_id(start))
}

/// The kernel's name of the driver for the file system that begins with `start`, if it is one that files can be put into.
pub fn driver(start: &[u8]) -> Option<&'static str> {
    let at =
        |place: usize, magic: &[u8]| start.get(place..).is_some_and(|at| at.starts_with(magic));
    match FileSystem::find(start).map(|found| found.kind) {
        _ if at(0, b"XFSB") => Some("xfs"),
        _ if at(BTRFS + 0x40, b"_BHRfS_M") => Some("btrfs"),
        Some(Kind::Ext) => Some("ext4"), // which is for those before it, too
        Some(Kind::Fat) => Some("vfat"),
        Some(Kind::Iso9660) | None => None,
    }
}

/// The label of such a file system; empty without one.
pub fn label(start: &[u8]) -> String {
    let field = |at: usize, len: usize| start.get(at..at + len).map(text).unwrap_or_default();
    match driver(start) {
        // fs/xfs/libxfs/xfs_format.h, struct xfs_dsb: sb_fname; btrfs_tree.h, struct btrfs_super_block: label.
        Some("xfs") => field(108, 12),
        Some("btrfs") => field(BTRFS + 0x12b, 256),
        _ => FileSystem::find(start)
            .map(|found| found.label)
            .unwrap_or_default(),
    }
}

/// The serial number of a FAT file system: `7B77-95E7`.
fn volume_id(start: &[u8]) -> Option<String> {
    // Microsoft, FAT specification 1.03: BS_VolID, four bytes before the label.
    let at = fat_label(start)? - 4;
    let [a, b, c, d]: [u8; 4] = start.get(at..at + 4)?.try_into().ok()?;
    Some(format!("{d:02X}{c:02X}-{b:02X}{a:02X}"))
}

/// Whom an ISO 9660 file system names as its publisher; empty for nobody, none where there is no such file system.
pub fn publisher(start: &[u8]) -> Option<String> {
    // ECMA-119, 8.4.20: 128 bytes.
    primary(start).map(|primary| text(&primary[318..446]))
}

fn iso9660(start: &[u8]) -> Option<FileSystem> {
    primary(start).map(|primary| FileSystem {
        kind: Kind::Iso9660,
        label: text(&primary[40..72]),
        unit: 2048,
    })
}

/// The descriptor that tells of the whole.
fn primary(start: &[u8]) -> Option<&[u8]> {
    // ECMA-119, 6.2.1 and 8.4: the descriptors begin in sector 16 of 2048 bytes; the first is the primary.
    let primary = start.get(16 * 2048..17 * 2048)?;
    primary.starts_with(b"\x01CD001").then_some(primary)
}

fn fat(start: &[u8]) -> Option<FileSystem> {
    let at = fat_label(start)?;
    Some(FileSystem {
        kind: Kind::Fat,
        label: text(&start[at..at + 11]),
        unit: fat_unit(start),
    })
}

/// Where the label of a FAT file system is, if this is one.
fn fat_label(start: &[u8]) -> Option<usize> {
    // Microsoft, FAT specification 1.03: the label of FAT12 and FAT16 at 43, of FAT32 at 71; 11 bytes each.
    let sector = start.get(..512)?;
    let at = match (&sector[54..57], &sector[82..87]) {
        (_, b"FAT32") => 71,
        (b"FAT", _) => 43,
        _ => return None,
    };
    let whole = sector.ends_with(&[0x55, 0xaa]) && fat_unit(sector).is_power_of_two();
    whole.then_some(at)
}

fn fat_unit(sector: &[u8]) -> u64 {
    u64::from(u16::from_le_bytes([sector[11], sector[12]]))
}

fn ext(start: &[u8]) -> Option<FileSystem> {
    // fs/ext4/ext4.h, struct ext4_super_block: s_log_block_size at 0x18, s_magic at 0x38, s_volume_name at 0x78.
    let block = start.get(1024..2048)?;
    (block[0x38..0x3a] == [0x53, 0xef]).then(|| FileSystem {
        kind: Kind::Ext,
        label: text(&block[0x78..0x88]),
        unit: 1024 << block[0x18].min(6),
    })
}

/// Up to the first zero, blanks cut off.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0);
    let field = &field[..end.unwrap_or(field.len())];
    String::from_utf8_lossy(field).trim().to_owned()
}
