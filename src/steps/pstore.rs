//! What the kernel keeps over a reboot, crash logs above all: the step `erase_pstore`.

use std::fs;
use std::path::{Path, PathBuf};

use log::info;

use crate::codec::json::{Object, Value};
use crate::error::{Context, Error, Kind, Result};
use crate::steps::step_context::Machine;
use crate::system_root::{SystemRoot, names};

/// Removes every record; the error names those that stayed.
pub(super) fn erase(machine: &Machine, _: &Object) -> Result<Value> {
    machine.host.must_not_be_owned("crash logs")?;
    let Some(place) = mount_point(&machine.host)? else {
        info!("no pstore is mounted: there is nothing to erase");
        return Ok(Value::Null);
    };
    let records = names(&place);
    let failed: Vec<String> = records
        .iter()
        .filter_map(|name| remove(&place.join(name)).err())
        .map(|error| error.to_string())
        .collect();
    match failed.is_empty() {
        true => {
            info!("{} records removed from {}", records.len(), place.display());
            Ok(Value::Null)
        }
        false => Err(Error::new(Kind::CleaningError, failed.join("; "))),
    }
}

fn remove(path: &Path) -> Result<()> {
    let is_directory = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    match is_directory {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
    .with_context(|| format!("removing {}", path.display()))
}

/// Where a pstore is mounted.
fn mount_point(host: &SystemRoot) -> Result<Option<PathBuf>> {
    let path = host.proc("mounts");
    let mounts =
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    // proc_pid_mounts(5): device, mount point, type.
    let place = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let place = fields.next()?;
        (fields.next() == Some("pstore")).then_some(place)
    });
    Ok(place.map(|place| host.seen(place)))
}
