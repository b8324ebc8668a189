//! Order-independent sums of what was written, one a region of the disk: enough to say later where it reads
//! differently.
//!
//! Writers finish in any order, so a region's sum is one that no order changes: the hashes of its units
//! added up. Zeros count for nothing, so a punched range needs no work; and taking away what a reader
//! finds leaves zero where, and only where, everything is as it was written.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::image::write::zero_runs::all_zeros;
use crate::units::{Bytes, MIB};

/// What has one sum.
pub const REGION: u64 = MIB;
/// What is hashed as one: the smallest sector, of which every piece of an image has whole ones but the last.
const UNIT: usize = 512;

/// One sum for each region; any thread may add to it.
pub struct RegionSums(Mutex<Vec<u64>>);

impl RegionSums {
    /// For a disk of `size`. Eight bytes a region, and memory only for those that are ever counted.
    pub fn new(size: Bytes) -> Self {
        RegionSums(Mutex::new(vec![0; size.0.div_ceil(REGION) as usize]))
    }

    /// Counts `bytes` as being at `at`, a multiple of the unit.
    pub fn add(&self, bytes: &[u8], at: u64) {
        self.count(bytes, at, u64::wrapping_add);
    }

    /// Takes away what was found at `at`.
    pub fn take_away(&self, bytes: &[u8], at: u64) {
        self.count(bytes, at, u64::wrapping_sub);
    }

    /// Where something is left below `end`, in bytes, neighbours in one.
    pub fn left(&self, end: u64) -> Vec<Range<u64>> {
        let sums = self.sums();
        let regions = (0..).zip(sums.iter()).filter(|(_, sum)| **sum != 0);
        merged(regions.map(|(region, _)| {
            let start = region * REGION;
            start..end.min(start + REGION)
        }))
    }

    fn count(&self, mut bytes: &[u8], mut at: u64, change: impl Fn(u64, u64) -> u64) {
        while !bytes.is_empty() {
            let region = at / REGION;
            let here = ((region + 1) * REGION - at).min(bytes.len() as u64);
            let (part, rest) = bytes.split_at(here as usize);
            let sum = sum(part, at / UNIT as u64);
            if sum != 0 {
                let place = &mut self.sums()[region as usize];
                *place = change(*place, sum);
            }
            (bytes, at) = (rest, at + here);
        }
    }

    fn sums(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Neighbours among ascending ranges in one.
pub fn merged(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
    all
}

/// The hashes of all units, the first of which is number `first`; an incomplete last one ends in zeros.
fn sum(bytes: &[u8], first: u64) -> u64 {
    let (units, rest) = bytes.as_chunks::<UNIT>();
    let mut sum = 0u64;
    for (number, unit) in (first..).zip(units) {
        sum = sum.wrapping_add(unit_hash(unit, number));
    }
    if !rest.is_empty() {
        let mut unit = [0; UNIT];
        unit[..rest.len()].copy_from_slice(rest);
        sum = sum.wrapping_add(unit_hash(&unit, first + units.len() as u64));
    }
    sum
}

/// Nothing for zeros. Every step can be undone, so a change in one word of a unit always shows, and others
/// with 1 : 2^64; four lanes keep the multiplier busy. Disks are careless, not cunning: no key is needed.
fn unit_hash(unit: &[u8; UNIT], number: u64) -> u64 {
    if all_zeros(unit) {
        return 0;
    }
    // Odd, and half its bits set: the golden ratio's digits.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(STEP).rotate_left(29);
    let seed = mix(number, STEP);
    let mut lanes = [seed, !seed, seed.rotate_left(16), !seed.rotate_left(32)];
    for line in unit.as_chunks::<32>().0 {
        for (lane, word) in lanes.iter_mut().zip(line.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let hash = lanes.into_iter().fold(seed, mix);
    mix(hash ^ hash >> 32, STEP)
}
