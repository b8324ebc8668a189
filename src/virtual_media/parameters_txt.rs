//! `parameters.txt` of a medium: `key=value` words, white space between, as on the kernel command line. Pure.

use crate::codec::text_encoding;
use crate::error::{Error, Result};

/// A kernel command line has 2 KiB.
pub const LONGEST: usize = 64 << 10;

/// The words of the file that set something, a line each; those without `=` are dropped, as upstream does. An error for what
/// is no text: it would be somebody else's file.
pub fn parse(bytes: &[u8]) -> Result<String> {
    if bytes.len() > LONGEST {
        return Err(Error::plain(format!(
            "parameters.txt has more than {LONGEST} bytes"
        )));
    }
    let text = text_encoding::decode(bytes);
    let strange =
        |c: char| c == char::REPLACEMENT_CHARACTER || c.is_control() && !c.is_whitespace();
    if text.contains(strange) {
        return Err(Error::plain("parameters.txt is no text"));
    }
    let mut words = String::new();
    for word in text.split_whitespace() {
        if word.split_once('=').is_some_and(|(key, _)| !key.is_empty()) {
            words += word;
            words.push('\n');
        }
    }
    Ok(words)
}

/// The names that are set, each once, for the console: never the values.
pub fn names(words: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (name, _) in words.lines().filter_map(|word| word.split_once('=')) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_editor_wrote_it_the_words_are_read() {
        let plain = "ipa-api-url=http://a\nipa-debug=1\n";
        let mut wide = vec![0xff, 0xfe];
        wide.extend(
            "ipa-api-url=http://a\r\nipa-debug=1"
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        );
        for bytes in [
            plain.as_bytes(),
            b"ipa-api-url=http://a\r\nipa-debug=1\r\n",
            b"\xef\xbb\xbfipa-api-url=http://a ipa-debug=1",
            b"\tquiet =x\nipa-api-url=http://a\n\n# a word\nipa-debug=1",
            &wide,
        ] {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(parse(bytes).as_deref(), Ok(plain), "{text:?}");
        }
        assert_eq!(names("a=1\nb=\na=2\n"), ["a", "b"]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [
            &b"ipa-debug=1\0"[..],
            b"\x7fELF\x02\x01=",
            b"ipa-debug=\xff",
            &[b'a'; LONGEST + 1],
        ] {
            assert!(parse(bytes).is_err(), "{} bytes", bytes.len());
        }
        assert_eq!(parse(b"").as_deref(), Ok(""));
    }
}
