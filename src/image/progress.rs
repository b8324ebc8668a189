//! Tells how far the image has come: to the gauge at once, in the log every few seconds.

use std::io::{self, Read};

use log::info;

use crate::gauge::Gauge;

/// Counts the bytes that pass.
pub struct Progress<R> {
    inner: R,
    gauge: Gauge,
}

impl<R: Read> Progress<R> {
    pub fn new(inner: R, gauge: Gauge) -> Self {
        Progress { inner, gauge }
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.gauge.advance(count as u64);
        if let Some(reading) = self.gauge.due() {
            info!("{reading}");
        }
        Ok(count)
    }
}
