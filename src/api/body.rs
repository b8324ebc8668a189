//! Request bodies as they come off the wire: by length or in chunks, never past their end, never above a limit.

use std::io::{self, ErrorKind, Read};

use super::head::{self, Framing};
use super::route::Refusal;
use crate::units::Bytes;

/// Why a body could not be had.
#[derive(Debug)]
pub enum Cut {
    Refused(Refusal),
    /// The connection is gone.
    Gone,
}

impl From<Refusal> for Cut {
    fn from(refusal: Refusal) -> Self {
        Cut::Refused(refusal)
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut => Refusal::new(408, "The request body came too slowly").into(),
            ErrorKind::UnexpectedEof => Refusal::new(400, "The request body is cut").into(),
            _ => Cut::Gone,
        }
    }
}

/// A chunk's first line with its extensions, and a trailer line (RFC 9112 §7.1).
const LONGEST_LINE: usize = 256;
const MOST_TRAILERS: usize = 32;

/// A body on `wire`, and after it whatever follows there.
pub struct Body<'a, R> {
    wire: &'a mut R,
    left: Left,
    limit: u64,
    received: u64,
}

enum Left {
    /// Of a body sent whole.
    Bytes(u64),
    /// Of the chunk being read.
    Chunk(u64),
    ChunkLine,
    Nothing,
}

impl<'a, R: Read> Body<'a, R> {
    /// A body whose length is known is within `limit` (see [`announced`]); one in chunks is held to it.
    pub fn new(wire: &'a mut R, framing: Framing, limit: Bytes) -> Self {
        let left = match framing {
            Framing::Length(0) => Left::Nothing,
            Framing::Length(length) => Left::Bytes(length),
            Framing::Chunked => Left::ChunkLine,
        };
        Body {
            wire,
            left,
            limit: limit.0,
            received: 0,
        }
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    /// Has the end been read?
    pub fn is_whole(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    /// Reads until `block` is full or the body has ended; 0 is its end.
    pub fn fill(&mut self, block: &mut [u8]) -> Result<usize, Cut> {
        let mut filled = 0;
        while filled < block.len() {
            match self.some(&mut block[filled..])? {
                0 => break,
                bytes => filled += bytes,
            }
        }
        Ok(filled)
    }

    fn some(&mut self, into: &mut [u8]) -> Result<usize, Cut> {
        if let Left::ChunkLine = self.left {
            self.next_chunk()?;
        }
        let (Left::Bytes(left) | Left::Chunk(left)) = &mut self.left else {
            return Ok(0);
        };
        let want = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let bytes = self.wire.read(&mut into[..want])?;
        if bytes == 0 {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        *left -= bytes as u64;
        self.received += bytes as u64;
        match self.left {
            Left::Bytes(0) => self.left = Left::Nothing,
            Left::Chunk(0) => {
                self.left = Left::ChunkLine;
                if self.line()? != b"\r\n" {
                    return Err(Refusal::new(400, "Malformed chunk").into());
                }
            }
            _ => {}
        }
        Ok(bytes)
    }

    fn next_chunk(&mut self) -> Result<(), Cut> {
        let line = self.line()?;
        let size = head::chunk_size(&line)?.ok_or_else(|| Refusal::new(400, "Malformed chunk"))?;
        if size > self.limit - self.received {
            return Err(too_large(Bytes(self.limit)).into());
        }
        self.left = Left::Chunk(size);
        if size == 0 {
            self.trailers()?;
            self.left = Left::Nothing;
        }
        Ok(())
    }

    fn trailers(&mut self) -> Result<(), Cut> {
        for _ in 0..MOST_TRAILERS {
            if self.line()? == b"\r\n" {
                return Ok(());
            }
        }
        Err(Refusal::new(431, "Too many trailers").into())
    }

    /// A line with its CR LF.
    fn line(&mut self) -> Result<Vec<u8>, Cut> {
        let mut line = Vec::with_capacity(LONGEST_LINE);
        while line.len() < LONGEST_LINE {
            let mut byte = [0];
            self.wire.read_exact(&mut byte)?;
            line.push(byte[0]);
            if byte[0] == b'\n' {
                return Ok(line);
            }
        }
        Err(Refusal::new(400, "A line among the chunks is too long").into())
    }
}

fn too_large(limit: Bytes) -> Refusal {
    Refusal::new(413, format!("A request body may hold at most {limit}"))
}

/// How much room a body takes, as far as it says; 413 if that is more than `limit`.
pub fn announced(framing: Framing, limit: Bytes) -> Result<u64, Refusal> {
    match framing {
        Framing::Length(length) if length > limit.0 => Err(too_large(limit)),
        Framing::Length(length) => Ok(length),
        Framing::Chunked => Ok(0),
    }
}
