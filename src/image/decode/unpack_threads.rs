//! Unpacks the units of an image packed by xz or zstd in as many threads as there are cores, and gives what was in them in order.
//!
//! ```text
//!  packed ─▶ Split ─▶ units ═▶ image-unpack (a unit each) ═▶ in order ─▶ whoever reads
//!           └────── calling thread ──────┘                └─ calling thread ─┘
//! ```
//!
//! A unit of any size is unpacked as it comes: the first in line is never held up, the others as far as the memory for them goes.

use std::io::{self, BufRead, Read};

use crate::available_memory::Memory;
use crate::codec::packed_units::Split;
use crate::image::decode::unpack_crew::{Counter, Crew};
use crate::image::decode::unpack_shelf::{EACH, PIECE, Packed, Shelf, cost, gone};
use crate::units::MIB;

/// Looked at of the image at a time.
const LOOK: usize = 64 << 10;
/// What unpacking takes at the most: the window of codec::xz and codec::zstd.
const WINDOW: u64 = 16 * MIB;
/// More would wait for the thread that digests the image.
const THREADS: u64 = 8;

/// What unpacks one unit.
pub type Unpacker = for<'a> fn(Packed<'a>) -> Box<dyn Read + 'a>;

/// Reads what is in an image.
pub struct UnpackThreads<R> {
    packed: R,
    split: Box<dyn Split>,
    unpacker: Unpacker,
    crew: Crew<Shelf>,
    most: u64,
    /// Of the packed image: bytes read, and whether those were all.
    read: u64,
    ended: bool,
    current: (Vec<u8>, usize),
}

/// Why an image cannot be unpacked, and after how many bytes of it that shows.
#[derive(Debug)]
pub struct Broken {
    pub at: u64,
    pub error: io::Error,
}

impl<R: BufRead> UnpackThreads<R> {
    /// Nothing is read yet. `split` finds the units in `packed`, and `unpacker` unpacks each.
    pub fn new(packed: R, split: Box<dyn Split>, unpacker: Unpacker) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        // Half of it: what else needs memory has not begun yet.
        let memory = Memory::here()
            .available()
            .map_or(u64::MAX, |memory| memory.0 / 2);
        Self::within(packed, split, unpacker, cores, memory)
    }

    /// The same by so many cores, in so much memory.
    fn within(
        packed: R,
        split: Box<dyn Split>,
        unpacker: Unpacker,
        cores: u64,
        memory: u64,
    ) -> Self {
        let most = cores.min(THREADS).min(memory / (EACH + WINDOW)).max(1);
        UnpackThreads {
            packed,
            split,
            unpacker,
            crew: Crew::new(Shelf::new(most)),
            most,
            read: 0,
            ended: false,
            current: (Vec::new(), 0),
        }
    }

    /// Fills `into` with what comes next; nothing is left when that is nothing.
    pub fn next(&mut self, into: &mut [u8]) -> Result<usize, Broken> {
        loop {
            let (piece, done) = &mut self.current;
            if *done < piece.len() || into.is_empty() {
                let count = into.len().min(piece.len() - *done);
                into[..count].copy_from_slice(&piece[*done..*done + count]);
                *done += count;
                return Ok(count);
            }
            let mut shelf = self.crew.counter.shelf();
            shelf.put_back(std::mem::take(piece));
            *done = 0;
            if let Some(unit) = shelf.units.front_mut() {
                if let Some(piece) = unit.plain.pop_front() {
                    shelf.kept -= cost(&piece);
                    self.current = (piece, 0);
                    self.crew.counter.changed.notify_all();
                    continue;
                }
                if let Some(outcome) = unit.outcome.take() {
                    let at = unit.at + unit.unpacked;
                    if let Err(error) = outcome {
                        unit.outcome = Some(Err(gone()));
                        return Err(Broken { at, error });
                    }
                    shelf.pop();
                    self.crew.counter.changed.notify_all();
                    continue;
                }
            } else if self.ended {
                return Ok(0);
            }
            if self.ended || !shelf.takes_more() {
                drop(self.crew.counter.wait(shelf));
                continue;
            }
            drop(shelf);
            self.feed()?;
        }
    }

    /// Lets what comes next of the image go to the threads.
    fn feed(&mut self) -> Result<(), Broken> {
        let at = self.read;
        let broken = |error, at| Broken { at, error };
        let bytes = self.packed.fill_buf().map_err(|error| broken(error, at))?;
        let bytes = &bytes[..bytes.len().min(LOOK)];
        let count = bytes.len();
        if count == 0 {
            self.ended = true;
            return self.split.finish().map_err(|error| broken(error, at));
        }
        let (mut rest, mut shelf) = (bytes, self.crew.counter.shelf());
        shelf.split = at;
        let passed = self.split.pass(&mut rest, &mut *shelf);
        let seen = at + (count - rest.len()) as u64;
        passed.map_err(|error| broken(error, seen))?;
        let wanted = (shelf.units.len() as u64).min(self.most);
        drop(shelf);
        self.crew.counter.changed.notify_all();
        self.packed.consume(count);
        self.read += count as u64;
        while (self.crew.count() as u64) < wanted {
            let unpacker = self.unpacker;
            let start = self.crew.start(move |counter| serve(counter, unpacker));
            start.map_err(|error| broken(error.into(), at))?;
        }
        Ok(())
    }
}

