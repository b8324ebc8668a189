//! The head of an answer as servers really send it → one as RFC 9112 has it, for `exchange.rs`. Pure.
//!
//! Interim answers (100, 102, 103) are passed over, folded lines joined by a blank, blanks before a colon dropped, and lines that
//! are no header left out. What frames the body is not judged here.

use crate::net::http::fault::{Cause, Fault};

/// Heads larger than this, those of interim answers included, are no answer.
pub const LIMIT: usize = 32 << 10;
/// A proper head is never larger: each of its lines has got three bytes more at the most.
pub const CLEAN_LIMIT: usize = LIMIT + 3 * LINES + 16;
/// More lines than this are none either; `ureq` takes as many.
const LINES: usize = 128;

/// A head that comes in pieces.
#[derive(Default)]
pub struct ResponseHead {
    /// What came and is no part of an interim answer.
    bytes: Vec<u8>,
    /// Up to here no empty line was found.
    searched: usize,
    /// Bytes of interim answers.
    interim: usize,
}

/// A head, and what came behind it: the first bytes of the body.
#[derive(Debug, PartialEq, Eq)]
pub struct Complete {
    /// A status line without its reason, headers, an empty line.
    pub head: Vec<u8>,
    /// Bytes of the body.
    pub rest: Vec<u8>,
}

impl ResponseHead {
    /// Takes the next bytes; gives the head once all of it is there, or says why there will be none.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<Complete>, Fault> {
        self.bytes.extend_from_slice(bytes);
        loop {
            if self.searched == 0 {
                // RFC 9112 §2.2, of requests: empty lines before the first one mean nothing.
                let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                let blank = self.bytes.iter().take_while(blank).count();
                self.interim += blank;
                self.bytes.drain(..blank);
            }
            let end = end(&self.bytes, self.searched);
            if end.unwrap_or(self.bytes.len()) + self.interim > LIMIT {
                return Err(improper(format_args!(
                    "the head of the answer is larger than {LIMIT} bytes"
                )));
            }
            let Some(end) = end else {
                // An empty line may have begun already: "\n\r" of "\n\r\n".
                self.searched = self.bytes.len().saturating_sub(2);
                return Ok(None);
            };
            let rest = self.bytes.split_off(end);
            let head = std::mem::replace(&mut self.bytes, rest);
            self.searched = 0;
            let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').collect();
            let (minor, status) = status(lines[0])?;
            // RFC 9110 §15.2: a client must take any number of them; 101 is for those who asked for it.
            if (100..200).contains(&status) && status != 101 {
                self.interim += end;
                continue;
            }
            let head = clean(minor, status, &lines[1..])?;
            let rest = std::mem::take(&mut self.bytes);
            return Ok(Some(Complete { head, rest }));
        }
    }
}

/// Where the first empty line ends, whatever its line ends are.
fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let line = at + bytes[at..].iter().position(|byte| *byte == b'\n')? + 1;
        match &bytes[line..] {
            [b'\n', ..] => return Some(line + 1),
            [b'\r', b'\n', ..] => return Some(line + 2),
            _ => at = line,
        }
    }
}

/// The minor version and the status of `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Result<(u8, u16), Fault> {
    let wrong = || {
        let shown = String::from_utf8_lossy(&line[..line.len().min(40)]);
        let shown = shown.trim_end().escape_debug().to_string();
        improper(format_args!("the answer begins with '{shown}'"))
    };
    let rest = line.strip_prefix(b"HTTP/1.").ok_or_else(wrong)?;
    let (minor, rest) = rest.split_first().ok_or_else(wrong)?;
    let digits = rest.trim_ascii_start();
    let (digits, reason) = digits.split_at_checked(3).ok_or_else(wrong)?;
    let proper = minor.is_ascii_digit()
        && rest.starts_with(b" ")
        && (b'1'..=b'9').contains(&digits[0])
        && digits.iter().all(u8::is_ascii_digit)
        && !reason.first().is_some_and(u8::is_ascii_alphanumeric);
    if !proper {
        return Err(wrong());
    }
    let value = |digit: u8| u16::from(digit - b'0');
    let status = digits.iter().fold(0, |sum, digit| sum * 10 + value(*digit));
    Ok((*minor, status))
}

