//! Makes a disk look new: no partition table, file system, array or volume is to be found on it any more,
//! neither at its ends nor at those of its partitions. The data in between stays.
//!
//! What a power cut interrupts can be done again: partitions are erased before the tables that say where they
//! are, the backup of a table before the table itself. And it starts no more, before any of it is erased.

mod clear;
pub mod partition_ranges;
pub mod signatures;
pub mod zeroing_order;

use log::{info, warn};

use super::list::Disk;
use crate::codec::json::{Value, number, object, text};
use crate::disk::boot_sector;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::select::write_permit::Permit;
use crate::disk::wipe::clear::Sweep;
use crate::disk::wipe::partition_ranges::Places;
use crate::disk::wipe::zeroing_order::plan;
use crate::error::{Context, Error, Kind, Result};
use crate::system_root::SystemRoot;
use crate::units::Bytes;

/// What was on a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// `gpt`, `LVM2_member in partition 3`.
    pub what: Vec<String>,
    /// Zeros written.
    pub written: Bytes,
}

impl Found {
    /// For the result of the step: device, name and offset of each.
    pub fn to_json(&self) -> Value {
        let what = self.what.iter().map(text).collect();
        object([
            ("found", Value::Array(what)),
            ("written", number(self.written.0)),
        ])
    }

    fn note(&mut self, names: &[&str], place: &str) {
        for what in names.iter().map(|name| format!("{name}{place}")) {
            if !self.what.contains(&what) {
                self.what.push(what);
            }
        }
    }
}

/// Erases every signature on `disk` and its partitions, reads back that none is left, and has the kernel
/// forget the partitions. An error before the first write if the disk is in use.
pub fn metadata(disk: &Disk, permit: &Permit, host: &SystemRoot) -> Result<Found> {
    if !disk.holders.is_empty() {
        let why = format!("it is held by {}", disk.holders.join(", "));
        return Err(Error::new(Kind::BlockDeviceEraseError, why));
    }
    let open = ExclusiveDisk::open(&disk.path, permit);
    let found = open
        .and_then(|target| erase(&target, disk, host))
        .with_context(|| format!("erasing the metadata of {}", disk.name))
        // Elsewhere what fails is the writing of an image.
        .map_err(|error| Error::new(Kind::BlockDeviceEraseError, error.details()))?;
    match found.what.is_empty() {
        true => info!("{}: no metadata found, both ends are zero now", disk.name),
        false => info!("{}: found and erased {}", disk.name, found.what.join(", ")),
    }
    Ok(found)
}

fn erase(target: &ExclusiveDisk, disk: &Disk, host: &SystemRoot) -> Result<Found> {
    let size = target.size().0;
    let sector = target.table_units().first().copied().unwrap_or(512);
    let mut sweep = Sweep::new(target);
    let kernel = disk.path.file_name().and_then(|name| name.to_str());
    let places = Places::read(size, sector, &mut |at, bytes| sweep.copy(at, bytes));
    let places = places.with_kernel(host, kernel.unwrap_or_default(), size);

    let mut found = Found::default();
    let mut far = sweep.scan(&(0..size), |names| found.note(names, ""));
    for partition in &places.partitions {
        let place = format!(" in partition {}", partition.number);
        let range = partition.start..partition.end;
        far.extend(sweep.scan(&range, |names| found.note(names, &place)));
    }
    let (middle, ends) = plan(size, sector, &places);
    let gone = [far, middle].concat();
    boot_sector::disarm(target)?;
    target.flush()?;
    for range in &gone {
        sweep.zero(range)?;
    }
    for range in &ends {
        target.flush()?;
        sweep.zero(range)?;
    }
    target.flush()?;
    for range in gone.iter().chain(&ends) {
        sweep.must_be_zero(range)?;
    }
    if target.is_device()
        && let Err(error) = target.reread_partitions()
    {
        warn!(
            "{}: {error}; the kernel may show the old partitions",
            disk.name
        );
    }
    found.written = target.traffic().written();
    Ok(found)
}
