//! Chooses the disk an image goes to: the one root device hints describe, else the smallest that is big enough; always
//! one that is safe to overwrite.

use std::fs;
use std::time::Duration;

use crate::clock::Clock;
use crate::disk::assemble_all;
use crate::disk::ibft;
use crate::disk::list::{Disk, list};
use crate::disk::select::boot_medium::{BootMedium, is_external};
use crate::disk::select::hints::{Fit, Hints};
use crate::disk::select::root_arrays::RootArrays;
use crate::disk::select::seen_disks::{SETTLE, Seen, same};
use crate::disk::select::skip_list::{self, skipped};
use crate::disk::select::unwritable::{protected, unsafe_to_write};
use crate::disk::select::verdicts::Verdicts;
use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::error::{Error, Kind, Result};
use crate::small_sort;
use crate::system_root::SystemRoot;
use crate::units::{Bytes, GIB};

/// Upstream never takes a smaller one (inventory.md §6).
const SMALLEST: Bytes = Bytes(4 * GIB);
/// A machine whose choice still changes after so many looks will not settle.
const RESTLESS: u32 = 5;

/// What Ironic wants of the machine's disks.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The disk to deploy to; none for the default rule.
    pub root: Option<Hints>,
    /// Disks nobody may touch: those that any of these describes.
    pub skip: Vec<Hints>,
    /// May it be a disk with a cluster file system?
    pub unguarded: bool,
    /// What is known of the medium this machine was started from: that is never meant.
    pub medium: BootMedium,
    /// What was said of arrays when they were made.
    pub arrays: RootArrays,
    /// By default, are disks that can be pulled out the last to be taken?
    pub own_first: bool,
    /// A look at them that may be the first of two.
    pub seen: Option<Seen>,
}

/// The disk an image goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// It.
    pub disk: Disk,
    /// In words, why it and no other.
    pub why: String,
    /// Of what was wished, what means nothing on this machine: for Ironic as well as for the log.
    pub warnings: Vec<String>,
}

/// The disk that is wished for, by default the smallest of at least 4 GiB, the first by name among equals; of several that
/// hints fit, the first in lsblk's order. The error names every disk and why it was passed over.
pub fn root(host: &SystemRoot, wishes: &Wishes) -> Result<Choice> {
    look(host, wishes).map_err(|error| with_faults(host, error))
}

fn look(host: &SystemRoot, wishes: &Wishes) -> Result<Choice> {
    // A member that has come since the last look must not pass for a disk of its own.
    assemble_all(host);
    let mounts = fs::read_to_string(host.proc("self/mountinfo")).unwrap_or_default();
    let unsafe_to_write = |disk: &Disk| unsafe_to_write(disk, &mounts);
    let disks = list(host);
    let medium = |disk: &Disk| wishes.medium.protects(host, disk, &disks);
    let mut verdicts = Verdicts::default();
    let choice = choose(
        &disks,
        wishes,
        unsafe_to_write,
        medium,
        protected,
        &mut verdicts,
    );
    verdicts.tell(&disks, choice.as_ref().ok().map(|choice| &choice.disk));
    let mut choice = choice?;
    choice.warnings.extend(ibft::missing(host));
    Ok(choice)
}

/// The same error, with the disk controllers that do not work, and a disk of the firmware's that is not connected: the disk that is
/// meant may be behind one.
fn with_faults(host: &SystemRoot, error: Error) -> Error {
    let mut faults = Faults::look(host, Purpose::Disk).lines();
    faults.extend(ibft::missing(host));
    match faults {
        faults if faults.is_empty() => error,
        faults => Error::new(
            error.kind(),
            format!("{}; {}", error.details(), faults.join("; ")),
        ),
    }
}

/// That of [`root`], giving slow controllers and disks time to show up: at most `attempts` looks, `delay` apart,
/// until there is one. The first to be there need not be the one that is meant, so it is taken when a second
/// look finds the same. Says in the log why it is that one.
pub fn wait_for_root(
    host: &SystemRoot,
    clock: &Clock,
    attempts: u32,
    delay: Duration,
    wishes: &Wishes,
) -> Result<Choice> {
    let seen = wishes.seen.as_ref();
    let choice = match look(host, wishes) {
        // Whatever hints there are may fit a disk that comes later, however it is connected.
        Ok(choice)
            if seen.is_some_and(|seen| {
                let own_first = wishes.own_first && wishes.root.is_none();
                seen.is_settled(host, clock, &choice.disk, own_first)
            }) =>
        {
            Ok(choice)
        }
        _ => settled(|| look(host, wishes), clock, attempts, delay),
    };
    let choice = choice.map_err(|error| with_faults(host, error))?;
    let Choice {
        disk,
        why,
        warnings,
    } = &choice;
    for warning in warnings {
        log::warn!("{warning}");
    }
    log::info!("root disk: {} ({}), {why}", disk.name, disk.size);
    Ok(choice)
}

fn settled(
    mut look: impl FnMut() -> Result<Choice>,
    clock: &Clock,
    attempts: u32,
    delay: Duration,
) -> Result<Choice> {
    let mut before: Option<Disk> = None;
    let (mut empty, mut changes) = (0, 0);
    loop {
        match look() {
            Ok(choice) if before.as_ref().is_some_and(|old| same(old, &choice.disk)) => {
                return Ok(choice);
            }
            Ok(Choice { disk, .. }) => {
                changes += 1;
                if changes > RESTLESS {
                    let why = format!("{} came last, and the disks keep changing", disk.name);
                    return Err(Error::new(Kind::DeviceNotFound, why));
                }
                before = Some(disk);
                clock.sleep(SETTLE);
            }
            Err(error) => {
                empty += 1;
                if empty >= attempts {
                    return Err(error);
                }
                log::info!(
                    "waiting for a disk, look {empty} of {attempts}: {}",
                    error.details()
                );
                before = None;
                clock.sleep(delay);
            }
        }
    }
}

