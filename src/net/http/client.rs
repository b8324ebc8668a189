//! The HTTP client: one request, its redirects, one answer, and faults that name URL and cause.
//!
//! What is said and heard in one exchange is `exchange.rs`'s.

use std::io::{self, Read};
use std::time::Duration;

use crate::clock::Deadline;
use crate::codec::text_encoding;
use crate::error::{Error, Result};
use crate::net::http::body::{Content, Framing};
use crate::net::http::content_coding::{Coding, Undone};
use crate::net::http::dial::Dialer;
pub use crate::net::http::dial::Timeouts;
use crate::net::http::exchange::{Answer, Door};
pub use crate::net::http::fault::{Cause, Fault};
pub use crate::net::http::proxy::Proxies;
use crate::net::http::{redirect, retry_after, url};
use crate::net::tls::connection::Connector;
use crate::net::tls::trust_settings::Trust;
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
    /// What comes is held against a digest: if nobody may read it either, it may come from where https redirects to http.
    pub verified: bool,
}

/// Sends requests by one set of proxies, authorities and timeouts.
#[derive(Clone)]
pub struct Client {
    door: Door,
    timeouts: Timeouts,
    /// For one answer, its body included.
    limit: Duration,
    keeps_posts: bool,
}

/// Follows this many redirects.
const REDIRECTS: u32 = 20;

impl Client {
    /// Reads no file and opens no connection yet.
    pub fn new(trust: &Trust, proxies: &Proxies, timeouts: Timeouts) -> Result<Self> {
        proxies.check()?;
        let dialer = Dialer::new(Connector::new(trust.clone()), proxies.clone(), timeouts);
        Ok(Client {
            door: Door::new(dialer),
            timeouts,
            limit: Duration::MAX,
            keeps_posts: false,
        })
    }

    /// The same, but no answer may take longer than `limit`, whatever it redirects to and however its body comes.
    pub fn within(&self, limit: Duration) -> Self {
        Client {
            limit,
            ..self.clone()
        }
    }

    /// The same, but `times` as long passes without a byte until a server is given up.
    pub fn patient(&self, times: u32) -> Self {
        let mut patient = self.clone();
        patient.timeouts.read *= times;
        patient.door = self.door.patient(patient.timeouts.read);
        patient
    }

    /// The same, but a redirect that would make a GET of a POST is an answer: what was posted has not arrived.
    pub fn keeping_posts(self) -> Self {
        Client {
            keeps_posts: true,
            ..self
        }
    }

    /// Any status is an answer; only no answer is a fault. One that is not under way in three times the read timeout, redirects
    /// included, is none.
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
        let has_login = headers
            .iter()
            .any(|(name, _)| redirect::is_credential(name));
        let until = Deadline::within(self.limit);
        let lead = until.or_within(self.timeouts.connect + self.timeouts.read * 3);
        for _ in 0..=REDIRECTS {
            let doing = format!("{} {}", method.name(), redacted(&url));
            let answer = self
                .door
                .ask(method.name(), &url, &headers, body, lead)
                .map_err(|fault| fault.at(&doing))?;
            let location = answer.location();
            let step = redirect::follow(&url, answer.status(), location.as_deref())
                .map_err(|fault| fault.at(&doing))?;
            let lost = |step: &redirect::Step| {
                self.keeps_posts && method == Method::Post && !step.keeps_method
            };
            let Some(step) = step.filter(|step| !lost(step)) else {
                return Ok(Response {
                    answer,
                    doing,
                    until,
                    patience: self.timeouts.read,
                });
            };
            if step.is_downgrade && (has_login || !request.verified) {
                return Err(redirect::insecure(&step.url, has_login).at(&doing));
            }
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
    until: Deadline,
    /// For the next bytes of the body.
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

    /// How long the server asks to be left alone, if it does.
    pub fn asked_pause(&self) -> Option<Duration> {
        retry_after::pause(&self.answer.list("retry-after"), self.header("date"))
    }

    /// Of the body; none where only its end tells.
    pub fn content_length(&self) -> Option<u64> {
        match self.answer.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::ToEnd => None,
        }
    }

    /// What the server says was done to the content, for good or on its way.
    pub fn coding(&self) -> Coding {
        let lists = ["content-encoding", "transfer-encoding"].map(|name| self.answer.list(name));
        Coding::of(&lists.join(","))
    }

    /// For who reads slowly: no more than about so many bytes of the body are sent ahead.
    pub fn hold(&mut self, bytes: usize) {
        self.answer.wire.hold(bytes);
    }

    /// To be read by whoever wants more than the head.
    pub fn into_body(self) -> Body {
        let Answer { wire, framing, .. } = self.answer;
        Body {
            content: Content::new(wire, framing, self.until, self.patience),
            doing: self.doing,
        }
    }

    /// The whole body as text, unpacked if the server packed it, if it is no longer than `limit` bytes and comes in reasonable
    /// time: four times the read timeout. What is no UTF-8 in it reads '?'.
    pub fn text(self, limit: usize) -> Result<String> {
        self.bytes(limit).map(text_encoding::utf8)
    }

    /// The same as it is.
    pub fn bytes(self, limit: usize) -> Result<Vec<u8>> {
        let (coding, patience) = (self.coding(), self.patience * 4);
        let mut body = self.into_body();
        let doing = body.doing.clone();
        body.content.complete_within(patience);
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let read = Undone::new(&coding, body)
            .take(most)
            .read_to_end(&mut bytes);
        read.map_err(
            |error| match error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
                true => error.into(),
                false => Error::plain(format_args!("{doing}: {error}")),
            },
        )?;
        if bytes.len() > limit {
            let why = format_args!("the answer is longer than {limit} bytes");
            return Err(Fault::new(Cause::Protocol, why).at(&doing).into());
        }
        Ok(bytes)
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
