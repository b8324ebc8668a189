//! A range of the staged disk as a file of its own, for making a file system in it.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::disk::filesystem::ext4::Place;
use crate::error::{Error, Result};
use crate::image::layout::staged_disk::StagedDisk;
use crate::units::sought;

/// Reads and writes go straight to the staged; whoever makes many has a memory of his own.
pub struct StagedRange<'a, 'b> {
    staged: &'a mut StagedDisk<'b>,
    start: u64,
    len: u64,
    at: u64,
}

impl<'a, 'b> StagedRange<'a, 'b> {
    /// `len` bytes of the disk from byte `start` on, at whose start the file is positioned.
    pub fn new(staged: &'a mut StagedDisk<'b>, start: u64, len: u64) -> Self {
        StagedRange {
            staged,
            start,
            len,
            at: 0,
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// How many of `count` bytes are left from here on.
    fn room(&self, count: usize) -> usize {
        count.min(usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX))
    }
}

impl Place for StagedRange<'_, '_> {
    fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes).map_err(Error::from)
    }

    fn zeros(&mut self, at: u64, len: u64) -> Result<()> {
        match at.checked_add(len) {
            Some(end) if end <= self.len => self.staged.zeros(self.start + at, len),
            _ => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
        }
    }
}

impl Read for StagedRange<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.room(into.len());
        self.staged.read(self.start + self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for StagedRange<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.room(bytes.len());
        self.staged.write(self.start + self.at, &bytes[..count])?;
        self.at += count as u64;
        Ok(count)
    }

    /// The staged is flushed as a whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for StagedRange<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.len)?;
        Ok(self.at)
    }
}
