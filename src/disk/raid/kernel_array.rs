//! Has the kernel put arrays together and take them apart. At first they wait for somebody to write: until then nothing is
//! written to their members.

use std::fs::{self, File};

use log::{info, warn};

use crate::disk::list::list;
use crate::disk::raid::members::{Array, Device, arrays, is_array, state};
use crate::error::{Context, Error, Kind, Result};
use crate::small_sort;
use crate::sys::md;
use crate::system_root::{SystemRoot, device_name};

/// drivers/md/md.c: parameters of the module.
const MODULE: &str = "module/md_mod";
/// Numbers of arrays that have none of their own go down from here, as mdadm's do.
const HIGHEST: u32 = 127;

/// Does the kernel know software RAID?
pub fn is_supported(host: &SystemRoot) -> bool {
    host.sys(MODULE).exists()
}

/// Puts together what is not yet, of this machine's disks: whole arrays and such as lack members, all read-only until they are
/// written. One that lacked a member, and nobody has written since, is put together again when that is there. What cannot
/// be started is told.
pub fn assemble_all(host: &SystemRoot) {
    if !host.is_ramdisk() {
        return;
    }
    for array in arrays(host, &list(host)) {
        let late = array.members.iter().any(|own| own.holder.is_none());
        if !late {
            continue;
        }
        if !is_supported(host) {
            warn!("an array stays apart, as this kernel has no software RAID: {}", array.describe());
            continue;
        }
        if let Some(kernel) = &array.running {
            let unwritten = state(host, kernel, "array_state").as_deref() == Some("read-auto");
            if !unwritten || stop(host, kernel).is_err() {
                warn!("{kernel} goes on without members that came late: {}", array.describe());
                continue;
            }
        }
        let number = number(host, &array.said().name);
        match assemble(host, number, &array) {
            Ok(()) => info!("md{number} is put together, read-only until it is written: {}", array.describe()),
            Err(error) => warn!("an array stays apart: {}: {}", array.describe(), error.details()),
        }
    }
}

/// That of the array's own name, if nobody has it; else the highest that is free.
fn number(host: &SystemRoot, name: &str) -> u32 {
    let name = name.rsplit(':').next().unwrap_or_default();
    let own = name.strip_prefix("md").unwrap_or(name).parse().ok();
    let own = own.filter(|number| *number <= HIGHEST && is_free(host, *number));
    own.unwrap_or_else(|| (0..=HIGHEST).rev().find(|number| is_free(host, *number)).unwrap_or(HIGHEST))
}

/// Is there no array of this number?
pub fn is_free(host: &SystemRoot, number: u32) -> bool {
    let kernel = format!("md{number}");
    !is_array(host, &kernel) || state(host, &kernel, "array_state").as_deref() == Some("clear")
}

/// Puts an array together as `md<number>`; if that fails it is apart again.
pub fn assemble(host: &SystemRoot, number: u32, array: &Array) -> Result<()> {
    let mut members: Vec<&Device> = array.members.iter().collect();
    // The kernel goes by the first; the freshest knows best.
    small_sort::by(&mut members, |one, other| one.member.events > other.member.events);
    let kernel = format!("md{number}");
    let opened = open(host, &kernel)?;
    let outcome = started(&opened, &members);
    if outcome.is_err()
        && let Err(error) = md::stop(&opened)
    {
        warn!("taking {kernel} apart again: {error}");
    }
    drop(opened);
    outcome.with_context(|| format!("putting {kernel} together"))?;
    // Who opens it first has the kernel look for partitions.
    drop(File::open(host.dev(&kernel)));
    Ok(())
}

fn open(host: &SystemRoot, kernel: &str) -> Result<File> {
    let parameters = host.sys(MODULE).join("parameters");
    let set = |name: &str, value: &str| {
        let path = parameters.join(name);
        fs::write(&path, value).with_context(|| format!("writing {value} to {}", path.display()))
    };
    set("start_ro", "1")?;
    let path = host.dev(kernel);
    if !path.exists() {
        set("new_array", kernel)?;
    }
    File::options()
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))
}

fn started(array: &File, members: &[&Device]) -> Result<()> {
    let version = members.first().map_or((1, 2), |own| own.member.version);
    md::begin(array, version).context("beginning")?;
    let mut added = 0;
    for own in members {
        match md::add(array, own.number) {
            Ok(()) => added += 1,
            Err(error) => warn!("{} is left out of its array: {error}", own.kernel),
        }
    }
    if added == 0 {
        return Err(Error::plain("the kernel takes none of its members"));
    }
    md::run(array).context("starting: are too many members missing, or out of date?")
}

/// Has a new array synchronise at once, not only when it is first written.
pub fn start_writing(host: &SystemRoot, kernel: &str) -> Result<()> {
    let array = open(host, kernel)?;
    md::read_write(&array).with_context(|| format!("starting to synchronise {kernel}"))
}

/// Takes an array apart; its members keep what they hold. An error if it is in use.
pub fn stop(host: &SystemRoot, kernel: &str) -> Result<()> {
    let array = open(host, kernel)?;
    let stopped = md::stop(&array).with_context(|| {
        format!("taking {} apart: is it mounted, or part of something else?", device_name(kernel))
    });
    stopped.kind(Kind::SoftwareRAIDError)
}
