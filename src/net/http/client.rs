//! The HTTP client: one request, its redirects, one answer, and faults that name URL and cause.
//!
//! What is said and heard in one exchange is `exchange.rs`'s.

use std::io::{self, Read};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Result;
use crate::net::http::dial::Dialer;
pub use crate::net::http::dial::Timeouts;
use crate::net::http::exchange::{Answer, Content, Door};
pub use crate::net::http::fault::{Cause, Fault};
pub use crate::net::http::proxy::Proxies;
use crate::net::http::{redirect, url};
use crate::net::tls::connection::Connector;
use crate::net::tls::trust::Trust;
use crate::secret::redacted;

/// Those the agent needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads the head alone.
    Head,
    /// Sends a body.
    Post,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
        }
    }
}

/// What to send, and where.
pub struct Request<'a> {
    /// GET, HEAD or POST.
    pub method: Method,
    /// Absolute, http or https.
    pub url: &'a str,
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Sent whole, with its length.
    pub body: Option<&'a [u8]>,
}

/// Sends requests by one set of proxies, authorities and timeouts.
#[derive(Clone)]
pub struct Client {
    door: Door,
    timeouts: Timeouts,
}

/// Follows this many redirects.
const REDIRECTS: u32 = 5;

impl Client {
    /// Reads no file and opens no connection yet.
    pub fn new(trust: &Trust, proxies: &Proxies, timeouts: Timeouts) -> Result<Self> {
        proxies.check()?;
        let dialer = Dialer::new(Connector::new(trust.clone()), proxies.clone(), timeouts);
        Ok(Client {
            door: Door::new(dialer, timeouts.read * 3),
            timeouts,
        })
    }

    /// Any status is an answer; only no answer is a fault.
    pub fn send(&self, request: &Request) -> Result<Response, Fault> {
        let Request {
            mut method,
            headers,
            mut body,
            ..
        } = *request;
        let mut headers = headers.to_vec();
        let mut url = url::tidy(request.url);
        // As a header it stays with its origin; a given one comes first.
        let login = url::parse(request.url).and_then(|url| url.login());
        let given = |(name, _): &(&str, _)| name.eq_ignore_ascii_case("authorization");
        if let Some(login) = &login
            && !headers.iter().any(given)
        {
            headers.push(("Authorization", login.expose()));
        }
        for _ in 0..=REDIRECTS {
            let doing = format!("{} {}", method.name(), redacted(&url));
            let answer = self
                .door
                .ask(method.name(), &url, &headers, body)
                .map_err(|fault| fault.at(&doing))?;
            let step = redirect::follow(&url, answer.status(), answer.header("location"))
                .map_err(|fault| fault.at(&doing))?;
            let Some(step) = step else {
                return Ok(Response {
                    answer,
                    doing,
                    patience: self.timeouts.read * 4,
                });
            };
            if !step.keeps_credentials {
                headers.retain(|(name, _)| !redirect::is_credential(name));
            }
            if method == Method::Post && !step.keeps_method {
                (method, body) = (Method::Get, None);
            }
            url = step.url;
        }
        let text = format_args!(
            "more than {REDIRECTS} redirects, the last to {}; do they go round?",
            redacted(&url)
        );
        Err(Fault::new(Cause::Protocol, text).at(format_args!(
            "{} {}",
            request.method.name(),
            redacted(request.url)
        )))
    }
}

/// An answer whose body has not been read yet.
pub struct Response {
    answer: Answer,
    doing: String,
    patience: Duration,
}

impl Response {
    /// As the server sent it.
    pub fn status(&self) -> u16 {
        self.answer.status()
    }

    /// The first value of this name, in any letter case; none if it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.header(name)
    }

    /// As announced; none for chunks or a body without end.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// To be read by whoever wants more than the head.
    pub fn into_body(self) -> Body {
        Body {
            content: self.answer.into_content(),
            doing: self.doing,
        }
    }

    /// The whole body as text, if it is no longer than `limit` bytes and comes in reasonable time.
    pub fn text(self, limit: usize) -> Result<String> {
        let (clock, patience) = (Clock::real(), self.patience);
        let mut body = self.into_body();
        let mut text = Vec::new();
        let mut chunk = [0; 4 << 10];
        loop {
            match body.read(&mut chunk)? {
                0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
                n => text.extend_from_slice(&chunk[..n]),
            }
            let complaint = match () {
                _ if text.len() > limit => format!("the answer is longer than {limit} bytes"),
                _ if clock.elapsed() > patience => {
                    format!("the answer is not complete after {patience:?}")
                }
                _ => continue,
            };
            return Err(Fault::new(Cause::Protocol, complaint)
                .at(&body.doing)
                .into());
        }
    }
}

/// The bytes of an answer. An end before the announced one is an error, never an end.
pub struct Body {
    content: Content,
    doing: String,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(into);
        read.map_err(|fault| fault.at(&self.doing).into())
    }
}
