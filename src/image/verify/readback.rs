//! Reads the disk back past every cache of this machine and compares it with what was written.
//!
//! All between the ends is compared before the ends are written, so a disk that fails here never had a boot
//! sector; the ends are compared once they are there, and cleared if they differ.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use log::{info, warn};

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Context, Error, Kind, Result};
use crate::image::verify::region_sums::{REGION, RegionSums, merged};
use crate::image::write::writer_threads::WRITERS;
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::units::{Bytes, align_up};
use crate::work_progress::WorkProgress;

/// Ranges named in a message.
const NAMED: usize = 4;

/// Sums of what was written, and the gauge that is told how far comparing them has come.
pub struct Proof {
    sums: Arc<RegionSums>,
    gauge: WorkProgress,
}

/// Does the disk give back what was written?
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It does, or nobody asked.
    Complete,
    /// Not here. Nothing on the disk boots.
    Differs(Mismatch),
}

/// Ascending ranges of bytes, apart from each other.
#[derive(Debug, PartialEq, Eq)]
pub struct Mismatch(pub Vec<Range<u64>>);

impl Verdict {
    /// Complete if there are none.
    pub fn of(differences: Vec<Range<u64>>) -> Self {
        match differences.is_empty() {
            true => Verdict::Complete,
            false => Verdict::Differs(Mismatch(differences)),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &Range<u64>| format!("{}–{}", range.start, range.end - 1);
        let named: Vec<_> = self.0.iter().take(NAMED).map(range).collect();
        write!(f, "bytes {}", named.join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Has an image written again if the disk differs, but only once: what fails twice has a reason.
pub fn once_more<T>(
    disk: impl fmt::Display,
    write: impl Fn() -> Result<(T, Verdict)>,
) -> Result<T> {
    let first = match write()? {
        (done, Verdict::Complete) => return Ok(done),
        (_, Verdict::Differs(first)) => first,
    };
    warn!("{disk} does not hold what was written to it: {first}; writing the image once more");
    match write()? {
        (done, Verdict::Complete) => Ok(done),
        (_, Verdict::Differs(second)) => Err(Error::new(
            Kind::ImageWriteError,
            format!(
                "{disk} does not hold what was written to it: {first}; and once more: {second}. The same place twice speaks for a failing disk, others for its cable, its controller or the memory; nothing bootable was left on it"
            ),
        )),
    }
}

impl Proof {
    /// For `size` bytes; `gauge` hears how much of them has been compared.
    pub fn new(size: Bytes, gauge: WorkProgress) -> Self {
        Proof {
            sums: Arc::new(RegionSums::new(size)),
            gauge,
        }
    }

    /// Where writes are counted.
    pub fn sums(&self) -> &Arc<RegionSums> {
        &self.sums
    }

    /// Where `bytes`, which begin with a region, read differently. What was counted is used up.
    pub fn differences(
        &self,
        target: &ExclusiveDisk,
        bytes: Range<u64>,
    ) -> Result<Vec<Range<u64>>> {
        let total = bytes.end.saturating_sub(bytes.start);
        self.gauge.begin("verifying", Some(Bytes(total)));
        let next = AtomicU64::new(bytes.start);
        let reader = |told| read_regions(target, &self.sums, &next, bytes.end, told);
        let reader = &reader;
        thread::scope(|scope| {
            let (told, heard) = sync_channel(WRITERS);
            let start = |_| {
                let told = told.clone();
                thread::Builder::new()
                    .name("image-readback".into())
                    .spawn_scoped(scope, move || reader(told))
            };
            let threads = (0..WRITERS).map(start).collect::<io::Result<Vec<_>>>();
            let threads = threads.context("starting the threads that read the image back")?;
            drop(told);
            for count in heard {
                self.gauge.advance(count);
                if let Some(reading) = self.gauge.due() {
                    info!("{reading}");
                }
            }
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            let verdicts: Vec<Result<()>> = threads.into_iter().map(join).collect();
            verdicts.into_iter().collect::<Result<()>>()
        })?;
        if let Some(reading) = self.gauge.read() {
            info!("{} read back, {reading}", target.path().display());
        }
        Ok(self.sums.left(bytes.end))
    }
}

/// One reader: a region after the other that nobody else has taken yet.
fn read_regions(
    target: &ExclusiveDisk,
    sums: &RegionSums,
    next: &AtomicU64,
    end: u64,
    told: SyncSender<u64>,
) -> Result<()> {
    let mut memory = Aligned::new(REGION as usize);
    loop {
        let at = next.fetch_add(REGION, Ordering::Relaxed);
        if at >= end {
            return Ok(());
        }
        let count = (end - at).min(REGION);
        let sectors = align_up(count, target.sector()) as usize;
        let read = target.read_at(&mut memory[..sectors], at);
        // One reader's error is the end of all.
        read.inspect_err(|_| next.store(end, Ordering::Relaxed))
            .context("reading back what was written")?;
        sums.take_away(&memory[..count as usize], at);
        if told.send(count).is_err() {
            return Ok(());
        }
    }
}

/// Where the disk holds something else than `bytes` at `at`, in pages.
pub fn unlike(target: &ExclusiveDisk, bytes: &[u8], at: u64) -> Result<Vec<Range<u64>>> {
    let mut found = Aligned::new(bytes.len());
    target
        .read_at(&mut found, at)
        .context("reading back what was written")?;
    let pages = bytes.chunks(ALIGNMENT).zip(found.chunks(ALIGNMENT));
    let pages = (at..).step_by(ALIGNMENT).zip(pages);
    let wrong = pages.filter(|(_, (written, found))| written != found);
    Ok(merged(wrong.map(|(start, (page, _))| {
        start..start + page.len() as u64
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn differs(at: u64) -> Verdict {
        Verdict::of((at..at + 6).map(|at| at * 10..at * 10 + 5).collect())
    }

    #[test]
    fn what_differs_is_written_once_more_and_only_once() {
        for (differing, expected) in [(0, Some(1)), (1, Some(2)), (2, None)] {
            let times = Cell::new(0);
            let result = once_more("/dev/vda", || {
                times.set(times.get() + 1);
                let verdict = match times.get() > differing {
                    true => Verdict::Complete,
                    false => differs(times.get()),
                };
                Ok((times.get(), verdict))
            });
            match (expected, result) {
                (Some(expected), Ok(done)) => assert_eq!(done, expected),
                (None, Err(error)) => {
                    assert_eq!((error.kind(), times.get()), (Kind::ImageWriteError, 2));
                    for part in [
                        "/dev/vda does not hold",
                        ": bytes 10–14, 20–24, 30–34, 40–44 and 2 more;",
                        ": bytes 20–24, 30–34, 40–44, 50–54 and 2 more.",
                        "cable",
                    ] {
                        assert!(error.details().contains(part), "{part}: {error}");
                    }
                }
                (expected, result) => panic!("{differing}: {result:?}, expected {expected:?}"),
            }
        }
    }
}
