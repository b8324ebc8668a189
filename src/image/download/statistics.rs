//! What a download cost, and how its last attempt ended: written by the thread that reads, asked by the one that
//! writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Kind};
use crate::image::download::retry_policy::Then;
use crate::units::Bytes;
use crate::work_progress::WorkProgress;

/// What was spent on an image, all attempts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Bytes of bodies that came in.
    pub fetched: Bytes,
    /// Requests that were sent for it.
    pub connections: u32,
}

/// Of one attempt. What it cost counts whenever it comes; but a reader that outlives its attempt, waiting for
/// bytes that nobody takes, has no say in the next.
#[derive(Clone)]
pub struct Statistics {
    entries: Arc<Mutex<Entries>>,
    attempt: u32,
    /// Hears what the reader waits for.
    gauge: WorkProgress,
}

#[derive(Default)]
struct Entries {
    spent: Spent,
    attempt: u32,
    /// The reader's word on its own end.
    verdict: Option<Then>,
    /// The bytes of this attempt may not be the image: of more than one answer, or of one that perhaps was cut.
    doubtful: bool,
    /// Nothing came in since the last connection failed.
    interrupted: bool,
}

impl Statistics {
    /// For a download that has not begun.
    pub fn new(gauge: WorkProgress) -> Self {
        Statistics {
            entries: Arc::default(),
            attempt: 0,
            gauge,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        let entries = self.entries.lock();
        entries.unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for the next attempt; those before it are over.
    pub fn next_attempt(&self) -> Self {
        let mut entries = self.entries();
        entries.attempt += 1;
        (entries.verdict, entries.doubtful, entries.interrupted) = (None, false, false);
        Statistics {
            attempt: entries.attempt,
            ..self.clone()
        }
    }

    /// The entries, if it is still this attempt's turn.
    fn current(&self) -> Option<MutexGuard<'_, Entries>> {
        Some(self.entries()).filter(|entries| entries.attempt == self.attempt)
    }

    /// One request more.
    pub fn connecting(&self) {
        self.entries().spent.connections += 1;
    }

    /// So many bytes of a body came in.
    pub fn came_in(&self, count: usize) {
        let mut entries = self.entries();
        entries.spent.fetched.0 += count as u64;
        let own = entries.attempt == self.attempt;
        if own && count > 0 && std::mem::take(&mut entries.interrupted) {
            self.gauge.goes_on();
        }
    }

    /// The connection is gone, and the next one not there yet.
    pub fn interrupted(&self) {
        let Some(mut entries) = self.current() else {
            return;
        };
        entries.interrupted = true;
        let next = entries.spent.connections + 1;
        let why = format!("waiting for the network, attempt {next}");
        self.gauge.held_up(why);
    }

    /// What comes now is from another answer than what came before, or there may have been more.
    pub fn doubtful(&self) {
        if let Some(mut entries) = self.current() {
            entries.doubtful = true;
        }
    }

    /// The reader stops: this may help.
    pub fn ended(&self, verdict: Then) {
        if let Some(mut entries) = self.current() {
            entries.verdict = Some(verdict);
        }
    }

    /// So far, all attempts together.
    pub fn spent(&self) -> Spent {
        self.entries().spent
    }

    /// Nobody reads on.
    pub fn is_over(&self) -> bool {
        self.current()
            .is_none_or(|entries| entries.verdict.is_some())
    }

    /// Ends the attempt: what to do after `error`, of an image whose digest was right or is not known to be. A
    /// digest that is wrong, or an image that makes no sense, may only mean that the pieces did not belong
    /// together; in one piece it is wrong for good there.
    pub fn judge(&self, error: &Error, verified: bool) -> Then {
        let mut entries = self.entries();
        let then = match error.kind() {
            Kind::ImageDownloadError => entries.verdict.unwrap_or(Then::Again),
            _ if verified => Then::End,
            Kind::ImageChecksumError | Kind::InvalidImage | Kind::DeploymentError
                if entries.doubtful =>
            {
                Then::Again
            }
            Kind::ImageChecksumError | Kind::DeploymentError => Then::Elsewhere,
            _ => Then::End,
        };
        entries.verdict = Some(then);
        then
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_reader_that_outlives_its_attempt_has_no_say_in_the_next() {
        let statistics = Statistics::new(WorkProgress::new(Clock::fake()));
        let old = statistics.next_attempt();
        old.ended(Then::Again);
        assert!(old.is_over());
        let new = statistics.next_attempt();
        old.ended(Then::End);
        old.doubtful();
        old.came_in(7);
        assert!(old.is_over() && !new.is_over());
        let wrong = Error::new(Kind::ImageChecksumError, "");
        assert_eq!(new.judge(&wrong, false), Then::Elsewhere, "in one piece");
        let unfit = Error::new(Kind::DeploymentError, "");
        for (verified, then) in [(false, Then::Elsewhere), (true, Then::End)] {
            assert_eq!(new.judge(&unfit, verified), then, "no partition table");
        }
        assert_eq!(statistics.spent().fetched, Bytes(7), "bytes are bytes");
    }
}
