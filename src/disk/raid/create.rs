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
    let names: Vec<_> = numbers
        .take(order.volumes.len())
        .map(|number| format!("md{number}"))
        .collect();
    let outcome =
        write(host, permit, order, &names).and_then(|made| start(host, order, &names, &made));
    if let Err(error) = outcome {
        take_back(host, permit, order, &names);
        let why = format!(
            "making {}: {}; nothing of it is left where that could be written",
            names.join(" and "),
            error.details()
        );
        return Err(Error::new(Kind::SoftwareRAIDError, why));
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
    let targets = order
        .disks
        .iter()
        .map(|disk| ExclusiveDisk::open(&disk.path, permit));
    let targets: Vec<_> = targets.collect::<Result<_>>()?;
    let (writes, uuids) = plan(
        order.volumes,
        order.members,
        order.layouts,
        names,
        order.now,
        random,
    )?;
    carry_out(&writes, &targets)?;
    for target in targets.iter().filter(|target| target.is_device()) {
        target.reread_partitions()?;
    }
    Ok(uuids)
}

/// One thing done to the disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// At a byte of the disk of this place.
    Bytes(usize, u64, Vec<u8>),
    /// Zeros over a range of bytes of it.
    Zeros(usize, Range<u64>),
    /// All that came before is on stable storage, of every disk.
    Flush,
}

/// Everything that makes arrays of bare disks, in its order, and the arrays' UUIDs. A disk shows nothing before its table's first
/// sector, and that goes only after every member of every array is whole.
pub fn plan(
    volumes: &[Volume],
    members: &[Vec<usize>],
    layouts: &[Layout],
    names: &[String],
    now: u64,
    random: impl Fn() -> Result<[u8; 16]>,
) -> Result<(Vec<Write>, Vec<[u8; 16]>)> {
    let (mut writes, mut uuids) = (Vec::new(), Vec::new());
    let mut next = vec![0; layouts.len()];
    for ((volume, members), device) in volumes.iter().zip(members).zip(names) {
        let mut ranges = Vec::new();
        for disk in members {
            let part = &layouts[*disk].parts[next[*disk]];
            next[*disk] += 1;
            ranges.push(part.start..part.end);
        }
        let array = superblock::Array {
            name: volume.name.clone().unwrap_or_else(|| device.clone()),
            uuid: uuid::version_4(random()?),
            level: volume.level,
            at_end: false,
            members: ranges.iter().map(|range| range.end - range.start).collect(),
            made: now,
        };
        uuids.push(array.uuid);
        for (member, (disk, range)) in members.iter().zip(ranges).enumerate() {
            writes.extend(one_member(*disk, &range, &array, member, random()?));
        }
    }
    let tables = layouts.iter().map(|layout| layout.pieces(&random));
    let tables: Vec<_> = tables.collect::<Result<_>>()?;
    for last in [false, true] {
        writes.push(Write::Flush);
        for (disk, pieces) in tables.iter().enumerate() {
            let now = pieces.iter().filter(|(at, _)| (*at == 0) == last);
            writes.extend(now.map(|(at, bytes)| Write::Bytes(disk, *at, bytes.clone())));
        }
    }
    writes.push(Write::Flush);
    Ok((writes, uuids))
}

/// What makes a range of the disk of this place a member of an array; `own` is its UUID.
pub fn one_member(
    disk: usize,
    range: &Range<u64>,
    array: &superblock::Array,
    member: usize,
    own: [u8; 16],
) -> Vec<Write> {
    let (size, data) = (range.end - range.start, array.data_at(member));
    let zones = [
        0..ENDS,
        data..data + ENDS,
        size.saturating_sub(2 * ENDS)..size,
    ];
    let zeros = zones.map(|zone| {
        Write::Zeros(
            disk,
            range.start + zone.start..range.start + zone.end.min(size),
        )
    });
    let pieces = array.pieces(member, own).into_iter();
    let pieces = pieces.map(|(at, bytes)| Write::Bytes(disk, range.start + at, bytes));
    // Not over the zeros that are still on their way.
    zeros
        .into_iter()
        .chain([Write::Flush])
        .chain(pieces)
        .collect()
}

/// Does all of it to `targets`, by their places.
pub fn carry_out(writes: &[Write], targets: &[ExclusiveDisk]) -> Result<()> {
    let zeros = vec![0; MIB as usize];
    for write in writes {
        match write {
            Write::Bytes(disk, at, bytes) => put(&targets[*disk], *at, bytes)?,
            Write::Zeros(disk, range) => {
                for at in range.clone().step_by(MIB as usize) {
                    put(
                        &targets[*disk],
                        at,
                        &zeros[..(range.end - at).min(MIB) as usize],
                    )?;
                }
            }
            Write::Flush => targets.iter().try_for_each(ExclusiveDisk::flush)?,
        }
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
            let why = format!(
                "the kernel took only some of the members of {name}: {}",
                array.describe()
            );
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
