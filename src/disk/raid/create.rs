//! Makes arrays: superblocks first, then the partition tables without which nobody sees them, then the kernel puts them together.
//!
//! Whenever the power fails, an array whose members do not all show is one that lacks members, and says so. What fails otherwise
//! is taken back.

use std::ops::Range;

use log::{info, warn};

use crate::codec::uuid;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::{Disk, list};
use crate::disk::raid::configuration::Volume;
use crate::disk::raid::kernel_array;
use crate::disk::raid::layout::Layout;
use crate::disk::raid::members::{arrays, state};
use crate::disk::raid::superblock;
use crate::disk::select::write_permit::Permit;
use crate::disk::wipe;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::sys::kernel;
use crate::system_root::SystemRoot;
use crate::units::MIB;

/// What is zeroed at the start of a member, of its data, and at its end: what was there is not to show in the array.
const ENDS: u64 = MIB;

/// Arrays to be made of disks that nobody uses.
pub struct Order<'a> {
    /// At least one.
    pub disks: &'a [Disk],
    /// One for each disk.
    pub layouts: &'a [Layout],
    /// At least one.
    pub volumes: &'a [Volume],
    /// For each volume the places of its disks in `disks`.
    pub members: &'a [Vec<usize>],
    /// Seconds since 1970.
    pub now: u64,
}

/// Makes them; the kernel's name of each. They synchronise on their own from here on.
pub fn create(host: &SystemRoot, permit: &Permit, order: &Order) -> Result<Vec<String>> {
    let permit = &permit.of_chosen(order.disks);
    let numbers = (0..128).filter(|number| kernel_array::is_free(host, *number));
    let names: Vec<_> = numbers.take(order.volumes.len()).map(|number| format!("md{number}")).collect();
    let outcome = write(host, permit, order, &names).and_then(|made| start(host, order, &names, &made));
    if let Err(error) = outcome {
        take_back(host, permit, order, &names);
        return Err(error).kind(Kind::SoftwareRAIDError);
    }
    Ok(names)
}

/// Everything on the disks; the arrays' UUIDs.
fn write(
    host: &SystemRoot,
    permit: &Permit,
    order: &Order,
    names: &[String],
) -> Result<Vec<[u8; 16]>> {
    for disk in order.disks {
        wipe::metadata(disk, permit, host)?;
    }
    let targets = order.disks.iter().map(|disk| ExclusiveDisk::open(&disk.path, permit));
    let targets: Vec<_> = targets.collect::<Result<_>>()?;
    let mut uuids = Vec::new();
    let mut next = vec![0; order.disks.len()];
    for ((volume, members), device) in order.volumes.iter().zip(order.members).zip(names) {
        let mut ranges = Vec::new();
        for disk in members {
            let part = &order.layouts[*disk].parts[next[*disk]];
            next[*disk] += 1;
            ranges.push(part.start..part.end);
        }
        let array = superblock::Array {
            name: volume.name.clone().unwrap_or_else(|| device.clone()),
            uuid: uuid::version_4(random()?),
            level: volume.level,
            at_end: false,
            members: ranges.iter().map(|range| range.end - range.start).collect(),
            made: order.now,
        };
        uuids.push(array.uuid);
        for (member, (disk, range)) in members.iter().zip(ranges).enumerate() {
            put_member(&targets[*disk], range, &array, member)?;
        }
    }
    for target in &targets {
        target.flush()?;
    }
    for (target, layout) in targets.iter().zip(order.layouts) {
        for (at, bytes) in layout.pieces(random)? {
            if at == 0 {
                target.flush()?;
            }
            put(target, at, &bytes)?;
        }
        target.flush()?;
    }
    for target in &targets {
        if target.is_device() {
            target.reread_partitions()?;
        }
    }
    Ok(uuids)
}

/// Makes the part of a disk a member of an array.
pub fn put_member(
    target: &ExclusiveDisk,
    range: Range<u64>,
    array: &superblock::Array,
    member: usize,
) -> Result<()> {
    let part = target.part(range);
    let (size, data) = (part.size().0, array.data_at(member));
    for zone in [0..ENDS, data..data + ENDS, size.saturating_sub(2 * ENDS)..size] {
        zero(&part, zone)?;
    }
    // Not over the zeros that are still on their way.
    part.flush()?;
    for (at, bytes) in array.pieces(member, random()?) {
        put(&part, at, &bytes)?;
    }
    Ok(())
}

fn zero(target: &ExclusiveDisk, range: Range<u64>) -> Result<()> {
    let zeros = Aligned::new(MIB as usize);
    let mut at = range.start;
    while at < range.end.min(target.size().0) {
        let len = (range.end.min(target.size().0) - at).min(MIB);
        target.write_at(&zeros[..len as usize], at)?;
        at += len;
    }
    Ok(())
}

/// Writes what need not fill a sector: the rest of the last one becomes zero, or stays where the piece begins within it.
pub fn put(target: &ExclusiveDisk, at: u64, bytes: &[u8]) -> Result<()> {
    let sector = target.sector();
    let from = at / sector * sector;
    let end = (at + bytes.len() as u64).next_multiple_of(sector);
    let mut memory = Aligned::new(((end - from) as usize).next_multiple_of(ALIGNMENT));
    let len = (end - from) as usize;
    target.read_at(&mut memory[..len], from)?;
    memory[(at - from) as usize..][..bytes.len()].copy_from_slice(bytes);
    target.write_at(&memory[..len], from)
}

/// Has the kernel put together what was written.
fn start(host: &SystemRoot, order: &Order, names: &[String], uuids: &[[u8; 16]]) -> Result<()> {
    let found = arrays(host, &list(host));
    for ((name, own), members) in names.iter().zip(uuids).zip(order.members) {
        let array = found.iter().find(|array| array.said().uuid == *own);
        let array = array.filter(|array| array.members.len() == members.len());
        let Some(array) = array else {
            let why = format!(
                "the kernel does not show the {} partitions that {name} was made of",
                members.len()
            );
            return Err(Error::plain(why));
        };
        let number = name.trim_start_matches("md").parse().unwrap_or_default();
        kernel_array::assemble(host, number, array)?;
        let lacking = state(host, name, "degraded");
        // RAID 0 has no such file.
        if lacking.as_deref().is_some_and(|count| count != "0") {
            let why = format!("the kernel took only some of the members of {name}: {}", array.describe());
            return Err(Error::plain(why));
        }
        kernel_array::start_writing(host, name)?;
        info!("{name} is made: {}", array.describe());
    }
    Ok(())
}

/// Nothing half made is left, as far as that can be.
fn take_back(host: &SystemRoot, permit: &Permit, order: &Order, names: &[String]) {
    for name in names {
        let kernel: u32 = name.trim_start_matches("md").parse().unwrap_or_default();
        if !kernel_array::is_free(host, kernel)
            && let Err(error) = kernel_array::stop(host, name)
        {
            warn!("taking back: {}", error.details());
        }
    }
    for disk in list(host) {
        let ours = order.disks.iter().any(|own| own.path == disk.path);
        if ours && let Err(error) = wipe::metadata(&disk, permit, host) {
            warn!("taking back: {}", error.details());
        }
    }
}

/// What UUIDs and GUIDs are made of.
pub fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    kernel::random(&mut bytes).context("drawing random bytes for a UUID")?;
    Ok(bytes)
}
