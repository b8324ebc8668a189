//! Holds a download to so many bytes a second, so that one machine of many leaves the others their share of server and network.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::units::Bytes;

/// Between two reads, and what is made up for at the most: whoever was held up does not catch up in a burst.
const SLICE: Duration = Duration::from_millis(50);

/// What all connections of one download may bring together.
#[derive(Clone)]
pub struct RateLimit {
    rate: Bytes,
    clock: Clock,
    /// When the next byte is due, on the clock.
    due: Arc<Mutex<Duration>>,
}

impl RateLimit {
    /// So many bytes a second of `clock`; more than none.
    pub fn new(rate: Bytes, clock: Clock) -> Self {
        RateLimit {
            rate,
            due: Arc::new(Mutex::new(clock.elapsed())),
            clock,
        }
    }

    /// What may wait in this machine to be read: of two slices, or the other side would send in bursts.
    pub fn ahead(&self) -> usize {
        self.slice() * 2
    }

    /// Bytes of one read at the most.
    fn slice(&self) -> usize {
        let most = self.rate.0 as f64 * SLICE.as_secs_f64();
        (most as usize).max(1)
    }

    /// So many bytes have come: waits until they were due.
    fn took(&self, count: usize) {
        let time = Duration::from_secs_f64(count as f64 / self.rate.0 as f64);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        *due = (*due).max(now.saturating_sub(SLICE)) + time;
        let early = due.saturating_sub(now);
        drop(due);
        self.clock.sleep(early);
    }
}

/// A body that is read no faster than its limit, if it has one.
pub struct Limited<R> {
    inner: R,
    limit: Option<RateLimit>,
}

impl<R> Limited<R> {
    /// None as fast as it comes.
    pub fn new(inner: R, limit: Option<RateLimit>) -> Self {
        Limited { inner, limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(limit) = &self.limit else {
            return self.inner.read(into);
        };
        let most = into.len().min(limit.slice());
        let count = self.inner.read(&mut into[..most])?;
        limit.took(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MIB;

    /// Seconds that `reads` reads of up to `size` bytes take with a pause of `pause` before the one in the middle, and what came.
    fn taken(rate: u64, size: usize, reads: usize, pause: u64) -> (f64, u64, usize) {
        let clock = Clock::fake();
        let limit = RateLimit::new(Bytes(rate), clock.clone());
        let mut body = Limited::new(io::repeat(7), Some(limit));
        let (mut into, mut bytes, mut largest) = (vec![0; size], 0, 0);
        for number in 0..reads {
            if number == reads / 2 {
                clock.sleep(Duration::from_secs(pause));
            }
            let count = body.read(&mut into).expect("it never ends");
            (bytes, largest) = (bytes + count as u64, largest.max(count));
        }
        (clock.elapsed().as_secs_f64(), bytes, largest)
    }

    #[test]
    fn no_more_comes_than_may_and_nothing_is_made_up_for() {
        for (rate, size) in [(MIB, 1 << 20), (MIB, 1000), (64 << 10, 8 << 20)] {
            for pause in [0, 100] {
                let (time, bytes, largest) = taken(rate, size, 1000, pause);
                let wanted = bytes as f64 / rate as f64 + pause as f64;
                assert!(
                    time > wanted - 0.11 && time < wanted + 0.1,
                    "{rate} {size} {pause}: {time} s instead of {wanted}"
                );
                assert!(largest as u64 <= rate / 20, "{largest} at once");
            }
        }
    }

    #[test]
    fn connections_of_one_download_share_its_limit() {
        let clock = Clock::fake();
        let limit = RateLimit::new(Bytes(MIB), clock.clone());
        let mut bodies = [0, 1].map(|_| Limited::new(io::repeat(7), Some(limit.clone())));
        let (mut into, mut bytes) = (vec![0; 1 << 20], 0);
        for _ in 0..100 {
            for body in &mut bodies {
                bytes += body.read(&mut into).expect("it never ends");
            }
        }
        let wanted = bytes as f64 / MIB as f64;
        let time = clock.elapsed().as_secs_f64();
        assert!((time - wanted).abs() < 0.11, "{time} s instead of {wanted}");
    }
}
