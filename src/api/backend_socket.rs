//! The abstract Unix socket from the gateway to the backend: sends requests there and reads the replies.
//!
//! What goes through is made here from what the gateway understood; nothing a client wrote but its body
//! gets behind the gateway. A body goes in whole chunks, so that one that breaks off is seen as broken.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::api::pending_requests::{PendingRequests, Ticket};
use crate::api::route::CommandRequest;
use crate::codec::hex;
use crate::sys::{kernel, socket};

/// How long the server behind may take to pick a request up; it does nothing else.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct BackendSocket {
    pub pending: Arc<PendingRequests>,
    listening: Mutex<Listening>,
}

struct Listening {
    address: SocketAddr,
    /// The listener at the other end; shutdown(2) makes its accept(2) return, but std has it on streams only.
    listener: UnixStream,
    shut: bool,
}

impl Listening {
    /// Under a name of its own.
    fn open() -> io::Result<(Self, UnixListener)> {
        let mut name = [0; 16];
        kernel::random(&mut name)?;
        let address = SocketAddr::from_abstract_name(format!("ironlet-{}", hex::encode(&name)))?;
        let listener = UnixListener::bind_addr(&address)?;
        let listening = Listening {
            address,
            listener: UnixStream::from(OwnedFd::from(listener.try_clone()?)),
            shut: false,
        };
        Ok((listening, listener))
    }
}

impl BackendSocket {
    /// The backend and the listener behind it.
    pub fn open() -> io::Result<(Self, UnixListener)> {
        let (listening, listener) = Listening::open()?;
        let backend = BackendSocket {
            pending: Arc::default(),
            listening: Mutex::new(listening),
        };
        Ok((backend, listener))
    }

    /// A new listener in place of one that broke; none if the backend was shut for good.
    pub fn reopen(&self) -> io::Result<Option<UnixListener>> {
        let mut listening = self.listening();
        if listening.shut {
            return Ok(None);
        }
        let (new, listener) = Listening::open()?;
        *listening = new;
        Ok(Some(listener))
    }

    /// The listener behind hears nothing any more.
    pub fn shut(&self) {
        let mut listening = self.listening();
        listening.shut = true;
        // One that broke by itself is as good.
        let _ = listening.listener.shutdown(Shutdown::Both);
    }

