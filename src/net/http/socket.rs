//! A TCP connection on which every wait has an end, for whatever is spoken over it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::clock::Deadline;
use crate::sys::socket::receive_buffer;

/// No single read or write waits longer than the patience, nor beyond the deadline: of bytes that come
/// one by one, TLS reads as many as it needs before it gives any.
pub struct Socket {
    tcp: TcpStream,
    patience: Duration,
    until: Deadline,
    received: u64,
}

impl Socket {
    /// Any wait is as long as `patience`, until a deadline is set.
    pub fn new(tcp: TcpStream, patience: Duration) -> Self {
        Socket {
            tcp,
            patience,
            until: Deadline::within(Duration::MAX),
            received: 0,
        }
    }

    /// From now on everything is to be done by `deadline`; what is not fails as [`io::ErrorKind::TimedOut`], or as
    /// [`io::ErrorKind::WouldBlock`] in the middle of a wait.
    pub fn until(&mut self, deadline: Deadline) {
        self.until = deadline;
    }

    /// No more than about so many bytes wait here to be read; what else there is stays with its sender.
    pub fn hold(&mut self, bytes: usize) {
        // Then more is sent ahead: nothing breaks by that.
        let _ = receive_buffer(self.tcp.as_fd(), bytes);
    }

    /// Bytes that came so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How long the next wait may take.
    fn wait(&self) -> io::Result<Option<Duration>> {
        match self.until.left().min(self.patience) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            // Less than a microsecond would be none to the kernel.
            left => Ok(Some(left.max(Duration::from_millis(1)))),
        }
    }
}

impl Socket {
    /// The last wait ended with the deadline: that is what is told, and not that nothing came.
    fn over(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::WouldBlock if self.until.is_over() => io::ErrorKind::TimedOut.into(),
            _ => error,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(self.wait()?)?;
        let count = self.tcp.read(into).map_err(|error| self.over(error))?;
        self.received += count as u64;
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(self.wait()?)?;
        self.tcp.write(bytes).map_err(|error| self.over(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn a_dribble_ends_at_the_deadline_and_silence_at_patience() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let tick = Duration::from_millis(20);
        let dribbler = thread::spawn(move || {
            for (dribbles, mut stream) in
                [true, false].into_iter().zip(listener.incoming().flatten())
            {
                for _ in 0..50 {
                    thread::sleep(tick);
                    if dribbles && stream.write_all(b"x").is_err() {
                        break;
                    }
                }
            }
        });
        let read = |patience: Duration, whole: Duration| {
            let tcp = TcpStream::connect(address).expect("it listens");
            let mut socket = Socket::new(tcp, patience);
            let until = Deadline::within(whole);
            socket.until(until);
            let error = socket.read_exact(&mut [0; 1000]).expect_err("no time");
            (error.kind(), until.is_over())
        };
        let (kind, over) = read(50 * tick, 10 * tick);
        let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(over && kinds.contains(&kind), "{kind:?}");
        let (kind, over) = read(tick, 100 * tick);
        assert!(!over && kind == io::ErrorKind::WouldBlock, "{kind:?}");
        dribbler.join().expect("no panic");
    }
}
