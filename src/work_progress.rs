//! The progress of the work at hand: told by whoever does it, read by whoever asks.
//!
//! Counting is one atomic addition. The lock is for readers, and for the moments when a stage begins or is held up.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::units::{Bytes, MIB};

/// Between two readings for the log.
const EVERY: Duration = Duration::from_secs(3);

/// A handle on the progress of one piece of work; clones share it.
#[derive(Clone)]
pub struct WorkProgress(Arc<Inner>);

struct Inner {
    clock: Clock,
    done: AtomicU64,
    /// Of the stages that are over.
    before: AtomicU64,
    stages: AtomicU64,
    interruptions: AtomicU64,
    /// When the log was told last, in milliseconds.
    told: AtomicU64,
    /// Somebody shows it all the time.
    watched: AtomicBool,
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    name: String,
    total: Option<Bytes>,
    since: Duration,
    held_up: Option<String>,
}

/// How far the work is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What goes on, or what it waits for.
    pub stage: String,
    /// So far, of the stage.
    pub done: Bytes,
    /// None when nobody knows.
    pub total: Option<Bytes>,
    /// Bytes a second, since the stage began.
    pub rate: u64,
    /// How long the rest takes at this rate; none when nobody can tell.
    pub left: Option<Duration>,
}

/// Of all work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// That stages came through.
    pub bytes: u64,
    /// That began.
    pub stages: u64,
    /// How often one stood still.
    pub interruptions: u64,
}

impl WorkProgress {
    /// Nothing is being done yet.
    pub fn new(clock: Clock) -> Self {
        WorkProgress(Arc::new(Inner {
            clock,
            done: AtomicU64::new(0),
            before: AtomicU64::new(0),
            stages: AtomicU64::new(0),
            interruptions: AtomicU64::new(0),
            told: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            stage: Mutex::default(),
        }))
    }

    fn stage(&self) -> MutexGuard<'_, Option<Stage>> {
        let stage = self.0.stage.lock();
        stage.unwrap_or_else(PoisonError::into_inner)
    }

    /// A new stage, counted from nothing.
    pub fn begin(&self, name: impl Into<String>, total: Option<Bytes>) {
        let mut stage = self.stage();
        let done = self.0.done.swap(0, Ordering::Relaxed);
        self.0.before.fetch_add(done, Ordering::Relaxed);
        self.0.stages.fetch_add(1, Ordering::Relaxed);
        self.0.told.store(self.now(), Ordering::Relaxed);
        *stage = Some(Stage {
            name: name.into(),
            total,
            since: self.0.clock.elapsed(),
            held_up: None,
        });
    }

    /// So many bytes more are done.
    pub fn advance(&self, count: u64) {
        self.0.done.fetch_add(count, Ordering::Relaxed);
    }

    /// From now on somebody shows how far it is all the time, or no more: then the log need not.
    pub fn watched(&self, is_so: bool) {
        self.0.watched.store(is_so, Ordering::Relaxed);
    }

    /// A reading, if the log has had none for some seconds, and is the one to tell it.
    pub fn due(&self) -> Option<Reading> {
        if self.0.watched.load(Ordering::Relaxed) {
            return None;
        }
        let (now, told) = (self.now(), &self.0.told);
        if now.saturating_sub(told.load(Ordering::Relaxed)) < EVERY.as_millis() as u64 {
            return None;
        }
        told.store(now, Ordering::Relaxed);
        self.read()
    }

    fn now(&self) -> u64 {
        self.0.clock.elapsed().as_millis() as u64
    }

    /// The stage stands still: what for.
    pub fn held_up(&self, why: String) {
        if let Some(stage) = &mut *self.stage() {
            self.0.interruptions.fetch_add(1, Ordering::Relaxed);
            stage.held_up = Some(why);
        }
    }

    /// It moves again.
    pub fn goes_on(&self) {
        if let Some(stage) = &mut *self.stage() {
            stage.held_up = None;
        }
    }

    /// Nothing is being done.
    pub fn clear(&self) {
        *self.stage() = None;
    }

    /// Of all work since the process began.
    pub fn sums(&self) -> Sums {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Sums {
            bytes: of(&self.0.before) + of(&self.0.done),
            stages: of(&self.0.stages),
            interruptions: of(&self.0.interruptions),
        }
    }

    /// None while nothing is being done.
    pub fn read(&self) -> Option<Reading> {
        let stage = self.stage();
        let stage = stage.as_ref()?;
        let done = self.0.done.load(Ordering::Relaxed);
        let rate = match (self.0.clock.elapsed() - stage.since).as_secs_f64() {
            0.0 => 0,
            seconds => (done as f64 / seconds) as u64,
        };
        let rest = stage.total.and_then(|total| total.0.checked_sub(done));
        let rest = rest.filter(|_| rate > 0);
        Some(Reading {
            stage: stage.held_up.as_ref().unwrap_or(&stage.name).clone(),
            done: Bytes(done),
            total: stage.total,
            rate,
            left: rest.map(|rest| Duration::from_secs(rest / rate)),
        })
    }
}

