//! A fixed set of aligned blocks going round between two threads.
//!
//! It is the memory bound and the back-pressure at once: a side that is ahead waits for a block.
//! When one side is dropped the other sees its belt end.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::sys::block::{ALIGNMENT, Aligned};

/// What belts of an image are made of. One size, so that its memory can change belts.
pub const BLOCK_SIZE: usize = 128 * ALIGNMENT;

/// Page-aligned memory on its way to `at`; the bytes from `from` to `len` are filled.
pub struct Block {
    /// In bytes from the start of the disk.
    pub at: u64,
    /// The first byte of `memory` that is filled.
    pub from: usize,
    /// The first byte after the filled ones.
    pub len: usize,
    /// Not its bytes are on their way, but so many zeros.
    pub zeros: u64,
    /// Aligned for direct I/O, as long as every other block.
    pub memory: Aligned,
}

impl Block {
    /// What is to be written.
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
    let belt = Arc::new(Belt::default());
    belt.load().unloaders = 1;
    let loader = Loader {
        belt: Arc::clone(&belt),
        unmade: count,
        size,
    };
    (loader, Unloader { belt })
}

#[derive(Default)]
struct Belt {
    load: Mutex<Load>,
    loaded: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Load {
    full: VecDeque<Block>,
    /// The last to come back goes first: it may still be in the cache.
    empty: Vec<Block>,
    /// Who waits for a full block, and who for an empty one: waking nobody costs as much as waking one.
    unloading: usize,
    loading: usize,
    unloaders: usize,
    /// Nothing is loaded any more.
    complete: bool,
    /// Nothing is unloaded any more.
    stopped: bool,
}

impl Belt {
    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.load().stopped = true;
        self.loaded.notify_all();
        self.emptied.notify_all();
    }
}

/// The filling end.
pub struct Loader {
    belt: Arc<Belt>,
    /// Blocks are made when first asked for: a short image never needs them all.
    unmade: usize,
    size: usize,
}

impl Loader {
    /// An empty block; none when the other end is gone.
    pub fn take(&mut self) -> Option<Block> {
        let mut load = self.belt.load();
        while !load.stopped {
            if let Some(block) = load.empty.pop() {
                return Some(Block {
                    from: 0,
                    len: 0,
                    zeros: 0,
                    ..block
                });
            }
            if self.unmade > 0 {
                self.unmade -= 1;
                return Some(Block {
                    at: 0,
                    from: 0,
                    len: 0,
                    zeros: 0,
                    memory: Aligned::new(self.size),
                });
            }
            load.loading += 1;
            load = wait(&self.belt.emptied, load);
            load.loading -= 1;
        }
        None
    }

    /// Takes back a block that nobody needs to see.
    pub fn put_back(&mut self, block: Block) {
        self.belt.load().empty.push(block);
    }

    /// Sends a block on; false when the other end is gone.
    pub fn send(&self, block: Block) -> bool {
        let mut load = self.belt.load();
        if load.stopped {
            return false;
        }
        load.full.push_back(block);
        let wanted = load.unloading > 0;
        drop(load);
        if wanted {
            self.belt.loaded.notify_one();
        }
        true
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.belt.load().complete = true;
        self.belt.loaded.notify_all();
    }
}

/// The emptying end; clones share the work.
pub struct Unloader {
    belt: Arc<Belt>,
}

impl Unloader {
    /// The next filled block; none when the loader is gone and all is unloaded, or after a stop.
    pub fn next(&self) -> Option<Block> {
        let mut load = self.belt.load();
        while !load.stopped {
            if let Some(block) = load.full.pop_front() {
                return Some(block);
            }
            if load.complete {
                break;
            }
            load.unloading += 1;
            load = wait(&self.belt.loaded, load);
            load.unloading -= 1;
        }
        None
    }

    /// Ends the belt for every clone: one writer's error is the end of all.
    pub fn stop(&self) {
        self.belt.stop();
    }

    /// Gives a block back to be filled again.
    pub fn give_back(&self, block: Block) {
        let mut load = self.belt.load();
        load.empty.push(block);
        let wanted = load.loading > 0;
        drop(load);
        if wanted {
            self.belt.emptied.notify_one();
        }
    }
}

impl Clone for Unloader {
    fn clone(&self) -> Self {
        self.belt.load().unloaders += 1;
        let belt = Arc::clone(&self.belt);
        Unloader { belt }
    }
}

impl Drop for Unloader {
    fn drop(&mut self) {
        let mut load = self.belt.load();
        load.unloaders -= 1;
        let last = load.unloaders == 0;
        drop(load);
        if last {
            self.belt.stop();
        }
    }
}

fn wait<'a>(bell: &Condvar, load: MutexGuard<'a, Load>) -> MutexGuard<'a, Load> {
    bell.wait(load).unwrap_or_else(PoisonError::into_inner)
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

    /// Nobody sleeps on while there is something to do: every block arrives once, whoever takes it.
    #[test]
    fn clones_share_the_work() {
        const COUNT: u64 = 5000;
        let (mut loader, unloader) = belt(3, 4096);
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let unloader = unloader.clone();
                std::thread::spawn(move || {
                    let mut sum = 0;
                    while let Some(block) = unloader.next() {
                        sum += block.at;
                        unloader.give_back(block);
                    }
                    sum
                })
            })
            .collect();
        for at in 1..=COUNT {
            let block = loader.take().expect("the other ends live");
            assert!(loader.send(Block { at, ..block }));
        }
        drop(loader);
        let sums = takers.into_iter().map(|taker| taker.join().expect("done"));
        assert_eq!(sums.sum::<u64>(), COUNT * (COUNT + 1) / 2);
    }

    #[test]
    fn a_stop_is_the_end_for_all_who_wait() {
        let (mut loader, unloader) = belt(1, 4096);
        let (idle, taken) = (unloader.clone(), loader.take());
        let waiter = std::thread::spawn(move || idle.next().is_none());
        let filler = std::thread::spawn(move || loader.take().is_none());
        unloader.stop();
        assert!(waiter.join().expect("it wakes") && filler.join().expect("it wakes"));
        assert!(taken.is_some() && unloader.next().is_none());
    }
}
