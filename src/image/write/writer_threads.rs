//! The threads that write an image: several writes in flight, and long runs of zeros as one command.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::error::{Context, Error, Kind, Result};
use crate::image::pipeline::belt::{BLOCK_SIZE, Block, Loader, Unloader, belt};
use crate::image::verify::region_sums::RegionSums;
use crate::image::write::zero_runs::{GRAIN, Run, all_zeros, runs};
use crate::units::MIB;

// MiB/s by (writers × block) on two cores: a file on a virtio disk and memory (medians), and a disk that takes
// 5 ms for every write (one run), each by way of a loop device; in brackets fio at the same depth.
//               disk         memory       5 ms
//  2 × 1 MiB    2135 (2456)  2572 (2723)  315 (312)
//  4 × 512 KiB  2020         2270         332
//  4 × 1 MiB    2090 (2415)  2512 (2753)  510 (562)
//  8 × 512 KiB  2579 (2535)  2091 (2592)  609 (621)
// A fast disk needs no depth, a far one all of it; twelve halves take the memory of six wholes. A block is one write.

/// Blocks between the decoder and the writers, those being written among them.
const BLOCKS: usize = 12;
/// Writes in flight.
pub const WRITERS: usize = 8;
/// Zeros in one command. A 90 % zero disk, on the disk above: 428 MiB/s with 1 MiB each, 1063 with 16, 1441
/// with 256, 1337 with 1024.
const LONGEST_RUN: u64 = 256 * MIB;
/// The same where zeros have to be written after all: every thread gets its share.
const WRITTEN_RUN: u64 = 4 * MIB;

/// Threads that write blocks, and the belt to them.
pub struct Writers {
    target: Arc<ExclusiveDisk>,
    loader: Loader,
    threads: Vec<JoinHandle<Result<()>>>,
    /// Zeros not sent yet: more of them may follow.
    run: Option<Block>,
}

impl Writers {
    /// What is written is counted in the sums, if there is one.
    pub fn start(target: &Arc<ExclusiveDisk>, sums: Option<&Arc<RegionSums>>) -> Result<Self> {
        let (loader, unloader) = belt(BLOCKS, BLOCK_SIZE);
        let threads = (0..WRITERS)
            .map(|_| {
                let (target, unloader) = (Arc::clone(target), unloader.clone());
                let sums = sums.cloned();
                std::thread::Builder::new()
                    .name("image-write".into())
                    .spawn(move || write_out(&target, unloader, sums.as_deref()))
            })
            .collect::<io::Result<_>>()
            .context("starting the threads that write the image")?;
        Ok(Writers {
            target: Arc::clone(target),
            loader,
            threads,
            run: None,
        })
    }

    /// An empty block; none when the writers are gone.
    pub fn take(&mut self) -> Option<Block> {
        self.loader.take()
    }

    /// Takes back a block that nobody needs to see.
    pub fn put_back(&mut self, block: Block) {
        self.loader.put_back(block);
    }

    /// Whole sectors on their way to the disk; false when the writers are gone.
    pub fn send(&mut self, block: Block) -> bool {
        if block.filled().len() < GRAIN || !all_zeros(block.filled()) {
            return self.loader.send(block);
        }
        // The block is in the cache: it is the best one to fill next.
        let (at, len) = (block.starts(), block.filled().len() as u64);
        self.loader.put_back(block);
        self.zeros(at, len)
    }

    /// `len` zeros from `at`, whole sectors; false when the writers are gone.
    pub fn zeros(&mut self, mut at: u64, mut len: u64) -> bool {
        let longest = match self.target.punches() {
            true => LONGEST_RUN,
            false => WRITTEN_RUN,
        };
        while len > 0 {
            let run = match self.run.take() {
                Some(run) if run.at + run.zeros == at && run.zeros < longest => Some(run),
                other => {
                    if other.is_some_and(|other| !self.loader.send(other)) {
                        return false;
                    }
                    self.loader.take().map(|block| Block { at, ..block })
                }
            };
            let Some(mut run) = run else { return false };
            let step = len.min(longest - run.zeros);
            run.zeros += step;
            self.run = Some(run);
            (at, len) = (at + step, len - step);
        }
        true
    }

    /// Waits for every write; the first error is the error.
    pub fn finish(mut self) -> Result<()> {
        // A writer that is gone says why below.
        let _ = self.run.take().is_none_or(|run| self.loader.send(run));
        drop(self.loader);
        let join = |thread: JoinHandle<_>| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let verdicts: Vec<Result<()>> = self.threads.into_iter().map(join).collect();
        verdicts.into_iter().collect()
    }

    /// The belt ended under us: why, in the words of the thread that died.
    pub fn error(self) -> Error {
        let silent = || {
            let why = "the writers stopped without an error";
            Error::new(Kind::ImageWriteError, why)
        };
        self.finish().err().unwrap_or_else(silent)
    }
}

/// One writer: ends with the belt, or with the disk's first error.
fn write_out(target: &ExclusiveDisk, unloader: Unloader, sums: Option<&RegionSums>) -> Result<()> {
    while let Some(mut block) = unloader.next() {
        let done = match block.zeros {
            0 => write_block(target, &block, sums),
            _ => write_zeros(target, &mut block),
        };
        done.inspect_err(|_| unloader.stop())?;
        unloader.give_back(block);
    }
    Ok(())
}

fn write_block(target: &ExclusiveDisk, block: &Block, sums: Option<&RegionSums>) -> Result<()> {
    for Run { zeros, bytes } in runs(block.filled()) {
        let at = block.starts() + bytes.start as u64;
        let bytes = &block.filled()[bytes];
        if zeros && target.punch(at, bytes.len() as u64) {
            continue;
        }
        target.write_at(bytes, at)?;
        if let Some(sums) = sums {
            sums.add(bytes, at);
        }
    }
    Ok(())
}

/// Real ones where the disk cannot zero by itself.
fn write_zeros(target: &ExclusiveDisk, block: &mut Block) -> Result<()> {
    if target.punch(block.at, block.zeros) {
        return Ok(());
    }
    block.memory.fill(0);
    let end = block.at + block.zeros;
    for at in (block.at..end).step_by(BLOCK_SIZE) {
        let count = (end - at).min(BLOCK_SIZE as u64) as usize;
        target.write_at(&block.memory[..count], at)?;
    }
    Ok(())
}
