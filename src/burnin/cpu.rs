//! Burn-in of processors: every thread does the same sums on a processor of its own, again and again, and each result must be
//! the one that is known.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{info, warn};

use crate::burnin::crew;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::small_sort;
use crate::sys::locked_memory::stay_on_processor;
use crate::system_root::{SystemRoot, names};
use crate::units::Bytes;
use crate::work_progress::WorkProgress;

/// What one round of sums gives, on any processor that follows IEEE 754 and counts.
const KNOWN: u64 = 0x3ec5_504d_d422_9499;
/// Side of the matrices, of which three fit into the cache that is next to a processor.
const SIDE: usize = 32;
/// Faults told in full.
const TOLD: usize = 8;

/// What is asked of the processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Threads; 0 is one for each processor.
    pub threads: usize,
    /// For how long.
    pub time: Duration,
}

/// Rounds done, all threads together; an error that names the processors whose results were wrong.
pub fn run(host: &SystemRoot, order: Order, clock: &Clock, gauge: &WorkProgress) -> Result<u64> {
    run_with(host, order, clock, gauge, &|_, result| result)
}

/// The same with results that `spoil` may change, by processor.
pub fn run_with(
    host: &SystemRoot,
    order: Order,
    clock: &Clock,
    gauge: &WorkProgress,
    spoil: &(dyn Fn(usize, u64) -> u64 + Sync),
) -> Result<u64> {
    let processors = processors(host);
    let threads = match order.threads {
        0 => processors.len(),
        some => some.min(MOST),
    };
    let until = clock.elapsed() + order.time;
    info!(
        "burn-in of {} processors by {threads} threads for {} s",
        processors.len(),
        order.time.as_secs()
    );
    // Seconds of work stand for bytes.
    gauge.begin(
        "burn-in of the processors (seconds)",
        Some(Bytes(order.time.as_secs())),
    );
    let (rounds, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let second = AtomicU64::new(0);
    let began = clock.elapsed();
    crew("burnin-cpu", threads, &|number| {
        let processor = processors[number % processors.len()];
        if let Err(error) = stay_on_processor(processor) {
            warn!("a thread runs where the kernel likes, not on processor {processor}: {error}");
        }
        while clock.elapsed() < until {
            let result = spoil(processor, round());
            rounds.fetch_add(1, Ordering::Relaxed);
            if result != KNOWN {
                let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                wrong.push((processor, result));
                if wrong.len() >= TOLD {
                    return;
                }
            }
            let now = (clock.elapsed() - began).as_secs();
            let before = second.fetch_max(now, Ordering::Relaxed);
            gauge.advance(now.saturating_sub(before));
            if let Some(reading) = gauge.due() {
                info!("{reading}");
            }
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rounds = rounds.into_inner();
    if wrong.is_empty() {
        return Ok(rounds);
    }
    let told: Vec<_> = wrong
        .iter()
        .take(TOLD)
        .map(|(processor, result)| {
            format!("processor {processor} had {result:#018x} instead of {KNOWN:#018x}")
        })
        .collect();
    let why = format!(
        "burn-in of the processors: wrong results, the machine cannot be trusted: {}",
        told.join("; ")
    );
    Err(Error::new(Kind::CommandExecutionError, why))
}

/// More threads than a machine has processors.
const MOST: usize = 8192;

/// By the kernel's numbers; the first, if it does not tell.
fn processors(host: &SystemRoot) -> Vec<usize> {
    let listed = names(host.sys("devices/system/cpu"));
    let number = |name: &String| name.strip_prefix("cpu")?.parse().ok();
    // A processor that is switched off says so; the first often has no such file.
    let off = |number: &usize| {
        let path = host
            .sys("devices/system/cpu")
            .join(format!("cpu{number}/online"));
        crate::system_root::attribute(path).is_some_and(|online| online == "0")
    };
    let mut found: Vec<usize> = listed
        .iter()
        .filter_map(number)
        .filter(|number| !off(number))
        .collect();
    small_sort::by_key(&mut found, |number| *number);
    match found.is_empty() {
        true => vec![0],
        false => found,
    }
}

/// One round: integers, products of matrices of floating point numbers, roots and quotients, each folded into the result.
fn round() -> u64 {
    let mut sum = integers(black_box(0x9e37_79b9_7f4a_7c15), 20_000);
    sum = fold(sum, matrices(black_box(1.000_000_1)));
    fold(sum, roots(black_box(2.0), 5_000))
}

fn fold(sum: u64, more: u64) -> u64 {
    (sum.rotate_left(13) ^ more).wrapping_mul(0xff51_afd7_ed55_8ccd)
}

fn integers(seed: u64, steps: u64) -> u64 {
    (1..=steps).fold(seed, |state, step| {
        let state = state.wrapping_mul(0xd129_0d3d_3c5b_1ea5).wrapping_add(step);
        let quotient = state / (step | 1);
        (state ^ state >> 29).rotate_left((step % 63) as u32)
            ^ quotient
            ^ u64::from(state.count_ones())
    })
}

fn matrices(scale: f64) -> u64 {
    let value = |row: usize, column: usize| ((row * 7 + column * 3) % 11) as f64 * scale - 4.0;
    let left: Vec<f64> = (0..SIDE * SIDE)
        .map(|at| value(at / SIDE, at % SIDE))
        .collect();
    let mut right: Vec<f64> = (0..SIDE * SIDE)
        .map(|at| value(at % SIDE, at / SIDE))
        .collect();
    for _ in 0..4 {
        let product = |at: usize| -> f64 {
            let (row, column) = (at / SIDE, at % SIDE);
            let terms = (0..SIDE).map(|k| left[row * SIDE + k] * right[k * SIDE + column]);
            terms.fold(0.0, |sum, term| sum + term)
        };
        let next: Vec<f64> = (0..SIDE * SIDE).map(product).collect();
        // Kept within what a number of 64 bits tells apart.
        right = next.iter().map(|value| value / 64.0).collect();
    }
    right
        .iter()
        .fold(0, |sum, value| fold(sum, value.to_bits()))
}

fn roots(mut value: f64, steps: u32) -> u64 {
    let mut sum = 0;
    for step in 1..=steps {
        value = (value * f64::from(step) + 1.0).sqrt() / 1.7 + 1.0 / value;
        sum = fold(sum, value.to_bits());
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_gives_what_is_known() {
        assert_eq!(format!("{:#018x}", round()), format!("{KNOWN:#018x}"));
    }
}
