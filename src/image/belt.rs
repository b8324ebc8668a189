//! A belt: a fixed set of aligned blocks going round between two threads.
//!
//! It is the memory bound and the back-pressure at once: a side that is ahead waits for a block.
//! When one side is dropped the other sees its belt end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys::block::{ALIGNMENT, Aligned};

/// What belts of an image are made of. One size, so that its memory can change belts.
pub const BLOCK_SIZE: usize = 128 * ALIGNMENT;

/// Page-aligned memory on its way to `at`; the bytes from `from` to `len` are filled.
pub struct Block {
    pub at: u64,
    pub from: usize,
    pub len: usize,
    /// Not its bytes are on their way, but so many zeros.
    pub zeros: u64,
    pub memory: Aligned,
}

impl Block {
    pub fn filled(&self) -> &[u8] {
        &self.memory[self.from..self.len]
    }

    /// Where the filled bytes belong.
    pub fn starts(&self) -> u64 {
        self.at + self.from as u64
    }

    /// Do bytes that belong at `at` come next in it?
    pub fn goes_on(&self, at: u64) -> bool {
        self.at + self.len as u64 == at && self.len < self.memory.len()
    }

    /// The bytes not filled yet.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.memory[self.len..]
    }
}

/// A belt of `count` blocks of `size` bytes each.
pub fn belt(count: usize, size: usize) -> (Loader, Unloader) {
    let (full, arriving) = sync_channel(count);
    let (back, empty) = sync_channel(count);
    let loader = Loader {
        empty,
        full,
        spare: Vec::new(),
        unmade: count,
        size,
    };
    (
        loader,
        Unloader {
            arriving: Arc::new(Mutex::new(arriving)),
            back,
            stopped: Arc::default(),
        },
    )
}

/// The filling end.
pub struct Loader {
    empty: Receiver<Block>,
    full: SyncSender<Block>,
    /// Taken and put back unused.
    spare: Vec<Block>,
    /// Blocks are made when first asked for: a short image never needs them all.
    unmade: usize,
    size: usize,
}

impl Loader {
    /// An empty block; none when the other end is gone.
    pub fn take(&mut self) -> Option<Block> {
        let block = match self
            .spare
            .pop()
            .ok_or(())
            .or_else(|()| self.empty.try_recv())
        {
            Ok(block) => block,
            Err(_) if self.unmade > 0 => {
                self.unmade -= 1;
                Block {
                    at: 0,
                    from: 0,
                    len: 0,
                    zeros: 0,
                    memory: Aligned::new(self.size),
                }
            }
            Err(_) => self.empty.recv().ok()?,
        };
        Some(Block {
            from: 0,
            len: 0,
            zeros: 0,
            ..block
        })
    }

    /// Takes back a block that nobody needs to see.
    pub fn put_back(&mut self, block: Block) {
        self.spare.push(block);
    }

    /// Sends a block on; false when the other end is gone.
    pub fn send(&self, block: Block) -> bool {
        self.full.send(block).is_ok()
    }
}

/// The emptying end; clones share the work.
#[derive(Clone)]
pub struct Unloader {
    arriving: Arc<Mutex<Receiver<Block>>>,
    back: SyncSender<Block>,
    stopped: Arc<AtomicBool>,
}

impl Unloader {
    /// The next filled block; none when the loader is gone and all is unloaded, or after a stop.
    pub fn next(&self) -> Option<Block> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        self.arriving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
            .ok()
    }

    /// Ends the belt for every clone: one writer's error is the end of all.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Gives a block back to be filled again.
    pub fn give_back(&self, block: Block) {
        // The loader being gone only means that nobody needs the memory any more.
        let _ = self.back.try_send(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_arrive_in_order_and_come_back() {
        let (mut loader, unloader) = belt(2, 4096);
        let filler = std::thread::spawn(move || {
            for at in 0..100u64 {
                let mut block = loader.take().expect("the other end lives");
                block.at = at;
                block.room()[0] = at as u8;
                block.len = 1;
                assert!(loader.send(block));
            }
        });
        for at in 0..100u64 {
            let block = unloader.next().expect("a hundred were sent");
            assert_eq!((block.at, block.filled()), (at, &[at as u8][..]));
            unloader.give_back(block);
        }
        assert!(unloader.next().is_none());
        filler.join().expect("the filler is done");
    }

    #[test]
    fn each_side_sees_the_other_go() {
        let (mut loader, unloader) = belt(1, 4096);
        let block = loader.take().expect("a fresh block");
        drop(unloader);
        assert!(!loader.send(block));
        assert!(loader.take().is_none());
    }
}