/// The disk, and in words what it was preferred to.
fn choose(
    disks: &[Disk],
    wishes: &Wishes,
    unsafe_to_write: impl Fn(&Disk) -> Option<String>,
    medium: impl Fn(&Disk) -> Option<String>,
    protected: impl Fn(&Disk) -> Option<String>,
    verdicts: &mut Verdicts,
) -> Result<Choice> {
    let warnings = skip_list::check(&wishes.skip, disks)?;
    let mut fit = Vec::new();
    let meant = wishes.arrays.decide(disks);
    for disk in disks {
        let why = unsafe_to_write(disk)
            .or_else(|| skipped(disk, disks, &wishes.skip))
            .or_else(|| wishes.arrays.pass_over(disk, meant))
            .or_else(|| match &wishes.root {
                _ if meant => None,
                Some(hints) => match hints.fit(disk) {
                    Fit::Yes => None,
                    Fit::No(why) | Fit::Unknown(why) => Some(why),
                },
                None => (disk.size < SMALLEST).then(|| format!("is smaller than {SMALLEST}")),
            });
        match why {
            Some(why) => verdicts.pass_over(disk, why),
            None => fit.push(disk.clone()),
        }
    }
    // Hints name one disk; if they fit several the first is taken, as upstream does.
    if wishes.root.is_none() {
        let last = |disk: &Disk| wishes.own_first && is_external(disk);
        small_sort::by(&mut fit, |a, b| {
            (last(a), a.size, &a.name) < (last(b), b.size, &b.name)
        });
    }
    let mut fit = fit.into_iter();
    // The disks themselves are read only as far as it takes.
    let mut chosen = None;
    for disk in fit.by_ref() {
        let guarded = !wishes.unguarded;
        let why = medium(&disk).or_else(|| guarded.then(|| protected(&disk)).flatten());
        match why {
            Some(why) => verdicts.pass_over(&disk, why),
            None => {
                chosen = Some(disk);
                break;
            }
        }
    }
    let Some(disk) = chosen else {
        return Err(none(wishes, disks, verdicts.told()));
    };
    let others: Vec<_> = fit
        .map(|disk| format!("{} ({})", disk.name, disk.size))
        .collect();
    let others = others.join(", ");
    let mut why = match (&wishes.root, others.is_empty()) {
        _ if meant => "the array made with is_root_volume true".to_owned(),
        (None, true) => "the only one that will do".to_owned(),
        (None, false) if wishes.own_first => {
            format!(
                "the smallest of those that will do, which can be pulled out last; then {others}"
            )
        }
        (None, false) => format!("the smallest of those that will do; then {others}"),
        (Some(hints), true) => format!("the only one with {hints}"),
        (Some(hints), false) => format!("the first with {hints}, which fits {others} as well"),
    };
    verdicts.choice.clone_from(&why);
    let passed = verdicts.told();
    if !passed.is_empty() {
        why += &format!("; passed over: {passed}");
    }
    Ok(Choice {
        disk,
        why,
        warnings,
    })
}

fn none(wishes: &Wishes, disks: &[Disk], mut found: String) -> Error {
    if found.is_empty() {
        found = "the kernel shows no disk".to_owned();
    } else if disks.iter().all(|disk| disk.read_only) {
        found = format!("every disk is write-protected: {found}");
    }
    let wished = wishes.root.as_ref();
    let wished = wished.map_or(String::new(), |hints| format!(" with {hints}"));
    let why = format!("no disk to deploy to{wished}: {found}");
    Error::new(Kind::DeviceNotFound, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Result<Choice> {
        let disk = Disk {
            name: name.into(),
            path: name.into(),
            size: Bytes(8 * GIB),
            logical_sector: 512,
            physical_sector: 512,
            ..Disk::default()
        };
        Ok(Choice {
            disk,
            why: String::new(),
            warnings: Vec::new(),
        })
    }

    /// What is settled on when the looks find these, again and again, and how long it takes.
    fn settle(looks: &[&str]) -> (Result<String>, u64) {
        let clock = Clock::fake();
        let mut looks = looks.iter().cycle();
        let look = || match *looks.next().expect("a cycle has no end") {
            "" => Err(Error::plain("no disk")),
            name => found(name),
        };
        let found = settled(look, &clock, 3, Duration::from_secs(60));
        (
            found.map(|choice| choice.disk.name),
            clock.elapsed().as_secs(),
        )
    }

    #[test]
    fn the_first_disk_to_show_up_is_not_taken_before_the_others_are_there() {
        for (looks, chosen, seconds) in [
            (&["vda"][..], "vda", 2),
            (&["nvme0n1", "sda", "sda"], "sda", 4),
            (&["", "sdb", "sda", "sda"], "sda", 64),
            (&["sda", "", "sda", "sda"], "sda", 64),
        ] {
            assert_eq!(settle(looks), (Ok(chosen.to_owned()), seconds), "{looks:?}");
        }
        assert!(settle(&[""]).0.is_err());
        assert!(settle(&["sda", "sdb"]).0.is_err(), "it never settles");
    }
}
