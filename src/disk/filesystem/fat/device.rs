//! What a FAT file system lies on: read and written at any byte, with errors that say where.

use std::io::{Read, Seek, SeekFrom, Write};

use crate::error::{Context, Result};

/// What a file system lies on.
pub trait Device: Read + Write + Seek {}
impl<T: Read + Write + Seek> Device for T {}

pub(super) fn fetch(device: &mut dyn Device, at: u64, into: &mut [u8]) -> Result<()> {
    let read = device
        .seek(SeekFrom::Start(at))
        .and_then(|_| device.read_exact(into));
    read.with_context(|| {
        format!(
            "reading {} bytes at byte {at} of the file system",
            into.len()
        )
    })
}

pub(super) fn put(device: &mut dyn Device, at: u64, bytes: &[u8]) -> Result<()> {
    let written = device
        .seek(SeekFrom::Start(at))
        .and_then(|_| device.write_all(bytes));
    written.with_context(|| {
        format!(
            "writing {} bytes at byte {at} of the file system",
            bytes.len()
        )
    })
}

pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn wide(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at + 2)) << 16 | u32::from(word(bytes, at))
}
