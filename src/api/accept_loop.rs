//! Accepts clients on the port: a seat and a thread for each. Where all seats are taken a few wait for one, without a thread,
//! and the others are refused.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::warn;

use crate::api::connection::Connection;
use crate::api::connection_limit::Seat;
use crate::api::eviction::victim;
use crate::api::gateway_state::Gateway;
use crate::api::route::Refusal;
use crate::api::waiting_client::Client;
use crate::sys::socket;

/// How often those who wait are looked at.
const TICK: Duration = Duration::from_millis(5);

/// Receives clients until no more are let in and the listener shut, which does not block; then sees the last ones out.
pub fn accept(gateway: &Arc<Gateway>, listener: &TcpListener) {
    let mut entrance = Entrance {
        gateway,
        waiting: VecDeque::new(),
        next: 0,
        threads: Vec::new(),
    };
    let mut looked = Duration::ZERO;
    loop {
        let timeout = (!entrance.waiting.is_empty()).then_some(TICK);
        let ready = socket::readable([listener.as_fd()], timeout);
        if gateway.lobby.is_closed() {
            break;
        }
        match ready.and_then(|_| listener.accept()) {
            Ok((socket, peer)) => entrance.came(socket, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // accept(2): most errors are of the client's network; the others (no file, no memory) pass.
            Err(error) => {
                warn!("accepting a connection: {error}");
                gateway.clock.sleep(Duration::from_millis(100));
            }
        }
        let now = gateway.clock.elapsed();
        if now.saturating_sub(looked) >= TICK {
            looked = now;
            entrance.look_after_waiting(now);
        }
    }
    let waiting = entrance.waiting.drain(..);
    waiting.for_each(|client| turn_away(gateway, client));
    join(entrance.threads.into_iter());
}

struct Entrance<'a> {
    gateway: &'a Arc<Gateway>,
    /// In the order they came, not more than there are seats.
    waiting: VecDeque<Client>,
    next: u64,
    threads: Vec<JoinHandle<()>>,
}

impl Entrance<'_> {
    fn came(&mut self, socket: TcpStream, peer: SocketAddr) {
        let came = self.gateway.lobby.newcomer(peer.ip());
        let client = Client::new(self.next, socket, peer, came);
        self.next += 1;
        // Of those who hang up at once many are gone before it is their turn to be accepted.
        if client.is_over() {
            return;
        }
        let Some(client) = self.let_in(client) else {
            return;
        };
        let most = self.gateway.service.limits.connections;
        if self.waiting.len() >= most {
            self.waiting.retain(|client| !client.is_over());
        }
        if self.waiting.len() >= most {
            let places = self
                .waiting
                .iter()
                .map(|client| (client.number, client.came));
            let goes = victim(&places.collect::<Vec<_>>(), &client.came, Duration::MAX);
            // Of those from one address who has asked without the token goes before who has not asked yet.
            let asked =
                |other: &Client| other.shows_none() && other.came.address == client.came.address;
            let at = match goes {
                Some(goes) => self.waiting.iter().position(|other| other.number == goes),
                None => self.waiting.iter().position(asked),
            };
            let Some(other) = at.and_then(|at| self.waiting.remove(at)) else {
                return turn_away(self.gateway, client);
            };
            turn_away(self.gateway, other);
        }
        self.waiting.push_back(client);
    }

    /// Lets in whom there is room for by now, and turns away who has waited for too long.
    fn look_after_waiting(&mut self, now: Duration) {
        for _ in 0..self.waiting.len() {
            let Some(client) = self.waiting.pop_front() else {
                break;
            };
            let too_long =
                now.saturating_sub(client.came.since) >= self.gateway.service.limits.waiting;
            if client.is_over() {
                continue;
            }
            match self.let_in(client) {
                Some(client) if too_long => turn_away(self.gateway, client),
                still => self.waiting.extend(still),
            }
        }
        join(self.threads.extract_if(.., |thread| thread.is_finished()));
    }

    /// A seat and a thread; the client back if there is no seat now.
    fn let_in(&mut self, mut client: Client) -> Option<Client> {
        client.look(&self.gateway.service);
        let lobby = &self.gateway.lobby;
        let place = client.standing(lobby.newcomer(client.peer.ip()));
        let Some(seat) = lobby.seat(&client.socket, place) else {
            return Some(client);
        };
        let own = Arc::clone(self.gateway);
        let Client { socket, peer, .. } = client;
        let serve = move || serve(&own, seat, socket, peer);
        let thread = thread::Builder::new().name("api-client".to_owned());
        match thread.spawn(serve) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                let why = format!("no thread: {error}");
                self.gateway.log.turned_away(peer.ip(), &why);
            }
        }
        None
    }
}

fn serve(gateway: &Gateway, seat: Seat, socket: TcpStream, peer: SocketAddr) {
    // Replies are written in few pieces, and each is waited for.
    let _ = socket.set_nodelay(true);
    // A conductor that lost its power would keep its seat until the command it waits for ends.
    let _ = socket::keep_alive(socket.as_fd());
    Connection::serve(gateway, seat, socket, peer);
}

/// Under TLS there is no cheap way to say why.
fn turn_away(gateway: &Gateway, client: Client) {
    let Client {
        mut socket, peer, ..
    } = client;
    let why = "all connections are in use";
    gateway.log.turned_away(peer.ip(), why);
    if gateway.service.acceptor.is_none() && socket.set_nonblocking(true).is_ok() {
        let full = Refusal::new(503, "All connections are in use");
        // An empty send buffer takes it whole; if not, the client learns less.
        let _ = socket.write(&full.reply().last_bytes());
    }
}

/// Joins all of them; a panic in one goes on here.
pub fn join(threads: impl Iterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if let Err(panic) = thread.join() {
            resume_unwind(panic);
        }
    }
}
