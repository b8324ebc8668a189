//! One exchange over HTTP: sends a request and reads its answer.
//!
//! ureq puts the request into words and reads the head of the answer. The connection under it is ours (`dial.rs`), so that
//! deadlines, TLS and causes are too; the head it gets to see is a proper one (`response_head.rs`), and the body is read past it
//! (`body.rs`). Connections are not kept: the agent calls a few times an hour.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::response::Parts;
use ureq::http::{HeaderName, Request};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, http};

use crate::clock::Deadline;
use crate::net::http::body::{Framing, Wire, cut};
use crate::net::http::dial::{Dialer, Line};
use crate::net::http::fault::{Cause, Fault};
use crate::net::http::response_head::{CLEAN_LIMIT, Complete, ResponseHead};
use crate::net::http::{redirect, url};

/// Where requests go out.
#[derive(Clone)]
pub struct Door {
    config: Config,
    dialer: Arc<Dialer>,
}

impl Door {
    /// Connects by `dialer`.
    pub fn new(dialer: Dialer) -> Self {
        let config = Config::builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_response_header_size(CLEAN_LIMIT)
            .input_buffer_size(CLEAN_LIMIT)
            .output_buffer_size(16 << 10)
            .user_agent(concat!("ironlet/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .build();
        Door {
            config,
            dialer: Arc::new(dialer),
        }
    }

    /// The same, but it waits so long until the next bytes come.
    pub fn patient(&self, read: Duration) -> Self {
        Door {
            config: self.config.clone(),
            dialer: Arc::new(self.dialer.patient(read)),
        }
    }

    /// Any status is an answer; only no answer by `until` is a fault.
    pub fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        until: Deadline,
    ) -> Result<Answer, Fault> {
        let target = url::parse(url).ok_or_else(|| redirect::unusable(url))?;
        let told = target.without_zone();
        let mut head = Request::builder()
            .method(method)
            .uri(told.as_deref().unwrap_or(url));
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let (done, wire) = sync_channel(1);
        let caller = Caller {
            dialer: Arc::clone(&self.dialer),
            url: url.to_owned(),
            done,
            until,
        };
        let agent = Agent::with_parts(self.config.clone(), caller, Nowhere);
        let response = match body {
            Some(body) => head
                .body(body)
                .map_err(ureq::Error::Http)
                .and_then(|request| agent.run(request)),
            None => head
                .body(())
                .map_err(ureq::Error::Http)
                .and_then(|request| agent.run(request)),
        };
        let (parts, body) = response.map_err(fault)?.into_parts();
        drop(body); // with it goes ureq's hold on the connection
        Ok(Answer {
            framing: framing(method, &parts)?,
            parts,
            wire: wire.try_recv().map_err(|_| cut("was complete"))?,
        })
    }
}

fn framing(method: &str, parts: &Parts) -> Result<Framing, Fault> {
    let all = |name: HeaderName| -> Vec<&[u8]> {
        let values = parts.headers.get_all(name).iter();
        values.map(|value| value.as_bytes()).collect()
    };
    Framing::of(
        method,
        parts.status.as_u16(),
        &all(http::header::TRANSFER_ENCODING),
        &all(http::header::CONTENT_LENGTH),
    )
}

/// The head of an answer, and the connection that brings its body.
pub struct Answer {
    parts: Parts,
    /// How the end of the body is told.
    pub framing: Framing,
    /// Brings the body next.
    pub wire: Wire,
}

impl Answer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// The first value of this name, in any letter case; none if it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// All values of this name, commas between, as far as they are text.
    pub fn list(&self, name: &str) -> String {
        let values = self.parts.headers.get_all(name).iter();
        let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        values.join(",")
    }

    /// Where it redirects to, whatever bytes are in that: those beyond ASCII come percent-encoded.
    pub fn location(&self) -> Option<String> {
        let location = self.parts.headers.get(http::header::LOCATION)?;
        Some(url::ascii(location.as_bytes()))
    }
}

fn fault(error: ureq::Error) -> Fault {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(other) => Fault::new(Cause::Protocol, other),
        },
        // It came to an end where more was needed.
        ureq::Error::Io(_) => cut("was under way"),
        other => Fault::new(
            Cause::Protocol,
            format_args!("this is not proper HTTP ({other}); is this a web server?"),
        ),
    }
}

/// The dialer, the way ureq wants it, for one connection.
struct Caller {
    dialer: Arc<Dialer>,
    url: String,
    done: SyncSender<Wire>,
    until: Deadline,
}

impl Connector for Caller {
    type Out = Lent;

    fn connect(&self, to: &ConnectionDetails, _: Option<()>) -> Result<Option<Lent>, ureq::Error> {
        // What ureq has may lack the zone.
        let url = &self.url;
        let target = url::parse(url).ok_or_else(|| passed_on(redirect::unusable(url)))?;
        let line = self.dialer.dial(&target, self.until).map_err(passed_on)?;
        Ok(Some(Lent {
            line: Some(line),
            head: ResponseHead::default(),
            buffers: LazyBuffers::new(
                to.config.input_buffer_size(),
                to.config.output_buffer_size(),
            ),
            done: self.done.clone(),
            until: self.until,
        }))
    }
}

/// Never as ureq's own I/O error: it takes a reset for an end.
fn passed_on(fault: Fault) -> ureq::Error {
    ureq::Error::Other(fault.into())
}

/// A connection in ureq's hands, until the head of the answer is there.
struct Lent {
    line: Option<Line>,
    head: ResponseHead,
    buffers: LazyBuffers,
    done: SyncSender<Wire>,
    until: Deadline,
}

impl Lent {
    /// The head, and what came behind it; none if the connection ends before.
    fn head(&mut self) -> Result<Option<Complete>, Fault> {
        let mut piece = [0; 4 << 10];
        while let Some(line) = &mut self.line {
            let came = match line.read(&mut piece, self.until) {
                Err(fault) if fault.cause == Cause::HungUp => 0,
                Err(fault) if fault.cause == Cause::Timeout && self.until.is_over() => {
                    let why = format_args!("the answer does not get under way in time: {fault}");
                    return Err(Fault::new(Cause::Timeout, why));
                }
                outcome => outcome?,
            };
            if came == 0 {
                break;
            }
            if let Some(complete) = self.head.take(&piece[..came])? {
                return Ok(Some(complete));
            }
        }
        Ok(None)
    }
}

impl Transport for Lent {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let output = &self.buffers.output()[..amount];
        match &mut self.line {
            Some(line) => line.write(output, self.until).map_err(passed_on),
            None => Err(passed_on(cut("was complete"))),
        }
    }

    /// The head all at once and nothing behind it; the connection goes on without ureq.
    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let Some(Complete { head, rest }) = self.head().map_err(passed_on)? else {
            return Ok(false);
        };
        let into = self.buffers.input_append_buf();
        into[..head.len()].copy_from_slice(&head); // it has room for the largest
        self.buffers.input_appended(head.len());
        if let Some(line) = self.line.take() {
            // Those who do not want the body do not want the connection.
            let _ = self.done.try_send(Wire::new(line, rest));
        }
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.line.as_ref().is_some_and(Line::is_tls)
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

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}