/// One thread: unpacks what is next, until the counter closes.
fn serve(counter: &Counter<Shelf>, unpacker: Unpacker) {
    let mut shelf = counter.shelf();
    while !counter.is_closed() {
        if shelf.begun == shelf.first + shelf.units.len() {
            shelf = counter.wait(shelf);
            continue;
        }
        let number = shelf.begun;
        shelf.begun += 1;
        drop(shelf);
        let packed = Packed::new(counter, number);
        let outcome = unpack(counter, number, unpacker(packed));
        shelf = counter.shelf();
        if !counter.is_closed() {
            shelf.unit(number).outcome = Some(outcome);
            counter.changed.notify_all();
        }
    }
}

fn unpack(
    counter: &Counter<Shelf>,
    number: usize,
    mut plain: Box<dyn Read + '_>,
) -> io::Result<()> {
    loop {
        let mut piece = counter.shelf().empty();
        let read = (&mut plain).take(PIECE as u64).read_to_end(&mut piece);
        let all = piece.len() < PIECE;
        let few = (piece.len() <= PIECE / 2).then(|| piece.to_vec());
        let mut shelf = counter.shelf();
        if let Some(few) = few {
            shelf.put_back(std::mem::replace(&mut piece, few));
        }
        loop {
            if counter.is_closed() {
                return Err(gone());
            }
            if !shelf.is_full(number) {
                break;
            }
            shelf = counter.wait(shelf);
        }
        shelf.kept += cost(&piece);
        shelf.unit(number).plain.push_back(piece);
        counter.changed.notify_all();
        drop(shelf);
        read?;
        if all {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::zstd::Unzstd;
    use crate::codec::zstd_frames::Frames;
    use crate::image::decode::unpack_shelf::UNITS;

    /// RFC 8878, 3.1.1: a segment of one piece and of one raw block.
    fn frame(plain: &[u8]) -> Vec<u8> {
        let size = plain.len() as u32;
        let block = (size << 3 | 1).to_le_bytes();
        let magic = b"\x28\xb5\x2f\xfd\xa0";
        [&magic[..], &size.to_le_bytes(), &block[..3], plain].concat()
    }

    fn threads(packed: &[u8], cores: u64, memory: u64) -> UnpackThreads<&[u8]> {
        let unpacker: Unpacker = |frame| Box::new(Unzstd::new(frame));
        UnpackThreads::within(packed, Box::<Frames>::default(), unpacker, cores, memory)
    }

    #[test]
    fn units_come_in_order_by_as_many_threads_as_there_are_cores_and_memory() {
        let parts: Vec<_> = (0..60u32)
            .map(|n| vec![n as u8; 1 + n as usize * 2000])
            .collect();
        let packed: Vec<u8> = parts.iter().flat_map(|part| frame(part)).collect();
        for (cores, memory, most) in [
            (1, u64::MAX, 1),
            (3, u64::MAX, 3),
            (8, 90 * MIB, 2),
            (8, 0, 1),
        ] {
            let mut threads = threads(&packed, cores, memory);
            let (mut plain, mut piece) = (Vec::new(), [0; 999]);
            while let count @ 1.. = threads.next(&mut piece).expect("frames") {
                plain.extend_from_slice(&piece[..count]);
            }
            assert!(plain == parts.concat(), "{cores} {memory}");
            assert_eq!(threads.crew.count() as u64, most, "{cores} {memory}");
            let shelf = threads.crew.counter.shelf();
            assert_eq!((shelf.kept, shelf.units.len()), (0, 0));
        }
    }

    #[test]
    fn what_is_broken_says_where_and_what_is_left_leaves_no_thread() {
        let (good, mut bad) = (frame(&[7; 100_000]), frame(&[7; 1000]));
        bad[9] = 7; // a block that is last, and compressed, and nonsense
        let packed = [&good[..], &good, &bad, &good.repeat(50)].concat();
        let mut threads = threads(&packed, 4, u64::MAX);
        let mut plain = vec![0; 1 << 20];
        let broken = loop {
            if let Err(broken) = threads.next(&mut plain) {
                break broken;
            }
        };
        let start = 2 * good.len();
        let place = start as u64..=(start + LOOK) as u64;
        assert!(place.contains(&broken.at), "{broken:?}");
        let counter = Arc::clone(&threads.crew.counter);
        drop(threads);
        assert_eq!(Arc::strong_count(&counter), 1);
    }

    #[test]
    fn nothing_without_end_takes_no_memory_without_end() {
        let packed = [frame(&[7; 100_000]).repeat(2), frame(b"").repeat(500_000)].concat();
        let mut threads = threads(&packed, 2, u64::MAX);
        threads.next(&mut [0]).expect("a byte");
        while threads.crew.counter.shelf().takes_more() {
            threads.feed().expect("frames");
        }
        let shelf = threads.crew.counter.shelf();
        let (kept, units) = (shelf.kept, shelf.units.len());
        drop(shelf);
        // 9 bytes each.
        assert!(units <= UNITS + LOOK / 9 + 1, "{units}");
        assert!(
            kept < 2 * EACH + 8 * MIB && threads.read < packed.len() as u64,
            "{kept}"
        );
    }
}
