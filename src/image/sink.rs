//! The far end of the main path: decoded bytes to the disk, its two ends last.
//!
//! The first and the last MiB hold what makes a disk bootable: boot code and both partition tables.
//! They are cleared before the first byte is written and written only by [`DiskSink::commit`], once
//! everything else is on stable storage. A disk that never verified never boots.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use log::debug;

use super::belt::{Block, Loader, Unloader, belt};
use super::draft::Draft;
use super::runs::{GRAIN, Run, runs};
use crate::disk::target::Target;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::units::{MIB, align_up};

/// Bytes held back at each end of the disk.
const HELD: u64 = MIB;
/// One write: large enough that the kernel's cost per call vanishes.
const BLOCK_SIZE: usize = 256 * ALIGNMENT;
/// Blocks between the decoder and the writers.
const BLOCKS: usize = 6;
/// Writes in flight, so that the disk has work while a thread collects its next block.
const WRITERS: usize = 2;

/// Where decoded bytes go; offsets are bytes from the start of the disk.
pub trait Sink {
    /// How many bytes there is room for in all.
    fn capacity(&self) -> u64;
    /// Room for bytes that belong at `at`, never empty: decoders read straight into it.
    fn room(&mut self, at: u64) -> io::Result<&mut [u8]>;
    /// The first `count` bytes of the last room are filled.
    fn filled(&mut self, count: usize) -> io::Result<()>;
    /// `len` bytes from `at` must read as zeros, whatever the disk held.
    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()>;
}

pub struct DiskSink {
    target: Arc<Target>,
    head: Aligned,
    tail: Aligned,
    tail_at: u64,
    /// Was the last room between the ends?
    between: bool,
    current: Option<Block>,
    /// There from the first byte that leaves for the disk.
    writers: Option<Writers>,
}

