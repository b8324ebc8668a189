//! Overwriting a disk from its first to its last byte, several writes in flight, whatever its bad places.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::erase::fill_pattern::Filling;
use crate::disk::worker_threads::crew;
use crate::error::{Error, Result};
use crate::sys::block::{ALIGNMENT, Aligned};

/// One write: as image/write/writer_threads.rs measured them.
const BLOCK: usize = 128 * ALIGNMENT;
/// Writes in flight on one disk.
const WRITERS: usize = 8;
/// And on all disks together, so that many disks do not want more memory than a small ramdisk has.
const IN_ALL: usize = 64;

/// How many there are for each of so many disks overwritten at once.
pub fn writers(disks: usize) -> usize {
    (IN_ALL / disks.max(1)).clamp(1, WRITERS)
}
/// A disk that refused so many writes in a row is gone: some of them wait for minutes before they fail.
const GONE: usize = 64;
/// Failed writes of one pass. A disk with more bad places is not worth the minutes each of them takes.
const ENOUGH: usize = 1000;
/// Places named in a message.
const NAMED: usize = 4;

/// One pass over a disk.
pub struct Pass<'a> {
    /// Whole sectors.
    pub size: u64,
    pub filling: Filling,
    /// Writes bytes at an offset, both whole sectors.
    pub write: &'a (dyn Fn(&[u8], u64) -> Result<()> + Sync),
    /// Hears of every so many bytes done, or given up.
    pub told: &'a (dyn Fn(u64) + Sync),
}

/// What a pass did not overwrite, and why not.
#[derive(Debug, PartialEq, Eq)]
pub struct Missed {
    /// Ascending, apart from each other.
    places: Vec<Range<u64>>,
    cause: Error,
    /// Was the rest of the disk given up?
    pub gave_up: bool,
}

impl Missed {
    /// The places of both passes; the first cause is the cause.
    pub fn and(self, other: Option<Missed>) -> Missed {
        let Some(other) = other else { return self };
        Missed {
            places: merged(self.places.into_iter().chain(other.places).collect()),
            cause: self.cause,
            gave_up: self.gave_up || other.gave_up,
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |place: &Range<u64>| format!("{}–{}", place.start, place.end - 1);
        let named: Vec<_> = self.places.iter().take(NAMED).map(place).collect();
        let total: u64 = self
            .places
            .iter()
            .map(|place| place.end - place.start)
            .sum();
        write!(
            f,
            "{total} bytes were not overwritten: {}",
            named.join(", ")
        )?;
        if let more @ 1.. = self.places.len().saturating_sub(NAMED) {
            write!(f, " and {more} more places")?;
        }
        write!(f, "; {}", self.cause.details())
    }
}

/// Where the writers of a pass stand.
struct Course<'a> {
    pass: &'a Pass<'a>,
    next: AtomicU64,
    /// Failed writes since the last good one.
    in_a_row: AtomicUsize,
    faults: Mutex<Faults>,
}

#[derive(Default)]
struct Faults {
    places: Vec<Range<u64>>,
    cause: Option<Error>,
    count: usize,
    gave_up: bool,
}

impl Pass<'_> {
    /// Writes all that can be written with so many threads; what could not be is told.
    pub fn run(&self, writers: usize) -> Option<Missed> {
        let course = Course {
            pass: self,
            next: AtomicU64::new(0),
            in_a_row: AtomicUsize::new(0),
            faults: Mutex::default(),
        };
        crew("erase-write", writers, &|| course.write_blocks());
        let faults = course.faults.into_inner();
        let faults = faults.unwrap_or_else(PoisonError::into_inner);
        faults.cause.map(|cause| Missed {
            places: merged(faults.places),
            cause,
            gave_up: faults.gave_up,
        })
    }
}

impl Course<'_> {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One writer: the next block that nobody else has taken, until there is none.
    fn write_blocks(&self) {
        let Pass { size, filling, .. } = *self.pass;
        let mut memory = Aligned::new(BLOCK);
        loop {
            let at = self.next.fetch_add(BLOCK as u64, Ordering::Relaxed);
            if at >= size {
                return;
            }
            let bytes = (size - at).min(BLOCK as u64) as usize;
            let bytes = &mut memory[..bytes];
            if filling != Filling::Zeros {
                filling.fill(bytes, at);
            }
            self.write(bytes, at);
            (self.pass.told)(bytes.len() as u64);
        }
    }

    /// Writes all of `bytes` but the pages that the disk refuses.
    fn write(&self, bytes: &[u8], at: u64) {
        let Err(error) = (self.pass.write)(bytes, at) else {
            self.in_a_row.store(0, Ordering::Relaxed);
            return;
        };
        let place = at..at + bytes.len() as u64;
        let mut faults = self.faults();
        faults.count += 1;
        faults.cause.get_or_insert(error);
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row >= GONE || faults.count >= ENOUGH {
            faults.gave_up = true;
            let rest = self.stop();
            faults.places.extend([place, rest]);
        } else if bytes.len() <= ALIGNMENT {
            faults.places.push(place);
        } else {
            drop(faults);
            let half = (bytes.len() / 2).next_multiple_of(ALIGNMENT);
            self.write(&bytes[..half], at);
            self.write(&bytes[half..], at + half as u64);
        }
    }

    /// Nobody takes another block; what nobody took.
    fn stop(&self) -> Range<u64> {
        // Half of what there is: adding to it cannot start from nothing again.
        let next = self.next.swap(u64::MAX / 2, Ordering::Relaxed);
        next.min(self.pass.size)..self.pass.size
    }
}

