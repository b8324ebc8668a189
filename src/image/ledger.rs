//! What a download cost, and what its failure means: written by the thread that reads, asked by the one that writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fetch::Then;
use crate::error::{Error, Kind};
use crate::units::Bytes;

/// What was spent on an image, all attempts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Bytes of bodies that came in.
    pub fetched: Bytes,
    pub connections: u32,
    /// For the network: connecting, reading and pausing.
    pub waited: Duration,
}

#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    spent: Spent,
    /// The reader's word on its own end.
    verdict: Option<Then>,
    /// The bytes of this attempt came from more than one answer.
    pieced: bool,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin_attempt(&self) {
        let mut entries = self.entries();
        (entries.verdict, entries.pieced) = (None, false);
    }

    pub fn connecting(&self) {
        self.entries().spent.connections += 1;
    }

    pub fn came_in(&self, count: usize) {
        self.entries().spent.fetched.0 += count as u64;
    }

    pub fn waited(&self, time: Duration) {
        self.entries().spent.waited += time;
    }

    pub fn pieced(&self) {
        self.entries().pieced = true;
    }

    pub fn ended(&self, verdict: Then) {
        self.entries().verdict = Some(verdict);
    }

    pub fn spent(&self) -> Spent {
        self.entries().spent
    }

    /// Nobody reads on.
    pub fn is_over(&self) -> bool {
        self.entries().verdict.is_some()
    }

    /// Ends the attempt: what to do after `error`. A digest that is wrong may only mean that the pieces
    /// did not belong together; in one piece it is wrong for good there.
    pub fn judge(&self, error: &Error) -> Then {
        let mut entries = self.entries();
        let then = match error.kind() {
            Kind::ImageDownloadError => entries.verdict.unwrap_or(Then::Again),
            Kind::ImageChecksumError if entries.pieced => Then::Again,
            Kind::ImageChecksumError => Then::Elsewhere,
            _ => Then::End,
        };
        entries.verdict = Some(then);
        then
    }
}

impl Spent {
    /// What most of `time` was waited for: while the reader does not wait for the network, it waits for
    /// this machine to take what it brought.
    pub fn bottleneck(&self, time: Duration) -> &'static str {
        match self.waited > time / 2 {
            true => "the network",
            false => "this machine (digest, decoder or disk)",
        }
    }
}
