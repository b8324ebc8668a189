//! Writes decoded bytes to the disk, its two ends last.
//!
//! The first and the last MiB hold what makes a disk bootable: boot code and both partition tables.
//! They are cleared before the first byte is written and written only by [`DiskSink::commit`], once
//! everything else is on stable storage. A disk that never verified never boots.

use std::io;
use std::sync::Arc;

use log::debug;

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Error, Kind, Result};
use crate::image::layout::staged_disk::StagedDisk;
use crate::image::pipeline::belt::{BLOCK_SIZE, Block};
use crate::image::verify::readback::{Proof, Verdict};
use crate::image::verify::region_sums::RegionSums;
use crate::image::write::first_mib_check::{FirstMib, Judge};
use crate::image::write::held_back_ends::{Ends, HELD};
use crate::image::write::sink::{Sink, too_small};
use crate::image::write::writer_threads::Writers;
use crate::image::write::zero_runs::GRAIN;
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::units::{Bytes, align_up};
use crate::work_progress::WorkProgress;

/// A disk being written; nothing on it is bootable before its commit.
pub struct DiskSink {
    target: Arc<ExclusiveDisk>,
    too_small: fn(Option<Bytes>, Bytes) -> Error,
    ends: Ends,
    /// Until something else is to be written, for who wants to see it before.
    first: Option<FirstMib>,
    /// Where the last room began.
    offered: u64,
    /// Past the last byte that belongs to the image.
    end: u64,
    current: Option<Block>,
    /// There from the first byte that leaves for the disk.
    writers: Option<Writers>,
    /// Wanted only by those who want it read back.
    proof: Option<Proof>,
}

impl DiskSink {
    /// Touches nothing yet: an image refused or cut within its first MiB leaves the disk as it was.
    pub fn new(target: ExclusiveDisk) -> Result<Self> {
        let size = target.size().0;
        if size < 2 * HELD {
            let why = format!("{} holds {} only", target.path().display(), target.size());
            return Err(Error::new(Kind::ImageWriteError, why));
        }
        Ok(DiskSink {
            target: Arc::new(target),
            too_small,
            ends: Ends::new(size),
            first: None,
            offered: 0,
            end: 0,
            current: None,
            writers: None,
            proof: None,
        })
    }

    /// As one partition, together with which `stale` is cleared; what is too large for it gets another answer.
    pub fn among(
        mut self,
        stale: Vec<ExclusiveDisk>,
        too_small: fn(Option<Bytes>, Bytes) -> Error,
    ) -> Self {
        (self.ends.stale, self.too_small) = (stale, too_small);
        self
    }

    /// Has `judge` see the first MiB before anything is touched, if the image begins with it.
    pub fn judged(mut self, judge: Judge) -> Self {
        self.first = Some(FirstMib::new(judge));
        self
    }

    /// Has everything read back at the end; for those who want it, the gauge to tell.
    pub fn read_back(mut self, gauge: Option<WorkProgress>) -> Self {
        self.proof = gauge.map(|gauge| Proof::new(self.target.size(), gauge));
        self
    }

    /// The disk signature of an MBR: the little-endian word at byte 440.
    pub fn signature(&self) -> u32 {
        let mut word = [0; 4];
        word.copy_from_slice(&self.ends.head[440..444]);
        u32::from_le_bytes(word)
    }

    /// Everything but the ends, flushed; then the ends, the boot sector last of all; then flushed.
    pub fn commit(self) -> Result<Verdict> {
        self.commit_with(|_| Ok(()))
    }

    /// The same, with a last word on the disk as it is to be while its ends are still in memory alone.
    pub fn commit_with(
        mut self,
        last: impl FnOnce(&mut StagedDisk) -> Result<()>,
    ) -> Result<Verdict> {
        // What nobody wrote is zeros by now.
        self.learn(0, HELD);
        self.leave_first()?;
        self.send_current()?;
        match self.writers.take() {
            Some(writers) => writers.finish()?,
            None => self.ends.clear(&self.target)?,
        }
        self.target.flush()?;
        if let Some(proof) = &self.proof {
            let between = HELD..self.end.min(self.ends.tail_at);
            let differences = proof.differences(&self.target, between)?;
            if !differences.is_empty() {
                return Ok(Verdict::of(differences));
            }
        }
        let mut draft = StagedDisk {
            target: &self.target,
            head: &mut self.ends.head,
            tail: &mut self.ends.tail,
            tail_at: self.ends.tail_at,
            written: self.proof.as_ref().map(|_| Vec::new()),
        };
        last(&mut draft)?;
        self.target.flush()?;
        let differences = draft.differences()?;
        if !differences.is_empty() {
            return Ok(Verdict::of(differences));
        }
        self.ends.write(&self.target)?;
        if self.proof.is_some() {
            let differences = self.ends.differences(&self.target);
            if !matches!(&differences, Ok(none) if none.is_empty()) {
                self.ends.clear(&self.target)?;
                return differences.map(Verdict::of);
            }
        }
        if let Err(error) = self.target.reread_partitions() {
            debug!("{error}"); // only the next boot needs the new table
        }
        Ok(Verdict::Complete)
    }

    /// Bytes of the first MiB that are there now.
    fn learn(&mut self, at: u64, len: u64) {
        if let Some(first) = &mut self.first {
            first.learn(at, len);
        }
    }

    /// The first byte is to leave for the disk.
    fn leave_first(&mut self) -> Result<()> {
        let Some(first) = self.first.take() else {
            return Ok(());
        };
        for (at, len) in first.verdict(&self.ends.head)? {
            self.zeros(at, len)?;
        }
        Ok(())
    }

