//! Zstandard: one frame unpacked, or frame after frame.

use std::io::{self, BufRead, Read};

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

/// The furthest a frame may look back, as a power of two: what RFC 8878, 3.1.1.1.2, has every decoder support.
const WINDOW: u32 = 23;

/// The library's, from zstd_errors.h, where those numbers are said to be stable; it returns them negated.
const UNKNOWN_PREFIX: usize = 10;
const WINDOW_TOO_LARGE: usize = 16;
const WRONG_CHECKSUM: usize = 22;
const WRONG_DICTIONARY: usize = 32;

/// Unpacks frames, one after the other in the same memory.
pub struct Unpacker(Decoder);

impl Unpacker {
    /// Its memory is allocated when it is first needed, and used again.
    pub fn new() -> Self {
        Unpacker(Decoder::new(WINDOW))
    }

    /// Fills `plain` from the frame that `packed` begins with; what follows there is not looked at.
    pub fn fill(&mut self, packed: &[u8], plain: &mut [u8]) -> io::Result<()> {
        self.0.restart()?;
        let (mut from, mut to) = (0, 0);
        while to < plain.len() {
            let step = self.0.step(&packed[from..], &mut plain[to..])?;
            (from, to) = (from + step.read, to + step.written);
            let stuck = step.written == 0 && from == packed.len();
            if (step.ends || stuck) && to < plain.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}

/// The furthest a frame of a packed image may look back: 16 MiB, more than any level without --ultra does,
/// and what leaves a machine with 128 MiB of memory in peace.
const FURTHEST: u32 = 24;

/// Unpacks frames laid end to end, each checked against its checksum and the size it states, into one
/// stream; skippable frames are skipped, and anything else is an error.
pub struct Unzstd<R> {
    packed: R,
    decoder: Decoder,
    /// Was there a frame? Is one under way?
    begun: bool,
    within: bool,
}

impl<R: BufRead> Unzstd<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        Unzstd {
            packed,
            decoder: Decoder::new(FURTHEST),
            begun: false,
            within: false,
        }
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() {
            let packed = self.packed.fill_buf()?;
            if packed.is_empty() && self.begun && !self.within {
                break;
            }
            let step = self
                .decoder
                .step(packed, into)
                .map_err(|error| match error {
                    Error(UNKNOWN_PREFIX) if self.begun => {
                        invalid("something that is not zstd follows the last frame")
                    }
                    other => other.into(),
                })?;
            let ended = packed.is_empty();
            self.packed.consume(step.read);
            self.within = !step.ends;
            self.begun |= step.ends;
            if step.written > 0 {
                return Ok(step.written);
            }
            if ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// The library's decoder, with a bound on its memory.
struct Decoder(DCtx<'static>);

/// What became of a piece.
struct Step {
    read: usize,
    written: usize,
    /// Is all of the frame unpacked?
    ends: bool,
}

/// A code of the library's.
struct Error(usize);

impl Decoder {
    /// For frames that look back over 2 to the power of `window` bytes at the most.
    fn new(window: u32) -> Self {
        let mut context = DCtx::create();
        let set = context.set_parameter(DParameter::WindowLogMax(window));
        set.expect("the library knows windows from 1 KiB to 2 GiB");
        Decoder(context)
    }

    /// Forgets the frame under way.
    fn restart(&mut self) -> Result<(), Error> {
        self.0
            .reset(ResetDirective::SessionOnly)
            .map_err(Error::of)
            .map(drop)
    }

    /// Unpacks from `packed` into `plain` until one of them is used up or a frame ends.
    fn step(&mut self, packed: &[u8], plain: &mut [u8]) -> Result<Step, Error> {
        let (mut packed, mut plain) = (InBuffer::around(packed), OutBuffer::around(plain));
        let left = self
            .0
            .decompress_stream(&mut plain, &mut packed)
            .map_err(Error::of)?;
        Ok(Step {
            read: packed.pos(),
            written: plain.pos(),
            ends: left == 0,
        })
    }
}

impl Error {
    fn of(code: usize) -> Self {
        Error(code.wrapping_neg())
    }
}

impl From<Error> for io::Error {
    fn from(Error(code): Error) -> Self {
        match code {
            WINDOW_TOO_LARGE => invalid(
                "it looks back further than the 16 MiB that are kept here: pack it without --long and --ultra",
            ),
            WRONG_CHECKSUM => invalid("a frame's checksum is wrong"),
            WRONG_DICTIONARY => invalid("it was packed with a dictionary, and there is none here"),
            _ => invalid(get_error_name(code.wrapping_neg())),
        }
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fills_what_is_to_be_filled() {
        // RFC 8878, 3.1.1: magic, a single segment of five bytes, one last raw block.
        let packed = b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello, others";
        let mut plain = [0; 5];
        let mut unpacker = Unpacker::new();
        for _ in 0..2 {
            unpacker.fill(packed, &mut plain).expect("a frame");
            assert_eq!(&plain, b"hello");
        }
        let mut few = [0; 3];
        unpacker.fill(packed, &mut few).expect("never more");
        assert_eq!(&few, b"hel");
        assert!(unpacker.fill(packed, &mut [0; 6]).is_err(), "too short");
        for len in 0..14 {
            assert!(unpacker.fill(&packed[..len], &mut plain).is_err(), "{len}");
        }
        // The same with a window of 1 TiB.
        let greedy = b"\x28\xb5\x2f\xfd\x00\xf0\x29\x00\x00hello";
        assert!(unpacker.fill(greedy, &mut plain).is_err(), "1 TiB");
    }
    #[test]
    fn frames_are_one_stream_and_nothing_else_may_follow() {
        let frame = b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello";
        // RFC 8878, 3.1.2: any of sixteen magic numbers, a length, and as many bytes.
        let skipped = b"\x5f\x2a\x4d\x18\x03\x00\x00\x00xyz";
        let unzstd = |parts: &[&[u8]]| {
            let mut plain = String::new();
            let packed = parts.concat();
            let mut unzstd = Unzstd::new(&packed[..]);
            unzstd.read_to_string(&mut plain).map(|_| plain)
        };
        let both = unzstd(&[skipped, frame, skipped, frame, skipped]).expect("two frames");
        assert_eq!(both, "hellohello");
        // The same with a checksum flag, and a checksum of nothing in particular.
        let wrong = b"\x28\xb5\x2f\xfd\x24\x05\x29\x00\x00hello1234";
        // It says it holds more or less, in fields of each length there is.
        let sizes: [&[u8]; 5] = [
            b"\x20\x06",
            b"\x20\x04",
            b"\x60\x05\x01",
            b"\x80\x58\x06\x00\x00\x00",
            b"\xc0\x58\x06\x00\x00\x00\x00\x00\x00\x00",
        ];
        for size in sizes {
            let magic = &b"\x28\xb5\x2f\xfd"[..];
            let lying = unzstd(&[frame, magic, size, b"\x29\x00\x00hello", frame]);
            let error = lying.expect_err("it lies").to_string();
            assert_eq!(error, "Data corruption detected", "{size:?}");
        }
        // A size in four bytes that is right.
        let right = b"\x28\xb5\x2f\xfd\x80\x58\x05\x00\x00\x00\x29\x00\x00hello";
        assert_eq!(unzstd(&[right]).expect("a frame"), "hello");
        for (what, parts) in [
            ("garbage", &[&frame[..], b"x"][..]),
            ("zeros", &[frame, &[0; 512]]),
            ("a cut frame", &[frame, &frame[..13]]),
            ("a cut skippable frame", &[frame, &skipped[..10]]),
            ("a wrong checksum", &[wrong]),
            (
                "a reserved bit",
                &[b"\x28\xb5\x2f\xfd\x28\x05\x29\x00\x00hello"],
            ),
            (
                "a dictionary",
                &[b"\x28\xb5\x2f\xfd\x21\x07\x05\x29\x00\x00hello"],
            ),
            (
                "a window of 2 GiB",
                &[b"\x28\xb5\x2f\xfd\x00\xa8\x29\x00\x00hello"],
            ),
            (
                "a window of 1 TiB",
                &[b"\x28\xb5\x2f\xfd\x00\xf0\x29\x00\x00hello"],
            ),
            ("nothing", &[]),
        ] {
            assert!(unzstd(parts).is_err(), "{what}");
        }
    }
}
