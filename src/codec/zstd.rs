//! Zstandard: one frame unpacked.

use std::io::{self, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// The furthest a frame may look back: what RFC 8878, 3.1.1.1.2, has every decoder support.
const WINDOW: u64 = 8 << 20;

/// Unpacks frames, one after the other in the same memory.
pub struct Unpacker(FrameDecoder);

impl Unpacker {
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
}