/// `writing: 412 MiB of 2 GiB (20 %), 137.0 MiB/s, 12 s left`
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reading { stage, done, .. } = self;
        write!(f, "{stage}: {done}")?;
        if let Some(total) = self.total.filter(|total| total.0 > 0) {
            let percent = u128::from(done.0) * 100 / u128::from(total.0);
            write!(f, " of {total} ({percent} %)")?;
        }
        write!(f, ", {:.1} MiB/s", self.rate as f64 / MIB as f64)?;
        match self.left {
            Some(left) => write!(f, ", {} s left", left.as_secs()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let clock = Clock::fake();
        let gauge = WorkProgress::new(clock.clone());
        assert_eq!(gauge.read(), None);
        for (done, total, shown) in [
            (
                Bytes::mib(512),
                Some(Bytes::mib(2048)),
                "writing: 512 MiB of 2 GiB (25 %), 51.2 MiB/s, 30 s left",
            ),
            (Bytes::mib(512), None, "writing: 512 MiB, 51.2 MiB/s"),
            (Bytes(0), Some(Bytes(0)), "writing: 0 B, 0.0 MiB/s"),
            (
                Bytes::mib(20),
                Some(Bytes::mib(10)),
                "writing: 20 MiB of 10 MiB (200 %), 2.0 MiB/s",
            ),
        ] {
            gauge.begin("writing", total);
            clock.sleep(Duration::from_secs(10));
            gauge.advance(done.0 / 2);
            gauge.advance(done.0 / 2);
            let reading = gauge.read().expect("a stage began");
            assert_eq!(reading.to_string(), shown);
        }
    }

    #[test]
    fn sums_go_over_all_stages() {
        let gauge = WorkProgress::new(Clock::fake());
        for _ in 0..2 {
            gauge.begin("writing", None);
            gauge.advance(5);
            gauge.held_up("waiting".into());
        }
        gauge.clear();
        let sums = gauge.sums();
        assert_eq!((sums.bytes, sums.stages, sums.interruptions), (10, 2, 2));
    }

    #[test]
    fn the_log_is_told_every_few_seconds() {
        let clock = Clock::fake();
        let gauge = WorkProgress::new(clock.clone());
        gauge.begin("writing", None);
        let told = (0..10).map(|_| {
            clock.sleep(Duration::from_secs(1));
            gauge.due().is_some()
        });
        let told: Vec<bool> = told.collect();
        let seconds: Vec<usize> = (0..10).filter(|second| told[*second]).collect();
        assert_eq!(seconds, [2, 5, 8]);
    }

    #[test]
    fn what_holds_a_stage_up_stands_in_for_its_name() {
        let gauge = WorkProgress::new(Clock::fake());
        let stage = || gauge.read().map(|reading| (reading.stage, reading.done.0));
        gauge.held_up("nobody".into());
        assert_eq!(stage(), None);
        gauge.begin("writing", None);
        gauge.advance(7);
        gauge.held_up("waiting".into());
        assert_eq!(stage(), Some(("waiting".into(), 7)));
        gauge.goes_on();
        assert_eq!(stage(), Some(("writing".into(), 7)));
        gauge.begin("flushing", None);
        assert_eq!(stage(), Some(("flushing".into(), 0)));
        gauge.clear();
        assert_eq!(stage(), None);
    }
}
