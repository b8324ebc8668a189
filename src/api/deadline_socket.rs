//! A socket that keeps to a deadline, below TLS, so that no byte of a slow record escapes it.
//!
//! The deadlines themselves are [`Limits`]; what happens when one has passed is the connection's business.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Clock;
use crate::units::{Bytes, KIB, MIB};

/// How much and how long a client may.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; above it somebody goes who has not shown the token or is idle, or the new one is turned away.
    pub connections: usize,
    /// So long a newcomer keeps its seat in any case, to show the token. No more newcomers than `connections` in this time
    /// get in.
    pub grace: Duration,
    /// The same with a TLS handshake, which takes a round trip and some of the processor.
    pub handshake_grace: Duration,
    /// For a seat to become free when all are taken.
    pub waiting: Duration,
    /// The largest request body.
    pub body: Bytes,
    /// The largest body read only to be thrown away, so that a refused client can keep its connection.
    pub drain: Bytes,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Between two bytes of a body or of a reply.
    pub stall: Duration,
    /// Bytes a second a body or a reply must make over its whole way.
    pub floor: u64,
    /// For a client that is being turned away to read why.
    pub linger: Duration,
    /// For running requests to end when the server stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Limits {
            connections: 64,
            grace: Duration::from_millis(20),
            handshake_grace: Duration::from_millis(250),
            waiting: Duration::from_millis(500),
            // protocol/api.md §1: a deploy step may carry its config drive three times.
            body: Bytes(256 * MIB),
            drain: Bytes(64 * KIB),
            handshake: seconds(10),
            head: seconds(10),
            idle: seconds(30),
            stall: seconds(10),
            floor: 16 * KIB,
            linger: seconds(2),
            stop: seconds(2),
        }
    }
}

/// The deadline of what a connection does now; shared by the connection and the socket under its TLS.
pub struct Pace {
    clock: Clock,
    phase: Cell<Phase>,
}

#[derive(Clone, Copy, Default)]
struct Phase {
    /// On the clock.
    until: Duration,
    /// The longest wait for one byte.
    stall: Duration,
    /// What one byte adds to `until`.
    credit: Duration,
}

impl Pace {
    pub fn new(clock: Clock) -> Rc<Self> {
        let phase = Cell::default();
        Rc::new(Pace { clock, phase })
    }

    /// From now on everything has to be done within `time`.
    pub fn within(&self, time: Duration) {
        self.begin(time, Duration::ZERO);
    }

    /// From now on bytes have to move: never a pause of `stall`, and `floor` bytes a second on the whole.
    pub fn moving(&self, stall: Duration, floor: u64) {
        let credit = Duration::from_secs(1) / u32::try_from(floor.max(1)).unwrap_or(u32::MAX);
        self.begin(stall, credit);
    }

    fn begin(&self, stall: Duration, credit: Duration) {
        let until = self.clock.elapsed() + stall;
        self.phase.set(Phase {
            until,
            stall,
            credit,
        });
    }

    fn left(&self) -> io::Result<Duration> {
        let Phase { until, stall, .. } = self.phase.get();
        match until.saturating_sub(self.clock.elapsed()).min(stall) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }

    fn moved(&self, bytes: usize) {
        let mut phase = self.phase.get();
        phase.until += phase.credit * u32::try_from(bytes).unwrap_or(u32::MAX);
        self.phase.set(phase);
    }
}

/// The client's socket under a [`Pace`]; an error of kind `TimedOut` when the time is up.
pub struct Timed {
    socket: TcpStream,
    pace: Rc<Pace>,
}

impl Timed {
    pub fn new(socket: TcpStream, pace: Rc<Pace>) -> Self {
        Timed { socket, pace }
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Throws away what still comes, until the other side closes or the time is up. A socket closed with
    /// bytes unread is reset (RFC 9112 §9.6), and the reply on its way is lost with it.
    pub fn linger(&self) {
        let mut block = [0; 4096];
        while matches!(self.read_some(&mut block), Ok(1..)) {}
    }

    fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        self.transfer(TcpStream::set_read_timeout, |mut socket| socket.read(into))
    }

    fn transfer(
        &self,
        limit: impl Fn(&TcpStream, Option<Duration>) -> io::Result<()>,
        mut transfer: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            limit(&self.socket, Some(self.pace.left()?))?;
            match transfer(&self.socket) {
                Ok(bytes) => {
                    self.pace.moved(bytes);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // socket(7), SO_RCVTIMEO: a socket whose time is up reports EAGAIN.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read_some(into)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transfer(TcpStream::set_write_timeout, |mut socket| {
            socket.write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_fixed_phase_ends_however_many_bytes_move() {
        let clock = Clock::fake();
        let pace = Pace::new(clock.clone());
        pace.within(10 * SECOND);
        for _ in 0..9 {
            clock.sleep(SECOND);
            pace.moved(1 << 20);
            assert!(pace.left().is_ok());
        }
        clock.sleep(SECOND);
        assert_eq!(
            pace.left().expect_err("time is up").kind(),
            io::ErrorKind::TimedOut
        );
    }

    #[test]
    fn a_moving_phase_lasts_as_long_as_bytes_come_fast_enough() {
        let clock = Clock::fake();
        let pace = Pace::new(clock.clone());
        pace.moving(10 * SECOND, 1000);
        for _ in 0..100 {
            clock.sleep(SECOND);
            pace.moved(1000);
            assert!(pace.left().is_ok());
        }
        let slow = (0..100).position(|_| {
            clock.sleep(SECOND);
            pace.moved(100);
            pace.left().is_err()
        });
        assert_eq!(slow, Some(11), "ten seconds in hand, 0.9 lost each second");
    }

    #[test]
    fn what_was_fast_may_still_not_stall() {
        let pace = Pace::new(Clock::fake());
        pace.moving(10 * SECOND, 1000);
        pace.moved(1_000_000);
        assert_eq!(pace.left().expect("time is left"), 10 * SECOND);
    }
}
