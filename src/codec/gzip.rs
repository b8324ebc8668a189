//! Deflate: packed into a gzip member, unpacked bare.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress};

pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
}

/// Unpacks bare deflate streams, one after the other in the same memory.
pub struct Inflater(Decompress);

impl Inflater {
    pub fn new() -> Self {
        Inflater(Decompress::new(false))
    }

    /// Fills `plain` from the start of `packed`; what follows there is not looked at.
    pub fn fill(&mut self, packed: &[u8], plain: &mut [u8]) -> io::Result<()> {
        self.0.reset(false);
        self.0
            .decompress(packed, plain, FlushDecompress::Finish)
            .map_err(io::Error::other)?;
        match self.0.total_out() == plain.len() as u64 {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn bytes_come_back_smaller() {
        let bytes = b"again and again ".repeat(1000);
        let packed = pack(&bytes).expect("memory takes every write");
        assert!(packed.len() < bytes.len() / 10);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut back)
            .expect("what was just packed");
        assert_eq!(back, bytes);
    }

    #[test]
    fn a_bare_stream_fills_what_is_to_be_filled() {
        // RFC 1951, 3.2.4: one last stored block of five bytes; then what belongs to somebody else.
        let packed = b"\x01\x05\x00\xfa\xffhello, others";
        let mut plain = [0; 5];
        let mut inflater = Inflater::new();
        for _ in 0..2 {
            inflater.fill(packed, &mut plain).expect("a stream");
            assert_eq!(&plain, b"hello");
        }
        let mut few = [0; 3];
        inflater.fill(packed, &mut few).expect("never more");
        assert_eq!(&few, b"hel");
        assert!(inflater.fill(packed, &mut [0; 6]).is_err(), "too short");
        assert!(inflater.fill(&packed[..7], &mut plain).is_err(), "cut");
        assert!(inflater.fill(b"\xff\xff\xff", &mut plain).is_err(), "noise");
    }
}
