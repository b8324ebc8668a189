//! The step `erase_devices_metadata`: every disk looks new, its data stays.

use std::sync::{Mutex, PoisonError};

use log::error;

use crate::codec::json::{Object, Value, object, text};
use crate::disk::Disk;
use crate::disk::select::cleanable::cleanable;
use crate::disk::select::cluster_filesystem;
use crate::disk::wipe::{self, Found};
use crate::disk::worker_threads::crew;
use crate::error::{Error, Kind, Result};
use crate::small_sort;
use crate::steps::erase_options::EraseOptions;
use crate::steps::step_context::Machine;
use crate::steps::warnings::{failed_with, warn_of};

/// Disks at once, each with some MiB of memory. Writing takes them hardly any time; waiting for them does.
const AT_ONCE: usize = 8;

/// All refusals come before the first write.
pub(super) fn step(machine: &Machine, _: &Object) -> Result<Value> {
    let (node, settings) = (machine.node(), machine.settings());
    let options = EraseOptions::of(&node, settings.guard, settings.discard)?;
    // protocol/steps.md §5: read-only disks are no failure here.
    let found = cleanable(
        &machine.host,
        &machine.tools.permit,
        &machine.wishes()?,
        true,
    )?;
    if options.guard {
        let guarded = cluster_filesystem::guard(&found.disks);
        guarded.map_err(|error| failed_with(error, &found.warnings))?;
    }
    let mut results = Object::new();
    for (disk, why) in found.passed_over {
        results.insert(disk, object([("skipped", text(why))]));
    }
    let warnings = found.warnings;
    warn_of(&mut results, &warnings);
    let disks = found.disks;
    let stage = format!("erasing the metadata of {} disks", disks.len());
    machine.gauge().begin(stage, None);
    let mut failed = Vec::new();
    for (disk, outcome) in erase(machine, disks) {
        match outcome {
            Ok(found) => drop(results.insert(disk.name, found.to_json())),
            Err(why) => {
                error!("{}: {why}", disk.name);
                failed.push(format!("\"{}\": {}", disk.name, why.details()));
            }
        }
    }
    if failed.is_empty() {
        return Ok(Value::Object(results));
    }
    // protocol/steps.md §5: the words of the reference agent.
    let why = failed.join("; ");
    let why = format!("Failed to erase the metadata on the device(s): {why}");
    let error = Error::new(Kind::BlockDeviceEraseError, why);
    Err(failed_with(error, &warnings))
}

/// Several disks at a time; one that fails does not keep the others.
fn erase(machine: &Machine, disks: Vec<Disk>) -> Vec<(Disk, Result<Found>)> {
    let threads = disks.len().min(AT_ONCE);
    let permit = machine.tools.permit.of_chosen(&disks);
    let left = Mutex::new(disks.into_iter());
    let done = Mutex::new(Vec::new());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(disk) = next() {
            let found = wipe::metadata(&disk, &permit, &machine.host);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((disk, found));
        }
    };
    crew("metadata", threads, &work);
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    small_sort::by(&mut done, |(one, _), (other, _)| one.name < other.name);
    done
}
