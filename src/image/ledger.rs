//! What a download cost, and what its failure means: written by the thread that reads, asked by the one that writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fetch::Then;
use crate::error::{Error, Kind};
use crate::gauge::Gauge;
use crate::units::Bytes;

/// What was spent on an image, all attempts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Bytes of bodies that came in.
    pub fetched: Bytes,
    pub connections: u32,
}

#[derive(Clone)]
pub struct Ledger {
    entries: Arc<Mutex<Entries>>,
    /// Hears what the reader waits for.
    gauge: Gauge,
}

#[derive(Default)]
struct Entries {
    spent: Spent,
    /// The reader's word on its own end.
    verdict: Option<Then>,
    /// The bytes of this attempt came from more than one answer.
    pieced: bool,
    /// Nothing came in since the last connection failed.
    interrupted: bool,
}

impl Ledger {
    pub fn new(gauge: Gauge) -> Self {
        Ledger {
            entries: Arc::default(),
            gauge,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        let entries = self.entries.lock();
        entries.unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin_attempt(&self) {
        let mut entries = self.entries();
        (entries.verdict, entries.pieced) = (None, false);
    }

    pub fn connecting(&self) {
        self.entries().spent.connections += 1;
    }

    pub fn came_in(&self, count: usize) {
        let mut entries = self.entries();
        entries.spent.fetched.0 += count as u64;
        if count > 0 && std::mem::take(&mut entries.interrupted) {
            self.gauge.goes_on();
        }
    }

    /// The connection is gone, and the next one not there yet.
    pub fn interrupted(&self) {
        let mut entries = self.entries();
        entries.interrupted = true;
        let next = entries.spent.connections + 1;
        let why = format!("waiting for the network, attempt {next}");
        self.gauge.held_up(why);
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

    /// Ends the attempt: what to do after `error`. A digest that is wrong, or an image that makes no sense,
    /// may only mean that the pieces did not belong together; in one piece it is wrong for good there.
    pub fn judge(&self, error: &Error) -> Then {
        let mut entries = self.entries();
        let then = match error.kind() {
            Kind::ImageDownloadError => entries.verdict.unwrap_or(Then::Again),
            Kind::ImageChecksumError | Kind::InvalidImage if entries.pieced => Then::Again,
            Kind::ImageChecksumError => Then::Elsewhere,
            _ => Then::End,
        };
        entries.verdict = Some(then);
        then
    }
}
