//! Where the packed and unpacked pieces of an image's units wait for one another, and how much memory they may take.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use crate::codec::packed_units::Units;
use crate::image::decode::unpack_crew::Counter;
use crate::units::MIB;

/// What waits is kept in pieces no larger than this; some of them are used again.
pub const PIECE: usize = 128 << 10;
const SMALLEST: usize = 64;
const SPARE: usize = 16;
/// What a piece takes beside its bytes.
const BESIDE: u64 = 64;
/// What a unit takes beside its pieces: an image may be one of nothing but empty frames.
const UNIT: u64 = 512;
/// As many may wait, and those that the same look at the image ends: more would not be unpacked any sooner.
pub const UNITS: usize = 4096;
/// Pieces of the first in line that may wait for whoever reads.
const FEW: usize = 8;
/// For each thread beyond what it unpacks with: a block of `xz -T0 -6` is as large.
pub const EACH: u64 = 24 * MIB;
/// That is for all that does not wait: spare pieces, those in the hands of threads, and decoders but for their windows.
const OTHERS: u64 = 4 * MIB;
/// Of a lone thread, or as long as there is one unit.
const ALONE: u64 = 2 * MIB;

/// Where pieces change hands.
#[derive(Default)]
pub struct Shelf {
    pub units: VecDeque<Unit>,
    /// Numbers: of the first of `units`, and of the next to be unpacked.
    pub first: usize,
    pub begun: usize,
    /// Bytes of memory that all units take, and the pieces that wait; and how many may.
    pub kept: u64,
    pub most: u64,
    /// Of them those of packed pieces.
    packed: u64,
    /// Is it known that there is more than one unit, or likely?
    several: bool,
    spare: Vec<Vec<u8>>,
    /// Bytes of the image in the units so far.
    pub split: u64,
}

#[derive(Default)]
pub struct Unit {
    pub packed: VecDeque<Vec<u8>>,
    /// Has all of it come?
    pub whole: bool,
    pub plain: VecDeque<Vec<u8>>,
    pub outcome: Option<io::Result<()>>,
    /// Where it was seen in the image, and how much of it was unpacked since.
    pub at: u64,
    pub unpacked: u64,
}

impl Shelf {
    /// For so many threads.
    pub fn new(threads: u64) -> Self {
        let most = match threads {
            1 => ALONE,
            _ => threads * EACH - OTHERS,
        };
        Shelf {
            most,
            ..Shelf::default()
        }
    }

    /// May more of the image come? Always when nobody else could go on. As soon as there is a unit that nobody has begun, most of the memory is
    /// for what the others have unpacked: without it they would have to wait for the first in line.
    pub fn takes_more(&self) -> bool {
        let starved = |unit: &Unit| !unit.whole && unit.packed.is_empty();
        let all_begun = self.begun == self.first + self.units.len();
        let most = if self.several { self.most } else { ALONE };
        let room = self.kept < most && (all_begun || self.packed < most / 4);
        room && self.units.len() < UNITS || self.units.len() < 2 && self.units.iter().all(starved)
    }

    fn count_packed(&mut self, piece: &Vec<u8>) {
        self.kept += cost(piece);
        self.packed += cost(piece);
    }

    fn take_packed(&mut self, piece: &Vec<u8>) {
        self.kept -= cost(piece);
        self.packed -= cost(piece);
    }

    /// Takes the first unit away.
    pub fn pop(&mut self) {
        let unit = self.units.pop_front();
        self.first += 1;
        self.kept -= UNIT;
        for piece in unit.into_iter().flat_map(|unit| unit.packed) {
            self.take_packed(&piece);
            self.put_back(piece);
        }
    }

    /// Must unit `number` keep what it has until there is more room?
    pub fn is_full(&self, number: usize) -> bool {
        match self.units.front() {
            Some(first) if number == self.first => first.plain.len() >= FEW,
            _ => self.kept >= self.most,
        }
    }

    /// Unit `number`, which is there until its thread is done with it.
    pub fn unit(&mut self, number: usize) -> &mut Unit {
        let place = number - self.first;
        &mut self.units[place]
    }

    /// One to fill.
    pub fn empty(&mut self) -> Vec<u8> {
        let spare = self.spare.pop();
        spare.unwrap_or_else(|| Vec::with_capacity(PIECE))
    }

