//! Runs the same work in several threads and waits for all of them.

use std::thread;

use log::warn;

/// Does `work` in `count` threads, this one among them, and returns when all are done: with fewer where no
/// more can be had.
pub fn crew(name: &str, count: usize, work: &(dyn Fn() + Sync)) {
    thread::scope(|scope| {
        for _ in 1..count {
            let named = thread::Builder::new().name(name.to_owned());
            if let Err(error) = named.spawn_scoped(scope, work) {
                warn!("starting a thread {name}: {error}; fewer will do");
                break;
            }
        }
        work();
    });
}
