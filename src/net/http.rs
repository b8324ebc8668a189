//! The HTTP client: one request, its redirects, one answer, and faults that name URL and cause.
//!
//! ureq speaks HTTP; the connection under it is ours (`dial.rs`), so that timeouts, TLS and
//! causes are too. Connections are not kept: the agent calls a few times an hour.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Request as Head, Response as Answer};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector as Connect, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, BodyReader};

pub use super::dial::Timeouts;
use super::dial::{Dialer, Line};
pub use super::fault::{Cause, Fault};
pub use super::proxy::Proxies;
use super::tls::{Connector, Trust};
use super::{redirect, url};
use crate::clock::Clock;
use crate::error::Result;
use crate::secret::redacted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
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

pub struct Request<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Option<&'a [u8]>,
}

#[derive(Clone)]
pub struct Client {
    agent: Agent,
    timeouts: Timeouts,
}

/// Follows this many redirects.
const REDIRECTS: u32 = 5;
/// A response head larger than this is no answer.
const HEAD_LIMIT: usize = 32 << 10;

impl Client {
    /// Reads no file and opens no connection yet.
    pub fn new(trust: &Trust, proxies: &Proxies, timeouts: Timeouts) -> Result<Self> {
        proxies.check()?;
        let config = Config::builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_response_header_size(HEAD_LIMIT)
            .output_buffer_size(16 << 10)
            .user_agent(concat!("ironlet/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            // Against a head that comes byte by byte; the body is its reader's business.
            .timeout_recv_response(Some(timeouts.read * 3))
            .build();
        let dialer = Dialer::new(Connector::new(trust.clone()), proxies.clone(), timeouts);
        Ok(Client {
            agent: Agent::with_parts(config, Door(dialer), Nowhere),
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
                .once(method, &url, &headers, body)
                .map_err(|fault| fault.at(&doing))?;
            let location = answer.headers().get("location");
            let location = location.and_then(|location| location.to_str().ok());
            let step = redirect::follow(&url, answer.status().as_u16(), location)
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

    fn once(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer<ureq::Body>, Fault> {
        if url::parse(url).is_none() {
            return Err(redirect::unusable(url));
        }
        let mut head = Head::builder().method(method.name()).uri(url);
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let answer = match body {
            Some(body) => head
                .body(body)
                .map_err(ureq::Error::Http)
                .and_then(|r| self.agent.run(r)),
            None => head
                .body(())
                .map_err(ureq::Error::Http)
                .and_then(|r| self.agent.run(r)),
        };
        answer.map_err(fault)
    }
}

/// An answer whose body has not been read yet.
pub struct Response {
    answer: Answer<ureq::Body>,
    doing: String,
    patience: Duration,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    pub fn into_body(self) -> Body {
        Body {
            inner: self.answer.into_body().into_reader(),
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
    inner: BodyReader<'static>,
    doing: String,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).map_err(|error| {
            let error = match error.downcast::<ureq::Error>() {
                Ok(error) => error,
                Err(error) => ureq::Error::Io(error),
            };
            fault(error).at(&self.doing).into()
        })
    }
}

fn fault(error: ureq::Error) -> Fault {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(other) => Fault::new(Cause::Protocol, other),
        },
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Fault::new(
            Cause::Cut,
            "the server closed the connection before its answer was complete; its log may say why",
        ),
        ureq::Error::Io(error) => Fault::io("the server", &error),
        ureq::Error::Timeout(_) => Fault::new(
            Cause::Timeout,
            "the answer does not get under way; is the server overloaded?",
        ),
        ureq::Error::LargeResponseHeader(..) => Fault::new(
            Cause::Protocol,
            format_args!(
                "the head of the answer is larger than {HEAD_LIMIT} bytes; is this a web server?"
            ),
        ),
        other => Fault::new(
            Cause::Protocol,
            format_args!("this is not proper HTTP ({other}); is this a web server?"),
        ),
    }
}

/// The dialer, the way ureq wants it.
struct Door(Dialer);

impl Connect for Door {
    type Out = Wire;

    fn connect(&self, to: &ConnectionDetails, _: Option<()>) -> Result<Option<Wire>, ureq::Error> {
        let uri = to.uri.to_string();
        let target =
            url::parse(&uri).ok_or_else(|| ureq::Error::Other(redirect::unusable(&uri).into()))?;
        let line = self
            .0
            .dial(&target)
            .map_err(|fault| ureq::Error::Other(fault.into()))?;
        let buffers = LazyBuffers::new(
            to.config.input_buffer_size(),
            to.config.output_buffer_size(),
        );
        Ok(Some(Wire { line, buffers }))
    }
}

struct Wire {
    line: Line,
    buffers: LazyBuffers,
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let written = self.line.write(&self.buffers.output()[..amount]);
        written.map_err(|fault| ureq::Error::Other(fault.into()))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let read = self
            .line
            .read(self.buffers.input_append_buf(), *timeout.after);
        // Never as ureq's own I/O error: it takes a reset for the end of a body without a length.
        let amount = read.map_err(|fault| ureq::Error::Other(fault.into()))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.line.is_tls()
    }
}

/// The dialer resolves names itself, because it may have to reach a proxy instead.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut one = self.empty();
        one.push(([0, 0, 0, 0], 0).into());
        Ok(one)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
