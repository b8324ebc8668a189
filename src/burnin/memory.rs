//! Burn-in of memory: nearly all that is left is locked, filled with patterns and read back, by several threads.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{error, info};

use crate::available_memory::Memory;
use crate::burnin::crew;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::sys::locked_memory::Locked;
use crate::system_root::SystemRoot;
use crate::units::{Bytes, MIB};
use crate::work_progress::WorkProgress;

/// Left for the kernel and the agent, whatever was asked for: API, heartbeats and the archive of logs go on.
const SPARE: u64 = 48 * MIB;
/// One piece of memory: so much is asked for at a time while there is room.
const PIECE: u64 = 16 * MIB;
/// Faults told in full.
const TOLD: usize = 16;

/// How much of the memory that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A part of a hundred.
    Percent(u64),
    /// So many bytes.
    Exactly(u64),
}

/// What is asked of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Threads; 0 is one for each processor.
    pub threads: usize,
    /// All threads together.
    pub amount: Amount,
    /// For how long; what was begun is read back to its end.
    pub time: Duration,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// That were locked.
    pub memory: Bytes,
    /// Written and read back, all patterns together.
    pub checked: Bytes,
}

/// A word that did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Word in its piece.
    pub at: usize,
    /// As it was written.
    pub wrote: u64,
    /// As it was read.
    pub read: u64,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The same word everywhere.
    Word(u64),
    /// Each word says where it is: a line of the address that is dead shows.
    Address,
    /// A stream of this seed.
    Random(u64),
}

/// One after the other, over and over; the random one has another seed each time.
const PATTERNS: [Pattern; 8] = [
    Pattern::Word(0),
    Pattern::Word(u64::MAX),
    Pattern::Word(0x5555_5555_5555_5555),
    Pattern::Word(0xaaaa_aaaa_aaaa_aaaa),
    Pattern::Word(0x0102_0408_1020_4080),
    Pattern::Word(0xfefd_fbf7_efdf_bf7f),
    Pattern::Address,
    Pattern::Random(0),
];

impl Pattern {
    fn word(self, at: usize) -> u64 {
        match self {
            Pattern::Word(word) => word,
            Pattern::Address => at as u64 ^ !(at as u64) << 32,
            // SplitMix64, entered at any place.
            Pattern::Random(seed) => {
                let state = seed.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ mixed >> 31
            }
        }
    }

    /// Writes it all over.
    pub fn fill(self, memory: &mut [u64]) {
        for (at, word) in memory.iter_mut().enumerate() {
            *word = self.word(at);
        }
    }

    /// The words that are others, no more than are told.
    pub fn faults(self, memory: &[u64]) -> Vec<Fault> {
        let all = memory.iter().enumerate();
        let wrong = all.filter(|(at, word)| **word != self.word(*at));
        let fault = |(at, read): (usize, &u64)| Fault {
            at,
            wrote: self.word(at),
            // The word is read once more: a fault of the bus, not of the memory, shows so.
            read: *black_box(read),
        };
        wrong.map(fault).take(TOLD).collect()
    }
}

/// Locks, fills and reads back; an error that names the words that did not come back.
pub fn run(host: &SystemRoot, order: Order, clock: &Clock, gauge: &WorkProgress) -> Result<Tried> {
    run_with(host, order, clock, gauge, &|_| ())
}

