//! The disks nobody may touch: which they are, and whether the list can be trusted on this machine.

use crate::disk::identity::raid_volume_name;
use crate::disk::list::Disk;
use crate::disk::select::hints::{Fit, Hints};
use crate::error::{Error, Kind, Result};

/// The volume of the EFI system partitions of arrays: spared where any array that shares their disks is (protocol/steps.md §10).
const ESP: &str = "esp";

/// Why a disk is to be left alone: an entry says so of it, or of one of `disks` that it is built on. That one holds a volume
/// which is to be left alone says nothing of other arrays on it.
pub fn skipped(disk: &Disk, disks: &[Disk], skip: &[Hints]) -> Option<String> {
    let of_disks: Vec<_> = skip
        .iter()
        .filter(|hints| !hints.is_of_volumes())
        .cloned()
        .collect();
    let is_esp = || {
        let names = raid_volume_name::names(disk);
        names.is_ok_and(|names| names.len() == 1 && names[0].volume() == ESP)
    };
    let members = match disk.slaves.is_empty() || is_esp() {
        true => skip,
        false => &of_disks,
    };
    on_it(disk, skip).or_else(|| below_it(disk, disks, members))
}

fn on_it(disk: &Disk, skip: &[Hints]) -> Option<String> {
    let hints = skip.iter().find(|hints| spared(hints, disk) == Fit::Yes)?;
    Some(format!("is to be left alone: {hints}"))
}

/// By whichever way it is named, it is the same disk; what is not known of one way may be what is meant.
fn spared(hints: &Hints, disk: &Disk) -> Fit {
    let mut fit = hints.spare(disk);
    for path in &disk.paths {
        fit = match (fit, hints.spare(path)) {
            (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
            (Fit::Unknown(why), _) | (_, Fit::Unknown(why)) => Fit::Unknown(why),
            (no, _) => no,
        };
    }
    fit
}

fn below_it(disk: &Disk, disks: &[Disk], skip: &[Hints]) -> Option<String> {
    let kernel = disk.kernel();
    let mut members = disks
        .iter()
        .filter(|own| own.holders.iter().any(|holder| holder == kernel));
    members.find_map(|member| {
        let why = skipped(member, disks, skip)?;
        Some(format!("is built on {}, which {why}", member.name))
    })
}

/// Warnings of entries that describe no disk of the machine: a typing error, or a disk that is not there today. An error
/// where an entry describes none for sure, but one may be what it means: its data would be gone.
pub fn check(skip: &[Hints], disks: &[Disk]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for hints in skip {
        let fits: Vec<_> = disks
            .iter()
            .map(|disk| (disk, spared(hints, disk)))
            .collect();
        if fits.iter().any(|(_, fit)| *fit == Fit::Yes) {
            continue;
        }
        let unknown = fits.iter().find_map(|(disk, fit)| match fit {
            Fit::Unknown(why) => Some(format!("{} {why}", disk.name)),
            Fit::Yes | Fit::No(_) => None,
        });
        if let Some(why) = unknown {
            let why = format!(
                "no disk is known to be what skip_block_devices is to spare ({hints}), but {why}; no disk was touched. Name \
                 that disk in skip_block_devices by what can be read of it, or take the entry away"
            );
            return Err(Error::new(Kind::DeviceNotFound, why));
        }
        warnings.push(format!(
            "no disk is what skip_block_devices is to spare: {hints}"
        ));
    }
    Ok(warnings)
}
