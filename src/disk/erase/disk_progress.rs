//! One disk's part of the progress of an erasure: as many bytes as would be written if it had to be overwritten.

use std::sync::atomic::{AtomicU64, Ordering};

use log::info;

use crate::work_progress::WorkProgress;

pub struct DiskProgress {
    gauge: WorkProgress,
    whole: u64,
    done: AtomicU64,
}

impl DiskProgress {
    pub fn new(gauge: &WorkProgress, whole: u64) -> Self {
        DiskProgress {
            gauge: gauge.clone(),
            whole,
            done: AtomicU64::new(0),
        }
    }

    /// So many bytes more were written.
    pub fn advance(&self, count: u64) {
        let before = self.done.fetch_add(count, Ordering::Relaxed);
        self.gauge
            .advance(count.min(self.whole.saturating_sub(before)));
        if let Some(reading) = self.gauge.due() {
            info!("{reading}");
        }
    }

    /// `part` of `total` is done; what was told before stays told.
    pub fn reach(&self, part: u64, total: u64) {
        let part = u128::from(part.min(total)) * u128::from(self.whole);
        let part = part.checked_div(u128::from(total)).unwrap_or_default() as u64; // at most the whole
        let done = self.done.load(Ordering::Relaxed);
        self.advance(part.saturating_sub(done));
    }
}

/// Nothing more is to be done for the disk, however it ended.
impl Drop for DiskProgress {
    fn drop(&mut self) {
        self.reach(1, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_share_is_told_in_full_and_never_twice() {
        let gauge = WorkProgress::new(Clock::fake());
        gauge.begin("erasing", None);
        let done = || gauge.read().map_or(0, |reading| reading.done.0);
        let progress = DiskProgress::new(&gauge, 1000);
        progress.reach(1, 4);
        assert_eq!(done(), 250);
        // Another method starts from the beginning: what was told is not taken back.
        progress.reach(1, 10);
        progress.advance(100);
        assert_eq!(done(), 350);
        progress.advance(900);
        progress.reach(1, 2);
        assert_eq!(done(), 1000);
        drop(progress);
        drop(DiskProgress::new(&gauge, 500));
        assert_eq!(done(), 1500);
    }
}