struct Writers {
    loader: Loader,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl DiskSink {
    /// Touches nothing yet: an image refused or cut within its first MiB leaves the disk as it was.
    pub fn new(target: Target) -> Result<Self> {
        let size = target.size().0;
        if size < 2 * HELD {
            let why = format!("{} holds {} only", target.path().display(), target.size());
            return Err(Error::new(Kind::ImageWriteError, why));
        }
        Ok(DiskSink {
            target: Arc::new(target),
            head: Aligned::new(HELD as usize),
            tail: Aligned::new(HELD as usize),
            tail_at: size - HELD,
            between: false,
            current: None,
            writers: None,
        })
    }

    /// The disk signature of an MBR: the little-endian word at byte 440.
    pub fn signature(&self) -> u32 {
        let mut word = [0; 4];
        word.copy_from_slice(&self.head[440..444]);
        u32::from_le_bytes(word)
    }

    /// Everything but the ends, flushed; then the ends, the boot sector last of all; then flushed.
    pub fn commit(self) -> Result<()> {
        self.commit_with(|_| Ok(()))
    }

    /// The same, with a last word on the disk as it is to be while its ends are still in memory alone.
    pub fn commit_with(mut self, last: impl FnOnce(&mut Draft) -> Result<()>) -> Result<()> {
        self.send_current()?;
        match self.writers.take() {
            Some(writers) => writers.finish()?,
            None => self.clear_ends()?,
        }
        self.target.flush()?;
        let mut draft = Draft {
            target: &self.target,
            head: &mut self.head,
            tail: &mut self.tail,
            tail_at: self.tail_at,
        };
        last(&mut draft)?;
        self.target.flush()?;
        let (boot_sector, rest) = self.head.split_at(ALIGNMENT);
        self.target.write_at(&self.tail, self.tail_at)?;
        self.target.write_at(rest, ALIGNMENT as u64)?;
        self.target.flush()?;
        let last = self
            .target
            .write_at(boot_sector, 0)
            .and_then(|()| self.target.flush());
        if last.is_err() {
            // Whether it arrived is unknown, so it must not boot.
            let _ = self.target.write_at(&Aligned::new(ALIGNMENT), 0);
        }
        last?;
        if let Err(error) = self.target.reread_partitions() {
            debug!("{error}"); // only the next boot needs the new table
        }
        Ok(())
    }

    /// Takes the old partition tables off before the first of the old data goes.
    fn clear_ends(&self) -> Result<()> {
        let clearing = || {
            format!(
                "clearing the old partition table of {}",
                self.target.path().display()
            )
        };
        let zeros = Aligned::new(HELD as usize);
        self.target.write_at(&zeros, 0).with_context(clearing)?;
        self.target
            .write_at(&zeros, self.tail_at)
            .with_context(clearing)?;
        self.target.flush().with_context(clearing)
    }

    fn writers(&mut self) -> Result<&mut Writers> {
        let writers = match self.writers.take() {
            Some(writers) => writers,
            None => {
                self.clear_ends()?;
                Writers::start(&self.target)?
            }
        };
        Ok(self.writers.insert(writers))
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
            self.writers()?.loader.put_back(block);
            return Ok(());
        }
        if self.writers()?.loader.send(block) {
            Ok(())
        } else {
            Err(self.writer_error())
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
        self.target.write_at(whole, at - within as u64)
    }

    /// Zeros like any other bytes.
    fn write_zeros(&mut self, mut at: u64, end: u64) -> io::Result<()> {
        while at < end {
            let room = self.room(at)?;
            let count = room
                .len()
                .min(usize::try_from(end - at).unwrap_or(usize::MAX));
            room[..count].fill(0);
            self.filled(count)?;
            at += count as u64;
        }
        Ok(())
    }

    fn take_block(&mut self) -> Result<Block> {
        match self.writers()?.loader.take() {
            Some(block) => Ok(block),
            None => Err(self.writer_error()),
        }
    }

    /// The belt ended under us: why, in the words of the thread that died.
    fn writer_error(&mut self) -> Error {
        let error = self
            .writers
            .take()
            .and_then(|writers| writers.finish().err());
        error.unwrap_or_else(|| {
            Error::new(
                Kind::ImageWriteError,
                "the writers stopped without an error",
            )
        })
    }
}

impl Sink for DiskSink {
    fn capacity(&self) -> u64 {
        self.target.size().0
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        let size = self.target.size();
        if at >= size.0 {
            let why = format!(
                "the image does not fit: {} holds {size}",
                self.target.path().display()
            );
            return Err(Error::new(Kind::ImageWriteError, why).into());
        }
        self.between = (HELD..self.tail_at).contains(&at);
        if at < HELD {
            return Ok(&mut self.head[at as usize..]);
        }
        if !self.between {
            self.send_current()?;
            return Ok(&mut self.tail[(at - self.tail_at) as usize..]);
        }
        let block = match self.current.take() {
            Some(block) if block.at + block.len as u64 == at && block.len < block.memory.len() => {
                block
            }
            other => {
                self.current = other;
                self.send_current()?;
                let within = (at % self.target.sector()) as usize;
                Block {
                    at: at - within as u64,
                    from: within,
                    len: within,
                    ..self.take_block()?
                }
            }
        };
        let room = self.current.insert(block).room();
        let before_tail = usize::try_from(self.tail_at - at).unwrap_or(usize::MAX);
        let end = room.len().min(before_tail);
        Ok(&mut room[..end])
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        if let (true, Some(block)) = (self.between, &mut self.current) {
            block.len += count;
        }
        Ok(())
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        let end = at.saturating_add(len);
        let sector = self.target.sector();
        let first = align_up(at.max(HELD), sector);
        let last = end.min(self.tail_at) / sector * sector;
        let long = last.saturating_sub(first) >= GRAIN as u64;
        if long {
            self.writers()?; // the old partition tables go first
            if self.target.punch(first, last - first) {
                self.write_zeros(at, first)?;
                return self.write_zeros(last, end);
            }
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

impl Writers {
    fn start(target: &Arc<Target>) -> Result<Self> {
        let (loader, unloader) = belt(BLOCKS, BLOCK_SIZE);
        let threads = (0..WRITERS)
            .map(|_| {
                let (target, unloader) = (Arc::clone(target), unloader.clone());
                std::thread::Builder::new()
                    .name("image-write".into())
                    .spawn(move || write_out(&target, unloader))
            })
            .collect::<io::Result<_>>()
            .context("starting the threads that write the image")?;
        Ok(Writers { loader, threads })
    }

    /// Waits for every write; the first error is the error.
    fn finish(self) -> Result<()> {
        drop(self.loader);
        let join = |thread: JoinHandle<_>| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let verdicts: Vec<Result<()>> = self.threads.into_iter().map(join).collect();
        verdicts.into_iter().collect()
    }
}

/// One writer: ends with the belt, or with the disk's first error.
fn write_out(target: &Target, unloader: Unloader) -> Result<()> {
    while let Some(block) = unloader.next() {
        for Run { zeros, bytes } in runs(block.filled()) {
            let at = block.starts() + bytes.start as u64;
            if !zeros || !target.punch(at, bytes.len() as u64) {
                target
                    .write_at(&block.filled()[bytes], at)
                    .inspect_err(|_| unloader.stop())?;
            }
        }
        unloader.give_back(block);
    }
    Ok(())
}
