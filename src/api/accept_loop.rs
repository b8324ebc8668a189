//! Accepts clients on the port: a seat and a thread for each, a refusal where all seats are taken.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::warn;

use crate::api::connection::Connection;
use crate::api::gateway::Gateway;
use crate::api::lobby::Seat;
use crate::api::route::Refusal;
use crate::sys::socket;

/// Receives clients until the lobby is closed and the listener shut; then sees the last ones out.
pub fn accept(gateway: &Arc<Gateway>, listener: &TcpListener) {
    let mut threads = Vec::new();
    loop {
        match listener.accept() {
            _ if gateway.lobby.is_closed() => break,
            Ok((socket, peer)) => threads.extend(welcome(gateway, socket, peer)),
            // accept(2): most errors are of the client's network; the others (no file, no memory) pass.
            Err(error) => {
                warn!("accepting a connection: {error}");
                gateway.clock.sleep(Duration::from_millis(100));
            }
        }
        join(threads.extract_if(.., |thread: &mut JoinHandle<()>| thread.is_finished()));
    }
    join(threads.into_iter());
}

fn welcome(gateway: &Arc<Gateway>, socket: TcpStream, peer: SocketAddr) -> Option<JoinHandle<()>> {
    let Some(seat) = socket
        .try_clone()
        .ok()
        .and_then(|own| gateway.lobby.seat(own, peer.ip()))
    else {
        turn_away(gateway, socket, peer);
        return None;
    };
    let own = Arc::clone(gateway);
    let serve = move || serve(&own, seat, socket, peer);
    let thread = thread::Builder::new().name("api-client".to_owned());
    match thread.spawn(serve) {
        Ok(thread) => Some(thread),
        Err(error) => {
            gateway
                .log
                .turned_away(peer.ip(), &format!("no thread: {error}"));
            None
        }
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
fn turn_away(gateway: &Gateway, mut socket: TcpStream, peer: SocketAddr) {
    gateway
        .log
        .turned_away(peer.ip(), "all connections are in use");
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