    fn writers(&mut self) -> Result<&mut Writers> {
        let writers = match self.writers.take() {
            Some(writers) => writers,
            None => {
                self.ends.clear(&self.target)?;
                Writers::start(&self.target, self.sums())?
            }
        };
        Ok(self.writers.insert(writers))
    }

    fn sums(&self) -> Option<&Arc<RegionSums>> {
        self.proof.as_ref().map(Proof::sums)
    }

    fn send_current(&mut self) -> Result<()> {
        let Some(mut block) = self.current.take() else {
            return Ok(());
        };
        // Direct I/O writes whole sectors; of those it fills only in part, others hold the rest.
        let sector = self.target.sector() as usize;
        let first = block.from.next_multiple_of(sector).min(block.len);
        let last = (block.len - block.len % sector).max(first);
        for edge in [block.from..first, last..block.len] {
            self.merge(&block.memory[edge.clone()], block.at + edge.start as u64)?;
        }
        (block.from, block.len) = (first, last);
        if first == last {
            self.writers()?.put_back(block);
            return Ok(());
        }
        match self.writers()?.send(block) {
            true => Ok(()),
            false => Err(self.writer_error()),
        }
    }

    /// Puts `bytes` into the one sector that `at` is in. Only this thread writes sectors in part, and a
    /// writer only those it fills as a whole: no two ever write the same one.
    fn merge(&mut self, bytes: &[u8], at: u64) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.writers()?;
        let sector = self.target.sector();
        let within = (at % sector) as usize;
        let mut memory = Aligned::new(align_up(sector, ALIGNMENT as u64) as usize);
        let whole = &mut memory[..sector as usize];
        self.target.read_at(whole, at - within as u64)?;
        whole[within..within + bytes.len()].copy_from_slice(bytes);
        self.target.write_at(whole, at - within as u64)?;
        if let Some(sums) = self.sums() {
            sums.add(bytes, at);
        }
        Ok(())
    }

    /// Zeros like any other bytes.
    fn write_zeros(&mut self, mut at: u64, end: u64) -> io::Result<()> {
        while at < end {
            let room = self.room(at)?;
            let count = (end - at).min(room.len() as u64) as usize;
            room[..count].fill(0);
            self.filled(count)?;
            at += count as u64;
        }
        Ok(())
    }

    /// An empty block for what belongs at `at`; the last one leaves.
    fn begin(&mut self, at: u64) -> Result<Block> {
        self.send_current()?;
        let within = (at % self.target.sector()) as usize;
        match self.writers()?.take() {
            Some(block) => Ok(Block {
                at: at - within as u64,
                from: within,
                len: within,
                ..block
            }),
            None => Err(self.writer_error()),
        }
    }

    /// The belt ended under us.
    fn writer_error(&mut self) -> Error {
        match self.writers.take() {
            Some(writers) => writers.error(),
            None => Error::new(Kind::ImageWriteError, "nothing was being written"),
        }
    }
}

impl Sink for DiskSink {
    fn capacity(&self) -> u64 {
        self.target.size().0
    }

    fn too_small(&self, image: Option<Bytes>) -> Error {
        (self.too_small)(image, self.target.size())
    }

    fn is_touched(&self) -> bool {
        self.target.traffic().any()
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        if at >= self.capacity() {
            return Err(self.too_small(None).into());
        }
        if at < HELD {
            self.offered = at;
            return Ok(&mut self.ends.head[at as usize..]);
        }
        self.leave_first()?;
        self.offered = at;
        if at >= self.ends.tail_at {
            self.send_current()?;
            return Ok(&mut self.ends.tail[(at - self.ends.tail_at) as usize..]);
        }
        let before_tail = usize::try_from(self.ends.tail_at - at).unwrap_or(usize::MAX);
        let block = match self.current.take_if(|block| block.goes_on(at)) {
            Some(block) => block,
            None => self.begin(at)?,
        };
        let room = self.current.insert(block).room();
        let end = room.len().min(before_tail);
        Ok(&mut room[..end])
    }

    fn block(&mut self, at: u64) -> io::Result<Option<&mut Aligned>> {
        let between = at >= HELD && at + BLOCK_SIZE as u64 <= self.ends.tail_at;
        let whole = between && at.is_multiple_of(self.target.sector());
        if !whole || self.current.as_ref().is_some_and(|block| block.goes_on(at)) {
            return Ok(None);
        }
        self.leave_first()?;
        self.offered = at;
        let block = self.begin(at)?;
        Ok(Some(&mut self.current.insert(block).memory))
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        if let (HELD.., Some(block)) = (self.offered, &mut self.current)
            && self.offered < self.ends.tail_at
        {
            block.len += count;
        }
        self.learn(self.offered, count as u64);
        self.end = self.end.max(self.offered + count as u64);
        Ok(())
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        let end = at.saturating_add(len);
        self.end = self.end.max(end);
        if let Some(first) = &mut self.first
            && first.waits(at.max(HELD), end)
        {
            return self.write_zeros(at, end.min(HELD));
        }
        let sector = self.target.sector();
        let first = align_up(at.max(HELD), sector);
        let last = end.min(self.ends.tail_at) / sector * sector;
        if last.saturating_sub(first) >= GRAIN as u64 {
            self.write_zeros(at, first)?;
            if !self.writers()?.zeros(first, last - first) {
                return Err(self.writer_error().into());
            }
            return self.write_zeros(last, end);
        }
        self.write_zeros(at, end)
    }
}

/// On failure the writers are joined; the ends stay as they are: untouched or cleared.
impl Drop for DiskSink {
    fn drop(&mut self) {
        if let Some(writers) = self.writers.take()
            && let Err(error) = writers.finish()
        {
            debug!("giving up on {}: {error}", self.target.path().display());
        }
    }
}
