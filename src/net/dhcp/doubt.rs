//! Doubt about a lease though no carrier was lost: word comes that a switch may have moved the port to another network, and for a while
//! servers are asked whether the lease holds there.

use std::io::PipeReader;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// How long it lasts, and how often the lease is confirmed meanwhile: whoever moves the port does so when its own work is done.
const LASTS: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(15);

/// One client's doubt.
#[derive(Clone, Default)]
pub struct Doubt {
    /// Its other end is closed when the port may move.
    word: Option<Arc<PipeReader>>,
    /// When to ask next, and when no more; by the client's clock.
    due: Option<(Duration, Duration)>,
}

impl Doubt {
    /// There will be doubt once the other end of this pipe is closed.
    pub fn after(word: PipeReader) -> Self {
        Doubt {
            word: Some(Arc::new(word)),
            due: None,
        }
    }

    /// What becomes readable when there is doubt; none where there never is, or is already.
    pub fn word(&self) -> Option<BorrowedFd<'_>> {
        self.word.as_ref().map(|word| word.as_fd())
    }

    /// The word was heard at `now`.
    pub fn begin(&mut self, now: Duration) {
        self.word = None;
        self.due = Some((now, now + LASTS));
    }

    /// Is a lease to be confirmed now? Told once, and then again after a pause.
    pub fn is_due(&mut self, now: Duration) -> bool {
        match self.due {
            Some((_, end)) if now > end => {
                self.due = None;
                false
            }
            Some((at, end)) if now >= at => {
                self.due = Some((now + PAUSE, end));
                true
            }
            _ => false,
        }
    }

    /// No sleep may be longer than this.
    pub fn longest(&self, now: Duration) -> Duration {
        self.due
            .map_or(Duration::MAX, |(at, _)| at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_confirmed_for_a_while_and_then_believed() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut doubt = Doubt::after(reader);
        let seconds = Duration::from_secs;
        assert!(doubt.word().is_some() && !doubt.is_due(seconds(1)));
        assert_eq!(doubt.longest(seconds(1)), Duration::MAX);
        drop(writer);
        doubt.begin(seconds(10));
        assert!(doubt.word().is_none());
        let asked: Vec<u64> = (10..1000)
            .filter(|now| doubt.is_due(seconds(*now)))
            .collect();
        assert_eq!(asked.len(), 21);
        assert_eq!((asked[0], asked[1], asked[20]), (10, 25, 310));
        assert_eq!(doubt.longest(seconds(1000)), Duration::MAX);
    }
}
