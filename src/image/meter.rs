//! Where the time goes, stage by stage. Any thread may add to it: an atomic addition a block, never a lock.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::sink::Sink;
use crate::clock::Clock;

/// What is measured: what the decoder did is the time that none of these took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, pausing, and waiting for the next bytes to arrive.
    Network,
    Hash,
    /// Waiting for a block that the writers have emptied, and for the flushes at the end.
    Disk,
}

#[derive(Clone)]
pub struct Meter(Arc<Inner>);

struct Inner {
    clock: Clock,
    nanoseconds: [AtomicU64; 3],
}

impl Meter {
    pub fn new(clock: Clock) -> Self {
        Meter(Arc::new(Inner {
            clock,
            nanoseconds: Default::default(),
        }))
    }

    /// Does `work` on the account of `stage`. Stages do not nest: each is charged for its own work alone.
    pub fn charge<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = self.0.clock.elapsed();
        let outcome = work();
        let spent = (self.0.clock.elapsed() - started).as_nanos();
        // 2^64 nanoseconds are 584 years.
        self.0.nanoseconds[stage as usize].fetch_add(spent as u64, Ordering::Relaxed);
        outcome
    }

    pub fn spent(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.0.nanoseconds[stage as usize].load(Ordering::Relaxed))
    }
}

/// A sink that charges its time to the disk.
pub struct Metered<'a, S> {
    inner: &'a mut S,
    meter: &'a Meter,
}

impl<'a, S: Sink> Metered<'a, S> {
    pub fn new(inner: &'a mut S, meter: &'a Meter) -> Self {
        Metered { inner, meter }
    }
}

impl<S: Sink> Sink for Metered<'_, S> {
    fn capacity(&self) -> u64 {
        self.inner.capacity()
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        self.meter.charge(Stage::Disk, || self.inner.room(at))
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        self.meter.charge(Stage::Disk, || self.inner.filled(count))
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        self.meter.charge(Stage::Disk, || self.inner.zeros(at, len))
    }
}
