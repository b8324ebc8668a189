//! Partitions as every kind of table has them, and the checks and bytes both kinds share.

use crate::error::{Error, Result};
use crate::small_sort;
use crate::units::Bytes;

/// In bytes from the start of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// As the kernel counts them: from 1.
    pub number: u32,
    /// Its first byte.
    pub start: u64,
    /// The first byte after it.
    pub end: u64,
    /// Only a GPT has one.
    pub name: String,
}

/// An error unless every partition is on a disk of `size` bytes and no two share a byte.
pub(super) fn check(partitions: &[Partition], size: u64) -> Result<()> {
    let mut by_start: Vec<&Partition> = partitions.iter().collect();
    small_sort::by_key(&mut by_start, |partition| partition.start);
    for partition in &by_start {
        if partition.end > size {
            let (number, end, size) = (partition.number, Bytes(partition.end), Bytes(size));
            let why = format!("partition {number} ends at {end}, and the disk at {size}");
            return Err(Error::plain(why));
        }
    }
    for pair in by_start.windows(2) {
        if let [one, other] = pair
            && one.end > other.start
        {
            let (one, other) = (one.number, other.number);
            let why = format!("partitions {one} and {other} overlap");
            return Err(Error::plain(why));
        }
    }
    Ok(())
}

/// The last whole stretch of `len` bytes before `limit` that begins at a multiple of `step`, if no
/// partition is in it.
pub(super) fn last_gap(partitions: &[Partition], limit: u64, len: u64, step: u64) -> Option<u64> {
    let start = limit.checked_sub(len)? / step * step;
    let taken = |partition: &Partition| partition.start < start + len && start < partition.end;
    (start > 0 && !partitions.iter().any(taken)).then_some(start)
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// `N` bytes at `at`; whoever asks has checked that they are there.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
