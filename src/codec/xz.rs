//! xz: streams unpacked. What they state of their sizes is held against what is there by [`crate::codec::xz_blocks`].

use std::io::{self, Read};

use lzma_rust2::XzReader;

/// What unpacking may take, in KiB: a dictionary of 16 MiB, that of `xz -7`, and what comes with it.
const MEMORY: u32 = (16 << 10) + 256;

/// Unpacks xz streams laid end to end, each block checked against its CRC-32, CRC-64 or SHA-256, into one stream. Zeros in fours may follow a stream; anything else is an error.
pub struct Unxz<R: Read>(XzReader<R>);

impl<R: Read> Unxz<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        Unxz(XzReader::new_mem_limit(packed, true, MEMORY))
    }
}

impl<R: Read> Read for Unxz<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // To the crate, nothing read is the end of a block.
        if into.is_empty() {
            return Ok(0);
        }
        self.0.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => io::Error::new(
                io::ErrorKind::InvalidData,
                "its dictionary is larger than the 16 MiB kept here: pack it with xz -7 or less, not -8, -9 or --lzma2=dict=…",
            ),
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_stream_is_empty_and_cut_anywhere_it_is_an_error() {
        // xz-file-format 1.2.1: header, index without records, footer; what `xz </dev/null` writes.
        let empty = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\0\0\0\0\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04YZ";
        let unxz = |packed: &[u8]| Unxz::new(packed).read_to_end(&mut Vec::new());
        assert_eq!(unxz(empty).expect("a stream"), 0);
        let padded = [&empty[..], &[0; 8], empty, &[0; 4]].concat();
        assert_eq!(unxz(&padded).expect("two streams"), 0);
        for len in 0..empty.len() {
            assert!(unxz(&empty[..len]).is_err(), "{len}");
        }
        for rest in [&b"\0"[..], b"x", b"\0\0\0\0\0", b"\0\0\0\0x"] {
            assert!(unxz(&[empty, rest].concat()).is_err(), "{rest:?}");
        }
    }
}
