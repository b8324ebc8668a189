//! Who is connected: at most so many clients, of whom the longest idle one goes first when another comes.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// How long somebody new waits for a seat: most requests are answered sooner than that.
const PATIENCE: Duration = Duration::from_millis(100);

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
    /// Their last request began then, or they came then.
    since: Duration,
    /// The request being served: its connection behind the gateway.
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

    /// A seat, if need be that of the guest idle longest; none if all are being served and stay so.
    pub fn seat(self: &Arc<Self>, socket: TcpStream) -> Option<Seat> {
        let all_served = |state: &mut State| {
            let mut guests = state.taken.values();
            !state.closed && state.taken.len() >= self.seats && guests.all(|g| g.served.is_some())
        };
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, all_served)
            .unwrap_or_else(PoisonError::into_inner);
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
                self.lobby.changed.notify_all();
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
                guest.since = self.lobby.clock.elapsed();
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// A seat, and the other end of its connection.
    fn guest(lobby: &Arc<Lobby>) -> (Option<Seat>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let far = TcpStream::connect(address).expect("it listens");
        let (near, _) = listener.accept().expect("it has come");
        (lobby.seat(near), far)
    }

    fn behind() -> UnixStream {
        UnixStream::pair().expect("two sockets").0
    }

    #[test]
    fn the_one_idle_longest_makes_room_but_nobody_who_is_served() {
        let clock = Clock::fake();
        let lobby = Lobby::new(2, clock.clone());
        let come = || {
            clock.sleep(Duration::from_secs(1));
            let (seat, far) = guest(&lobby);
            (seat.expect("there is room"), far)
        };
        let (first, _far) = come();
        let (second, mut second_far) = come();
        clock.sleep(Duration::from_secs(1));
        assert!(first.served(behind()) && first.idle());
        let (third, _far) = come();
        assert_eq!(second_far.read(&mut [0]).expect("it was closed"), 0);
        assert!(!second.idle() && !second.served(behind()));
        assert!(first.served(behind()) && third.served(behind()));
        assert!(guest(&lobby).0.is_none());
        assert!(third.idle());
        assert!(guest(&lobby).0.is_some());
        assert!(first.idle() && !third.idle());
    }

    #[test]
    fn a_closed_lobby_sends_home_the_idle_at_once_and_the_others_later() {
        let lobby = Lobby::new(2, Clock::fake());
        let ((idle, mut idle_far), (served, mut served_far)) = (guest(&lobby), guest(&lobby));
        let served = served.expect("there is room");
        assert!(served.served(behind()));
        lobby.close();
        assert_eq!(idle_far.read(&mut [0]).expect("it was closed"), 0);
        drop(idle);
        assert!(guest(&lobby).0.is_none());
        served_far.set_nonblocking(true).expect("it is a socket");
        assert!(served_far.read(&mut [0]).is_err(), "still open");
        lobby.empty_within(Duration::ZERO);
        assert_eq!(served_far.read(&mut [0]).expect("it was closed"), 0);
        assert!(!served.idle());
    }
}
