//! What of a URL has to be encoded before it stands in a request line, and what was encoded read again. Pure.

/// The URL with its dot segments resolved, and with everything percent-encoded after the host that may not stand in a request line.
pub fn tidy(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| at + start);
    let mut tidy = url[..path].to_owned();
    let end = url[path..]
        .find(['?', '#'])
        .map_or(url.len(), |at| at + path);
    let plain = without_dots(&url[path..end]);
    for byte in plain.bytes().chain(url[end..].bytes()) {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => tidy.push(char::from(byte)),
            byte => tidy += &format!("%{byte:02X}"),
        }
    }
    tidy
}

/// RFC 3986 §5.2.4, of a path that is empty or begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => {
                kept.push(other);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push(""); // a folder
        }
    }
    kept.iter().map(|segment| format!("/{segment}")).collect()
}

/// Text of these bytes, those beyond ASCII percent-encoded.
pub fn ascii(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => text += &format!("%{byte:02X}"),
        }
    }
    text
}

/// Percent-encoding undone; a percent sign without two digits stands for itself.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        (rest, bytes) = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8); // two digits fill a byte
                (&after[2..], bytes)
            }
            _ => {
                bytes.push(first);
                (after, bytes)
            }
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_beyond_ascii_are_encoded_as_they_are() {
        assert_eq!(ascii("/d\u{e4}s.raw?%20".as_bytes()), "/d%C3%A4s.raw?%20");
        assert_eq!(ascii(b"/d\xe4s.raw"), "/d%E4s.raw");
    }

    #[test]
    fn a_path_is_made_fit_for_a_request_line() {
        for (url, wanted) in [
            (
                "http://h/my image.raw?a=%20",
                "http://h/my%20image.raw?a=%20",
            ),
            ("http://h/ä\r\nX: y", "http://h/%C3%A4%0D%0AX:%20y"),
            ("http://h h", "http://h h"),
            ("http://h", "http://h"),
            ("http://h?../..", "http://h?../.."),
            ("http://h/../a/./b/../../c/..?../x", "http://h/?../x"),
            ("http://h/a/b/..", "http://h/a/"),
            ("http://h/a/.", "http://h/a/"),
            ("http://h/a//../b/...", "http://h/a/b/..."),
            ("http://h/.a/..b", "http://h/.a/..b"),
        ] {
            assert_eq!(tidy(url), wanted);
        }
    }
}
