//! Accounts for the time of the main path, stage by stage, over all its threads.
//!
//! Any thread may add to it: an atomic addition a block, never a lock.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Error;
use crate::image::write::sink::Sink;
use crate::sys::block::Aligned;
use crate::units::Bytes;

/// What the time of a thread went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, pausing, and waiting for the next bytes to arrive.
    Network,
    /// Digesting.
    Hash,
    /// Decoding, unpacking, copying.
    Decode,
    /// Waiting for a block that the writers have emptied, and for the flushes at the end.
    Disk,
    /// Waiting for a thread of our own, which keeps its own account.
    Another,
}

/// A handle on the accounts of one deploy; clones share it.
#[derive(Clone)]
pub struct StageTimes(Arc<Inner>);

struct Inner {
    clock: Clock,
    nanoseconds: [AtomicU64; 5],
}

thread_local! {
    /// What was charged to others within the charge that this thread is in.
    static WITHIN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

impl StageTimes {
    /// All accounts empty.
    pub fn new(clock: Clock) -> Self {
        StageTimes(Arc::new(Inner {
            clock,
            nanoseconds: Default::default(),
        }))
    }

    /// Does `work` on the account of `stage`, but for what is charged to others meanwhile: of the time of
    /// a thread nothing counts twice.
    pub fn charge<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = self.0.clock.elapsed();
        let before = WITHIN.replace(Duration::ZERO);
        let outcome = work();
        let spent = self.0.clock.elapsed() - started;
        let own = spent.saturating_sub(WITHIN.replace(before + spent));
        // 2^64 nanoseconds are 584 years.
        self.0.nanoseconds[stage as usize].fetch_add(own.as_nanos() as u64, Ordering::Relaxed);
        outcome
    }

    /// All threads together.
    pub fn spent(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.0.nanoseconds[stage as usize].load(Ordering::Relaxed))
    }
}

/// A sink that charges its time to the disk.
pub struct Metered<'a, S> {
    inner: &'a mut S,
    meter: &'a StageTimes,
}

impl<'a, S: Sink> Metered<'a, S> {
    /// What `inner` takes is charged.
    pub fn new(inner: &'a mut S, meter: &'a StageTimes) -> Self {
        Metered { inner, meter }
    }
}

impl<S: Sink> Sink for Metered<'_, S> {
    fn capacity(&self) -> u64 {
        self.inner.capacity()
    }

    fn too_small(&self, image: Option<Bytes>) -> Error {
        self.inner.too_small(image)
    }

    fn is_touched(&self) -> bool {
        self.inner.is_touched()
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        self.meter.charge(Stage::Disk, || self.inner.room(at))
    }

    fn block(&mut self, at: u64) -> io::Result<Option<&mut Aligned>> {
        self.meter.charge(Stage::Disk, || self.inner.block(at))
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        self.meter.charge(Stage::Disk, || self.inner.filled(count))
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        self.meter.charge(Stage::Disk, || self.inner.zeros(at, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_threads_time_nothing_counts_twice() {
        let clock = Clock::fake();
        let meter = StageTimes::new(clock.clone());
        let sleep = |seconds| clock.sleep(Duration::from_secs(seconds));
        meter.charge(Stage::Network, || sleep(1));
        meter.charge(Stage::Decode, || {
            sleep(2);
            meter.charge(Stage::Hash, || {
                sleep(4);
                meter.charge(Stage::Network, || sleep(8));
            });
            meter.charge(Stage::Disk, || sleep(16));
            sleep(32);
        });
        meter.charge(Stage::Disk, || sleep(64));
        let all = [
            Stage::Network,
            Stage::Hash,
            Stage::Decode,
            Stage::Disk,
            Stage::Another,
        ];
        let spent = all.map(|stage| meter.spent(stage).as_secs());
        assert_eq!(spent, [1 + 8, 4, 2 + 32, 16 + 64, 0]);
    }

    #[test]
    fn another_thread_has_an_account_of_its_own() {
        let clock = Clock::fake();
        let meter = StageTimes::new(clock.clone());
        let other = meter.clone();
        meter.charge(Stage::Decode, || {
            meter.charge(Stage::Another, || {
                let sleep = move || clock.sleep(Duration::from_secs(3));
                let work = move || other.charge(Stage::Hash, sleep);
                std::thread::spawn(work).join().expect("it sleeps");
            });
        });
        let spent = |stage| meter.spent(stage).as_secs();
        assert_eq!((spent(Stage::Hash), spent(Stage::Another)), (3, 3));
        assert_eq!(spent(Stage::Decode), 0);
    }
}