/// The head without anything a strict reader would stumble over.
fn clean(minor: u8, status: u16, lines: &[&[u8]]) -> Result<Vec<u8>, Fault> {
    let version = if minor == b'0' { 0 } else { 1 };
    let mut head = format!("HTTP/1.{version} {status}\r\n").into_bytes();
    let mut headers: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in lines {
        let folded = matches!(line, [b' ' | b'\t', ..]);
        match (folded, headers.last_mut()) {
            (true, None) => {}
            (true, Some((_, value))) => {
                // RFC 9112 §5.2
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            (false, _) => {
                let colon = line.iter().position(|byte| *byte == b':');
                // What has none is no header, and neither is what is folded behind it.
                let (name, value) = line.split_at(colon.unwrap_or(0));
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                headers.push((name.trim_ascii_end(), value.to_vec()));
            }
        }
    }
    let sound = |(name, value): &(&[u8], Vec<u8>)| {
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        !name.is_empty() && name.iter().all(is_token) && !value.iter().any(control)
    };
    headers.retain(sound);
    if headers.len() > LINES {
        return Err(improper(format_args!(
            "the answer has {} headers",
            headers.len()
        )));
    }
    for (name, value) in headers {
        head.extend([name, b": ", value.trim_ascii_start(), b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

/// RFC 9110 §5.6.2
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn improper(what: impl std::fmt::Display) -> Fault {
    Fault::new(
        Cause::Protocol,
        format_args!("this is not proper HTTP ({what}); is this a web server?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head and the rest, however the bytes are cut into two.
    fn read(bytes: &[u8]) -> Result<Option<(String, String)>, String> {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let at = |cut: usize| {
            let mut head = ResponseHead::default();
            let (one, two) = bytes.split_at(cut);
            let early = head.take(one).map_err(|fault| fault.to_string())?;
            if let Some(Complete { head, rest }) = early {
                return Ok(Some((text(head), text([&rest, two].concat()))));
            }
            let complete = head.take(two).map_err(|fault| fault.to_string())?;
            Ok(complete.map(|Complete { head, rest }| (text(head), text(rest))))
        };
        let whole = at(bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(at(cut), whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn a_head_is_made_proper() {
        for (sent, head, rest) in [
            (
                "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody",
                "200\r\nA: b\r\n\r\n",
                "body",
            ),
            ("HTTP/1.1 200\nA:b\n\nbody", "200\r\nA: b\r\n\r\n", "body"),
            ("\r\n\r\nHTTP/1.1  404 \r\n\n", "404\r\n\r\n", ""),
            (
                "HTTP/1.7 200 OK\r\nA : b\r\n\r\n",
                "200\r\nA: b\r\n\r\n",
                "",
            ),
            // Interim answers, with headers and with the answer right behind.
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx",
                "200\r\n\r\n",
                "x",
            ),
            (
                "HTTP/1.1 100 C\r\nA: b\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                "200\r\n\r\n",
                "",
            ),
            (
                "HTTP/1.1 103 Early Hints\nLink: </a>;\n rel=b\n\nHTTP/1.1 206 Part\r\n\r\nHTTP/1.1",
                "206\r\n\r\n",
                "HTTP/1.1",
            ),
            (
                "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
                "101\r\nUpgrade: x\r\n\r\n",
                "",
            ),
            // Folds, of one header and of what is none.
            (
                "HTTP/1.1 200 OK\r\nA: b,\r\n\t c\r\n  d \r\nE:\r\n f\r\n\r\n",
                "200\r\nA: b, c d\r\nE: f\r\n\r\n",
                "",
            ),
            (
                "HTTP/1.1 200 OK\r\n folded\r\nnothing\r\n at all\r\nA: b\r\n\r\n",
                "200\r\nA: b\r\n\r\n",
                "",
            ),
            // What nobody should read.
            (
                "HTTP/1.1 200 OK\r\nA: x\ry\r\n: z\r\nB C: d\r\nD: \0\r\nE: f\r\n\r\n",
                "200\r\nE: f\r\n\r\n",
                "",
            ),
        ] {
            let wanted = (format!("HTTP/1.1 {head}"), rest.to_owned());
            assert_eq!(read(sent.as_bytes()), Ok(Some(wanted)), "{sent:?}");
        }
        let old = read(b"HTTP/1.0 200 OK\r\n\r\n").map(|read| read.map(|(head, _)| head));
        assert_eq!(old, Ok(Some("HTTP/1.0 200\r\n\r\n".to_owned())));
    }

    #[test]
    fn what_is_not_there_yet_is_waited_for() {
        for sent in [
            "",
            "\r\n",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r",
        ] {
            assert_eq!(read(sent.as_bytes()), Ok(None), "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_head_is_refused_in_bounded_memory() {
        let flood = |line: &str, count| format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(count));
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        for sent in [
            "220 mail.example ESMTP\r\n\r\n".to_owned(),
            "HTTP/2 200\r\n\r\n".to_owned(),
            "HTTP/1.1200 OK\r\n\r\n".to_owned(),
            "HTTP/1.1 20 OK\r\n\r\n".to_owned(),
            "HTTP/1.1 2000 OK\r\n\r\n".to_owned(),
            "HTTP/1.1 099 OK\r\n\r\n".to_owned(),
            "HTTP/1.x 200 OK\r\n\r\n".to_owned(),
            "HTTP/1.1\r\n\r\n".to_owned(),
            flood("A: b\r\n", 129),
            flood("A: b\r\n ", 10_000),
            "\r\n".repeat(20_000),
            hints.repeat(1000),
            "x".repeat(40_000),
        ] {
            let mut head = ResponseHead::default();
            let mut outcome = Ok(None);
            for piece in sent.as_bytes().chunks(1000) {
                outcome = head.take(piece);
                if outcome.is_err() {
                    break;
                }
            }
            let fault = outcome.expect_err(&sent[..20.min(sent.len())]);
            assert!(fault.to_string().contains("proper HTTP"), "{fault}");
            assert!(head.bytes.len() <= LIMIT + 1000);
        }
    }
}
