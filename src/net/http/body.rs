//! The body of an answer off the connection: by its length, in chunks or to the end. An end before the announced one is a fault.

use std::time::Duration;

use crate::clock::Deadline;
use crate::net::http::chunked::Chunked;
use crate::net::http::dial::Line;
use crate::net::http::fault::{Cause, Fault};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// By a last chunk.
    Chunked,
    /// By the end of the connection.
    ToEnd,
}

impl Framing {
    /// RFC 9112 §6.3, of an answer with this status to `method`. `encoding` holds all values of Transfer-Encoding, `lengths` those of
    /// Content-Length; lengths that contradict each other are a fault.
    pub fn of(
        method: &str,
        status: u16,
        encoding: &[&[u8]],
        lengths: &[&[u8]],
    ) -> Result<Framing, Fault> {
        if method == "HEAD" || matches!(status, 100..200 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
        let codings = || {
            encoding
                .iter()
                .flat_map(|value| value.split(|byte| *byte == b','))
        };
        if codings().any(is_chunked) {
            return Ok(Framing::Chunked);
        }
        let mut length = None;
        for value in lengths
            .iter()
            .flat_map(|value| value.split(|byte| *byte == b','))
        {
            let digits = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            let found = digits.parse::<u64>().ok().filter(|_| plain);
            if found.is_none() || length.is_some_and(|length| Some(length) != found) {
                return Err(Fault::new(
                    Cause::Protocol,
                    "this is not proper HTTP (Content-Length is no length, or several); is this a web server?",
                ));
            }
            length = found;
        }
        Ok(length.map_or(Framing::ToEnd, Framing::Length))
    }
}

/// A connection, and what came over it with the head of an answer.
pub struct Wire {
    line: Line,
    early: Vec<u8>,
    taken: usize,
}

impl Wire {
    /// No more than about so many bytes wait here to be read.
    pub fn hold(&mut self, bytes: usize) {
        self.line.hold(bytes);
    }

    /// `early` comes first.
    pub fn new(line: Line, early: Vec<u8>) -> Self {
        Wire {
            line,
            early,
            taken: 0,
        }
    }

    /// What came with the head, then what comes; 0 is the end.
    fn read(&mut self, into: &mut [u8], until: Deadline) -> Result<usize, Fault> {
        let early = &self.early[self.taken..];
        if early.is_empty() {
            return self.line.read(into, until);
        }
        let count = early.len().min(into.len());
        into[..count].copy_from_slice(&early[..count]);
        self.taken += count;
        if self.taken == self.early.len() {
            (self.early, self.taken) = (Vec::new(), 0);
        }
        Ok(count)
    }
}

/// The bytes of a body.
pub struct Content {
    /// None once the body has ended: the server may have the connection back.
    wire: Option<Wire>,
    state: State,
    until: Deadline,
    patience: Duration,
}

enum State {
    /// How many are left.
    Length(u64),
    Chunked(Chunked),
    ToEnd,
}

impl Content {
    /// Each read waits as long as `patience` for bytes of the body, and all of them end at `until`.
    pub fn new(wire: Wire, framing: Framing, until: Deadline, patience: Duration) -> Self {
        Content {
            wire: Some(wire).filter(|_| framing != Framing::Length(0)),
            state: match framing {
                Framing::Length(left) => State::Length(left),
                Framing::Chunked => State::Chunked(Chunked::default()),
                Framing::ToEnd => State::ToEnd,
            },
            until,
            patience,
        }
    }

    /// From now on all of it is to be here in `time`, or sooner if there was a deadline before.
    pub fn complete_within(&mut self, time: Duration) {
        self.until = self.until.or_within(time);
    }

