//! Burn-in of processors and memory, in this process: what upstream has stress-ng for. Disks are tried in `disk/burnin`.

pub mod cpu;
pub mod memory;

use std::thread;

use log::warn;

/// Does `work` in so many threads, this one among them, each told its number; with fewer where no more can be had.
fn crew(name: &str, count: usize, work: &(dyn Fn(usize) + Sync)) {
    thread::scope(|scope| {
        for number in 1..count {
            let named = thread::Builder::new().name(name.to_owned());
            if let Err(error) = named.spawn_scoped(scope, move || work(number)) {
                warn!("starting a thread {name}: {error}; fewer will do");
                break;
            }
        }
        work(0);
    });
}
