//! Base64 with the usual alphabet and padding.

use std::io::{self, Read};

use base64::engine::general_purpose::STANDARD;
use base64::prelude::Engine;
use base64::read::DecoderReader;

/// Standard alphabet, with padding (RFC 4648 §4).
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// None unless `text` is whole, padded base64; blanks and line ends are let through, as Python does.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    read(&mut text.as_bytes()).ok().flatten()
}

/// Everything that `text` is the base64 of, or none as above. An error is that of reading `text`.
pub fn read(text: &mut dyn Read) -> io::Result<Option<Vec<u8>>> {
    let mut text = Unspaced { text, error: None };
    let mut bytes = Vec::new();
    let done = DecoderReader::new(&mut text, &STANDARD).read_to_end(&mut bytes);
    match text.error {
        Some(error) => Err(error),
        None => Ok(done.is_ok().then_some(bytes)),
    }
}

/// Text without what stands between its letters; keeps the error that ended it.
struct Unspaced<'a> {
    text: &'a mut dyn Read,
    error: Option<io::Error>,
}

impl Read for Unspaced<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = match self.text.read(into) {
                Ok(0) => return Ok(0),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.error = Some(error);
                    return Ok(0);
                }
            };
            let mut kept = 0;
            for at in 0..count {
                if !into[at].is_ascii_whitespace() {
                    into[kept] = into[at];
                    kept += 1;
                }
            }
            if kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        // RFC 4648 §10.
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        for text in ["Zm9v\nYmFy\n", " Z m9v\r\nYmF\ty"] {
            assert_eq!(decode(text).as_deref(), Some(&b"foobar"[..]));
        }
    }

    #[test]
    fn anything_else_is_no_base64() {
        for text in ["Zg", "Zg=", "Zg==Zg==", "Zm9v-_==", "Zm9v=", "=", "Zg==g"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    /// A letter now and then, and never the rest.
    struct Broken(usize);

    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                10.. => Err(io::Error::other("the line is dead")),
                _ => {
                    into[0] = b'A';
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn a_source_that_breaks_is_not_taken_for_other_text() {
        let error = read(&mut Broken(0)).expect_err("it broke");
        assert_eq!(error.to_string(), "the line is dead");
    }
}
