//! Burn-in of disks: every byte written and read back with direct I/O, in as many passes or for as long as asked; then the disk's
//! own self-test. What was on them is gone.

mod read_pass;
pub mod self_test;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{error, info};

use crate::clock::Clock;
use crate::codec::json::Value;
use crate::disk::burnin::read_pass::ReadPass;
use crate::disk::erase::disk_progress::DiskProgress;
use crate::disk::erase::fill_pattern::Filling;
use crate::disk::erase::outcome_report::{Failure, Outcome, Receipt, State, report};
use crate::disk::erase::overwrite::{Pass, writers};
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::Disk;
use crate::disk::select::cleanable::Cleanable;
use crate::disk::select::write_permit::Permit;
use crate::disk::worker_threads::crew;
use crate::error::{Error, Kind, Result};
use crate::system_root::SystemRoot;
use crate::units::Bytes;
use crate::work_progress::WorkProgress;

/// What is asked of the disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Passes of writing and reading back, where there is no time to keep.
    pub loops: u32,
    /// Passes go on, and end, by this; none ends by their number.
    pub time: Option<Duration>,
    /// Has each disk test itself afterwards?
    pub self_test: bool,
}

/// What disks are tried with.
pub struct Means<'a> {
    /// The files of this machine.
    pub host: &'a SystemRoot,
    /// Which disks may be written.
    pub permit: &'a Permit,
    /// Tells how long it took.
    pub clock: &'a Clock,
    /// Told how far it is.
    pub gauge: &'a WorkProgress,
}

/// Disks at once; each has some MiB for its reads and writes.
const AT_ONCE: usize = 64;

/// Tries `found.disks`, all at once; each to its end whatever becomes of the others. The result is by device name; the error
/// names every disk that failed and how.
pub fn run(found: &Cleanable, order: &Order, means: &Means) -> Result<Value> {
    let disks = &found.disks;
    let whole = |disk: &Disk| disk.size.0.saturating_mul(2 * u64::from(order.loops));
    let total = match order.time {
        Some(_) => None,
        None => Some(Bytes(disks.iter().map(whole).fold(0, u64::saturating_add))),
    };
    means
        .gauge
        .begin(format!("burn-in of {} disks", disks.len()), total);
    let (next, outcomes) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let at_once = disks.len().clamp(1, AT_ONCE);
    let threads = writers(at_once);
    crew("burnin-disk", at_once, &|| {
        while let Some(disk) = disks.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let since = means.clock.elapsed();
            info!("burn-in of {} ({}) starts", disk.name, disk.size);
            let result = one(disk, order, means, threads).map_err(|why| Failure {
                state: State::Unknown,
                why,
            });
            let outcome = Outcome {
                disk: disk.name.clone(),
                took: means.clock.elapsed() - since,
                result,
            };
            match &outcome.result {
                Ok(_) => info!("{}", outcome.line()),
                Err(_) => error!("{}", outcome.line()),
            }
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.push(outcome);
        }
    });
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let told = report(&outcomes, &found.passed_over, "burn-in failed on");
    told.map_err(|error| Error::new(Kind::CommandExecutionError, error.details()))
}

fn one(disk: &Disk, order: &Order, means: &Means, threads: usize) -> Result<Receipt, String> {
    let words = |error: Error| error.details().to_owned();
    let target = ExclusiveDisk::open(&disk.path, means.permit).map_err(words)?;
    let until = order.time.map(|time| means.clock.elapsed() + time);
    let is_over = || until.is_some_and(|until| means.clock.elapsed() >= until);
    let progress = DiskProgress::new(means.gauge, u64::MAX);
    let (mut passes, mut checked) = (0, 0);
    while passes < order.loops || until.is_some() && !is_over() {
        let end = pass(&target, &is_over, &progress, threads)?;
        checked += end;
        passes += 1;
        if until.is_some() && is_over() {
            break;
        }
    }
    // Held no longer: what follows asks the disk, and writes nothing.
    drop(target);
    let tested = match order.self_test {
        false => String::new(),
        true => self_test::run(disk, means).map_err(words)?,
    };
    Ok(Receipt {
        method: format!("written and read back {passes} times{tested}"),
        proof: format!("{} were as they had been written", Bytes(checked)),
        instead_of: None,
    })
}

/// Writes bytes that nobody has seen before and reads them back; how far it came before its time was over.
fn pass(
    target: &ExclusiveDisk,
    is_over: &(dyn Fn() -> bool + Sync),
    progress: &DiskProgress,
    threads: usize,
) -> Result<u64, String> {
    let words = |error: Error| error.details().to_owned();
    let filling = Filling::random().map_err(words)?;
    let size = target.size().0;
    // The first byte that was not written for want of time.
    let end = AtomicU64::new(size);
    let write = |bytes: &[u8], at: u64| {
        if is_over() {
            end.fetch_min(at, Ordering::AcqRel);
            return Ok(());
        }
        target.write_at(bytes, at)
    };
    let told = |count: u64| progress.advance(count);
    let written = Pass {
        size,
        filling,
        write: &write,
        told: &told,
    };
    if let Some(missed) = written.run(threads) {
        return Err(missed.to_string());
    }
    target.flush().map_err(words)?;
    let end = end.into_inner();
    let read = ReadPass {
        size: end,
        filling,
        read: &|bytes, at| target.read_at(bytes, at),
        told: &told,
    };
    match read.run(threads) {
        None => Ok(end),
        Some(wrong) => Err(wrong),
    }
}
