//! The disks cleaning works on: all but those it must not touch, or that something on them is cleaned for.
//!
//! What cannot be erased and may not be left out is an error before the first disk is touched: a machine
//! with one disk passed over in silence is not clean.

use std::fs;

use log::{info, warn};

use crate::disk::assemble_all;
use crate::disk::list::{Disk, list};
use crate::disk::raid::apart;
use crate::disk::select::root_device::Wishes;
use crate::disk::select::skip_list::{self, skipped};
use crate::disk::select::unwritable::{is_handed_in, mounted};
use crate::disk::select::write_permit::Permit;
use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::error::{Context, Error, Kind, Result};
use crate::system_root::SystemRoot;

/// What cleaning works on, and what it leaves alone.
#[derive(Debug, Default)]
pub struct Cleanable {
    /// To be cleaned.
    pub disks: Vec<Disk>,
    /// Names of the others, and why they stay as they are.
    pub passed_over: Vec<(String, String)>,
    /// Of what was wished, what means nothing on this machine: for Ironic as well as for the log.
    pub warnings: Vec<String>,
}

/// What is to be made of a disk.
enum Verdict {
    Clean,
    PassOver(String),
    Refuse(String),
}

/// Says in the log why each of the other disks is passed over. `skip_read_only` passes over disks the
/// kernel refuses to write, too. Lists only: nothing is written.
pub fn cleanable(
    host: &SystemRoot,
    permit: &Permit,
    wishes: &Wishes,
    skip_read_only: bool,
) -> Result<Cleanable> {
    assemble_all(host);
    let all = list(host);
    if all.is_empty() {
        warn!("the kernel shows no disk, so none is cleaned");
    }
    for fault in Faults::look(host, Purpose::Disk).lines() {
        warn!("disks may be missing, which are not cleaned then: {fault}");
    }
    let mounts = fs::read_to_string(host.proc("self/mountinfo")).unwrap_or_default();
    let mut found = Cleanable {
        warnings: skip_list::check(&wishes.skip, &all)?,
        ..Cleanable::default()
    };
    for warning in &found.warnings {
        warn!("{warning}");
    }
    let unmeant = permit.unmeant(&all).context("no disk was touched")?;
    let apart = match wishes.skip.is_empty() {
        true => Vec::new(),
        false => apart::parts(host, &all),
    };
    for disk in &all {
        let part = || apart.iter().find(|(kernel, _)| kernel == disk.kernel());
        let verdict = match judge(disk, wishes, &mounts, &all, skip_read_only) {
            _ if unmeant.iter().any(|own| own.path == disk.path) => Ok(Verdict::PassOver(
                "was not named with --allow-disk".to_owned(),
            )),
            Verdict::Clean | Verdict::Refuse(_)
                if let Some(why) = wishes.medium.protects(host, disk, &all) =>
            {
                Ok(Verdict::PassOver(why))
            }
            Verdict::Clean if let Some((_, why)) = part() => Ok(Verdict::PassOver(why.clone())),
            Verdict::Clean => permit.check(&disk.path).map(|()| Verdict::Clean),
            verdict => Ok(verdict),
        };
        match verdict.context("no disk was touched")? {
            Verdict::Clean => found.disks.push(disk.clone()),
            Verdict::PassOver(why) => {
                info!("{} ({}) is not cleaned: it {why}", disk.name, disk.size);
                found.passed_over.push((disk.name.clone(), why));
            }
            Verdict::Refuse(why) => {
                let why = format!("{} {why}; no disk was touched", disk.name);
                return Err(Error::new(Kind::BlockDeviceEraseError, why));
            }
        }
    }
    // Whoever named disks wants to hear why none of them is touched.
    if !unmeant.is_empty() && found.disks.is_empty() {
        let meant = |name: &str| !unmeant.iter().any(|own| own.name == name);
        let meant = found.passed_over.iter().filter(|(name, _)| meant(name));
        let whys: Vec<_> = meant.map(|(name, why)| format!("{name} {why}")).collect();
        let why = format!("no disk was touched: {}", whys.join("; "));
        return Err(Error::new(Kind::BlockDeviceEraseError, why));
    }
    Ok(found)
}

fn judge(
    disk: &Disk,
    wishes: &Wishes,
    mounts: &str,
    disks: &[Disk],
    skip_read_only: bool,
) -> Verdict {
    if let Some(why) = skipped(disk, disks, &wishes.skip) {
        return Verdict::PassOver(why);
    }
    if is_handed_in(disk) {
        return Verdict::PassOver("is virtual media".to_owned());
    }
    let array = |holder: &String| disks.iter().any(|disk| disk.kernel() == holder);
    if !disk.holders.is_empty() {
        let holders = disk.holders.join(", ");
        return match disk.holders.iter().all(array) {
            true => Verdict::PassOver(format!("is part of {holders}, which stands for it")),
            false => Verdict::Refuse(format!(
                "is held by {holders}; take that apart, or put the disk on skip_block_devices"
            )),
        };
    }
    if let Some(place) = mounted(disk, mounts) {
        return Verdict::Refuse(format!("is mounted at {place}"));
    }
    match (disk.read_only, skip_read_only) {
        (false, _) => Verdict::Clean,
        (true, true) => Verdict::PassOver("is read-only".to_owned()),
        (true, false) => Verdict::Refuse(
            "is read-only: lift its write protection, or have Ironic allow it to be passed over \
             ([deploy]erase_skip_read_only)"
                .to_owned(),
        ),
    }
}
