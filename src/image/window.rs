//! A stretch of a draft as a file of its own: what a file system is made in before the disk shows it.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::draft::Draft;
use crate::units::sought;

/// Reads and writes go straight to the draft; whoever makes many has a memory of his own.
pub struct Window<'a, 'b> {
    draft: &'a mut Draft<'b>,
    start: u64,
    len: u64,
    at: u64,
}

impl<'a, 'b> Window<'a, 'b> {
    pub fn new(draft: &'a mut Draft<'b>, start: u64, len: u64) -> Self {
        Window {
            draft,
            start,
            len,
            at: 0,
        }
    }

    /// How many of `count` bytes are left from here on.
    fn room(&self, count: usize) -> usize {
        count.min(usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX))
    }
}

impl Read for Window<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.room(into.len());
        self.draft.read(self.start + self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for Window<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.room(bytes.len());
        self.draft.write(self.start + self.at, &bytes[..count])?;
        self.at += count as u64;
        Ok(count)
    }

    /// The draft is flushed as a whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Window<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.len)?;
        Ok(self.at)
    }
}
