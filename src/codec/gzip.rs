//! Gzip: bytes in, one compressed member out.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
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
}
