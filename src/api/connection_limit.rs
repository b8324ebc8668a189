//! Who is connected to the API: so many and no more, each with a seat. Who has to make room is `eviction.rs`'s to say; here
//! they are sent home, and all of them when the server stops.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::api::client_standing::{Place, Standing};
use crate::api::eviction::victim;
use crate::clock::Clock;
use crate::sys::socket;

/// Addresses remembered for having shown the token; more conductors than that have no need of it.
const MOST_KNOWN: usize = 256;

pub struct ConnectionLimit {
    seats: usize,
    grace: Duration,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    taken: BTreeMap<u64, Guest>,
    /// Sent home, but their threads have not ended yet.
    leaving: usize,
    /// Addresses that have shown the token, the last one last.
    known: VecDeque<IpAddr>,
    closed: bool,
}

struct Guest {
    socket: TcpStream,
    place: Place,
    /// The request being served: its connection behind the gateway.
    served: Option<UnixStream>,
}

impl State {
    /// Somebody who has hung up, but whose thread has not seen it yet.
    fn gone(&self) -> Option<u64> {
        let mut waiting = self.taken.iter().filter(|(_, g)| g.served.is_none());
        let gone = waiting.find(|(_, guest)| socket::is_over(guest.socket.as_fd()));
        gone.map(|(number, _)| *number)
    }
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

impl ConnectionLimit {
    /// A client has `grace` to show the token before its seat goes to another who has not.
    pub fn new(seats: usize, grace: Duration, clock: Clock) -> Arc<Self> {
        Arc::new(ConnectionLimit {
            seats,
            grace,
            clock,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// A client of this address, as one who wants a seat now.
    pub fn newcomer(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        Place {
            address,
            standing: match self.state().known.contains(&address) {
                true => Standing::Known,
                false => Standing::Stranger,
            },
            since: self.clock.elapsed(),
            answered: false,
        }
    }

    /// A seat for a newcomer, if need be that of another; none if nobody has to give up theirs now.
    pub fn seat(self: &Arc<Self>, socket: &TcpStream, place: Place) -> Option<Seat> {
        let mut state = self.state();
        if state.closed || state.leaving >= self.seats {
            return None;
        }
        let full = state.taken.len() >= self.seats;
        let goes = match full {
            true => Some(state.gone().or_else(|| {
                let places = state.taken.iter().map(|(number, g)| (*number, g.place));
                victim(&places.collect::<Vec<_>>(), &place, self.grace)
            })?),
            false => None,
        };
        let guest = Guest {
            socket: socket.try_clone().ok()?,
            place,
            served: None,
        };
        if let Some(other) = goes.and_then(|number| state.taken.remove(&number)) {
            other.cut();
            state.leaving += 1;
        }
        let number = state.next;
        state.next += 1;
        state.taken.insert(number, guest);
        Some(Seat {
            lobby: Arc::clone(self),
            number,
        })
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Lets nobody in any more and sends home all whom nothing is being done for.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let served = |guest: &&Guest| guest.place.standing == Standing::Served;
        let guests = state.taken.values();
        guests.filter(|guest| !served(guest)).for_each(Guest::cut);
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

/// A place among the connected, free again when dropped.
pub struct Seat {
    lobby: Arc<ConnectionLimit>,
    number: u64,
}

impl Seat {
    /// Nothing of the guest's is being done from now on; false if they have to leave.
    pub fn idle(&self) -> bool {
        let closed = self.lobby.is_closed();
        let stays = self.change(|guest, _| {
            guest.served = None;
            if guest.place.standing == Standing::Served {
                guest.place.standing = Standing::Idle;
            }
        });
        self.lobby.changed.notify_all();
        stays && !closed
    }

    /// The guest has shown the token, and is being served; false if it is too late for that.
    pub fn proven(&self) -> bool {
        self.change(|guest, known| {
            guest.place.standing = Standing::Served;
            guest.place.since = self.lobby.clock.elapsed();
            if known.back() != Some(&guest.place.address) {
                known.retain(|address| *address != guest.place.address);
                known.push_back(guest.place.address);
                if known.len() > MOST_KNOWN {
                    known.pop_front();
                }
            }
        })
    }

    /// The guest is being served over `behind`, to be cut off there as well; false if it is too late for that.
    pub fn served(&self, behind: UnixStream) -> bool {
        self.change(|guest, _| guest.served = Some(behind))
    }

    /// A request of the guest is being answered that had no token.
    pub fn answered(&self) {
        self.change(|guest, _| guest.place.answered = true);
    }

    /// Has neither the guest nor anybody else from there shown the token?
    pub fn is_stranger(&self) -> bool {
        let mut stranger = true;
        self.change(|guest, _| stranger = guest.place.is_stranger());
        stranger
    }

    fn change(&self, change: impl FnOnce(&mut Guest, &mut VecDeque<IpAddr>)) -> bool {
        let mut state = self.lobby.state();
        let State { taken, known, .. } = &mut *state;
        match taken.get_mut(&self.number) {
            Some(guest) => {
                change(guest, known);
                true
            }
            None => false,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.lobby.state();
        if state.taken.remove(&self.number).is_none() {
            state.leaving -= 1;
        }
        drop(state);
        self.lobby.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    const GRACE: Duration = Duration::from_millis(250);

    /// A seat for a client of this address, and the other end of its connection.
    fn guest_from(lobby: &Arc<ConnectionLimit>, address: [u8; 4]) -> (Option<Seat>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it is bound");
        let far = TcpStream::connect(own).expect("it listens");
        let (near, _) = listener.accept().expect("it has come");
        let newcomer = lobby.newcomer(Ipv4Addr::from(address).into());
        (lobby.seat(&near, newcomer), far)
    }

    fn guest(lobby: &Arc<ConnectionLimit>) -> (Option<Seat>, TcpStream) {
        guest_from(lobby, [127, 0, 0, 1])
    }

    fn is_cut(far: &mut TcpStream) -> bool {
        far.set_nonblocking(true).expect("it is a socket");
        far.read(&mut [0]).is_ok_and(|bytes| bytes == 0)
    }

    #[test]
    fn the_one_idle_longest_makes_room_but_nobody_who_is_served() {
        let clock = Clock::fake();
        let lobby = ConnectionLimit::new(2, GRACE, clock.clone());
        let come = || {
            clock.sleep(Duration::from_secs(1));
            let (seat, far) = guest(&lobby);
            let seat = seat.expect("there is room");
            assert!(seat.proven() && seat.idle());
            (seat, far)
        };
        let (first, _far) = come();
        let (second, mut second_far) = come();
        clock.sleep(Duration::from_secs(1));
        assert!(first.proven() && first.idle());
        let (third, _far) = come();
        assert!(is_cut(&mut second_far));
        assert!(!second.idle() && !second.proven());
        assert!(first.proven() && third.proven());
        assert!(guest(&lobby).0.is_none());
        assert!(third.idle());
        assert!(guest(&lobby).0.is_some());
        assert!(first.idle() && !third.idle());
    }

    #[test]
    fn a_stranger_makes_room_even_while_something_is_sent_to_it() {
        let lobby = ConnectionLimit::new(2, GRACE, Clock::fake());
        let many: Vec<_> = (0..2).map(|_| guest_from(&lobby, [10, 0, 0, 9])).collect();
        let mut others = many
            .into_iter()
            .map(|(seat, far)| (seat.expect("room"), far));
        let (gone, mut gone_far) = others.next().expect("two came");
        let (_stays, _far) = others.next().expect("two came");
        assert!(gone.idle() && gone.is_stranger());
        let (seat, _far) = guest(&lobby);
        assert!(seat.is_some() && is_cut(&mut gone_far) && !gone.idle());
    }

    #[test]
    fn an_address_that_has_shown_the_token_is_known_from_then_on() {
        let lobby = ConnectionLimit::new(2, GRACE, Clock::fake());
        let (first, _far) = guest(&lobby);
        let first = first.expect("room");
        assert!(first.is_stranger() && first.proven() && !first.is_stranger());
        drop(first);
        let (again, _far) = guest(&lobby);
        assert!(!again.expect("room").is_stranger());
        let (other, _far) = guest_from(&lobby, [10, 0, 0, 9]);
        assert!(other.expect("room").is_stranger());
    }

    #[test]
    fn who_was_sent_home_counts_until_gone() {
        let clock = Clock::fake();
        let lobby = ConnectionLimit::new(1, GRACE, clock.clone());
        let (first, _far) = guest_from(&lobby, [10, 0, 0, 9]);
        clock.sleep(Duration::from_secs(1));
        let own = guest(&lobby).0.expect("room");
        assert!(own.proven());
        // Its thread has not ended: the next one would be one too many.
        drop(own);
        assert!(guest(&lobby).0.is_none());
        drop(first);
        assert!(guest(&lobby).0.is_some());
    }

    #[test]
    fn a_closed_lobby_sends_home_the_idle_at_once_and_the_others_later() {
        let lobby = ConnectionLimit::new(2, GRACE, Clock::fake());
        let ((idle, mut idle_far), (served, mut served_far)) = (guest(&lobby), guest(&lobby));
        let served = served.expect("there is room");
        let behind = UnixStream::pair().expect("two sockets").0;
        assert!(served.proven() && served.served(behind));
        lobby.close();
        assert!(is_cut(&mut idle_far));
        drop(idle);
        assert!(guest(&lobby).0.is_none());
        assert!(!is_cut(&mut served_far), "still open");
        lobby.empty_within(Duration::ZERO);
        assert!(is_cut(&mut served_far));
        assert!(!served.idle());
    }
}
