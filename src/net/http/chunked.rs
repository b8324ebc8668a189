//! A body in chunks → the body (RFC 9112 §7.1), for `body.rs`. Pure, in place and in no memory of its own.

use crate::net::http::fault::{Cause, Fault};
use crate::net::http::response_head;

/// What is no data may be so many bytes, and so many for each byte of data: signatures of small chunks, but no flood.
const FRAMES: u64 = 64 << 10;
const FRAMES_PER_BYTE: u64 = 16;

/// Where in the frames a body has come to. What extensions and trailers say is of no use here.
#[derive(Default)]
pub struct Chunked {
    state: State,
    data: u64,
    frames: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size(u64),
    /// Blanks behind a size.
    Blank(u64),
    Extension(u64),
    Data(u64),
    /// Behind the data of a chunk; true within the line end.
    Behind(bool),
    /// In a line behind the last chunk: how much all of them are, and whether this one has anything in it.
    Trailer(usize, bool),
    Ended,
}

impl Chunked {
    /// Takes the next bytes off the connection and puts the data in them to their front; gives how much that is. Bytes behind the
    /// end of the body are nobody's.
    pub fn pass(&mut self, bytes: &mut [u8]) -> Result<usize, Fault> {
        let (mut from, mut to) = (0, 0);
        while from < bytes.len() && self.state != State::Ended {
            if let State::Data(left) = self.state {
                let count = usize::try_from(left).unwrap_or(usize::MAX);
                let count = count.min(bytes.len() - from);
                if from != to {
                    bytes.copy_within(from..from + count, to);
                }
                (from, to) = (from + count, to + count);
                self.data += count as u64;
                self.state = match left - count as u64 {
                    0 => State::Behind(false),
                    left => State::Data(left),
                };
                continue;
            }
            self.state = step(self.state, bytes[from])?;
            self.frames += 1;
            from += 1;
        }
        if self.frames > FRAMES.saturating_add(self.data.saturating_mul(FRAMES_PER_BYTE)) {
            let (frames, data) = (self.frames, self.data);
            return Err(improper(format_args!(
                "{frames} bytes of frames around {data} of data"
            )));
        }
        Ok(to)
    }

    /// Is all of the body here?
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Is all of the data here? Then a connection that ends before its trailers do is no loss.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Trailer(..) | State::Ended)
    }
}

/// What one byte of a frame means.
fn step(state: State, byte: u8) -> Result<State, Fault> {
    let digit = || char::from(byte).to_digit(16).map(u64::from);
    Ok(match (state, byte) {
        (State::Start, b' ' | b'\t') => State::Start,
        (State::Start, _) => State::Size(digit().ok_or_else(|| no_size(byte))?),
        (State::Size(size) | State::Blank(size) | State::Extension(size), b'\n') => match size {
            0 => State::Trailer(0, false),
            size => State::Data(size),
        },
        (State::Extension(size), _) | (State::Size(size) | State::Blank(size), b';') => {
            State::Extension(size)
        }
        (State::Size(size) | State::Blank(size), b' ' | b'\t' | b'\r') => State::Blank(size),
        (State::Size(size), _) => {
            let digit = digit().ok_or_else(|| no_size(byte))?;
            let larger = size.checked_mul(16).map(|size| size + digit);
            State::Size(
                larger.ok_or_else(|| improper("the size of a chunk is beyond all measure"))?,
            )
        }
        (State::Behind(_), b'\n') => State::Start,
        (State::Behind(false), b'\r') => State::Behind(true),
        (State::Trailer(_, false), b'\n') => State::Ended,
        (State::Trailer(length, _), _) if length > response_head::LIMIT => {
            return Err(improper("the trailers have no end"));
        }
        (State::Trailer(length, _), b'\n') => State::Trailer(length + 1, false),
        (State::Trailer(length, filled), _) => State::Trailer(length + 1, filled || byte != b'\r'),
        (State::Blank(_), _) => return Err(no_size(byte)),
        (State::Behind(_), _) => return Err(improper("a chunk is longer than it says")),
        (State::Data(_) | State::Ended, _) => state,
    })
}

fn no_size(byte: u8) -> Fault {
    let byte = byte.escape_ascii();
    improper(format_args!("'{byte}' in the size of a chunk"))
}

