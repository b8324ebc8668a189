//! Text as files carry it: UTF-8, or UTF-16 where a mark says so (Windows' editors and shells write both).

/// The text of `bytes` without its mark; what is no text becomes U+FFFD.
pub fn decode(bytes: &[u8]) -> String {
    // Unicode 16.0, section 2.13: the mark is U+FEFF in the encoding it marks.
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        plain => String::from_utf8_lossy(plain).into_owned(),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, odd) = bytes.as_chunks();
    let units = pairs.iter().map(|pair| unit(*pair));
    // Half a unit at the end is none.
    let cut = (!odd.is_empty()).then_some(Err(()));
    let text = char::decode_utf16(units).map(|unit| unit.map_err(drop));
    text.chain(cut)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// As UTF-8, in no more memory than it has: what is none reads '?'. The usual sign would take three bytes for one.
pub fn utf8(mut bytes: Vec<u8>) -> String {
    let mut at = 0;
    while let Err(error) = std::str::from_utf8(&bytes[at..]) {
        at += error.valid_up_to();
        bytes[at] = b'?';
    }
    String::from_utf8(bytes).unwrap_or_default() // by now it is
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_how_text_is_encoded() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            (b"", ""),
            (b"\xef\xbb\xbfmarked \xc3\xa4", "marked ä"),
            (b"\xff\xfea\0\xe4\0=\xd8\0\xde", "aä😀"),
            (b"\xfe\xff\0a\0\xe4\xd8=\xde\0", "aä😀"),
            (b"\xff\xfe", ""),
            (b"\xff\xfea\0b", "a\u{fffd}"),
            (b"\xff\xfe=\xd8a\0", "\u{fffd}a"),
            (b"latin \xe4", "latin \u{fffd}"),
        ] {
            assert_eq!(decode(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_text_reads_as_a_question() {
        for (bytes, text) in [
            (&b""[..], ""),
            ("größe".as_bytes(), "größe"),
            (b"\xff\xff", "??"),
            (b"a\xc3", "a?"),
            (b"a\xc3b\xe2\x82\xacc\xe2\x82", "a?b€c??"),
        ] {
            assert_eq!(utf8(bytes.to_vec()), text);
        }
    }
}
