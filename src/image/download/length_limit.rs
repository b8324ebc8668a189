//! Limits how much is read of a body: what follows the last byte a decoder needs is digested too, however much it is.

use std::io::{self, Read};

use crate::error::{Error, Kind};
use crate::image::verify::digest::Source;
use crate::sys::block::Aligned;
use crate::units::{Bytes, MIB};

/// A reader that is an error once it has read more than any image for this disk can be.
pub struct Bounded<R> {
    inner: R,
    most: u64,
    passed: u64,
}

impl<R> Bounded<R> {
    /// Of an image for a disk of `disk`. One with more deleted snapshots than this is not worth its way.
    pub fn new(inner: R, disk: Bytes) -> Self {
        Bounded {
            inner,
            most: disk.0.saturating_mul(4).saturating_add(64 * MIB),
            passed: 0,
        }
    }

    fn passed(&mut self, count: usize) -> io::Result<usize> {
        self.passed += count as u64;
        if self.passed > self.most {
            let why = format!(
                "after {} there is no end of the image, which is more than any for this disk can be; 'qemu-img convert' drops what is not needed",
                Bytes(self.passed)
            );
            return Err(Error::new(Kind::InvalidImage, why).into());
        }
        Ok(count)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.passed(count)
    }
}

impl<S: Source> Source for Bounded<S> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        let count = self.inner.read_block(into)?;
        self.passed(count)
    }
}
