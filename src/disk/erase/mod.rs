//! Erasing disks, several at once: each by the best method it has and is allowed, with a proof and a report.
//!
//! ```text
//!  own method (secure/) ─ failed ─▶ discard ─ failed ─▶ overwrite ─▶ samples read back ─▶ report
//! ```

mod discard;
pub(in crate::disk) mod disk_progress;
pub(in crate::disk) mod fill_pattern;
mod method_fallback;
pub mod outcome_report;
pub(in crate::disk) mod overwrite;
mod sample_readback;
pub mod state_file;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use log::{error, info};

use super::list::Disk;
use crate::clock::Clock;
use crate::codec::json::Value;
use crate::disk::erase::disk_progress::DiskProgress;
use crate::disk::erase::outcome_report::{Outcome, State, report};
use crate::disk::erase::state_file::StateFile;
use crate::disk::secure_erase::Attempt;
use crate::disk::select::cleanable::Cleanable;
use crate::disk::select::write_permit::Permit;
use crate::disk::worker_threads::crew;
use crate::error::Result;
use crate::system_root::SystemRoot;
use crate::units::Bytes;
use crate::work_progress::WorkProgress;

/// How disks are to be erased.
#[derive(Clone, Debug)]
pub struct Order {
    /// Only NVMe disks whole, by their own method; of the others what says that they hold something.
    pub express: bool,
    /// Passes of random bytes when a disk is overwritten, and is there one of zeros at the end?
    pub random: u32,
    /// The last pass, of zeros.
    pub zeros: bool,
    /// May NVMe disks be asked to erase themselves?
    pub nvme: bool,
    /// May a disk be overwritten that failed to erase itself?
    pub fall_back: bool,
    /// May it be discarded?
    pub discard: bool,
    /// How many disks are erased at the same time, at least one.
    pub at_once: usize,
}

/// Hears how far a disk that erases itself has come, per mille.
pub type Tell<'a> = &'a mut dyn FnMut(Option<u32>);

/// What disks are erased with, besides writing to them.
pub struct Means<'a> {
    /// The files of this machine.
    pub host: &'a SystemRoot,
    /// Which disks may be written.
    pub permit: &'a Permit,
    /// Tells how long it took.
    pub clock: &'a Clock,
    /// Told how far it is.
    pub gauge: &'a WorkProgress,
    /// Has a disk erase itself.
    pub own: &'a (dyn Fn(&Disk, Tell) -> Attempt + Sync),
    /// Erases what says that a disk holds something.
    pub metadata: &'a (dyn Fn(&Disk) -> Result<()> + Sync),
}

/// More at once would want memory for writes that no controller takes at once.
const AT_ONCE: usize = 64;

impl Order {
    fn passes(&self) -> u64 {
        u64::from(self.random) + u64::from(self.zeros)
    }
}

/// Erases `found.disks`; each is finished whatever becomes of the others. The result is by device name; the
/// error names every disk and its state.
pub fn erase(found: &Cleanable, order: &Order, means: &Means) -> Result<Value> {
    let disks = &found.disks;
    let ledger = StateFile::open(means.host, disks.iter().map(|disk| disk.name.clone()));
    let progress = |disk: &Disk| disk.size.0.saturating_mul(order.passes().max(1));
    let total = disks.iter().map(progress).fold(0, u64::saturating_add);
    let stage = match &disks[..] {
        [disk] => format!("erasing {}", disk.name),
        disks => format!("erasing {} disks", disks.len()),
    };
    means.gauge.begin(stage, Some(Bytes(total)));
    let one = |disk: &Disk| {
        info!("erasing {} ({}) starts", disk.name, disk.size);
        let since = means.clock.elapsed();
        ledger.note(&disk.name, State::Unknown);
        let progress = DiskProgress::new(means.gauge, progress(disk));
        let result = match order.express {
            true => method_fallback::express(disk, order, means, &progress),
            false => method_fallback::erase(disk, order, means, &progress),
        };
        let state = result.as_ref().err().map(|failure| failure.state);
        ledger.note(&disk.name, state.unwrap_or(State::Done));
        let outcome = Outcome {
            disk: disk.name.clone(),
            took: means.clock.elapsed() - since,
            result,
        };
        match &outcome.result {
            Ok(_) => info!("{}", outcome.line()),
            Err(_) => error!("{}", outcome.line()),
        }
        outcome
    };
    let outcomes = each(disks, order.at_once.min(AT_ONCE), &one);
    let doing = match order.express {
        // protocol/steps.md §6
        true => "Failed to conduct an express erase on",
        false => "Failed to erase",
    };
    report(&outcomes, &found.passed_over, doing)
}

/// Does the work for each disk, so many at once; the outcomes are in the order of the disks.
fn each(disks: &[Disk], at_once: usize, work: &(dyn Fn(&Disk) -> Outcome + Sync)) -> Vec<Outcome> {
    let groups = groups(disks);
    let next = AtomicUsize::new(0);
    let slots = disks.iter().map(|_| None).collect();
    let outcomes = Mutex::<Vec<Option<Outcome>>>::new(slots);
    let at_once = at_once.clamp(1, groups.len().max(1));
    crew("erase", at_once, &|| {
        while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            for (place, disk) in group {
                let outcome = Some(work(disk));
                outcomes.lock().unwrap_or_else(PoisonError::into_inner)[*place] = outcome;
            }
        }
    });
    let outcomes = outcomes.into_inner();
    let outcomes = outcomes.unwrap_or_else(PoisonError::into_inner);
    outcomes.into_iter().flatten().collect()
}

/// Disks that go one after the other: those of one NVMe controller, where a command to one may need all of
/// them. With their places in the list.
fn groups(disks: &[Disk]) -> Vec<Vec<(usize, &Disk)>> {
    let controller = |disk: &Disk| {
        let name = disk.name.trim_end_matches(|c: char| c.is_ascii_digit());
        is_nvme(disk).then(|| name.to_owned())
    };
    let mut groups: Vec<Vec<(usize, &Disk)>> = Vec::new();
    for (place, disk) in disks.iter().enumerate() {
        let own = controller(disk);
        let same =
            |group: &&mut Vec<(usize, &Disk)>| own.is_some() && controller(group[0].1) == own;
        match groups.iter_mut().find(same) {
            Some(group) => group.push((place, disk)),
            None => groups.push(vec![(place, disk)]),
        }
    }
    groups
}

fn is_nvme(disk: &Disk) -> bool {
    disk.kernel().starts_with("nvme")
}
