//! The records of folders: where each file lies, and its bytes, within the image and nowhere else.

use std::io;

use crate::error::{Context, Error, Result};

/// ECMA-119, 6.1.2.
pub const SECTOR: usize = 2048;

/// Where the bytes of an image are: in memory, or on a device.
pub trait Source {
    /// How many there are.
    fn size(&self) -> u64;
    /// Those from `at` on; an error where there are not so many.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let end = at.saturating_add(into.len());
        let bytes = self.get(at..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }
}

/// The whole, in blocks of so many bytes.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    pub source: &'a dyn Source,
    pub block: usize,
}

impl Image<'_> {
    /// The first byte of what a record stands for; an error where it is not all there.
    pub fn place(&self, record: &Record) -> Result<u64> {
        let start = (record.start as u64).checked_mul(self.block as u64);
        let end = start.and_then(|start| start.checked_add(record.len as u64));
        match start.filter(|_| end.is_some_and(|end| end <= self.source.size())) {
            Some(start) => Ok(start),
            None => Err(Error::plain("a part of it lies beyond its end")),
        }
    }

    /// What a record stands for, from byte `from` of it on; an error where it is not all there, or is more than `most`.
    pub fn content(&self, record: &Record, from: usize, most: usize) -> Result<Vec<u8>> {
        let start = self.place(record)?;
        let len = record.len.saturating_sub(from);
        if len > most {
            return Err(too_much());
        }
        let mut bytes = vec![0; len];
        let read = self.source.read(start + from as u64, &mut bytes);
        read.with_context(|| format!("reading {len} bytes at byte {start} of it"))?;
        Ok(bytes)
    }
}

/// ECMA-119, 9.1: what a folder says of a file or of a folder in it.
pub struct Record<'a> {
    pub start: usize,
    pub len: usize,
    pub flags: u8,
    pub name: &'a [u8],
    /// What others than ECMA-119 say.
    pub area: &'a [u8],
}

pub const FOLDER: u8 = 2;
/// Associated, with a structure of its own, and in several parts: nothing of it is in a config drive.
pub const STRANGE: u8 = 4 | 8 | 128;

impl<'a> Record<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        let named = bytes.get(32).map(|len| 33 + usize::from(*len));
        let Some(end) = named.filter(|end| *end <= bytes.len()) else {
            return Err(Error::plain("a folder of it is cut or damaged"));
        };
        Ok(Record {
            start: wide(bytes, 2) as usize + usize::from(bytes[1]),
            len: wide(bytes, 10) as usize,
            flags: bytes[25]
                | if bytes[26] | bytes[27] != 0 {
                    STRANGE
                } else {
                    0
                },
            name: &bytes[33..end],
            area: bytes.get(end.next_multiple_of(2)..).unwrap_or_default(),
        })
    }
}

/// The records of a folder; none goes from one sector into the next (ECMA-119, 6.8.1.1).
pub struct Records<'a>(pub &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.0.first() == Some(&0) {
            let rest = self.0.len().saturating_sub(1) / SECTOR * SECTOR;
            self.0 = &self.0[self.0.len() - rest..];
        }
        let len = usize::from(*self.0.first()?);
        let (record, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        Some(Record::new(record))
    }
}

pub fn wide(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub fn too_much() -> Error {
    Error::plain("it has more files, or folders in folders, than a config drive")
}
