//! Request heads: bytes → what the gateway needs to know, or the reason to refuse. Pure.
//!
//! Where one request ends and the next begins is decided here, once and strictly; whatever two readers
//! could understand in two ways (RFC 9112 §11.2, request smuggling) is refused. What a request asks for
//! is `route.rs`' business.

use httparse::{Error, Status};

use super::accept::wants_html;
use super::route::Refusal;

/// The longest head, its last empty line included.
pub const LONGEST: usize = 16 << 10;
const MOST_HEADERS: usize = 100;

/// A request line and its headers, checked.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// As sent, in upper case: `GET`.
    pub method: String,
    /// Path and query as sent: visible ASCII, beginning with one slash.
    pub target: String,
    /// Only characters that a host and a port are made of; none from an HTTP/1.0 client that sent none.
    pub host: Option<String>,
    /// How long the body is.
    pub framing: Framing,
    /// The client waits for `100 Continue` before it sends its body.
    pub expects_continue: bool,
    /// The client wants to send another request on this connection.
    pub keep_alive: bool,
    /// It says that it can show HTML, as browsers do.
    pub accepts_html: bool,
}

/// How the end of a body is told (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By Content-Length, in bytes.
    Length(u64),
    /// In chunks (RFC 9112 §7.1).
    Chunked,
}

impl Framing {
    /// No body.
    pub const EMPTY: Framing = Framing::Length(0);
}

/// The length of the head that `bytes` begin with; none if its end has not come yet.
/// `from` is how many of the bytes an earlier call has seen.
pub fn end(bytes: &[u8], from: usize) -> Result<Option<usize>, Refusal> {
    // A method, or the empty line some clients send after a body (RFC 9112 §2.2); no TLS, no SSH.
    if !matches!(bytes.first(), None | Some(b'A'..=b'Z' | b'\r')) {
        return Err(Refusal::new(400, "Not an HTTP request"));
    }
    for at in from..bytes.len() {
        if bytes[at] != b'\n' {
            continue;
        }
        match &bytes[..at] {
            [.., b'\r', b'\n', b'\r'] => return Ok(Some(at + 1)),
            [.., b'\r'] => {}
            _ => return Err(Refusal::new(400, "A line ends without a carriage return")),
        }
    }
    match bytes.len() {
        ..LONGEST => Ok(None),
        _ => Err(Refusal::new(431, "The request head is too long")),
    }
}

impl Head {
    /// Parses a whole head.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let refused = |status, why| Err(Refusal::new(status, why));
        match request.parse(bytes) {
            Ok(Status::Complete(length)) if length == bytes.len() => {}
            Ok(_) => return refused(400, "The request head is cut"),
            Err(Error::TooManyHeaders) => return refused(431, "Too many headers"),
            Err(Error::Version) => return refused(505, "Only HTTP/1.0 and HTTP/1.1 are spoken"),
            Err(Error::HeaderName | Error::HeaderValue) => return refused(400, "Malformed header"),
            Err(_) => return refused(400, "Malformed request line"),
        }
        let old = request.version == Some(0);
        let fields = Fields::collect(request.headers, old)?;
        Ok(Head {
            method: method(request.method.unwrap_or_default())?,
            target: target(request.path.unwrap_or_default())?,
            framing: fields.framing(old)?,
            expects_continue: fields.expects_continue && !old,
            keep_alive: !fields.close && !old,
            accepts_html: fields.accepts_html,
            host: fields.host,
        })
    }
}

fn method(method: &str) -> Result<String, Refusal> {
    let known_shape = method.len() <= 20 && method.bytes().all(|b| b.is_ascii_uppercase());
    match known_shape {
        true => Ok(method.to_owned()),
        false => Err(Refusal::new(400, "Malformed method")),
    }
}

fn target(target: &str) -> Result<String, Refusal> {
    let wrong = match target {
        _ if !target.is_ascii() => "Malformed request target",
        _ if target.contains('#') => "A request target has no fragment",
        "*" => return Ok(target.to_owned()),
        _ if target.starts_with("//") => "A request target begins with one slash",
        _ if target.starts_with('/') => return Ok(target.to_owned()),
        _ => "A request target begins with a slash",
    };
    Err(Refusal::new(400, wrong))
}

