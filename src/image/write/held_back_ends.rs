//! The first and last MiB of a disk, or of the part of one that is written: in memory until all between them is there.

use std::ops::Range;

use crate::disk::boot_sector;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Context, Result};
use crate::image::verify::readback::unlike;
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::units::MIB;

/// Bytes held back at each end.
pub const HELD: u64 = MIB;

/// Both ends, in memory.
pub struct Ends {
    /// From the first byte on.
    pub head: Aligned,
    /// From `tail_at` on.
    pub tail: Aligned,
    /// In bytes from the start of the disk.
    pub tail_at: u64,
    /// What else is cleared together with them: pieces of the disk, no longer than an end, its start before all others.
    pub stale: Vec<ExclusiveDisk>,
}

impl Ends {
    /// Of what holds `size` bytes, which are enough for both.
    pub fn new(size: u64) -> Self {
        Ends {
            head: Aligned::new(HELD as usize),
            tail: Aligned::new(HELD as usize),
            tail_at: size - HELD,
            stale: Vec::new(),
        }
    }

    /// Takes the old partition tables off before the first of the old data goes: first what firmware starts, and all else only once
    /// that is on the medium, so that an old loader never starts what is half gone.
    pub fn clear(&self, target: &ExclusiveDisk) -> Result<()> {
        let disk = target.path().display();
        let clearing = || format!("clearing the old partition table of {disk}");
        let boots = self.stale.first().unwrap_or(target);
        boot_sector::clear(boots).with_context(clearing)?;
        target.flush().with_context(clearing)?;
        let zeros = Aligned::new(HELD as usize);
        for piece in self.stale.iter().chain([target]) {
            let count = piece.size().0.min(HELD) as usize;
            piece.write_at(&zeros[..count], 0).with_context(clearing)?;
        }
        target
            .write_at(&zeros, self.tail_at)
            .with_context(clearing)?;
        target.flush().with_context(clearing)
    }

    /// The boot sector last of all, then flushed.
    pub fn write(&self, target: &ExclusiveDisk) -> Result<()> {
        let (first, rest) = self.head.split_at(ALIGNMENT);
        // Its block goes twice: torn between sectors, the second time changes the boot sector or nothing.
        let mut unmarked = Aligned::new(ALIGNMENT);
        let sector = target.sector() as usize;
        unmarked[sector..].copy_from_slice(&first[sector..]);
        target.write_at(&self.tail, self.tail_at)?;
        target.write_at(rest, ALIGNMENT as u64)?;
        target.write_at(&unmarked, 0)?;
        target.flush()?;
        let last = target.write_at(first, 0).and_then(|()| target.flush());
        if last.is_err() {
            // Whether it arrived is unknown, so it must not boot.
            let _ = target.write_at(&Aligned::new(ALIGNMENT), 0);
        }
        last
    }

    /// Where the disk holds something else.
    pub fn differences(&self, target: &ExclusiveDisk) -> Result<Vec<Range<u64>>> {
        let mut differences = unlike(target, &self.head, 0)?;
        differences.extend(unlike(target, &self.tail, self.tail_at)?);
        Ok(differences)
    }
}
