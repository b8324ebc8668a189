//! Counts the bytes that go to a disk, written and zeroed, from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::units::Bytes;

/// Counters that any thread may add to.
#[derive(Default)]
pub struct WriteCounters {
    written: AtomicU64,
    zeroed: AtomicU64,
}

impl WriteCounters {
    /// So many bytes were written.
    pub fn write(&self, count: u64) {
        self.written.fetch_add(count, Ordering::Relaxed);
    }

    /// So many bytes the disk was told to zero.
    pub fn zero(&self, count: u64) {
        self.zeroed.fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes sent to the disk.
    pub fn written(&self) -> Bytes {
        Bytes(self.written.load(Ordering::Relaxed))
    }

    /// Was anything?
    pub fn any(&self) -> bool {
        self.written().0 + self.zeroed().0 > 0
    }

    /// Zeroed by the disk itself.
    pub fn zeroed(&self) -> Bytes {
        Bytes(self.zeroed.load(Ordering::Relaxed))
    }
}
