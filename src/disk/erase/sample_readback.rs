//! Proves that a disk is erased: reads samples of it past every cache of this machine.
//!
//! After overwriting they must hold what the last pass wrote. A disk that erases itself says only that it
//! did: so they are marked before, and the marks must be gone.

use std::fmt;

use crate::disk::boot_sector;
use crate::disk::erase::fill_pattern::{Filling, words};
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Context, Error, Result};
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::sys::kernel;

/// One sample.
const PAGE: u64 = ALIGNMENT as u64;
/// Samples at each end, where tables and superblocks are.
const AT_ENDS: u64 = 16;
/// Samples over the disk: one anywhere in each hundredth of it.
const PARTS: u64 = 100;

/// Places of a disk.
pub struct Samples {
    len: u64,
    places: Vec<u64>,
}

impl Samples {
    /// Both ends, and places in between that nobody can foresee.
    pub fn of(size: u64) -> Result<Self> {
        let len = PAGE.min(size);
        let last = size - len;
        let mut seed = [0; 8];
        kernel::random(&mut seed).context("drawing random places")?;
        let mut draw = words(u64::from_le_bytes(seed), 0);
        let pages = last / PAGE + 1;
        let part = pages.div_ceil(PARTS);
        let anywhere = (0..PARTS).map(|number| number * part + draw.next() % part);
        let first = (0..AT_ENDS).chain(anywhere).filter(|page| *page < pages);
        let end = (0..AT_ENDS.min(pages)).rev();
        let mut places: Vec<u64> = first.map(|page| page * PAGE).collect();
        places.extend(end.map(|page| last - page * PAGE));
        Ok(Samples { len, places })
    }

    /// All hold what `filling` has there; the error says where not.
    pub fn hold(&self, target: &ExclusiveDisk, filling: Filling) -> Result<Proof> {
        let what = match filling {
            Filling::Zeros => "zeros",
            Filling::Random(_) => "what was written",
        };
        let all = |bytes: &[u8], at| filling.is(bytes, at);
        self.check(target, what, all)
    }

    fn check(
        &self,
        target: &ExclusiveDisk,
        what: &'static str,
        fits: impl Fn(&[u8], u64) -> bool,
    ) -> Result<Proof> {
        let mut memory = Aligned::new(ALIGNMENT);
        let bytes = &mut memory[..self.len as usize]; // at most a page
        for at in &self.places {
            target.read_at(bytes, *at)?;
            if !fits(bytes, *at) {
                return Err(Error::plain(format!(
                    "{} was to hold {what} at bytes {at}–{} and does not",
                    target.path().display(),
                    at + self.len - 1
                )));
            }
        }
        Ok(Proof {
            samples: self.places.len(),
            len: self.len,
            what,
        })
    }
}

/// Samples with bytes no disk holds by chance.
pub struct Marks {
    pub samples: Samples,
    bytes: Filling,
    /// What the samples held, one after the other.
    before: Vec<u8>,
}

impl Marks {
    /// Returns once the disk keeps them. An error leaves what was there, as far as the disk can be written.
    pub fn set(target: &ExclusiveDisk) -> Result<Self> {
        let samples = Samples::of(target.size().0)?;
        let mut memory = Aligned::new(ALIGNMENT);
        let bytes = &mut memory[..samples.len as usize]; // at most a page
        // Places may overlap: all are read before the first is written.
        let mut before = Vec::with_capacity(samples.places.len() * bytes.len());
        for at in &samples.places {
            target.read_at(bytes, *at).context("reading samples")?;
            before.extend_from_slice(bytes);
        }
        let marks = Marks {
            samples,
            bytes: Filling::random()?,
            before,
        };
        // Nothing is to start what is marked, should the power go now.
        let set = boot_sector::clear(target)
            .and_then(|()| target.flush())
            .and_then(|()| marks.each(target, |bytes, at, _| marks.bytes.fill(bytes, at)));
        if let Err(error) = set {
            let _ = marks.take_back(target); // the first failure says more
            return Err(error).context("marking samples");
        }
        Ok(marks)
    }

    /// For a disk nothing was done to: it holds again what it held, the boot sector last.
    pub fn take_back(&self, target: &ExclusiveDisk) -> Result<()> {
        let sector = target.sector() as usize;
        let back = self.each(target, |bytes, at, before| {
            bytes.copy_from_slice(before);
            if at == 0 {
                bytes[..sector].fill(0);
            }
        });
        let mut first = Aligned::new(ALIGNMENT);
        let first = &mut first[..self.samples.len as usize]; // at most a page
        first.copy_from_slice(&self.before[..first.len()]);
        back.and_then(|()| target.write_at(first, 0))
            .and_then(|()| target.flush())
            .context("taking marks back")
    }

    /// Writes every sample as `make` has it, told its place and what it held; then flushes.
    fn each(&self, target: &ExclusiveDisk, make: impl Fn(&mut [u8], u64, &[u8])) -> Result<()> {
        let mut memory = Aligned::new(ALIGNMENT);
        let bytes = &mut memory[..self.samples.len as usize]; // at most a page
        for (at, before) in self
            .samples
            .places
            .iter()
            .zip(self.before.chunks(bytes.len()))
        {
            make(bytes, *at, before);
            target.write_at(bytes, *at)?;
        }
        target.flush()
    }

    /// None holds its mark.
    pub fn are_gone(&self, target: &ExclusiveDisk) -> Result<Proof> {
        let gone = |bytes: &[u8], at| !self.bytes.is(bytes, at);
        self.samples.check(target, "no mark any more", gone)
    }
}

/// What the samples held.
#[derive(Debug)]
pub struct Proof {
    samples: usize,
    len: u64,
    what: &'static str,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proof { samples, len, what } = self;
        write!(f, "{samples} samples of {len} bytes hold {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GIB;

    #[test]
    fn samples_are_at_both_ends_and_all_over_the_disk() {
        for size in [512, 4096, 4608, 100_352, 8 * GIB + 512] {
            let Samples { len, places } = Samples::of(size).expect("there is randomness");
            assert_eq!((places[0], len), (0, size.min(4096)));
            assert_eq!(places.last(), Some(&(size - len)), "{size}");
            assert!(places.iter().all(|at| at + len <= size && at % 512 == 0));
        }
        let places = Samples::of(100 * GIB).expect("there is randomness").places;
        for part in 0..100 {
            let part = part * GIB..(part + 1) * GIB;
            assert!(places.iter().any(|at| part.contains(at)), "{part:?}");
        }
    }
}
