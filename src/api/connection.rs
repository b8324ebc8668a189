//! Serves one client: its requests one after the other, each checked, answered or handed to the backend, and logged.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::rc::Rc;

use log::debug;

use super::body::{self, Body, Cut};
use super::head::{Framing, Head};
use super::route::{Action, CommandRequest, Refusal};
use crate::api::backend_socket::Exchange;
use crate::api::body_memory::Promise;
use crate::api::client_stream::ClientStream;
use crate::api::connection_limit::Seat;
use crate::api::deadline_socket::{Pace, Timed};
use crate::api::gateway_state::Gateway;
use crate::api::public_replies;
use crate::api::request_log::Line;
use crate::units::MIB;

/// What of a body is in the gateway's hands at once.
const BLOCK: usize = 64 << 10;

pub struct Connection<'a> {
    gateway: &'a Gateway,
    seat: Seat,
    pace: Rc<Pace>,
    stream: ClientStream,
    peer: SocketAddr,
    /// A request on it had the token.
    proven: bool,
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
        if gateway.service.acceptor.is_some() && !turn(gateway, &seat, &socket) {
            return;
        }
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
            proven: false,
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
        let line = Line {
            peer: self.peer.ip(),
            request: head.as_ref().map(|head| (&*head.method, &*head.target)),
            status: done.as_ref().ok().map(|done| done.status),
            took: self.gateway.clock.elapsed().saturating_sub(began),
        };
        let token = self.gateway.service.token.as_ref();
        // A browser looks again every two seconds, for hours.
        let is_page = head.as_ref().is_some_and(|head| self.is_page(head));
        if !is_page {
            self.gateway.log.answered(&line, !self.proven, token);
        }
        done.is_ok_and(|done| done.keep)
    }

    fn answer(&mut self, head: &Head) -> Result<Done, Cut> {
        let service = &self.gateway.service;
        let action = Action::new(&head.method, &head.target, service.token.as_ref());
        let Action::Command(request) = action else {
            return self.answer_anybody(head, &action);
        };
        // Not before the token is known to be right, and from then on nobody takes the seat.
        self.proven = true;
        if !self.seat.proven() {
            return Err(Cut::Gone);
        }
        let head_only = head.method == "HEAD";
        if let CommandRequest::Start { .. } = request {
            let length = body::announced(head.framing, service.limits.body)?;
            let memory = &self.gateway.body_memory;
            let mut promise = memory.promise(length, &service.host)?;
            let mut exchange = self.hand_over(request, head_only)?;
            let whole = self.upload(head, &mut exchange, &mut promise)?;
            return self.pass_on(exchange, head.keep_alive && whole);
        }
        let exchange = self.hand_over(request, head_only)?;
        let done = self.pass_on(exchange, head.keep_alive && self.is_small(head))?;
        self.drain(head, done)
    }

    /// Answers what takes no token.
    fn answer_anybody(&mut self, head: &Head, action: &Action) -> Result<Done, Cut> {
        let origin = self.origin(head)?;
        let socket = self.stream.timed().socket();
        if !self.proven && !turn(self.gateway, &self.seat, socket) {
            return Err(Cut::Gone);
        }
        let reply =
            public_replies::reply(action, &origin, head.accepts_html, &self.gateway.service)
                .ok_or_else(|| Refusal::new(500, "A command got where no command goes"))?;
        let keep = head.keep_alive && self.is_small(head) && !self.gateway.lobby.is_closed();
        self.seat.answered();
        self.send(&reply.bytes(keep, head.method == "HEAD"))?;
        let status = reply.status;
        self.drain(head, Done { status, keep })
    }

    fn is_page(&self, head: &Head) -> bool {
        self.gateway.service.page.is_some() && head.accepts_html && head.target == "/"
    }

    /// Only a command has a body that matters. A small one is read away, a large one ends the connection.
    fn is_small(&self, head: &Head) -> bool {
        let most = self.gateway.service.limits.drain.0;
        match head.framing {
            Framing::Length(length) => length <= most && !head.expects_continue,
            Framing::Chunked => false,
        }
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

    fn hand_over(&self, request: CommandRequest, head_only: bool) -> Result<Exchange, Cut> {
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
    fn upload(
        &mut self,
        head: &Head,
        exchange: &mut Exchange,
        promise: &mut Promise,
    ) -> Result<bool, Cut> {
        let service = &self.gateway.service;
        self.pace.moving(service.limits.stall, service.limits.floor);
        if head.expects_continue {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.stream.flush()?;
        }
        let mut block = vec![0; BLOCK];
        let mut body = Body::new(&mut self.stream, head.framing, service.limits.body);
        // One in chunks has announced nothing, and is promised what it takes as it comes.
        let step = match head.framing {
            Framing::Length(_) => 0,
            Framing::Chunked => MIB,
        };
        let mut next_check = if step > 0 { 0 } else { MIB };
        loop {
            if body.received() >= next_check {
                next_check = body.received() + MIB;
                promise.received();
                promise.more(step, &service.host)?;
            }
            let bytes = body.fill(&mut block)?;
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
        let answer = exchange.reply(self.stream.timed().socket().as_fd());
        let answer = answer.map_err(|error| match error.kind() {
            ErrorKind::ConnectionAborted => Cut::Gone,
            _ => lost().into(),
        });
        let mut answer = answer?.ok_or_else(lost)?;
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

    /// Reads away the body of a request that is answered, so that the next one can follow.
    fn drain(&mut self, head: &Head, mut done: Done) -> Result<Done, Cut> {
        if done.keep && head.framing != Framing::EMPTY {
            let limits = &self.gateway.service.limits;
            self.seat.idle();
            self.pace.moving(limits.stall, limits.floor);
            let mut body = Body::new(&mut self.stream, head.framing, limits.drain);
            let mut block = [0; 4096];
            while let Ok(1..) = body.fill(&mut block) {}
            done.keep = body.is_whole();
        }
        Ok(done)
    }

    fn refuse(&mut self, refusal: &Refusal) -> Result<Done, ()> {
        self.send(&refusal.reply().last_bytes()).map_err(|_| ())?;
        Ok(Done {
            status: refusal.status,
            keep: false,
        })
    }

    /// Sends a whole reply; whoever does not take it is gone.
    fn send(&mut self, reply: &[u8]) -> Result<(), Cut> {
        let limits = &self.gateway.service.limits;
        self.pace.moving(limits.stall, limits.floor);
        let written = self.stream.write_all(reply);
        let written = written.and_then(|()| self.stream.flush());
        written.map_err(|_| Cut::Gone)
    }
}

/// Waits for the turn of a client that has not shown the token; false if it has gone before.
fn turn(gateway: &Gateway, seat: &Seat, socket: &TcpStream) -> bool {
    let rate = &gateway.stranger_rate;
    rate.wait(seat.is_stranger(), socket.as_fd(), &gateway.clock)
}
