//! `digests ALGORITHM MIB` — digests that many MiB of memory and prints how many nanoseconds of processor time that took.

use std::env;
use std::fs;

use ironlet::image::verify::algorithm::{Algorithm, Hasher};

fn main() {
    let words: Vec<String> = env::args().collect();
    let algorithm = words.get(1).and_then(|name| Algorithm::named(name));
    let mib = words.get(2).and_then(|mib| mib.parse::<usize>().ok());
    let (Some(algorithm), Some(mib)) = (algorithm, mib) else {
        panic!("digests ALGORITHM MIB");
    };
    let (piece, mut hasher) = (vec![7; 16 << 10], Hasher::new(algorithm));
    let before = nanoseconds();
    for _ in 0..mib << 6 {
        hasher.update(&piece);
    }
    assert!(!hasher.finish().is_empty());
    println!("{}", nanoseconds() - before);
}

/// linux/Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat": the first is time on a processor.
fn nanoseconds() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").expect("the kernel tells");
    let first = text.split_whitespace().next();
    first
        .and_then(|word| word.parse().ok())
        .expect("three numbers")
}
