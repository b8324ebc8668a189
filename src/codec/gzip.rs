//! Deflate: packed into a gzip member, unpacked bare or member after member; and the checksum of its files.

use std::io::{self, BufRead, Read, Write};

/// CRC-32 of what comes piece by piece.
pub use flate2::Crc;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress};

/// RFC 1952, 2.3.1: what a gzip file begins with.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One gzip member with all of `bytes`.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = packer();
    packer.write_all(bytes)?;
    packer.finish()
}

/// Packs what is written to it; [`GzEncoder::finish`] gives the whole.
pub fn packer() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::default())
}

/// CRC-32 as in RFC 1952, 8; the checksum of a GPT too.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Unpacks bare deflate streams, one after the other in the same memory.
pub struct Inflater(Decompress);

impl Inflater {
    /// For raw deflate streams.
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

/// Unpacks gzip members laid end to end, each checked against its CRC, into one stream. Zeros may
/// follow the last, as tapes and gzip(1) have it; anything else is an error.
pub struct Gunzip<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Gunzip<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        Gunzip(Some(GzDecoder::new(packed)))
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.0.take() {
            let count = member.read(into)?;
            if count > 0 || into.is_empty() {
                self.0 = Some(member);
                return Ok(count);
            }
            let mut packed = member.into_inner();
            match packed.fill_buf()?.first() {
                None => {}
                Some(0x1f) => self.0 = Some(GzDecoder::new(packed)),
                Some(_) => only_zeros(packed)?,
            }
        }
        Ok(0)
    }
}

fn only_zeros(mut rest: impl BufRead) -> io::Result<()> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            let why = "something that is not gzip follows the last member";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        match bytes.len() {
            0 => return Ok(()),
            count => rest.consume(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        // ITU-T V.42, the check value everybody gives.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
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
    #[test]
    fn members_are_one_stream_and_only_zeros_may_follow() {
        let (one, two) = (
            pack(b"one").expect("memory"),
            pack(b" two").expect("memory"),
        );
        let gunzip = |parts: &[&[u8]]| {
            let mut plain = String::new();
            let packed = parts.concat();
            let mut gunzip = Gunzip::new(&packed[..]);
            gunzip.read_to_string(&mut plain).map(|_| plain)
        };
        let both = gunzip(&[&one, &two, &[0; 1000]]).expect("two members");
        assert_eq!(both, "one two");
        for (what, parts) in [
            ("garbage", &[&one[..], b"x"][..]),
            ("zeros, then garbage", &[&one, &[0; 512], b"x"]),
            ("a member behind zeros", &[&one, &[0; 512], &two]),
            ("garbage that begins like a member", &[&one, b"\x1fx"]),
            ("a cut member", &[&one, &two[..two.len() - 1]]),
            ("nothing", &[]),
        ] {
            assert!(gunzip(parts).is_err(), "{what}");
        }
    }
}
