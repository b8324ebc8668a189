//! Which bytes of the image are still to come, and what they are for: nearest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::image::decode::qcow2::header::invalid;

/// 8 MiB of them: an image that jumps about more than that needs larger clusters.
const MOST: usize = 256 << 10;

/// What a stretch of the image is for; ordered only so that claims are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// The disk's bytes from `to`.
    Data {
        /// Clusters of the disk, from this byte on.
        to: u64,
    },
    /// The disk's bytes of one cluster from `to`, compressed.
    Packed {
        /// One compressed cluster of the disk, at this byte.
        to: u64,
    },
    /// The level 1 table.
    Level1,
    /// A level 2 table, which maps the disk from `first`.
    Level2 {
        /// A table for the disk from this byte on.
        first: u64,
    },
    /// The table of tables of reference counts.
    CountTable,
    /// Reference counts, of the cluster number `first` first.
    RefCounts {
        /// Reference counts, of the clusters from this one on.
        first: u64,
    },
    /// Set aside; nobody wants the bytes.
    Nothing,
}

/// Bytes of the image from `at`: whole clusters unless packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingRange {
    /// In bytes from the start of the image.
    pub at: u64,
    /// In bytes.
    pub len: u64,
    /// What it is for.
    pub what: Use,
}

impl PendingRange {
    /// The first byte after it.
    pub fn end(&self) -> u64 {
        self.at + self.len
    }

    /// Its part from `offset` bytes on.
    pub fn after(self, offset: u64) -> PendingRange {
        let what = match self.what {
            Use::Data { to } => Use::Data { to: to + offset },
            other => other,
        };
        PendingRange {
            at: self.at + offset,
            len: self.len - offset,
            what,
        }
    }

    /// Does `next` go on where this ends, here and on the disk?
    pub fn joins(&self, next: &PendingRange) -> bool {
        let same = match (self.what, next.what) {
            (Use::Data { to }, Use::Data { to: next }) => to + self.len == next,
            (Use::Nothing, Use::Nothing) => true,
            _ => false,
        };
        same && self.end() == next.at
    }
}

/// All that is still to come, the nearest first.
#[derive(Default)]
pub struct PendingRanges(BinaryHeap<Reverse<PendingRange>>);

impl PendingRanges {
    /// One more; an error if there are more than any honest image has.
    pub fn push(&mut self, claim: PendingRange) -> Result<()> {
        if self.0.len() >= MOST {
            return Err(invalid(format!(
                "it has more than {MOST} scattered clusters; 'qemu-img convert' puts them in order"
            )));
        }
        self.0.push(Reverse(claim));
        Ok(())
    }

    /// The nearest.
    pub fn peek(&self) -> Option<&PendingRange> {
        self.0.peek().map(|Reverse(claim)| claim)
    }

    /// Tables that map the disk, nearest first.
    pub fn maps(&self) -> Vec<PendingRange> {
        let maps = |claim: &PendingRange| matches!(claim.what, Use::Level1 | Use::Level2 { .. });
        let claims = self.0.iter().map(|Reverse(claim)| *claim);
        let mut found: Vec<_> = claims.filter(maps).collect();
        found.sort_unstable();
        found
    }

    /// The nearest one.
    pub fn pop(&mut self) -> Option<PendingRange> {
        self.0.pop().map(|Reverse(claim)| claim)
    }
}
