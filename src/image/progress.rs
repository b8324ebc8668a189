//! Tells how far the image has come: to the gauge at once, in the log every few seconds.

use std::io::{self, Read};
use std::time::Duration;

use log::info;

use crate::clock::Clock;
use crate::gauge::Gauge;

const EVERY: Duration = Duration::from_secs(3);

/// Counts the bytes that pass.
pub struct Progress<R> {
    inner: R,
    gauge: Gauge,
    clock: Clock,
    told: Duration,
}

impl<R: Read> Progress<R> {
    pub fn new(inner: R, gauge: Gauge, clock: Clock) -> Self {
        let told = clock.elapsed();
        Progress {
            inner,
            gauge,
            clock,
            told,
        }
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.gauge.advance(count as u64);
        let now = self.clock.elapsed();
        if now - self.told >= EVERY {
            self.told = now;
            if let Some(reading) = self.gauge.read() {
                info!("{reading}");
            }
        }
        Ok(count)
    }
}
