//! Takes arrays apart for good: no superblock, and no partition table of the disks they were on, is left.
//!
//! What a power cut interrupts can be done again: superblocks go before the tables that lead to them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use log::{info, warn};

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::{Disk, list};
use crate::disk::raid::create::put;
use crate::disk::raid::fate::{Fate, fates};
use crate::disk::raid::kernel_array;
use crate::disk::raid::layout::RAID_TYPE;
use crate::disk::raid::members::{Array, arrays};
use crate::disk::select::write_permit::Permit;
use crate::disk::wipe;
use crate::disk::wipe::partition_ranges::{Kind as Purpose, Places};
use crate::disk::wipe::signatures::SIGNATURES;
use crate::error::{Context, Error, Kind, Result};
use crate::system_root::SystemRoot;

/// What is to be left, and what may be touched at all.
pub struct Order<'a> {
    /// Why an array must not be touched; none if it may be.
    pub spared: &'a dyn Fn(&Array) -> Option<String>,
    /// Disks that may be written where no array that is spared is on them, by the kernel's names.
    pub disks: &'a [String],
}

/// Deletes every array that may be, and what is left of older ones. Two passes at most, as a member may come late.
pub fn delete(host: &SystemRoot, permit: &Permit, order: &Order) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..2 {
        kernel_array::assemble_all(host);
        pass(host, permit, order)?;
        let found = arrays(host, &list(host));
        let fates = fates(&found, order.spared);
        let rest = found
            .iter()
            .zip(&fates)
            .filter(|(_, fate)| **fate == Fate::Delete);
        left = rest.map(|(array, _)| array.describe()).collect();
        if left.is_empty() {
            return Ok(());
        }
    }
    let why = format!("Unable to clean all softraid correctly. Remaining {left:?}");
    Err(Error::new(Kind::SoftwareRAIDError, why))
}

fn pass(host: &SystemRoot, permit: &Permit, order: &Order) -> Result<()> {
    let disks = list(host);
    let found = arrays(host, &disks);
    let fates = fates(&found, order.spared);
    let of = |fate: Fate| {
        found
            .iter()
            .zip(&fates)
            .filter(move |(_, own)| **own == fate)
    };
    let on = |disk: &Disk| {
        let on =
            |(array, fate): &(&Array, &Fate)| **fate != Fate::Delete && array.is_on(disk.kernel());
        found.iter().zip(&fates).any(|pair| on(&pair))
    };
    // Everything is looked at before anything is touched.
    for (array, _) in of(Fate::Delete) {
        let foreign = array
            .members
            .iter()
            .find(|own| !order.disks.contains(&own.disk));
        if let Some(own) = foreign {
            let why = format!(
                "an array cannot be deleted, as {} is no disk to be cleaned; no disk was touched: {}",
                own.disk,
                array.describe()
            );
            return Err(Error::new(Kind::SoftwareRAIDError, why));
        }
    }
    for (array, fate) in found.iter().zip(&fates) {
        let running = array.running.as_deref();
        match fate {
            Fate::Delete => {
                info!("deleting an array: {}", array.describe());
                running.map_or(Ok(()), |kernel| kernel_array::stop(host, kernel))?;
            }
            Fate::Keep(why) => warn!("an array is not deleted, it {why}: {}", array.describe()),
            Fate::Wipe(why) => {
                warn!(
                    "an array is wiped and not deleted, it {why}: {}",
                    array.describe()
                );
                let disk = disks.iter().find(|disk| Some(disk.kernel()) == running);
                let disk = disk.ok_or_else(|| {
                    let why = format!(
                        "an array that is to be wiped is apart: {}",
                        array.describe()
                    );
                    Error::new(Kind::SoftwareRAIDError, why)
                })?;
                wipe::metadata(disk, permit, host)?;
            }
        }
    }
    // Who held them no longer does.
    for disk in list(host)
        .iter()
        .filter(|disk| order.disks.contains(&disk.kernel().to_owned()))
    {
        let deleted = of(Fate::Delete).any(|(array, _)| array.is_on(disk.kernel()));
        match (deleted, on(disk)) {
            (true, false) => drop(wipe::metadata(disk, permit, host)?),
            (true, true) => {
                let gone = of(Fate::Delete).flat_map(|(array, _)| &array.members);
                for own in gone.filter(|own| own.disk == disk.kernel()) {
                    clear(&own.path, own.member.at, permit)?;
                }
            }
            (false, true) => {}
            (false, false) if half_made(disk) => drop(wipe::metadata(disk, permit, host)?),
            (false, false) => leftovers(disk, permit)?,
        }
    }
    Ok(())
}

