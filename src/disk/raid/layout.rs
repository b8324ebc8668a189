//! Where the members of new arrays lie on their disks, and the partition tables that say so.
//!
//! Pure: sizes in, bytes out. Places are those of protocol/steps.md §10.

use crate::codec::uuid;
use crate::disk::raid::configuration::Volume;
use crate::disk::table::gpt::Gpt;
use crate::disk::table::gpt_geometry::Piece;
use crate::disk::table::partition_plan::Scheme;
use crate::disk::table::{Partition, mbr};
use crate::error::{Error, Kind, Result};
use crate::units::{Bytes, GIB, MIB};

// Discoverable Partitions Specification: Linux RAID, A19D880F-05FC-4D3B-A006-743F0F84911E, as it lies on the disk.
pub(super) const RAID_TYPE: [u8; 16] = [
    0x0f, 0x88, 0x9d, 0xa1, 0xfc, 0x05, 0x3b, 0x4d, 0xa0, 0x06, 0x74, 0x3f, 0x0f, 0x84, 0x91, 0x1e,
];
// Its byte in an MBR is the one of any Linux partition, as parted has it: that of RAID has kernels start arrays by themselves.
const MBR_LINUX: u8 = 0x83;
/// Smaller ones hold no superblock with what belongs to it.
const SMALLEST: u64 = 16 * MIB;

/// A disk, as far as it matters for where things lie.
#[derive(Clone, Debug)]
pub struct Bare {
    /// What the machine calls it, for messages.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Bytes in a sector as addressed.
    pub sector: u64,
}

/// The partitions of one disk, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// In bytes from the start of the disk.
    pub parts: Vec<Partition>,
    scheme: Scheme,
    sector: u64,
    size: u64,
}

/// One layout for each of `disks`; `members` says which disks each volume is made of, by their places in `disks`. The error
/// has every volume that does not fit.
pub fn plan(
    scheme: Scheme,
    disks: &[Bare],
    volumes: &[Volume],
    members: &[Vec<usize>],
) -> Result<Vec<Layout>> {
    let mut problems = Vec::new();
    let mut layouts = Vec::new();
    for (at, disk) in disks.iter().enumerate() {
        let own = volumes.iter().zip(members);
        let own = own.filter(|(_, members)| members.contains(&at));
        let parts = parts(scheme, disk, own.map(|(volume, _)| volume), &mut problems)?;
        layouts.push(Layout {
            parts,
            scheme,
            sector: disk.sector,
            size: disk.size,
        });
    }
    match problems.is_empty() {
        true => Ok(layouts),
        false => Err(Error::new(Kind::SoftwareRAIDError, problems.join("; "))),
    }
}

fn parts<'a>(
    scheme: Scheme,
    disk: &Bare,
    volumes: impl Iterator<Item = &'a Volume>,
    problems: &mut Vec<String>,
) -> Result<Vec<Partition>> {
    let limit = match scheme {
        // More than an MBR can tell is not used: an array of what is there beats none.
        Scheme::Mbr => disk.size.min(u64::from(u32::MAX) * disk.sector),
        _ => Gpt::new([0; 16], disk.sector, disk.size)?.limit(),
    };
    let limit = limit / MIB * MIB;
    let mut start = match scheme {
        Scheme::Uefi => 551 * MIB,
        Scheme::BiosGpt => 8 * MIB,
        Scheme::Mbr => MIB,
    };
    let mut parts: Vec<Partition> = Vec::new();
    for (number, volume) in (1..).zip(volumes) {
        // The first ends where it would if it began at the start of the disk.
        let base = if number == 1 { 0 } else { start };
        let end = match volume.size {
            Some(size) => base + size * GIB,
            None => limit,
        };
        if end > limit || end < start + SMALLEST {
            let size = match volume.size {
                Some(size) => format!("{size} GiB"),
                None => "MAX".to_owned(),
            };
            problems.push(format!(
                "{}: no room for logical disk {number} of {size}: it would lie from {} to {}, and partitions may lie up to {}",
                disk.name,
                Bytes(start),
                Bytes(end),
                Bytes(limit)
            ));
            break;
        }
        parts.push(Partition {
            number,
            start,
            end,
            name: "primary".to_owned(),
        });
        start = end;
    }
    Ok(parts)
}

impl Layout {
    /// The bytes of the table. The first sector comes last: without it nobody takes the rest for a table.
    pub fn pieces(&self, random: impl Fn() -> Result<[u8; 16]>) -> Result<Vec<Piece>> {
        let guid = || random().map(|random| uuid::swapped(uuid::version_4(random)));
        if self.scheme == Scheme::Mbr {
            let [a, b, c, d, ..] = guid()?;
            let entry = |part: &Partition| (MBR_LINUX, part.start..part.end, false);
            let entries: Vec<_> = self.parts.iter().map(entry).collect();
            // 0 stands for no signature.
            let signature = u32::from_le_bytes([a, b, c, d]).max(1);
            let record = mbr::boot_record(signature, self.sector, &entries);
            return Ok(vec![(0, record.to_vec())]);
        }
        let mut gpt = Gpt::new(guid()?, self.sector, self.size)?;
        for part in &self.parts {
            gpt.put(part, RAID_TYPE, guid()?);
        }
        let mut pieces = gpt.pieces().to_vec();
        pieces.push((0, mbr::protective(gpt.sectors()).to_vec()));
        Ok(pieces)
    }
}
