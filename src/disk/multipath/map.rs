//! Has the kernel make one volume of several ways to a disk: it goes on by another where one fails, in the middle of a write too.

use log::{info, warn};

use crate::codec::hex;
use crate::disk::list::{Disk, list};
use crate::disk::multipath::ways::{MARK, ways};
use crate::drivers::modules::load_named;
use crate::error::{Context, Error, Result};
use crate::small_sort;
use crate::sys::device_mapper::Control;
use crate::system_root::{SystemRoot, attribute};

const MODULES: [&str; 3] = ["dm_mod", "dm_multipath", "dm_round_robin"];

/// Makes a volume of each disk of this machine that several ways lead to, and gives one that there is a way that came late.
/// A disk of which there can be none is told, and used by its first way.
pub fn map_all(host: &SystemRoot) {
    if !host.is_ramdisk() {
        return;
    }
    for disk in list(host) {
        let paths = disk.paths.iter().map(Disk::kernel);
        let all: Vec<_> = match disk.is_multipath() {
            true => paths.collect(),
            false => std::iter::once(disk.kernel()).chain(paths).collect(),
        };
        let has = ways(host, disk.kernel()).unwrap_or_default();
        if all.len() < 2 || all.iter().all(|way| has.iter().any(|own| own == way)) {
            continue;
        }
        let told = format!(
            "{} ({}), reached by {}",
            disk.name,
            disk.size,
            all.join(", ")
        );
        match map(host, &disk, &all) {
            Ok(()) => info!("one disk: {told}"),
            Err(error) => warn!(
                "one disk, of which only the first way is used: {told}: {}",
                error.details()
            ),
        }
    }
}

fn map(host: &SystemRoot, disk: &Disk, ways: &[&str]) -> Result<()> {
    if !disk.holders.is_empty() {
        return Err(Error::plain(format!(
            "it is held by {}",
            disk.holders.join(", ")
        )));
    }
    for module in MODULES {
        load_named(host, module);
    }
    let control = host.dev("mapper/control");
    let control = Control::open(&control).with_context(|| {
        format!(
            "opening {}: has this kernel no device mapper?",
            control.display()
        )
    })?;
    let mut ways: Vec<_> = ways.iter().map(|way| Way::of(host, way)).collect();
    // One that answers at once before one of a controller that would have to take over.
    small_sort::by_key(&mut ways, |way| way.standing);
    let sectors = disk.size.0 / 512;
    let name = name(disk);
    let made = !disk.is_multipath();
    if made {
        let mark = format!("{MARK}{name}");
        control
            .create(&name, &mark)
            .with_context(|| format!("making the volume {name}"))?;
    }
    let loaded = control.load(&name, sectors, "multipath", &words(&ways));
    if loaded.is_err() && made {
        // Or its ways would be spared for a volume that is none.
        let _ = control.remove(&name);
    }
    loaded.with_context(|| {
        format!("giving the volume {name} its ways: has this kernel dm-multipath?")
    })
}

/// As multipath-tools name theirs: 3, and the world-wide name without 0x.
fn name(disk: &Disk) -> String {
    let wwn = disk
        .identity
        .wwn_with_extension
        .as_deref()
        .unwrap_or_default();
    let wwn = wwn.strip_prefix("0x").unwrap_or(wwn);
    match wwn.bytes().all(|c| c.is_ascii_alphanumeric()) && wwn.len() < 100 {
        true => format!("3{wwn}"),
        false => format!("3{}", hex::encode(&wwn.as_bytes()[..wwn.len().min(50)])),
    }
}

struct Way {
    /// High and low part of its number, as the kernel's tables have it.
    number: String,
    /// Less is better.
    standing: usize,
}

impl Way {
    fn of(host: &SystemRoot, kernel: &str) -> Self {
        // SPC-5 6.36: asymmetric access states, in the kernel's words (drivers/scsi/scsi_sysfs.c).
        const STATES: [&str; 4] = [
            "active/optimized",
            "active/non-optimized",
            "standby",
            "unavailable",
        ];
        let block = host.sys("block").join(kernel);
        let state = attribute(block.join("device/access_state"));
        let state = state.as_deref().unwrap_or(STATES[0]);
        Way {
            number: attribute(block.join("dev")).unwrap_or_default(),
            standing: STATES
                .iter()
                .position(|own| *own == state)
                .unwrap_or(STATES.len()),
        }
    }
}

/// Documentation/admin-guide/device-mapper: no features, no hardware handler, a group for each way: one is used until it fails.
fn words(ways: &[Way]) -> String {
    let groups = ways
        .iter()
        .map(|way| format!(" round-robin 0 1 0 {}", way.number));
    format!("0 0 {} 1{}", ways.len(), groups.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_one_group_for_each_way() {
        let way = |number: &str| Way {
            number: number.to_owned(),
            standing: 0,
        };
        assert_eq!(
            words(&[way("8:0"), way("8:16")]),
            "0 0 2 1 round-robin 0 1 0 8:0 round-robin 0 1 0 8:16"
        );
    }
}
