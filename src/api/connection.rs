//! Serves one client: its requests one after the other, each checked, handed to the backend, answered and logged.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use log::{debug, info};

use super::body::{self, Body, Cut};
use super::head::{Framing, Head};
use super::lobby::Seat;
use super::pace::{Pace, Timed};
use super::route::{Action, Refusal};
use crate::api::backend_socket::Exchange;
use crate::api::client_stream::ClientStream;
use crate::api::gateway::Gateway;
use crate::api::pending_requests::ParsedRequest;
use crate::units::MIB;

/// What of a body is in the gateway's hands at once.
const BLOCK: usize = 64 << 10;

pub struct Connection<'a> {
    gateway: &'a Gateway,
    seat: Seat,
    pace: Rc<Pace>,
    stream: ClientStream,
    peer: SocketAddr,
}

/// A request answered.
struct Done {
    status: u16,
    /// The next request begins where this one ended.
    keep: bool,
}

impl Connection<'_> {
    /// Serves a client until one side has enough.
    pub fn serve(gateway: &Gateway, seat: Seat, socket: TcpStream, peer: SocketAddr) {
        let limits = &gateway.service.limits;
        let pace = Pace::new(gateway.clock.clone());
        pace.within(limits.handshake);
        let timed = Timed::new(socket, pace.clone());
        let stream = match ClientStream::open(timed, gateway.service.acceptor.as_ref()) {
            Ok(stream) => stream,
            Err(why) => return debug!("{peer}: the TLS handshake failed: {why}"),
        };
        let mut connection = Connection {
            gateway,
            seat,
            pace,
            stream,
            peer,
        };
        while connection.request() {}
        connection.seat.idle();
        connection.pace.within(limits.linger);
        connection.stream.close();
        connection.stream.timed().linger();
    }

    /// Serves one request; true if another may follow.
    fn request(&mut self) -> bool {
        let limits = &self.gateway.service.limits;
        self.pace.within(limits.idle);
        if !self.seat.idle() || !self.stream.wait().is_ok_and(|more| more) {
            return false;
        }
        let began = self.gateway.clock.elapsed();
        self.pace.within(limits.head);
        let (head, done) = match self.stream.head() {
            Ok(Ok(head)) => {
                let done = self.answer(&head);
                (Some(head), done)
            }
            Ok(Err(refusal)) => (None, Err(refusal.into())),
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                let slow = Refusal::new(408, "The request head came too slowly");
                (None, Err(slow.into()))
            }
            Err(_) => (None, Err(Cut::Gone)),
        };
        let done = done.or_else(|cut| match cut {
            Cut::Refused(refusal) => self.refuse(&refusal),
            Cut::Gone => Err(()),
        });
        let took = self.gateway.clock.elapsed().saturating_sub(began);
        self.log(head.as_ref(), done.as_ref().ok().map(|d| d.status), took);
        done.is_ok_and(|done| done.keep)
    }

    fn answer(&mut self, head: &Head) -> Result<Done, Cut> {
        let service = &self.gateway.service;
        let action = Action::new(&head.method, &head.target, service.token.as_ref());
        let request = ParsedRequest {
            origin: self.origin(head)?,
            action,
        };
        let head_only = head.method == "HEAD";
        if let Action::Start { .. } = request.action {
            body::admit(head.framing, service.limits.body, &service.host)?;
            let mut exchange = self.hand_over(request, head_only)?;
            let whole = self.upload(head, &mut exchange)?;
            return self.pass_on(exchange, head.keep_alive && whole);
        }
        // Only a command has a body that matters. A small one is read away, a large one ends the connection.
        let small = match head.framing {
            Framing::Length(length) => length <= service.limits.drain.0 && !head.expects_continue,
            Framing::Chunked => false,
        };
        let exchange = self.hand_over(request, head_only)?;
        let mut done = self.pass_on(exchange, head.keep_alive && small)?;
        done.keep = done.keep && self.drain(head.framing).is_ok();
        Ok(done)
    }

    /// Scheme, host and port; the client's word for them if it gave one.
    fn origin(&self, head: &Head) -> Result<String, Cut> {
        let scheme = match self.gateway.service.acceptor {
            Some(_) => "https",
            None => "http",
        };
        Ok(match &head.host {
            Some(host) => format!("{scheme}://{host}"),
            None => format!("{scheme}://{}", self.stream.timed().socket().local_addr()?),
        })
    }

    fn hand_over(&self, request: ParsedRequest, head_only: bool) -> Result<Exchange, Cut> {
        let broken = |error: io::Error| {
            log::error!("handing a request over: {error}");
            Refusal::new(503, "The server behind the gateway does not answer")
        };
        let exchange = self
            .gateway
            .backend
            .hand_over(request, head_only)
            .map_err(broken)?;
        match self.seat.served(exchange.stream()?) {
            true => Ok(exchange),
            false => Err(Cut::Gone),
        }
    }

    /// Moves the body behind the gateway; false if it was answered before its end.
    fn upload(&mut self, head: &Head, exchange: &mut Exchange) -> Result<bool, Cut> {
        let service = &self.gateway.service;
        self.pace.moving(service.limits.stall, service.limits.floor);
        if head.expects_continue {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.stream.flush()?;
        }
        let mut block = vec![0; BLOCK];
        let mut body = Body::new(&mut self.stream, head.framing, service.limits.body);
        let mut next_check = MIB;
        loop {
            let bytes = body.fill(&mut block)?;
            if body.received() >= next_check {
                body::memory_for(MIB, &service.host)?;
                next_check = body.received() + MIB;
            }
            if exchange.send(&block[..bytes]).is_err() {
                return Ok(false);
            }
            if bytes == 0 {
                return Ok(true);
            }
        }
    }

    fn pass_on(&mut self, exchange: Exchange, keep: bool) -> Result<Done, Cut> {
        let lost = || Refusal::new(500, "The request was not answered");
        let mut answer = exchange.reply().map_err(|_| lost())?.ok_or_else(lost)?;
        let limits = &self.gateway.service.limits;
        let keep = keep && !self.gateway.lobby.is_closed();
        self.pace.moving(limits.stall, limits.floor);
        self.stream.write_all(&answer.first_line)?;
        if !keep {
            self.stream.write_all(b"Connection: close\r\n")?;
        }
        let mut block = vec![0; BLOCK];
        loop {
            // The head is on its way; what goes wrong from here on ends the connection.
            match answer.rest.read(&mut block).map_err(|_| Cut::Gone)? {
                0 => break,
                bytes => self
                    .stream
                    .write_all(&block[..bytes])
                    .map_err(|_| Cut::Gone)?,
            }
        }
        self.stream.flush().map_err(|_| Cut::Gone)?;
        answer.ticket.answered();
        let status = answer.status;
        Ok(Done { status, keep })
    }

    fn drain(&mut self, framing: Framing) -> Result<(), Cut> {
        let limits = &self.gateway.service.limits;
        self.seat.idle();
        self.pace.moving(limits.stall, limits.floor);
        let mut body = Body::new(&mut self.stream, framing, limits.drain);
        let mut block = [0; 4096];
        while body.fill(&mut block)? > 0 {}
        Ok(())
    }

    fn refuse(&mut self, refusal: &Refusal) -> Result<Done, ()> {
        let limits = &self.gateway.service.limits;
        self.pace.moving(limits.stall, limits.floor);
        let reply = refusal.reply().last_bytes();
        let written = self
            .stream
            .write_all(&reply)
            .and_then(|()| self.stream.flush());
        written.map_err(|_| ())?;
        Ok(Done {
            status: refusal.status,
            keep: false,
        })
    }

    /// One line for one request: never a query, which holds the token.
    fn log(&self, head: Option<&Head>, status: Option<u16>, took: Duration) {
        let peer = self.peer.ip().to_canonical();
        let method = head.map_or("-", |head| &head.method);
        let path = head.map_or("-", |head| logged(&head.target));
        let status = status.map_or_else(|| "gone".to_owned(), |status| status.to_string());
        info!("{peer} {method} {path} {status} {} ms", took.as_millis());
    }
}

/// The path alone, and not all of one that is long or holds the token by mistake.
fn logged(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    let path = path.split("agent_token").next().unwrap_or_default();
    // A target is ASCII.
    &path[..path.len().min(200)]
}
