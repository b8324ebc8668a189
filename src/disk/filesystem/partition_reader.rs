//! Reads a part of a disk as a file of its own.
//!
//! Through the kernel's cache, which forgets what is written past it: nothing need be aligned, and a folder
//! read twice comes from the disk once.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use crate::disk::filesystem::iso::Source;
use crate::units::sought;

/// A stretch of a disk; 0 is its first byte.
pub struct PartitionReader<'a> {
    disk: &'a File,
    start: u64,
    len: u64,
    at: u64,
}

impl<'a> PartitionReader<'a> {
    /// `len` bytes of `disk` from `start` on.
    pub fn new(disk: &'a File, start: u64, len: u64) -> Self {
        PartitionReader {
            disk,
            start,
            len,
            at: 0,
        }
    }
}

impl Read for PartitionReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.at).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        let count = self
            .disk
            .read_at(&mut into[..count], self.start + self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for PartitionReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.len)?;
        Ok(self.at)
    }
}

impl Source for PartitionReader<'_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(into.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.disk.read_exact_at(into, self.start + at)
    }
}

/// File systems are made for those who write, too.
impl Write for PartitionReader<'_> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
