//! Fits the partition table of a whole-disk image to the disk and gives it a partition for the config drive, while the
//! table is still in memory.
//!
//! The disk never shows anything half-done.

use log::{debug, info};

use crate::codec::uuid;
use crate::disk::filesystem::probe::{FileSystem, LOOK};
use crate::disk::table::gpt::Gpt;
use crate::disk::table::gpt_geometry::Moved;
use crate::disk::table::{Partition, Table, gpt, mbr};
use crate::error::{Context, Error, Kind, Result};
use crate::image::decode::packing::Packing;
use crate::image::layout::config_drive;
use crate::image::layout::config_drive::ConfigDrive;
use crate::image::layout::random;
use crate::image::layout::staged_disk::StagedDisk;
use crate::units::Bytes;

/// Where a config drive is looked for by its reader, in any letter case.
const LABEL: &str = "config-2";

/// What the first bytes of an image say of its table, before the first byte of the disk is touched: an
/// error if [`arrange`] could only refuse it. `known` of them are there; the table may reach further.
pub fn first_look(head: &[u8], known: u64, units: &[u64], size: Bytes) -> Result<()> {
    if known < Table::extent(head, units).min(head.len() as u64) {
        return Ok(());
    }
    fitting(head, units, size.0).map(drop).map_err(|error| {
        let details = error.details();
        Error::new(
            Kind::DeploymentError,
            format!("{details}; the disk holds what it held"),
        )
    })
}

/// The last word on a disk. `demanded` says that without a partition it is good for nothing.
pub fn arrange(staged: &mut StagedDisk, demanded: bool, drive: Option<&ConfigDrive>) -> Result<()> {
    let refused = |error: Error| {
        let details = error.details();
        let why = format!("{details}; nothing bootable was left on the disk");
        Error::new(Kind::DeploymentError, why)
    };
    let (units, size) = (staged.target.table_units(), staged.size());
    let (table, moved) = match fitting(staged.head, units, size) {
        Ok(found) => found,
        Err(error) if demanded || drive.is_some() => return Err(refused(error)),
        Err(error) => {
            debug!("{error}"); // whoever wants only bytes on a disk gets them
            return Ok(());
        }
    };
    info!(
        "{} with {} partitions",
        table.kind(),
        table.partitions().len()
    );
    if let Some(Moved { old_backup }) = moved {
        if let Some(old) = old_backup {
            clear_backup(staged, old)?;
        }
        store(staged, &table)?;
    } else if let Table::Gpt(gpt) = &table
        && !gpt.has_backup(|at, bytes| staged.read(at, bytes))?
    {
        info!("the GPT gets a backup");
        store(staged, &table)?;
    }
    match drive {
        Some(drive) => put(staged, table, drive).map_err(|error| match error.kind() {
            Kind::RESTError => refused(error),
            _ => error,
        }),
        None => Ok(()),
    }
}

/// The table that `head` begins, made that of a disk of `size` bytes.
fn fitting(head: &[u8], units: &[u64], size: u64) -> Result<(Table, Option<Moved>)> {
    let found =
        Table::read(head, units, size).context("reading the partition table of the image")?;
    let mut table = found.ok_or_else(|| Error::plain(no_table(head)))?;
    if table.partitions().is_empty() {
        let why = format!("the {} of the image has no partition", table.kind());
        return Err(Error::plain(why));
    }
    let moved = match &mut table {
        Table::Gpt(gpt) => gpt.fit()?,
        Table::Mbr(_) => None,
    };
    Ok((table, moved))
}

fn no_table(head: &[u8]) -> String {
    match Packing::begun_by(head) {
        Some(packing) => format!(
            "the image has no partition table: it is packed by {}, and ironlet.decompress=1 would unpack it",
            packing.name()
        ),
        None => "the image has no partition table: is it an image of a whole disk?".into(),
    }
}

/// A disk has one backup: what the image had at its own end must not be taken for it.
fn clear_backup(staged: &mut StagedDisk, at: u64) -> Result<()> {
    info!("the backup of the GPT moves to the end of the disk");
    let mut sector = [0; 512];
    if at >= staged.size() - sector.len() as u64 {
        return Ok(());
    }
    staged.read(at, &mut sector)?;
    match gpt::is_header(&sector) {
        true => staged.write(at, &[0; 512]),
        false => Ok(()),
    }
}

fn store(staged: &mut StagedDisk, table: &Table) -> Result<()> {
    let Table::Gpt(gpt) = table else {
        return Ok(()); // an MBR is changed in place
    };
    mbr::protect(staged.head, gpt.sectors());
    for (at, bytes) in gpt.pieces() {
        staged.write(at, &bytes)?;
    }
    Ok(())
}

/// The config drive into the partition that waits for it, else into a new one at the end of the disk.
fn put(staged: &mut StagedDisk, mut table: Table, drive: &ConfigDrive) -> Result<()> {
    let waiting = labelled(staged, &table)?;
    let partition = match &waiting[..] {
        [] => {
            let partition =
                add(staged, &mut table).context("making a partition for the config drive")?;
            store(staged, &table)?;
            partition
        }
        [one] => one.clone(),
        [one, other, ..] => {
            let (one, other) = (one.number, other.number);
            let why =
                format!("partitions {one} and {other} of the image both have the label {LABEL}");
            return Err(Error::plain(why));
        }
    };
    let (number, room) = (partition.number, partition.end - partition.start);
    info!("config drive ({}) goes to partition {number}", drive.size());
    if drive.size().0 > room {
        let (size, room) = (drive.size(), Bytes(room));
        let why = format!(
            "the config drive is {size}, and partition {number} of the image, which waits for it, only {room}"
        );
        return Err(Error::plain(why));
    }
    let end = drive.write_to(staged, partition.start)?;
    match waiting.is_empty() {
        true => staged.zeros(end, partition.end - end), // what the disk held before is nobody's business
        false => Ok(()),
    }
}

fn add(staged: &mut StagedDisk, table: &mut Table) -> Result<Partition> {
    match table {
        Table::Gpt(gpt) => add_to_gpt(gpt),
        Table::Mbr(mbr) => mbr.add(config_drive::LIMIT.0, staged.head),
    }
}

fn add_to_gpt(gpt: &mut Gpt) -> Result<Partition> {
    let guid = uuid::swapped(uuid::version_4(random()?));
    gpt.add(config_drive::LIMIT.0, LABEL, guid)
}

/// The partitions that are called as a config drive is, by their file system or the table.
fn labelled(staged: &mut StagedDisk, table: &Table) -> Result<Vec<Partition>> {
    let mut all = table.partitions();
    if let Table::Mbr(mbr) = table {
        all.extend(mbr.logical(|at, sector| staged.read(at, sector)));
    }
    let mut start = vec![0; LOOK];
    let mut found = Vec::new();
    for partition in all {
        let length = usize::try_from(partition.end - partition.start).unwrap_or(usize::MAX);
        let start = &mut start[..LOOK.min(length)];
        staged.read(partition.start, start)?;
        let inside = FileSystem::find(start).map(|system| system.label);
        let is_drive = |label: &str| label.eq_ignore_ascii_case(LABEL);
        if is_drive(&partition.name) || inside.is_some_and(|label| is_drive(&label)) {
            found.push(partition);
        }
    }
    Ok(found)
}
