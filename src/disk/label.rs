//! What a file system is and its label, as far as config drives and images that wait for one use them.

use std::fmt;

/// Bytes from the start of a file system that tell what it is.
pub const LOOK: usize = 36 << 10;

/// A file system by what it begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    pub kind: Kind,
    pub label: String,
    /// The smallest part of a disk it counts in; it works only where sectors are no larger.
    pub unit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Iso9660,
    Fat,
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

fn iso9660(start: &[u8]) -> Option<FileSystem> {
    // ECMA-119, 6.2.1 and 8.4: the descriptors begin in sector 16 of 2048 bytes; the first is the primary.
    let primary = start.get(16 * 2048..17 * 2048)?;
    primary.starts_with(b"\x01CD001").then(|| FileSystem {
        kind: Kind::Iso9660,
        label: text(&primary[40..72]),
        unit: 2048,
    })
}

fn fat(start: &[u8]) -> Option<FileSystem> {
    // Microsoft, FAT specification 1.03: the label of FAT12 and FAT16 at 43, of FAT32 at 71; 11 bytes each.
    let sector = start.get(..512)?;
    let at = match (&sector[54..57], &sector[82..87]) {
        (_, b"FAT32") => 71,
        (b"FAT", _) => 43,
        _ => return None,
    };
    let unit = u64::from(u16::from_le_bytes([sector[11], sector[12]]));
    let whole = sector.ends_with(&[0x55, 0xaa]) && unit.is_power_of_two();
    whole.then(|| FileSystem {
        kind: Kind::Fat,
        label: text(&sector[at..at + 11]),
        unit,
    })
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
