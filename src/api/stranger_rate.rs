//! A rate for all together who have not shown the token: their handshakes and requests begin so far apart that they cost a
//! part of one processor, however many come. Addresses that have shown it before have a rate of their own.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::sys::socket;

/// From one turn to the next. Where 64 connections wait for theirs, each waits about an eighth of a second.
const APART: Duration = Duration::from_millis(2);
/// The same where there is no Ironic that calls, and an image is written meanwhile: a page takes some 0.4 ms, so that all who look cost it a
/// fiftieth of a processor.
const APART_ALONE: Duration = Duration::from_millis(20);
/// So many may come at once after a pause.
const AT_ONCE: u32 = 64;

pub struct StrangerRate {
    strangers: Rate,
    known: Rate,
}

impl StrangerRate {
    /// For a port that takes commands, or one that only shows how things stand.
    pub fn new(takes_commands: bool) -> Self {
        let strangers = match takes_commands {
            true => APART,
            false => APART_ALONE,
        };
        StrangerRate {
            strangers: Rate::new(strangers),
            known: Rate::new(APART),
        }
    }

    /// Comes back when it is the caller's turn: true; or when the other side of `client` has gone meanwhile, or was sent home.
    pub fn wait(&self, is_stranger: bool, client: BorrowedFd, clock: &Clock) -> bool {
        let rate = match is_stranger {
            true => &self.strangers,
            false => &self.known,
        };
        let mut waits = false;
        loop {
            let turn = rate.turn(clock.elapsed(), &mut waits);
            // An error is none of the client's: it has waited for long enough.
            let gone = turn.is_err_and(|time| socket::closed_within(client, time).unwrap_or(true));
            if gone {
                rate.gives_up();
            }
            if turn.is_ok() || gone {
                return !gone;
            }
        }
    }
}

struct Rate {
    state: Mutex<State>,
    apart: Duration,
}

#[derive(Default)]
struct State {
    /// The last turn given, on the clock.
    last: Duration,
    waiting: u32,
}

impl Rate {
    fn new(apart: Duration) -> Self {
        Rate {
            state: Mutex::default(),
            apart,
        }
    }

    /// The turn of this moment if there is one, else how long to wait before asking again; `waits` is the caller's note
    /// that it does. The more wait the longer, so that together they ask once for each turn.
    fn turn(&self, now: Duration, waits: &mut bool) -> Result<(), Duration> {
        let mut state = self.state();
        let next = state.last.max(now.saturating_sub(self.apart * AT_ONCE)) + self.apart;
        if next <= now {
            state.last = next;
            state.waiting -= u32::from(*waits);
            return Ok(());
        }
        state.waiting += u32::from(!*waits);
        *waits = true;
        Err(self.apart * state.waiting)
    }

    fn gives_up(&self) {
        self.state().waiting -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_few_are_served_at_once_and_many_one_after_the_other() {
        let rate = Rate::new(APART);
        let hour = Duration::from_secs(3600);
        for _ in 0..AT_ONCE {
            assert_eq!(rate.turn(hour, &mut false), Ok(()));
        }
        let mut waits = [false; 3];
        for (count, waits) in (1..).zip(&mut waits) {
            assert_eq!(rate.turn(hour, waits), Err(APART * count));
        }
        assert_eq!(rate.turn(hour + APART, &mut waits[2]), Ok(()));
        assert_eq!(rate.turn(hour + APART, &mut waits[1]), Err(APART * 2));
        rate.gives_up();
        assert_eq!(rate.turn(hour + APART, &mut waits[0]), Err(APART));
        assert_eq!(rate.turn(hour * 2, &mut waits[0]), Ok(()));
        assert_eq!(rate.state().waiting, 0);
    }

    #[test]
    fn who_has_gone_is_not_waited_for() {
        let rate = StrangerRate::new(true);
        let clock = Clock::fake();
        let (client, far) = std::os::unix::net::UnixStream::pair().expect("two sockets");
        // A fake clock stands still: there is one turn for each, and then none for ever.
        clock.sleep(Duration::from_secs(1));
        for _ in 0..AT_ONCE {
            assert!(rate.wait(true, client.as_fd(), &clock));
        }
        assert!(rate.wait(false, client.as_fd(), &clock), "another rate");
        drop(far);
        assert!(!rate.wait(true, client.as_fd(), &clock));
    }
}
