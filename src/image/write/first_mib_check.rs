//! The first MiB of an image until something else is to be written: what of it is there, and which zeros wait
//! for it.
//!
//! A qcow2 image tells of zeros anywhere before its first cluster comes, and none of them is a reason to touch
//! the disk.

use std::ops::Range;

use crate::error::Result;
use crate::image::write::held_back_ends::HELD;
use crate::small_sort;

/// Sees the first MiB, of which so many bytes are there, before the disk is touched; refuses it by an error.
pub type Judge = Box<dyn FnOnce(&[u8], u64) -> Result<()>>;

/// Stretches of zeros that may wait: more than one level 2 table of qcow2 has.
const MOST: usize = 1 << 14;

/// What is known of it; the bytes themselves are with [`crate::image::write::held_back_ends::Ends`].
pub struct FirstMib {
    judge: Judge,
    known: Vec<Range<u64>>,
    /// Offsets and lengths.
    zeros: Vec<(u64, u64)>,
}

impl FirstMib {
    /// Nothing is there yet.
    pub fn new(judge: Judge) -> Self {
        FirstMib {
            judge,
            known: Vec::new(),
            zeros: Vec::new(),
        }
    }

    /// `len` bytes from `at` are there; those after the first MiB do not count.
    pub fn learn(&mut self, at: u64, len: u64) {
        let end = at.saturating_add(len).min(HELD);
        match self.known.last_mut() {
            _ if at >= end => {}
            Some(last) if last.end == at => last.end = end,
            _ => self.known.push(at..end),
        }
    }

    /// How many bytes from the first on are there?
    fn prefix(&self) -> u64 {
        let mut known = self.known.clone();
        small_sort::by_key(&mut known, |range| range.start);
        known.iter().fold(0, |end, range| match range.start <= end {
            true => end.max(range.end),
            false => end,
        })
    }

    /// Whether the zeros from `at` to `end`, after the first MiB, can wait for it.
    pub fn waits(&mut self, at: u64, end: u64) -> bool {
        let room = self.zeros.len() < MOST;
        if room && at < end {
            self.zeros.push((at, end - at));
        }
        room
    }

    /// The first MiB is `head`, as far as it is there. Gives the zeros that waited.
    pub fn verdict(self, head: &[u8]) -> Result<Vec<(u64, u64)>> {
        let known = self.prefix();
        (self.judge)(head, known)?;
        Ok(self.zeros)
    }
}
