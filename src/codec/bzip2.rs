//! bzip2: stream after stream unpacked.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;

/// Unpacks bzip2 streams laid end to end, each block and each whole checked against its CRC-32; anything else after one is an error.
pub struct Bunzip2<R>(Option<BzDecoder<R>>);

impl<R: BufRead> Bunzip2<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        Bunzip2(Some(BzDecoder::new(packed)))
    }
}

impl<R: BufRead> Read for Bunzip2<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(mut stream) = self.0.take() {
            let count = stream.read(into)?;
            if count > 0 || into.is_empty() {
                self.0 = Some(stream);
                return Ok(count);
            }
            let mut packed = stream.into_inner();
            match packed.fill_buf()?.first() {
                None => {}
                Some(b'B') => self.0 = Some(BzDecoder::new(packed)),
                Some(_) => {
                    let why = "something that is not bzip2 follows the last stream";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, why));
                }
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_one_and_cut_anywhere_they_are_an_error() {
        // What `printf hello | bzip2` and `bzip2 </dev/null` write.
        let hello = b"BZh91AY&SY\x19\x31\x65\x3d\0\0\0\x81\0\x02\x44\xa0\0\x21\x9a\x68\x33\x4d\x07\x33\x8b\xb9\x22\x9c\x28\x48\x0c\x98\xb2\x9e\x80";
        let empty = b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
        let unpack = |packed: &[u8]| {
            let mut plain = String::new();
            let read = Bunzip2::new(packed).read_to_string(&mut plain);
            read.map(|_| plain)
        };
        let all = [&hello[..], empty, hello].concat();
        assert_eq!(unpack(&all).expect("three streams"), "hellohello");
        for len in 0..hello.len() {
            assert!(unpack(&all[..len]).is_err(), "{len}");
        }
        for at in 4..hello.len() {
            let mut other = hello.to_vec();
            other[at] ^= 0x10;
            // Of which letters there may be more is said than there are.
            let plain = unpack(&other).unwrap_or_else(|_| "hello".to_owned());
            assert_eq!(plain, "hello", "byte {at}");
        }
        for rest in [&b"\0"[..], b"x", b"BZ", b"BZh9"] {
            assert!(unpack(&[hello, rest].concat()).is_err(), "{rest:?}");
        }
    }
}