/// The headers that matter.
#[derive(Default)]
struct Fields {
    host: Option<String>,
    length: Option<String>,
    encoding: Option<String>,
    expects_continue: bool,
    close: bool,
    accepts_html: bool,
}

impl Fields {
    fn collect(headers: &[httparse::Header], old: bool) -> Result<Self, Refusal> {
        let mut fields = Fields::default();
        for header in headers {
            let name = header.name.to_ascii_lowercase();
            let field = match name.as_str() {
                "host" => &mut fields.host,
                "accept" => {
                    fields.accepts_html |= wants_html(header.value);
                    continue;
                }
                "content-length" => &mut fields.length,
                "transfer-encoding" => &mut fields.encoding,
                "expect" if header.value.eq_ignore_ascii_case(b"100-continue") => {
                    fields.expects_continue = true;
                    continue;
                }
                "expect" => return Err(Refusal::new(417, "Only 100-continue can be expected")),
                "connection" => {
                    let mut options = header.value.split(|byte| *byte == b',');
                    fields.close |= options.any(|o| o.trim_ascii().eq_ignore_ascii_case(b"close"));
                    continue;
                }
                _ => continue,
            };
            let value = String::from_utf8_lossy(header.value.trim_ascii()).into_owned();
            if field.replace(value).is_some() {
                return Err(Refusal::new(400, format!("Two {name} headers")));
            }
        }
        match &fields.host {
            None if old => {}
            None => return Err(Refusal::new(400, "No Host header")),
            Some(host) if host_shaped(host) => {}
            Some(_) => return Err(Refusal::new(400, "Malformed Host header")),
        }
        Ok(fields)
    }

    fn framing(&self, old: bool) -> Result<Framing, Refusal> {
        match (&self.encoding, &self.length) {
            (None, None) => Ok(Framing::EMPTY),
            // Digits alone: neither "+1" nor "1, 1".
            (None, Some(length)) => match length.bytes().all(|b| b.is_ascii_digit()) {
                true => length.parse().map(Framing::Length),
                false => "".parse().map(Framing::Length),
            }
            .map_err(|_| Refusal::new(400, "Malformed Content-Length header")),
            (Some(_), Some(_)) => Err(Refusal::new(
                400,
                "Content-Length and Transfer-Encoding exclude each other",
            )),
            (Some(_), None) if old => Err(Refusal::new(400, "HTTP/1.0 knows no Transfer-Encoding")),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (Some(_), None) => Err(Refusal::new(501, "The only transfer coding is chunked")),
        }
    }
}

fn host_shaped(host: &str) -> bool {
    // RFC 3986 §3.2: names, addresses (IPv6 in brackets, zones by %) and a port.
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]%".contains(&b);
    (1..=255).contains(&host.len()) && host.bytes().all(allowed)
}

/// The size in a chunk's first line, line end included; none if the line has not come whole.
pub fn chunk_size(line: &[u8]) -> Result<Option<u64>, Refusal> {
    let malformed = || Refusal::new(400, "Malformed chunk");
    // Blanks behind a size are more than RFC 9112 §7.1 knows, and others may take them for something else.
    let digits = line.iter().take_while(|c| c.is_ascii_hexdigit()).count();
    if line.get(digits).is_some_and(|c| !matches!(c, b';' | b'\r')) {
        return Err(malformed());
    }
    match httparse::parse_chunk_size(line) {
        Ok(Status::Complete((_, size))) => Ok(Some(size)),
        Ok(Status::Partial) => Ok(None),
        Err(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_digits_and_nothing_else() {
        for (line, size) in [
            ("0\r\n", Some(Some(0))),
            ("1f\r\n", Some(Some(31))),
            ("000F;x=y\r\n", Some(Some(15))),
            ("1f", Some(None)),
            ("0 \r\n", None),
            ("1\t\r\n", None),
            ("1 ;x\r\n", None),
            (" 1\r\n", None),
            ("+1\r\n", None),
            ("0x1\r\n", None),
            ("1\n", None),
            ("11111111111111111\r\n", None),
        ] {
            assert_eq!(chunk_size(line.as_bytes()).ok(), size, "{line:?}");
        }
    }
}
