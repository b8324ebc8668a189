//! Reading a disk back from its first to its last byte, several reads in flight, and finding what is not as it was written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::disk::erase::fill_pattern::Filling;
use crate::disk::worker_threads::crew;
use crate::error::{Error, Result};
use crate::sys::block::{ALIGNMENT, Aligned};

/// One read.
const BLOCK: usize = 128 * ALIGNMENT;
/// A disk with so many bad places needs no more of them.
const ENOUGH: usize = 64;
/// Places named in a message.
const NAMED: usize = 4;
/// A place that is told: what drives remap.
const SECTOR: usize = 512;

/// One pass over a disk.
pub struct ReadPass<'a> {
    pub size: u64,
    pub filling: Filling,
    /// Reads whole sectors at an offset.
    pub read: &'a (dyn Fn(&mut [u8], u64) -> Result<()> + Sync),
    /// Hears of every so many bytes done.
    pub told: &'a (dyn Fn(u64) + Sync),
}

/// What is wrong with the disk.
#[derive(Default)]
struct Wrong {
    /// Where bytes are others, and what they look like.
    places: Vec<String>,
    unread: Vec<Error>,
}

impl ReadPass<'_> {
    /// Reads and compares with so many threads; what is wrong, in words.
    pub fn run(&self, threads: usize) -> Option<String> {
        let (next, wrong) = (AtomicU64::new(0), Mutex::<Wrong>::default());
        crew("burnin-read", threads, &|| {
            let mut memory = Aligned::new(BLOCK);
            loop {
                let at = next.fetch_add(BLOCK as u64, Ordering::Relaxed);
                if at >= self.size {
                    return;
                }
                let bytes = (self.size - at).min(BLOCK as u64) as usize;
                let bytes = &mut memory[..bytes];
                let outcome = (self.read)(bytes, at);
                if outcome.is_err() || !self.filling.is(bytes, at) {
                    let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Err(error) => wrong.unread.push(error),
                        Ok(()) => wrong.places.extend(self.places(bytes, at)),
                    }
                    if wrong.places.len() + wrong.unread.len() >= ENOUGH {
                        // Half of what there is: adding to it cannot start from nothing again.
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        return;
                    }
                }
                (self.told)(bytes.len() as u64);
            }
        });
        wrong
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .sentence()
    }

    /// The sectors that are others, in words.
    fn places(&self, bytes: &[u8], at: u64) -> Vec<String> {
        let mut expected = [0; SECTOR];
        let mut places = Vec::new();
        for (number, sector) in bytes.chunks(SECTOR).enumerate() {
            let at = at + (number * SECTOR) as u64;
            let expected = &mut expected[..sector.len()];
            self.filling.fill(expected, at);
            let other = sector
                .iter()
                .zip(&*expected)
                .filter(|(read, wrote)| read != wrote);
            match other.count() {
                0 => {}
                _ if sector.iter().all(|byte| *byte == sector[0]) => {
                    places.push(format!(
                        "byte {at}: the sector holds {:#04x} throughout",
                        sector[0]
                    ));
                }
                some if some > sector.len() / 2 => {
                    places.push(format!("byte {at}: the sector holds something else, as if the write was lost or went elsewhere"));
                }
                some => places.push(format!(
                    "byte {at}: {some} bytes of the sector have changed"
                )),
            }
        }
        places
    }
}

impl Wrong {
    fn sentence(self) -> Option<String> {
        let Wrong { places, unread } = self;
        let more = |count: usize| match count.saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let mut sentences = Vec::new();
        if !places.is_empty() {
            let named = places
                .iter()
                .take(NAMED)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("; ");
            sentences.push(format!(
                "{} sectors are not as they were written: {named}{}",
                places.len(),
                more(places.len())
            ));
        }
        if !unread.is_empty() {
            let named: Vec<_> = unread.iter().take(NAMED).map(Error::details).collect();
            sentences.push(format!("{}{}", named.join("; "), more(unread.len())));
        }
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 3 * BLOCK + 4096;

    fn read_back(spoil: impl Fn(&mut Vec<u8>)) -> Option<String> {
        let filling = Filling::Random(3);
        let mut disk = vec![0; SIZE];
        filling.fill(&mut disk, 0);
        spoil(&mut disk);
        let read = |bytes: &mut [u8], at: u64| {
            bytes.copy_from_slice(&disk[at as usize..at as usize + bytes.len()]);
            Ok(())
        };
        let pass = ReadPass {
            size: SIZE as u64,
            filling,
            read: &read,
            told: &|_| (),
        };
        pass.run(2)
    }

    #[test]
    fn what_is_not_as_it_was_written_is_found_and_told_apart() {
        assert_eq!(read_back(|_| ()), None);
        for (name, spoil, told) in [
            (
                "a bit",
                (|disk| disk[1_000_000] ^= 4) as fn(&mut Vec<u8>),
                "1 sectors are not as they were written: byte 999936: 1 bytes of the sector have changed",
            ),
            (
                "zeros",
                |disk| disk[4096..4608].fill(0),
                "byte 4096: the sector holds 0x00 throughout",
            ),
            (
                "elsewhere",
                |disk| disk.copy_within(0..512, 8192),
                "byte 8192: the sector holds something else",
            ),
            (
                "all of it wraps around",
                |disk| disk.copy_within(0..BLOCK, BLOCK),
                " and 1020 more",
            ),
        ] {
            let wrong = read_back(spoil).expect(name);
            assert!(wrong.contains(told), "{name}: {wrong}");
        }
    }

    #[test]
    fn a_disk_that_cannot_be_read_is_given_up_soon() {
        let reads = AtomicU64::new(0);
        let read = |_: &mut [u8], at: u64| {
            reads.fetch_add(1, Ordering::Relaxed);
            Err(Error::plain(format!(
                "reading at byte {at}: Input/output error"
            )))
        };
        let pass = ReadPass {
            size: 1 << 40,
            filling: Filling::Zeros,
            read: &read,
            told: &|_| (),
        };
        let wrong = pass.run(1).expect("nothing could be read");
        assert!(
            wrong.starts_with("reading at byte 0: Input/output error; ")
                && wrong.ends_with(" and 60 more"),
            "{wrong}"
        );
        assert_eq!(reads.into_inner(), ENOUGH as u64);
    }
}
