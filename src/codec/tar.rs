//! A tar archive of plain files, made in memory.

/// POSIX.1-2017, pax, "ustar Interchange Format": an archive is records of 512 bytes.
const RECORD: usize = 512;

/// The bytes of an archive under way.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// Bytes it takes so far.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a file that everybody may read. Of a name over 100 bytes, the end is kept.
    pub fn add(&mut self, name: &str, modified: u64, content: &[u8]) {
        self.bytes.extend(header(name, modified, content.len()));
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    /// Two empty records end an archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * RECORD, 0);
        self.bytes
    }

    fn pad(&mut self) {
        let whole = self.bytes.len().next_multiple_of(RECORD);
        self.bytes.resize(whole, 0);
    }
}

/// One header record: numbers are octal text, the checksum is the sum of all bytes with itself as blanks.
fn header(name: &str, modified: u64, size: usize) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let mut put = |at: usize, text: &[u8]| record[at..at + text.len()].copy_from_slice(text);
    let name = name.as_bytes();
    put(0, &name[name.len().saturating_sub(100)..]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    // 11 octal digits: the field's width.
    put(
        136,
        format!("{:011o}\0", modified.min(0o777_7777_7777)).as_bytes(),
    );
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = record.iter().map(|byte| u32::from(*byte)).sum();
    record[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_whole_records() {
        let mut archive = Archive::default();
        archive.add("a/b.txt", 1_700_000_000, b"hello");
        assert_eq!(archive.size(), 2 * RECORD);
        let bytes = archive.finish();
        assert_eq!(bytes.len(), 4 * RECORD);
        assert_eq!(&bytes[..8], b"a/b.txt\0");
        assert_eq!(&bytes[124..136], b"00000000005\0");
        assert_eq!(&bytes[RECORD..RECORD + 6], b"hello\0");
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let mut archive = Archive::default();
        archive.add(&format!("{}/last", "x".repeat(300)), 0, b"");
        let bytes = archive.finish();
        assert_eq!(&bytes[95..100], b"/last");
    }
}
