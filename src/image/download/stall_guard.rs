//! Fails a body that stalls: one that trickles is as good as one that stopped.

use std::io::{self, Read};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Error;
use crate::units::{Bytes, KIB};

/// Bytes a second below which a server does not count as sending.
const FLOOR: f64 = KIB as f64;

/// Fails once a window's worth of waiting brought less than the floor. Only time spent in `read`
/// counts: a reader that is slow itself is no fault of the network.
pub struct StallGuard<R> {
    inner: R,
    /// For messages.
    name: String,
    clock: Clock,
    window: Duration,
    waited: Duration,
    brought: u64,
}

impl<R: Read> StallGuard<R> {
    /// `name` goes into the error; something worth while must come in every `window` of `clock`.
    pub fn new(inner: R, name: String, clock: Clock, window: Duration) -> Self {
        StallGuard {
            inner,
            name,
            clock,
            window,
            waited: Duration::ZERO,
            brought: 0,
        }
    }
}

impl<R: Read> Read for StallGuard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.waited >= self.window {
            if (self.brought as f64) < FLOOR * self.waited.as_secs_f64() {
                let why = format!(
                    "{}: {} in {:.0} s is less than {} a second: a stall; is the server overloaded, or the network dropping packets?",
                    self.name,
                    Bytes(self.brought),
                    self.waited.as_secs_f64(),
                    Bytes(FLOOR as u64)
                );
                return Err(Error::plain(why).into());
            }
            (self.waited, self.brought) = (Duration::ZERO, 0);
        }
        let started = self.clock.elapsed();
        let count = self.inner.read(into)?;
        self.waited += self.clock.elapsed() - started;
        self.brought += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// So many bytes a read, a second each.
    struct Slow(usize, Clock);
    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1.sleep(SECOND);
            Ok(self.0.min(into.len()))
        }
    }

    fn reads(rate: usize, pause: Duration) -> (usize, Option<Error>) {
        let clock = Clock::fake();
        let slow = Slow(rate, clock.clone());
        let mut flow = StallGuard::new(slow, "http://h/i".into(), clock.clone(), 60 * SECOND);
        for count in 0..300 {
            if let Err(error) = flow.read(&mut [0; 8192]) {
                return (count, Some(error.into()));
            }
            clock.sleep(pause);
        }
        (300, None)
    }

    #[test]
    fn a_trickle_is_a_stall_after_one_window() {
        let (count, error) = reads(100, Duration::ZERO);
        let error = error.expect("a stall");
        assert_eq!(count, 60);
        assert_eq!(
            error.details().split(';').next(),
            Some("http://h/i: 5.9 KiB in 60 s is less than 1 KiB a second: a stall")
        );
    }

    #[test]
    fn a_slow_network_is_not_and_neither_is_a_slow_disk() {
        assert_eq!(reads(1024, Duration::ZERO), (300, None));
        assert_eq!(reads(1024, 100 * SECOND), (300, None));
    }
}
