//! The front door: it owns the TCP port, and lets nobody take more than their share of it.
//!
//! Per client: a TLS handshake, then requests whose heads are small, whose senders hold the token before a
//! byte of their body is read, and whose bodies move. What passes is handed to the server behind.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::warn;

use super::Service;
use super::connection::Connection;
use super::hatch::Hatch;
use super::lobby::{Lobby, Seat};
use super::route::Refusal;
use crate::clock::Clock;

pub struct Front {
    pub service: Arc<Service>,
    pub hatch: Hatch,
    pub lobby: Arc<Lobby>,
    pub clock: Clock,
}

impl Front {
    /// Receives clients until the lobby is closed and the listener shut; then sees the last ones out.
    pub fn receive(self: Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        loop {
            match listener.accept() {
                _ if self.lobby.is_closed() => break,
                Ok((socket, peer)) => threads.extend(self.welcome(socket, peer)),
                // accept(2): most errors are of the client's network; the others (no file, no memory) pass.
                Err(error) => {
                    warn!("accepting a connection: {error}");
                    self.clock.sleep(Duration::from_millis(100));
                }
            }
            join(threads.extract_if(.., |thread: &mut JoinHandle<()>| thread.is_finished()));
        }
        join(threads.into_iter());
    }

    fn welcome(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) -> Option<JoinHandle<()>> {
        let Some(seat) = socket.try_clone().ok().and_then(|own| self.lobby.seat(own)) else {
            self.turn_away(socket, peer);
            return None;
        };
        let front = Arc::clone(self);
        let serve = move || front.serve(seat, socket, peer);
        let thread = thread::Builder::new().name("api-client".to_owned());
        match thread.spawn(serve) {
            Ok(thread) => Some(thread),
            Err(error) => {
                warn!("no thread for {peer}: {error}");
                None
            }
        }
    }

    fn serve(&self, seat: Seat, socket: TcpStream, peer: SocketAddr) {
        // Replies are written in few pieces, and each is waited for.
        let _ = socket.set_nodelay(true);
        Connection::serve(self, seat, socket, peer);
    }

    /// Under TLS there is no cheap way to say why.
    fn turn_away(&self, mut socket: TcpStream, peer: SocketAddr) {
        warn!("{peer} is turned away: all connections are in use");
        if self.service.acceptor.is_none() && socket.set_nonblocking(true).is_ok() {
            let full = Refusal::new(503, "All connections are in use");
            // An empty send buffer takes it whole; if not, the client learns less.
            let _ = socket.write(&full.reply().last_bytes());
        }
    }
}

pub fn join(threads: impl Iterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if let Err(panic) = thread.join() {
            resume_unwind(panic);
        }
    }
}