    /// Hands a request over; its body follows if it has one.
    pub fn hand_over(&self, request: CommandRequest, head_only: bool) -> io::Result<Exchange> {
        let (verb, framing) = match request {
            CommandRequest::Start { .. } => ("POST", "Transfer-Encoding: chunked\r\n"),
            _ if head_only => ("HEAD", ""),
            _ => ("GET", ""),
        };
        let (ticket, picked_up) = self.pending.add(request)?;
        let head = format!(
            "{verb} /{} HTTP/1.1\r\nConnection: close\r\n{framing}\r\n",
            ticket.name()
        );
        // tiny_http 0.12 `util/task_pool.rs` gives two connections that come at once to one idle thread,
        // and the second waits until the first is over: so one at a time, each until it is picked up.
        let listening = self.listening();
        let mut stream = UnixStream::connect_addr(&listening.address)?;
        stream.write_all(head.as_bytes())?;
        picked_up
            .recv_timeout(PATIENCE)
            .map_err(|_| io::Error::from(ErrorKind::TimedOut))?;
        Ok(Exchange { stream, ticket })
    }

    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request being served.
pub struct Exchange {
    stream: UnixStream,
    /// The reply is still on its way while this is held.
    ticket: Ticket,
}

impl Exchange {
    pub fn stream(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    /// Sends one piece of the body; an empty one is its end.
    pub fn send(&mut self, block: &[u8]) -> io::Result<()> {
        write!(self.stream, "{:x}\r\n", block.len())?;
        self.stream.write_all(block)?;
        self.stream.write_all(b"\r\n")
    }

    /// The reply: its status, and the bytes from behind the first line on. None if there is none. An error of kind
    /// `ConnectionAborted` if `client`, to whom it goes, has hung up before it was there.
    pub fn reply(self, client: BorrowedFd) -> io::Result<Option<Answer>> {
        wait_for_reply(&self.stream, client)?;
        let Exchange { mut stream, ticket } = self;
        let mut bytes = vec![0; 16 << 10];
        let mut filled = 0;
        loop {
            if let Some(at) = bytes[..filled].iter().position(|byte| *byte == b'\n') {
                // "HTTP/1.1 200 OK"
                let status = String::from_utf8_lossy(&bytes[..at]);
                let status = status.split(' ').nth(1).and_then(|s| s.parse().ok());
                return Ok(status.map(|status| Answer {
                    status,
                    first_line: bytes[..=at].to_vec(),
                    rest: io::Cursor::new(bytes[at + 1..filled].to_vec()).chain(stream),
                    ticket,
                }));
            }
            match stream.read(&mut bytes[filled..])? {
                0 => return Ok(None),
                read => filled += read,
            }
        }
    }
}

/// Somebody may close their half and read on: what is nearly there still gets to them.
const LAST_MOMENT: Duration = Duration::from_millis(100);

fn wait_for_reply(stream: &UnixStream, client: BorrowedFd) -> io::Result<()> {
    loop {
        match socket::readable_or_closed(stream.as_fd(), client)? {
            [true, _] => return Ok(()),
            [_, true] => match socket::readable([stream.as_fd()], Some(LAST_MOMENT))? {
                [true] => return Ok(()),
                [false] => return Err(ErrorKind::ConnectionAborted.into()),
            },
            // A signal came.
            _ => {}
        }
    }
}

pub struct Answer {
    pub status: u16,
    pub first_line: Vec<u8>,
    /// Ends where the reply ends.
    pub rest: io::Chain<io::Cursor<Vec<u8>>, UnixStream>,
    pub ticket: Ticket,
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn a_request_is_taken_once_and_under_its_own_name_alone() {
        let (backend, listener) = BackendSocket::open().expect("abstract names are free");
        let pending = Arc::clone(&backend.pending);
        let behind = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the gateway comes");
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let name = head[0]
                .strip_prefix("HEAD /")
                .and_then(|rest| rest.split(' ').next());
            let name = name.expect("the name of the ticket");
            assert!(pending.take("0123").is_none());
            let job = pending.take(name).expect("it was left");
            assert!(pending.take(name).is_none() && !pending.is_quiet());
            drop(job);
            assert!(pending.is_quiet());
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .expect("it listens");
        });
        let exchange = backend
            .hand_over(CommandRequest::List, true)
            .expect("it is picked up");
        let (client, _far) = UnixStream::pair().expect("two sockets");
        let mut answer = exchange
            .reply(client.as_fd())
            .expect("it is open")
            .expect("it was answered");
        assert_eq!(
            (answer.status, &*answer.first_line),
            (204, &b"HTTP/1.1 204 No Content\r\n"[..])
        );
        let mut rest = String::new();
        answer.rest.read_to_string(&mut rest).expect("it ends");
        assert_eq!(rest, "\r\n");
        behind.join().expect("no assertion failed");
    }

    #[test]
    fn a_client_that_hangs_up_is_waited_for_no_longer() {
        let (backend, listener) = BackendSocket::open().expect("abstract names are free");
        let pending = Arc::clone(&backend.pending);
        let behind = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("the gateway comes");
            let mut line = String::new();
            BufReader::new(&stream)
                .read_line(&mut line)
                .expect("a request");
            let name = line
                .split(['/', ' '])
                .nth(2)
                .expect("the name of the ticket");
            drop(pending.take(name).expect("it was left"));
            stream
        });
        let exchange = backend.hand_over(CommandRequest::List, false);
        let exchange = exchange.expect("it is picked up");
        let (client, far) = UnixStream::pair().expect("two sockets");
        far.shutdown(Shutdown::Write).expect("it is open");
        let error = exchange.reply(client.as_fd()).err().expect("nothing came");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        drop(behind.join());
    }

    #[test]
    fn a_broken_listener_is_replaced_but_not_after_the_end() {
        let (backend, first) = BackendSocket::open().expect("abstract names are free");
        // As when accept(2) fails.
        backend
            .listening()
            .listener
            .shutdown(Shutdown::Both)
            .expect("it listens");
        drop(first);
        assert!(backend.hand_over(CommandRequest::List, false).is_err());
        let second = backend
            .reopen()
            .expect("abstract names are free")
            .expect("not shut");
        let waiting = std::thread::spawn(move || second.accept().map(drop));
        backend.shut();
        assert!(waiting.join().expect("it returns").is_err());
        assert!(backend.reopen().expect("nothing is opened").is_none());
    }
}