    /// The next bytes; 0 is the end. One that is told by nothing but a connection that TLS did not end is a fault by
    /// [`Cause::HungUp`]: perhaps that was all.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        match self.next(into) {
            Err(fault) if fault.cause == Cause::Timeout && self.until.is_over() => Err(Fault::new(
                Cause::Timeout,
                "the answer is not complete in the time it has; is the server overloaded, or the network slow?",
            )),
            outcome => outcome,
        }
    }

    fn next(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let until = self.until.or_within(self.patience);
        let Some(wire) = self.wire.as_mut().filter(|_| !into.is_empty()) else {
            return Ok(0);
        };
        let (count, is_over) = match &mut self.state {
            State::ToEnd => {
                let count = wire.read(into, until)?;
                (count, count == 0)
            }
            State::Length(left) => {
                let most = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let count = some(wire, &mut into[..most], until, "was complete")?;
                *left -= count as u64;
                (count, *left == 0)
            }
            State::Chunked(chunked) => next_of_chunks(wire, chunked, into, until)?,
        };
        if is_over {
            self.wire = None;
        }
        Ok(count)
    }
}

/// The next data, and whether it is the last.
fn next_of_chunks(
    wire: &mut Wire,
    chunked: &mut Chunked,
    into: &mut [u8],
    until: Deadline,
) -> Result<(usize, bool), Fault> {
    let mut frames = 0;
    loop {
        let came = match some(wire, into, until, "had its last chunk") {
            // Nobody needs the trailers.
            Err(fault) if fault.cause == Cause::Cut && chunked.is_complete() => {
                return Ok((0, true));
            }
            Err(fault) if fault.cause == Cause::Timeout && frames > 0 => {
                let why =
                    format_args!("{frames} bytes came around chunks and nothing in them; {fault}");
                return Err(Fault::new(Cause::Timeout, why));
            }
            other => other?,
        };
        let count = chunked.pass(&mut into[..came])?;
        if count > 0 || chunked.is_ended() {
            return Ok((count, chunked.is_ended()));
        }
        frames += came;
    }
}

/// At least a byte; an end is a cut before the answer `was`.
fn some(wire: &mut Wire, into: &mut [u8], until: Deadline, was: &str) -> Result<usize, Fault> {
    let count = match wire.read(into, until) {
        Err(fault) if fault.cause == Cause::HungUp => 0,
        other => other?,
    };
    match count {
        0 => Err(cut(was)),
        count => Ok(count),
    }
}

/// The connection ended before the answer `was`.
pub fn cut(was: &str) -> Fault {
    Fault::new(
        Cause::Cut,
        format_args!(
            "the server closed the connection before its answer {was}; its log may say why"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_where_a_body_ends() {
        use Framing::*;
        for (method, status, encoding, lengths, framing) in [
            ("GET", 200, "", "5", Some(Length(5))),
            ("GET", 200, "", "5|5", Some(Length(5))),
            ("GET", 200, "", "5, 5", Some(Length(5))),
            ("GET", 200, "", "0", Some(Length(0))),
            ("GET", 200, "", "", Some(ToEnd)),
            ("GET", 200, "identity", "5", Some(Length(5))),
            ("GET", 200, "identity", "", Some(ToEnd)),
            ("GET", 200, "gzip", "", Some(ToEnd)),
            ("GET", 200, "Chunked", "", Some(Chunked)),
            ("GET", 200, "gzip,chunked", "", Some(Chunked)),
            ("GET", 200, "gzip|chunked", "5|x", Some(Chunked)),
            ("GET", 204, "chunked", "5", Some(Length(0))),
            ("GET", 304, "", "", Some(Length(0))),
            ("HEAD", 200, "", "5", Some(Length(0))),
            ("GET", 200, "", "5|6", None),
            ("GET", 200, "", "5,", None),
            ("GET", 200, "", "-1", None),
            ("GET", 200, "", "+1", None),
            ("GET", 200, "", "0x5", None),
            ("GET", 200, "", "18446744073709551616", None),
        ] {
            let list = |text: &'static str| -> Vec<&[u8]> {
                let values = text.split('|').filter(|value| !value.is_empty());
                values.map(str::as_bytes).collect()
            };
            let found = Framing::of(method, status, &list(encoding), &list(lengths));
            assert_eq!(found.ok(), framing, "{status} {encoding} {lengths}");
        }
    }
}
