//! The client's connection as plain bytes, with or without TLS, and a buffer that holds one request head.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use crate::api::deadline_socket::Timed;
use crate::api::head;
use crate::api::head::Head;
use crate::api::route::Refusal;
use crate::net::tls::connection::{Acceptor, ServerStream};

pub struct ClientStream {
    transport: Transport,
    /// Bytes read and not yet asked for are `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

enum Transport {
    Plain(Timed),
    Tls(Box<ServerStream<Timed>>),
}

impl ClientStream {
    /// Shakes hands if there is an acceptor.
    pub fn open(socket: Timed, acceptor: Option<&Acceptor>) -> Result<Self, String> {
        let transport = match acceptor {
            None => Transport::Plain(socket),
            Some(acceptor) => match acceptor.accept(socket) {
                Ok(stream) => Transport::Tls(Box::new(stream)),
                Err(fault) => return Err(fault.error.to_string()),
            },
        };
        Ok(ClientStream {
            transport,
            buffer: vec![0; head::LONGEST],
            start: 0,
            end: 0,
        })
    }

    /// Waits for the first byte of a request; false if none will come.
    pub fn wait(&mut self) -> io::Result<bool> {
        Ok(self.start < self.end || self.more()? > 0)
    }

    /// Takes one request head off the front.
    pub fn head(&mut self) -> io::Result<Result<Head, Refusal>> {
        let mut seen = 0;
        loop {
            while self.buffer[self.start..self.end].starts_with(b"\r\n") {
                self.start += 2;
                seen = 0;
            }
            let bytes = &self.buffer[self.start..self.end];
            match head::end(bytes, seen) {
                Err(refusal) => return Ok(Err(refusal)),
                Ok(Some(length)) => {
                    let head = Head::parse(&bytes[..length]);
                    self.start += length;
                    return Ok(head);
                }
                Ok(None) => seen = bytes.len(),
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads what has come into the buffer, behind what it holds; the buffer must not hold a whole head.
    fn more(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = &mut self.buffer[self.end..];
        let bytes = match &mut self.transport {
            Transport::Plain(socket) => socket.read(room)?,
            Transport::Tls(stream) => stream.read(room)?,
        };
        self.end += bytes;
        Ok(bytes)
    }

    /// Says that this was all; the other side may still be sending.
    pub fn close(&mut self) {
        if let Transport::Tls(stream) = &mut self.transport {
            // The socket may be gone already; there is nobody left to tell.
            let _ = stream.close();
        }
        let _ = self.timed().socket().shutdown(Shutdown::Write);
    }

    pub fn timed(&self) -> &Timed {
        match &self.transport {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => stream.inner(),
        }
    }
}

impl Read for ClientStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // What is large goes past the buffer, so that a body is copied once.
        if self.start == self.end && into.len() >= self.buffer.len() {
            return match &mut self.transport {
                Transport::Plain(socket) => socket.read(into),
                Transport::Tls(stream) => stream.read(into),
            };
        }
        if self.start == self.end {
            self.more()?;
        }
        let bytes = into.len().min(self.end - self.start);
        into[..bytes].copy_from_slice(&self.buffer[self.start..self.start + bytes]);
        self.start += bytes;
        Ok(bytes)
    }
}

impl Write for ClientStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.transport {
            Transport::Plain(socket) => socket.write(bytes),
            Transport::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.transport {
            Transport::Plain(socket) => socket.flush(),
            Transport::Tls(stream) => stream.flush(),
        }
    }
}