/// The same with memory that `spoil` may change behind our back.
pub fn run_with(
    host: &SystemRoot,
    order: Order,
    clock: &Clock,
    gauge: &WorkProgress,
    spoil: &(dyn Fn(&mut [u64]) + Sync),
) -> Result<Tried> {
    let memory = Memory::of(host);
    let pieces = lock(&memory, order.amount)?;
    let locked = pieces.iter().map(|piece| piece.len() as u64 * 8).sum();
    let threads = match order.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    }
    .clamp(1, pieces.len());
    info!(
        "burn-in of {} of memory by {threads} threads for {} s",
        Bytes(locked),
        order.time.as_secs()
    );
    gauge.begin("burn-in of the memory", None);
    let until = clock.elapsed() + order.time;
    let (checked, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let pagemap: PathBuf = host.proc("self/pagemap");
    let pieces: Vec<Mutex<Locked>> = pieces.into_iter().map(Mutex::new).collect();
    crew("burnin-memory", threads, &|number| {
        for pass in 0.. {
            for piece in pieces.iter().skip(number).step_by(threads) {
                // Nobody else takes it: each thread has its own.
                let mut piece = piece.lock().unwrap_or_else(PoisonError::into_inner);
                let pattern = match PATTERNS[pass % PATTERNS.len()] {
                    Pattern::Random(_) => Pattern::Random(pass as u64),
                    same => same,
                };
                pattern.fill(black_box(&mut piece));
                spoil(&mut piece);
                let faults = pattern.faults(black_box(&piece));
                let bytes = piece.len() as u64 * 8;
                checked.fetch_add(bytes, Ordering::Relaxed);
                gauge.advance(bytes);
                if let Some(reading) = gauge.due() {
                    info!("{reading}");
                }
                if !faults.is_empty() {
                    let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                    for fault in faults {
                        let place = piece.physical(fault.at, &pagemap);
                        wrong.push(sentence(&fault, place));
                    }
                    if wrong.len() >= TOLD {
                        return;
                    }
                }
                if clock.elapsed() >= until {
                    return;
                }
            }
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    if wrong.is_empty() {
        return Ok(Tried {
            memory: Bytes(locked),
            checked: Bytes(checked.into_inner()),
        });
    }
    for sentence in &wrong {
        error!("burn-in of the memory: {sentence}");
    }
    let told: Vec<_> = wrong.iter().take(TOLD).map(String::as_str).collect();
    let why = format!(
        "burn-in of the memory: words did not come back as they were written: {}",
        told.join("; ")
    );
    Err(Error::new(Kind::CommandExecutionError, why))
}

fn sentence(fault: &Fault, physical: Option<u64>) -> String {
    let Fault { wrote, read, .. } = fault;
    let place = physical.map_or_else(|| "somewhere".to_owned(), |place| format!("at {place:#x}"));
    format!(
        "{place} {read:#018x} instead of {wrote:#018x} (bits {:#x})",
        wrote ^ read
    )
}

/// As much as was asked for, as long as the rest of the machine keeps its part.
fn lock(memory: &Memory, amount: Amount) -> Result<Vec<Locked>> {
    let failed = |why: String| {
        Error::new(
            Kind::CommandExecutionError,
            format!("burn-in of the memory: {why}"),
        )
    };
    let left = || memory.available().map_or(0, |bytes| bytes.0);
    let wanted = match amount {
        Amount::Percent(percent) => {
            (u128::from(left()) * u128::from(percent.min(100)) / 100) as u64
        } // at most all
        Amount::Exactly(bytes) => bytes,
    };
    let mut pieces = Vec::new();
    let mut locked = 0;
    while locked < wanted {
        let piece = (wanted - locked).min(PIECE);
        if left() < piece + SPARE {
            break;
        }
        match Locked::new(piece as usize) {
            Ok(memory) => pieces.push(memory),
            Err(error) if pieces.is_empty() => {
                return Err(failed(format!("locking {}: {error}", Bytes(piece))));
            }
            Err(_) => break,
        }
        locked += piece;
    }
    match pieces.is_empty() {
        true => Err(failed(format!(
            "{} are left, of which the machine needs {} to go on: nothing to try",
            Bytes(left()),
            Bytes(SPARE)
        ))),
        false => Ok(pieces),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_found_by_every_pattern() {
        for pattern in PATTERNS {
            let mut memory = vec![1; 4096];
            pattern.fill(&mut memory);
            assert_eq!(pattern.faults(&memory), [], "{pattern:?}");
            let wrote = memory[77];
            memory[77] ^= 1 << 40;
            let read = memory[77];
            assert_eq!(
                pattern.faults(&memory),
                [Fault {
                    at: 77,
                    wrote,
                    read
                }]
            );
        }
        // A dead line of the address: what is written at one place shows at another.
        let mut memory = vec![0; 4096];
        Pattern::Address.fill(&mut memory);
        memory.copy_within(0..2048, 2048);
        assert_eq!(Pattern::Address.faults(&memory).len(), TOLD);
    }

    #[test]
    fn faults_name_place_and_bits() {
        let fault = Fault {
            at: 0,
            wrote: 0,
            read: 0x10,
        };
        let expected = "at 0x1000 0x0000000000000010 instead of 0x0000000000000000 (bits 0x10)";
        assert_eq!(sentence(&fault, Some(0x1000)), expected);
        assert!(sentence(&fault, None).starts_with("somewhere 0x"));
    }
}
