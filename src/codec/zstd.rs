//! Zstandard: one frame unpacked, or frame after frame.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, StreamingDecoder};

/// The furthest a frame may look back: what RFC 8878, 3.1.1.1.2, has every decoder support.
const WINDOW: u64 = 8 << 20;

/// Unpacks frames, one after the other in the same memory.
pub struct Unpacker(FrameDecoder);

impl Unpacker {
    /// Its memory is allocated when it is first needed, and used again.
    pub fn new() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Unpacker(decoder)
    }

    /// Fills `plain` from the frame that `packed` begins with; what follows there is not looked at.
    pub fn fill(&mut self, packed: &[u8], plain: &mut [u8]) -> io::Result<()> {
        StreamingDecoder::new_with_decoder(packed, &mut self.0)
            .map_err(io::Error::other)?
            .read_exact(plain)
    }
}

impl Default for Unpacker {
    fn default() -> Self {
        Self::new()
    }
}

/// The furthest a frame of a packed image may look back: more than any level without --ultra does,
/// and what leaves a machine with 128 MiB of memory in peace.
const FURTHEST: u64 = 16 << 20;

/// Unpacks frames laid end to end, each checked against its checksum and the size it states, into one
/// stream; skippable frames are skipped, and anything else is an error.
pub struct Unzstd<R> {
    packed: R,
    decoder: FrameDecoder,
    /// Was there a frame?
    begun: bool,
    /// Bytes the frame says it holds, if it does, and those that came out of it.
    said: Option<u64>,
    unpacked: u64,
}

impl<R: BufRead> Unzstd<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(FURTHEST);
        // Room for the window is made at once from the second frame on, for the first piece by piece,
        // each time beside the last: a frame of nothing spares that.
        let nothing = b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00";
        let _ = StreamingDecoder::new_with_decoder(&nothing[..], &mut decoder)
            .map(|mut frame| io::copy(&mut frame, &mut io::sink()));
        Unzstd {
            packed,
            decoder,
            begun: false,
            said: None,
            unpacked: 0,
        }
    }

    /// Begins the next frame; false at the end of everything.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.packed.fill_buf()?.is_empty() {
                return match self.begun {
                    true => Ok(false),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
            let mut header = Header::of(&mut self.packed);
            match self.decoder.reset(&mut header) {
                Ok(()) => {
                    let says_size = header.says_size()?;
                    self.said = says_size.then(|| self.decoder.content_size());
                    self.unpacked = 0;
                    self.begun = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.packed.by_ref().take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::ReadFrameHeaderError(
                    ReadFrameHeaderError::BadMagicNumber(_),
                )) if self.begun => {
                    return Err(invalid("something that is not zstd follows the last frame"));
                }
                Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                    return Err(invalid(format!(
                        "it looks back over {} MiB, and only {} MiB are kept here: pack it without --long and --ultra",
                        requested >> 20,
                        FURTHEST >> 20
                    )));
                }
                Err(other) => return Err(invalid(other)),
            }
        }
    }

    fn verify(&self) -> io::Result<()> {
        if let Some(said) = self.said.filter(|said| *said != self.unpacked) {
            let unpacked = self.unpacked;
            let why = format!("a frame says it holds {said} bytes, and it holds {unpacked}");
            return Err(invalid(why));
        }
        match self.decoder.get_checksum_from_data() {
            Some(sum) if self.decoder.get_calculated_checksum() != Some(sum) => {
                Err(invalid("a frame's checksum is wrong"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Unzstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.decoder.read(into)?;
            self.unpacked += count as u64;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            if !self.decoder.is_finished() {
                let blocks = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks(&mut self.packed, blocks);
                decoded.map_err(invalid)?;
                continue;
            }
            self.verify()?;
            if !self.next_frame()? {
                return Ok(0);
            }
        }
    }
}

/// The header of a frame as it is read, and what the crate leaves out of it.
struct Header<R> {
    packed: R,
    read: usize,
    descriptor: u8,
}

impl<R: Read> Header<R> {
    /// RFC 8878, 3.1.1.1.1: the byte after the magic number.
    const DESCRIPTOR: usize = 4;

    fn of(packed: R) -> Self {
        Header {
            packed,
            read: 0,
            descriptor: 0,
        }
    }

    /// Does it state the size of what is in the frame?
    fn says_size(&self) -> io::Result<bool> {
        // 3.1.1.1.1.4: a decoder must see to it that this bit is not set.
        if self.descriptor & 0x08 != 0 {
            return Err(invalid("a frame uses what is reserved for later versions"));
        }
        // 3.1.1.1.1.1 and 3.1.1.1.1.2: the length of the field, and that there is a segment of one piece.
        Ok(self.descriptor & 0xe0 != 0)
    }
}

impl<R: Read> Read for Header<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.packed.read(into)?;
        let at = Self::DESCRIPTOR.checked_sub(self.read);
        if let Some(byte) = at.and_then(|at| into[..count].get(at)) {
            self.descriptor = *byte;
        }
        self.read += count;
        Ok(count)
    }
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
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
        // It says it holds more or less, in fields of each length there is; a block longer than the window is
        // the crate's own.
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
            let said = ["and it holds 5", "SizeTooLarge"];
            assert!(
                said.iter().any(|said| error.contains(said)),
                "{size:?}: {error}"
            );
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
                "a window of 1 TiB",
                &[b"\x28\xb5\x2f\xfd\x00\xf0\x29\x00\x00hello"],
            ),
            ("nothing", &[]),
        ] {
            assert!(unzstd(parts).is_err(), "{what}");
        }
    }
}
