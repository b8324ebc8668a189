//! Threads that unpack, around a counter where packed and unpacked bytes change hands, until whoever started them lets them go.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::error::{Context, Result};

/// What waits is on its shelf.
pub struct Counter<S> {
    shelf: Mutex<S>,
    /// Something on the shelf is not as it was, or nothing will be any more.
    pub changed: Condvar,
    closed: AtomicBool,
}

/// The threads, and their counter.
pub struct Crew<S> {
    pub counter: Arc<Counter<S>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S> Counter<S> {
    pub fn shelf(&self) -> MutexGuard<'_, S> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait<'a>(&self, shelf: MutexGuard<'a, S>) -> MutexGuard<'a, S> {
        let waited = self.changed.wait(shelf);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everybody to go? To be asked while holding the shelf.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }
}

impl<S: Send + 'static> Crew<S> {
    /// Nobody yet.
    pub fn new(shelf: S) -> Self {
        let counter = Counter {
            shelf: Mutex::new(shelf),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        };
        Crew {
            counter: Arc::new(counter),
            threads: Vec::new(),
        }
    }

    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// One more, whose work ends soon after the counter is closed.
    pub fn start(&mut self, work: impl FnOnce(&Counter<S>) + Send + 'static) -> Result<()> {
        let counter = Arc::clone(&self.counter);
        let thread = Builder::new()
            .name("image-unpack".into())
            .spawn(move || work(&counter))
            .context("starting the threads that unpack the image")?;
        self.threads.push(thread);
        Ok(())
    }
}

/// Lets the threads go and waits until they are.
impl<S> Drop for Crew<S> {
    fn drop(&mut self) {
        let shelf = self.counter.shelf();
        self.counter.closed.store(true, Relaxed);
        drop(shelf);
        self.counter.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a panic would have been the end of the process
        }
    }
}
