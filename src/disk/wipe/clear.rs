//! Looking for signatures, and zeros over them.

use std::ops::Range;

use log::warn;

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::wipe::signatures::{SIGNATURES, Signature};
use crate::disk::wipe::zeroing_order::{LONGEST, ends};
use crate::error::{Error, Result};
use crate::sys::block::{ALIGNMENT, Aligned};

/// One disk and memory to move its bytes in.
pub struct Sweep<'a> {
    target: &'a ExclusiveDisk,
    memory: Aligned,
}

impl<'a> Sweep<'a> {
    pub fn new(target: &'a ExclusiveDisk) -> Self {
        // Ranges begin and end anywhere, direct I/O at sectors.
        let memory = Aligned::new(LONGEST as usize + 2 * ALIGNMENT);
        Sweep { target, memory }
    }

    /// Tells the names of what is on a partition or disk, and returns what of it is far from both ends.
    pub fn scan(&mut self, range: &Range<u64>, mut tell: impl FnMut(&[&str])) -> Vec<Range<u64>> {
        let size = range.end - range.start;
        let [tail, head] = ends(range);
        let mut names = Vec::new();
        let mut far = Vec::new();
        let spots = || {
            let spots = SIGNATURES.iter().map(|own| (own, own.places(size)));
            spots.flat_map(|(own, places)| places.map(move |at| (own, at)))
        };
        let of = |(own, at): (&Signature, u64)| {
            let at = range.start + at;
            at..at + own.longest()
        };
        let inside =
            |zone: &Range<u64>, spot: &Range<u64>| zone.start <= spot.start && spot.end <= zone.end;
        for zone in [&head, &tail] {
            let bytes = match self.read(zone) {
                Ok(bytes) => bytes,
                Err(error) => {
                    warn!("what is there cannot be told: {error}");
                    continue;
                }
            };
            for (own, at) in spots() {
                let spot = of((own, at));
                if inside(zone, &spot) && own.is(&bytes[(spot.start - zone.start) as usize..]) {
                    names.push(own.name);
                }
            }
        }
        for (own, at) in spots() {
            let spot = of((own, at));
            if inside(&head, &spot) || inside(&tail, &spot) {
                continue;
            }
            // What cannot be read is erased on suspicion.
            let there = self.read(&spot).map(|bytes| own.is(bytes));
            if there.as_ref().is_ok_and(|there| *there) {
                names.push(own.name);
            }
            if there.unwrap_or(true) {
                far.push(spot);
            }
        }
        tell(&names);
        far
    }

    /// Writes zeros over every sector the range touches.
    pub fn zero(&mut self, range: &Range<u64>) -> Result<()> {
        let range = self.sectors(range);
        let mut at = range.start;
        while at < range.end {
            let len = (range.end - at).min(self.memory.len() as u64) as usize;
            self.memory[..len].fill(0);
            self.target.write_at(&self.memory[..len], at)?;
            at += len as u64;
        }
        Ok(())
    }

    pub fn must_be_zero(&mut self, range: &Range<u64>) -> Result<()> {
        let bytes = self.read(range)?;
        match bytes.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(within) => {
                let at = range.start + within as u64;
                let why = format!(
                    "byte {at} was written as zero and reads as something else: is the disk failing?"
                );
                Err(Error::plain(why))
            }
        }
    }

    /// Fills `bytes` from any offset.
    pub fn copy(&mut self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let found = self.read(&(at..at.saturating_add(bytes.len() as u64)))?;
        match found.len() == bytes.len() {
            true => bytes.copy_from_slice(found),
            false => return Err(Error::plain(format!("byte {at} is not on the disk"))),
        }
        Ok(())
    }

    /// A range no longer than an end, past the page cache; cut off where the disk ends.
    fn read(&mut self, range: &Range<u64>) -> Result<&[u8]> {
        let around = self.sectors(range);
        let end = range.end.min(around.end);
        if range.start >= end {
            return Ok(&[]);
        }
        let len = (around.end - around.start) as usize;
        self.target.read_at(&mut self.memory[..len], around.start)?;
        let from = (range.start - around.start) as usize;
        Ok(&self.memory[from..from + (end - range.start) as usize])
    }

    /// The whole sectors around a range, as far as there are any.
    fn sectors(&self, range: &Range<u64>) -> Range<u64> {
        let sector = self.target.sector();
        let last = self.target.size().0 / sector * sector;
        let end = range.end.min(last).next_multiple_of(sector);
        range.start.min(last) / sector * sector..end
    }
}
