//! A rate for all together who have not shown the token: their handshakes and requests begin so far apart that they cost a
//! part of one processor, however many come. Addresses that have shown it before have a rate of their own.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// From one to the next. As each of 64 connections waits for one turn at a time, the last one waits an eighth of a second.
const APART: Duration = Duration::from_millis(2);
/// So many may come at once after a pause.
const AT_ONCE: u32 = 64;

#[derive(Default)]
pub struct StrangerRate {
    strangers: Rate,
    known: Rate,
}

impl StrangerRate {
    /// Returns when it is the caller's turn.
    pub fn wait(&self, is_stranger: bool, clock: &Clock) {
        let rate = match is_stranger {
            true => &self.strangers,
            false => &self.known,
        };
        clock.sleep(rate.turn(clock.elapsed()));
    }
}

#[derive(Default)]
struct Rate {
    /// The last turn given, on the clock.
    last: Mutex<Duration>,
}

impl Rate {
    /// How long the caller of this moment has to wait.
    fn turn(&self, now: Duration) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(now.saturating_sub(APART * AT_ONCE)) + APART;
        last.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_served_at_once_and_many_one_after_the_other() {
        let rate = Rate::default();
        let hour = Duration::from_secs(3600);
        let waits: Vec<_> = (0..AT_ONCE + 100).map(|_| rate.turn(hour)).collect();
        let (first, later) = waits.split_at(AT_ONCE as usize);
        assert!(first.iter().all(Duration::is_zero));
        assert_eq!(later[0], APART);
        assert_eq!(later[99], APART * 100);
        assert_eq!(rate.turn(hour + APART * 100), APART);
        assert_eq!(rate.turn(hour * 2), Duration::ZERO);
    }
}
