//! Who is connected: so many and no more, the longest idle ones go first, and all can be sent home.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

pub struct Lobby {
    seats: usize,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    taken: BTreeMap<u64, Guest>,
    closed: bool,
}

struct Guest {
    socket: TcpStream,
    /// Idle since then, while no request of theirs is being served.
    since: Duration,
    /// The request being served: its connection behind the door.
    served: Option<UnixStream>,
}

impl Guest {
    /// Makes every read and write of the guest's thread return.
    fn cut(&self) {
        // Errors mean that the other side was faster.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(served) = &self.served {
            let _ = served.shutdown(Shutdown::Both);
        }
    }
}

impl Lobby {
    pub fn new(seats: usize, clock: Clock) -> Arc<Self> {
        Arc::new(Lobby {
            seats,
            clock,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// A seat, if need be that of the guest idle longest; none if all are being served.
    pub fn seat(self: &Arc<Self>, socket: TcpStream) -> Option<Seat> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        if state.taken.len() >= self.seats {
            let idle = state
                .taken
                .iter()
                .filter(|(_, guest)| guest.served.is_none());
            let number = *idle.min_by_key(|(_, guest)| guest.since)?.0;
            if let Some(guest) = state.taken.remove(&number) {
                guest.cut();
            }
        }
        let number = state.next;
        state.next += 1;
        let since = self.clock.elapsed();
        let guest = Guest {
            socket,
            since,
            served: None,
        };
        state.taken.insert(number, guest);
        Some(Seat {
            lobby: Arc::clone(self),
            number,
        })
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Lets nobody in any more and sends the idle home.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = state.taken.values().filter(|guest| guest.served.is_none());
        idle.for_each(Guest::cut);
    }

    /// Gives those still served `time`, then cuts them off.
    pub fn empty_within(&self, time: Duration) {
        let state = self.state();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| !state.taken.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.taken.values().for_each(Guest::cut);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the lobby, free again when dropped.
pub struct Seat {
    lobby: Arc<Lobby>,
    number: u64,
}

impl Seat {
    /// The guest is idle from now on; false if they have to leave.
    pub fn idle(&self) -> bool {
        let mut state = self.lobby.state();
        let closed = state.closed;
        match state.taken.get_mut(&self.number) {
            Some(guest) => {
                guest.served = None;
                guest.since = self.lobby.clock.elapsed();
                !closed
            }
            None => false,
        }
    }

    /// The guest is being served over `behind` and keeps the seat; false if it is too late for that.
    pub fn served(&self, behind: UnixStream) -> bool {
        match self.lobby.state().taken.get_mut(&self.number) {
            Some(guest) => {
                guest.served = Some(behind);
                true
            }
            None => false,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lobby.state().taken.remove(&self.number);
        self.lobby.changed.notify_all();
    }
}