fn improper(what: impl std::fmt::Display) -> Fault {
    let hint = "a proxy on the way may have changed it";
    Fault::new(
        Cause::Protocol,
        format_args!("the chunks of the answer are not proper HTTP ({what}); {hint}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data; true if the end was reached, false if only the data is complete; however it is cut.
    fn read(bytes: &[u8]) -> Result<(String, Option<bool>), Fault> {
        let in_pieces = |size: usize| {
            let (mut chunked, mut data) = (Chunked::default(), Vec::new());
            for piece in bytes.chunks(size) {
                let mut piece = piece.to_vec();
                let count = chunked.pass(&mut piece)?;
                data.extend_from_slice(&piece[..count]);
            }
            let complete = chunked.is_complete().then(|| chunked.is_ended());
            Ok((String::from_utf8(data).expect("text"), complete))
        };
        let whole = in_pieces(bytes.len().max(1));
        for size in 1..bytes.len().min(100) {
            assert_eq!(in_pieces(size), whole, "pieces of {size}");
        }
        whole
    }

    #[test]
    fn data_comes_out_of_any_frames() {
        let signature = format!(
            "3;chunk-signature={}\r\nabc\r\n0;{}\r\n\r\n",
            "0".repeat(64),
            "x".repeat(9000)
        );
        for sent in [
            "3\r\nabc\r\n0\r\n\r\n",
            "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
            "1\na\n2\nbc\n0\n\n",
            " 0003 \t\r\nabc\r\n000\r\n\r\n",
            "3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n",
            "3 ; a = b\r\nabc\r\n0 ;\r\n\r\n",
            "3\r\nabc\r\n0\r\nTrailer: x\r\nAnother: y\r\n\r\nHTTP/1.1 200 OK",
            &signature,
        ] {
            assert_eq!(
                read(sent.as_bytes()),
                Ok(("abc".to_owned(), Some(true))),
                "{sent:?}"
            );
        }
        let large = format!("FfF\r\n{}\r\n0\r\n\r\n", "x".repeat(0xfff));
        assert_eq!(read(large.as_bytes()), Ok(("x".repeat(0xfff), Some(true))));
    }

    #[test]
    fn an_end_before_the_last_chunk_is_none() {
        for (sent, complete) in [
            ("", None),
            ("3\r\nab", None),
            ("3\r\nabc", None),
            ("3\r\nabc\r\n", None),
            ("3\r\nabc\r\n0", None),
            ("0\r\n", Some(false)),
            ("0\r\nTrailer: x\r\n", Some(false)),
        ] {
            let read = read(sent.as_bytes()).map(|(_, complete)| complete);
            assert_eq!(read, Ok(complete), "{sent:?}");
        }
    }

    #[test]
    fn wrong_frames_are_refused() {
        for sent in [
            "xyz\r\n",
            "-1\r\n",
            "+1\r\na\r\n",
            "0x1\r\na\r\n",
            "\r\n1\r\na\r\n",
            ";a\r\n",
            "1 1\r\na\r\n",
            "10000000000000000\r\n",
            "1\r\nab\r\n",
            "1\r\na\rb",
        ] {
            let fault = read(sent.as_bytes()).expect_err(sent);
            assert_eq!(fault.cause, Cause::Protocol, "{sent:?}");
        }
    }

    #[test]
    fn floods_that_hold_nothing_end() {
        let endless = |start: &str, more: &str| {
            let (mut chunked, mut passed) = (Chunked::default(), 0_usize);
            chunked.pass(&mut start.to_owned().into_bytes())?;
            while passed < 100 << 20 {
                chunked.pass(&mut more.to_owned().into_bytes())?;
                passed += more.len();
            }
            Ok(())
        };
        for (start, more) in [
            ("1;", &*"x".repeat(1000)),
            ("0\r\n", &"T: x\r\n".repeat(1000)),
            ("", &format!("1;{}\r\na\r\n", "x".repeat(1000))),
            ("", &" ".repeat(1000)),
            ("", &"0".repeat(1000)),
        ] {
            let fault: Fault = endless(start, more).expect_err("no end");
            assert!(fault.to_string().contains("proper HTTP"), "{fault}");
        }
        // Small chunks with a signature each are none.
        assert_eq!(
            endless("", &format!("8;{}\r\n12345678\r\n", "x".repeat(85))),
            Ok(())
        );
    }
}