/// Zeros over one superblock.
fn clear(device: &std::path::Path, at: u64, permit: &Permit) -> Result<()> {
    let target = ExclusiveDisk::open(device, permit)?;
    put(&target, at, &[0; 4096])?;
    target.flush()
}

/// Is there a table of nothing but members that the kernel does not take for one? So a creation leaves it that was cut off before its
/// last write, and a deletion before its last.
fn half_made(disk: &Disk) -> bool {
    let Ok(file) = File::open(&disk.path) else {
        return false;
    };
    let read = &mut |at: u64, bytes: &mut [u8]| Ok(file.read_exact_at(bytes, at)?);
    let parts = Places::read(disk.size.0, disk.logical_sector, read).partitions;
    let mut of_arrays = parts
        .iter()
        .map(|part| part.kind == Purpose::Guid(RAID_TYPE));
    disk.numbers.len() <= 1 && !disk.read_only && !parts.is_empty() && of_arrays.all(|own| own)
}

/// Zeros over what says that a disk, or a partition of it, was a member of an array of any maker's.
fn leftovers(disk: &Disk, permit: &Permit) -> Result<()> {
    if disk.read_only || !disk.holders.is_empty() {
        return Ok(());
    }
    let looking = || format!("looking for what is left of arrays on {}", disk.name);
    let target = match ExclusiveDisk::open(&disk.path, permit) {
        Ok(target) => target,
        Err(error) => {
            warn!("{}: {}", looking(), error.details());
            return Ok(());
        }
    };
    let mut memory = crate::sys::block::Aligned::new(1 << 17);
    let sector = target.sector();
    let mut read = |at: u64, bytes: &mut [u8]| {
        let (from, end) = (
            at / sector * sector,
            (at + bytes.len() as u64).next_multiple_of(sector),
        );
        let room = memory.get_mut(..(end - from) as usize);
        let room = room.filter(|_| end <= target.size().0);
        let room = room.ok_or_else(|| Error::plain("that is not on the disk"))?;
        target.read_at(room, from)?;
        bytes.copy_from_slice(&room[(at - from) as usize..][..bytes.len()]);
        Ok(())
    };
    let size = target.size().0;
    let places = Places::read(size, disk.logical_sector, &mut read);
    let parts = places.partitions.iter().map(|own| own.start..own.end);
    let mut found = Vec::new();
    for range in parts.chain(std::iter::once(0..size)) {
        let raid = SIGNATURES
            .iter()
            .filter(|own| own.name.ends_with("_raid_member"));
        for own in raid {
            // Two bytes prove nothing.
            if own.longest() < 4 {
                continue;
            }
            for at in own.places(range.end - range.start) {
                let mut bytes = vec![0; own.longest() as usize];
                if read(range.start + at, &mut bytes).is_ok() && own.is(&bytes) {
                    found.push((own.name, range.start + at, bytes.len()));
                }
            }
        }
    }
    for (name, at, len) in found {
        info!(
            "{}: {name} at byte {at} is left of an array, and erased",
            disk.name
        );
        put(&target, at, &vec![0; len]).with_context(looking)?;
    }
    target.flush()
}
