//! Tells how far the image has come: to whoever asks at once, to the log every few seconds.

use std::io::{self, Read};

use log::info;

use crate::image::verify::digest::Source;
use crate::sys::block::Aligned;
use crate::work_progress::WorkProgress;

/// Counts the bytes that pass.
pub struct Progress<R> {
    inner: R,
    gauge: WorkProgress,
}

impl<R> Progress<R> {
    /// `inner` is the image as served; its length is that of the stage in `gauge`.
    pub fn new(inner: R, gauge: WorkProgress) -> Self {
        Progress { inner, gauge }
    }

    fn passed(&self, count: usize) -> usize {
        self.gauge.advance(count as u64);
        if let Some(reading) = self.gauge.due() {
            info!("{reading}");
        }
        count
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        Ok(self.passed(count))
    }
}

impl<S: Source> Source for Progress<S> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        let count = self.inner.read_block(into)?;
        Ok(self.passed(count))
    }
}
