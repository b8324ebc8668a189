//! The disk as it is to be, shortly before its commit: its ends in memory, everything between on the disk.
//!
//! Bytes go where they belong at any offset and length; nobody here is in a hurry.

use std::ops::Range;

use crate::codec::gzip::crc32;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Error, Result};
use crate::image::verify::region_sums::merged;
use crate::small_sort;
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::units::{MIB, align_up};

/// One access to the disk.
const STEP: u64 = MIB;

/// The disk, its two ends in memory.
pub struct StagedDisk<'a> {
    /// All between the ends.
    pub target: &'a ExclusiveDisk,
    /// The first bytes of the disk.
    pub head: &'a mut [u8],
    /// The last ones, from `tail_at` on.
    pub tail: &'a mut [u8],
    /// In bytes from the start of the disk.
    pub tail_at: u64,
    /// What went to the disk meanwhile, and its sums; for those who want it read back.
    pub written: Option<Vec<(Range<u64>, u32)>>,
}

impl<'a> StagedDisk<'a> {
    /// Of a disk whose ends are like the rest of it.
    pub fn of(target: &'a ExclusiveDisk, noted: bool) -> Self {
        StagedDisk {
            target,
            head: &mut [],
            tail: &mut [],
            tail_at: target.size().0,
            written: noted.then(Vec::new),
        }
    }

    /// In bytes, of all of it.
    pub fn size(&self) -> u64 {
        self.target.size().0
    }

    /// Fills `into` from byte `at` on.
    pub fn read(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        self.each(at, into.len(), |staged, at, range| {
            let into = &mut into[range];
            if let Some(held) = staged.held(at, into.len()) {
                into.copy_from_slice(held);
                return Ok(());
            }
            let (memory, within) = staged.sectors(at, into.len())?;
            into.copy_from_slice(&memory[within..within + into.len()]);
            Ok(())
        })
    }

    /// Has the disk hold `bytes` from byte `at` on.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.each(at, bytes.len(), |staged, at, range| {
            let bytes = &bytes[range];
            if let Some(held) = staged.held(at, bytes.len()) {
                held.copy_from_slice(bytes);
                return Ok(());
            }
            let sector = staged.target.sector();
            let is_whole = at.is_multiple_of(sector) && (bytes.len() as u64).is_multiple_of(sector);
            let (mut memory, within) = match is_whole {
                true => (Aligned::new(bytes.len().next_multiple_of(ALIGNMENT)), 0),
                false => staged.sectors(at, bytes.len())?,
            };
            memory[within..within + bytes.len()].copy_from_slice(bytes);
            let len = align_up((within + bytes.len()) as u64, sector) as usize;
            staged.target.write_at(&memory[..len], at - within as u64)?;
            staged.note(at, bytes);
            Ok(())
        })
    }

    /// Has `len` bytes from `at` read as zeros.
    pub fn zeros(&mut self, at: u64, len: u64) -> Result<()> {
        let sector = self.target.sector();
        let end = at + len;
        let first = align_up(at.max(self.head.len() as u64), sector);
        let last = end.min(self.tail_at) / sector * sector;
        if first < last && self.target.punch(first, last - first) {
            let zeros = vec![0; STEP.min(last - first) as usize];
            for at in (first..last).step_by(STEP as usize) {
                self.note(at, &zeros[..STEP.min(last - at) as usize]);
            }
            self.write_zeros(at, first)?;
            return self.write_zeros(last, end);
        }
        self.write_zeros(at, end)
    }

    /// What went over earlier bytes stands for them.
    fn note(&mut self, at: u64, bytes: &[u8]) {
        if let Some(written) = &mut self.written {
            let new = at..at + bytes.len() as u64;
            written.retain(|(old, _)| old.end <= new.start || new.end <= old.start);
            written.push((new, crc32(bytes)));
        }
    }

    /// Where the disk does not hold what was written here since this was last asked.
    pub fn differences(&mut self) -> Result<Vec<Range<u64>>> {
        let mut written = self
            .written
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        small_sort::by_key(&mut written, |(range, _)| range.start);
        let mut wrong = Vec::new();
        for (range, sum) in written {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            self.read(range.start, &mut bytes)?;
            if crc32(&bytes) != sum {
                wrong.push(range);
            }
        }
        Ok(merged(wrong.into_iter()))
    }

    fn write_zeros(&mut self, mut at: u64, end: u64) -> Result<()> {
        let zeros = vec![0; STEP.min(end.saturating_sub(at)) as usize];
        while at < end {
            let count = (end - at).min(STEP);
            self.write(at, &zeros[..count as usize])?;
            at += count;
        }
        Ok(())
    }

    /// Does `work` for each part of a range that lies in one place, at most a step of it at once.
    fn each(
        &mut self,
        at: u64,
        len: usize,
        mut work: impl FnMut(&mut Self, u64, Range<usize>) -> Result<()>,
    ) -> Result<()> {
        let end = at.checked_add(len as u64).filter(|end| *end <= self.size());
        let Some(end) = end else {
            let why = format!("byte {at} and {len} more are not all on the disk");
            return Err(Error::plain(why));
        };
        let mut next = at;
        while next < end {
            let borders = [self.head.len() as u64, self.tail_at, next + STEP, end];
            let stop = borders.into_iter().filter(|border| *border > next).min();
            let stop = stop.unwrap_or(end);
            work(self, next, (next - at) as usize..(stop - at) as usize)?;
            next = stop;
        }
        Ok(())
    }

    /// The bytes in memory, if `at` is in one of the ends.
    fn held(&mut self, at: u64, len: usize) -> Option<&mut [u8]> {
        if at < self.head.len() as u64 {
            return self.head.get_mut(at as usize..)?.get_mut(..len);
        }
        let within = usize::try_from(at.checked_sub(self.tail_at)?).ok()?;
        self.tail.get_mut(within..)?.get_mut(..len)
    }

    /// The whole sectors around `len` bytes at `at`, and where in them those begin.
    fn sectors(&self, at: u64, len: usize) -> Result<(Aligned, usize)> {
        let sector = self.target.sector();
        let within = at % sector;
        let len = align_up(within + len as u64, sector);
        let mut memory = Aligned::new(align_up(len, ALIGNMENT as u64) as usize);
        self.target
            .read_at(&mut memory[..len as usize], at - within)?;
        Ok((memory, within as usize))
    }
}