    pub fn put_back(&mut self, mut piece: Vec<u8>) {
        if piece.capacity() == PIECE && self.spare.len() < SPARE {
            piece.clear();
            self.spare.push(piece);
        }
    }
}

/// Bytes of memory, full or not: an allocator gives small ones up to an eighth more, and large ones a page.
pub fn cost(piece: &Vec<u8>) -> u64 {
    let capacity = piece.capacity();
    let more = match capacity {
        ..PIECE => capacity / 8,
        _ => 4096,
    };
    (capacity + more) as u64 + BESIDE
}

impl Units for Shelf {
    fn begin(&mut self, others: bool) {
        self.kept += UNIT;
        self.several |= others || self.first + self.units.len() > 0;
        self.units.push_back(Unit {
            at: self.split,
            ..Unit::default()
        });
    }

    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(unit) = self.units.back_mut() else {
                return;
            };
            let open = unit.packed.back().is_some_and(|piece| piece.len() < PIECE);
            let last = if open { unit.packed.pop_back() } else { None };
            let large = unit.unpacked > 0 || !unit.packed.is_empty();
            let mut piece = last.unwrap_or_default();
            if open {
                self.take_packed(&piece);
            }
            let (more, rest) = bytes.split_at(bytes.len().min(PIECE - piece.len()));
            let needed = piece.len() + more.len();
            if needed > piece.capacity() {
                // A small unit takes no more than twice its size.
                let mut wider = match large || needed > PIECE / 2 {
                    true => self.empty(),
                    false => Vec::with_capacity(needed.next_power_of_two().max(SMALLEST)),
                };
                wider.extend_from_slice(&piece);
                piece = wider;
            }
            piece.extend_from_slice(more);
            self.count_packed(&piece);
            if let Some(unit) = self.units.back_mut() {
                unit.packed.push_back(piece);
            }
            bytes = rest;
        }
    }

    fn end(&mut self) {
        self.units.back_mut().expect("it began").whole = true;
    }
}

/// Nobody sees it: whoever would has let the threads go.
pub fn gone() -> io::Error {
    io::Error::other("the image is not read any more")
}

/// What there is of a unit; more of it is waited for.
pub struct Packed<'a> {
    counter: &'a Counter<Shelf>,
    number: usize,
    piece: Vec<u8>,
    done: usize,
}

impl<'a> Packed<'a> {
    /// Of unit `number`.
    pub fn new(counter: &'a Counter<Shelf>, number: usize) -> Self {
        Packed {
            counter,
            number,
            piece: Vec::new(),
            done: 0,
        }
    }
}

impl BufRead for Packed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.done == self.piece.len() {
            let mut shelf = self.counter.shelf();
            shelf.put_back(std::mem::take(&mut self.piece));
            self.done = 0;
            loop {
                if self.counter.is_closed() {
                    return Err(gone());
                }
                let unit = shelf.unit(self.number);
                if let Some(piece) = unit.packed.pop_front() {
                    unit.unpacked += piece.len() as u64;
                    shelf.take_packed(&piece);
                    self.piece = piece;
                    self.counter.changed.notify_all();
                    break;
                }
                if unit.whole {
                    break;
                }
                shelf = self.counter.wait(shelf);
            }
        }
        Ok(&self.piece[self.done..])
    }

    fn consume(&mut self, count: usize) {
        self.done += count;
    }
}

impl Read for Packed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_begun_leaves_most_of_the_memory_to_what_is_unpacked() {
        let fill = |others| {
            let mut shelf = Shelf::new(2);
            shelf.begin(others);
            shelf.begun = 1;
            while shelf.takes_more() {
                shelf.add(&[7; PIECE]);
            }
            shelf
        };
        let near = |kept: u64, most: u64| kept >= most && kept < most + MIB;
        let alone = fill(false);
        assert!(near(alone.kept, ALONE), "{}", alone.kept);
        let mut first = fill(true);
        assert!(near(first.kept, 2 * EACH - OTHERS), "{}", first.kept);
        // The first is unpacked and gone, and nobody has begun the second.
        first.end();
        first.pop();
        first.begin(true);
        while first.takes_more() {
            first.add(&[7; PIECE]);
        }
        let most = (2 * EACH - OTHERS) / 4;
        assert!(near(first.kept, most), "{}", first.kept);
        first.begun = 2;
        assert!(first.takes_more());
    }
}
