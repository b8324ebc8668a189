//! The disks nobody may touch: which they are, and whether the list can be trusted on this machine.

use crate::disk::list::Disk;
use crate::disk::select::hints::{Fit, Hints};
use crate::error::{Error, Kind, Result};

/// Why a disk is to be left alone: an entry says so of it, or of one of `disks` that it is built on.
pub fn skipped(disk: &Disk, disks: &[Disk], skip: &[Hints]) -> Option<String> {
    if let Some(hints) = skip.iter().find(|hints| hints.spare(disk) == Fit::Yes) {
        return Some(format!("is to be left alone: {hints}"));
    }
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
        let fits: Vec<_> = disks.iter().map(|disk| (disk, hints.spare(disk))).collect();
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