/// The same bytes as ascending ranges apart from each other.
fn merged(places: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut apart: Vec<Range<u64>> = Vec::new();
    for place in places {
        // Those it touches become one with it.
        let from = apart.partition_point(|other| other.end < place.start);
        let to = apart.partition_point(|other| other.start <= place.end);
        let touched = &apart[from..to];
        let start = touched
            .first()
            .map_or(place.start, |other| other.start.min(place.start));
        let end = touched
            .last()
            .map_or(place.end, |other| other.end.max(place.end));
        if start < end {
            apart.drain(from..to);
            apart.insert(from, start..end);
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MIB;

    const SIZE: u64 = 3 * MIB + 512;

    /// A disk that refuses writes which touch bad bytes: what the pass says of it, what it holds then, how
    /// many bytes were told, and how many writes it took.
    fn pass(filling: Filling, bad: &[Range<u64>]) -> (Option<Missed>, Vec<u8>, u64, u64) {
        let disk = Mutex::new(vec![0xaa; SIZE as usize]);
        let (told, writes) = (AtomicU64::new(0), AtomicU64::new(0));
        let write = |bytes: &[u8], at: u64| {
            writes.fetch_add(1, Ordering::Relaxed);
            let end = at + bytes.len() as u64;
            match bad.iter().any(|bad| bad.start < end && at < bad.end) {
                true => Err(Error::plain("a bad place")),
                false => {
                    let mut disk = disk.lock().expect("no writer panics");
                    disk[at as usize..end as usize].copy_from_slice(bytes);
                    Ok(())
                }
            }
        };
        let pass = Pass {
            size: SIZE,
            filling,
            write: &write,
            told: &|count| {
                told.fetch_add(count, Ordering::Relaxed);
            },
        };
        let missed = pass.run(3);
        let (told, writes) = (told.into_inner(), writes.into_inner());
        (
            missed,
            disk.into_inner().expect("no writer panics"),
            told,
            writes,
        )
    }

    #[test]
    fn every_byte_is_written_once() {
        for filling in [Filling::Zeros, Filling::Random(5)] {
            let (missed, disk, told, writes) = pass(filling, &[]);
            assert_eq!((missed, told, writes), (None, SIZE, 7));
            assert!(filling.is(&disk, 0));
        }
    }

    #[test]
    fn bad_places_are_named_and_all_around_them_is_written() {
        let mut bad = vec![4096..4097, 12288..20480, MIB..MIB + 1, SIZE - 1..SIZE];
        let (missed, disk, told, _) = pass(Filling::Random(9), &bad);
        let missed = missed.expect("some are bad");
        assert_eq!(
            missed.to_string(),
            "16896 bytes were not overwritten: 4096–8191, 12288–20479, 1048576–1052671, 3145728–3146239; a bad place"
        );
        assert!(!missed.gave_up);
        assert_eq!(told, SIZE);
        for (page, bytes) in disk.chunks(4096).enumerate() {
            let at = page as u64 * 4096;
            let end = at + bytes.len() as u64;
            let spoilt = bad.iter().any(|bad| bad.start < end && at < bad.end);
            match spoilt {
                true => assert!(bytes.iter().all(|byte| *byte == 0xaa), "{at}"),
                false => assert!(Filling::Random(9).is(bytes, at), "{at}"),
            }
        }
        bad.extend((0..9).map(|n| 2 * MIB + n * 8192..2 * MIB + n * 8192 + 1));
        let more = pass(Filling::Zeros, &bad).0.expect("more are bad");
        let said =
            "0–20479, 1048576–1052671, 2097152–2101247, 2105344–2109439 and 8 more places; a";
        let missed = missed.and(Some(Missed {
            places: vec![0..4096, 8000..13000],
            ..more.and(None)
        }));
        assert!(missed.to_string().contains("0–20479, 1048576–"), "{missed}");
        let more = pass(Filling::Zeros, &bad).0.expect("more are bad");
        let all = missed.and(Some(more)).to_string();
        assert!(all.contains(said), "{all}");
    }

    #[test]
    fn a_disk_that_takes_nothing_is_given_up_soon() {
        let all = 0..SIZE;
        let (missed, disk, _, writes) = pass(Filling::Zeros, std::slice::from_ref(&all));
        let missed = missed.expect("all is bad");
        assert!(
            missed.gave_up && writes < 2 * GONE as u64,
            "{writes} writes"
        );
        assert_eq!(missed.places, [all]);
        assert!(disk.iter().all(|byte| *byte == 0xaa));
    }

    #[test]
    fn a_disk_with_too_many_bad_places_is_given_up_and_none_of_them_is_forgotten() {
        let bad: Vec<_> = (0..SIZE).step_by(8192).map(|at| at..at + 1).collect();
        let (missed, disk, ..) = pass(Filling::Zeros, &bad);
        let missed = missed.expect("half is bad");
        // Every other page is bad, and so is every larger write: 191 failures in each of the six blocks.
        assert!(missed.gave_up);
        let left = disk.iter().filter(|byte| **byte == 0xaa).count() as u64;
        let named: u64 = missed
            .places
            .iter()
            .map(|place| place.end - place.start)
            .sum();
        assert_eq!(left, named);
    }
}
