//! One exchange over HTTP: sends a request and reads its answer.
//!
//! ureq speaks HTTP; the connection under it is ours (`dial.rs`), so that timeouts, TLS and
//! causes are too. Connections are not kept: the agent calls a few times an hour. A body whose length
//! was announced is read off the connection past ureq, which would copy every byte once more.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{Request, Response};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, BodyReader};

use crate::net::http::dial::{Dialer, Line};
use crate::net::http::fault::{Cause, Fault};
use crate::net::http::{redirect, url};

/// A response head larger than this is no answer.
const HEAD_LIMIT: usize = 32 << 10;

/// Where requests go out.
#[derive(Clone)]
pub struct Door {
    config: Config,
    dialer: Arc<Dialer>,
}

impl Door {
    /// A head of an answer that takes longer than `patience` is none.
    pub fn new(dialer: Dialer, patience: Duration) -> Self {
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
            .timeout_recv_response(Some(patience))
            .build();
        Door {
            config,
            dialer: Arc::new(dialer),
        }
    }

    /// Any status is an answer; only no answer is a fault.
    pub fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, Fault> {
        if url::parse(url).is_none() {
            return Err(redirect::unusable(url));
        }
        let mut head = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            head = head.header(*name, *value);
        }
        let (done, wire) = sync_channel(1);
        let caller = Caller {
            dialer: Arc::clone(&self.dialer),
            done,
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
        let response = response.map_err(fault)?;
        Ok(Answer { response, wire })
    }
}

/// The head of an answer; its body has not been read yet.
pub struct Answer {
    response: Response<ureq::Body>,
    /// The connection, once ureq has let go of it.
    wire: Receiver<Wire>,
}

impl Answer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The first value of this name, in any letter case; none if it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The body, whose bytes are still on the wire.
    pub fn into_content(self) -> Content {
        let body = self.response.into_body();
        match body.content_length().filter(|length| *length > 0) {
            None => Content::Framed(body.into_reader()),
            Some(left) => {
                drop(body);
                let wire = self.wire.try_recv();
                Content::Plain {
                    wire: wire.expect("ureq lets go of a connection with the body"),
                    left,
                }
            }
        }
    }
}

/// The bytes of a body. An end before the announced one is a fault, never an end.
pub enum Content {
    /// In chunks, or to the end of the connection.
    Framed(BodyReader<'static>),
    /// As they come off the wire, and how many are left.
    Plain {
        /// The connection.
        wire: Wire,
        /// Bytes of it still to come.
        left: u64,
    },
    /// Nothing any more.
    Ended,
}

impl Content {
    /// Some bytes, at the end 0.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let (wire, left) = match self {
            Content::Framed(body) => {
                return body.read(into).map_err(|error| {
                    fault(match error.downcast::<ureq::Error>() {
                        Ok(error) => error,
                        Err(error) => ureq::Error::Io(error),
                    })
                });
            }
            Content::Plain { wire, left } => (wire, left),
            Content::Ended => return Ok(0),
        };
        let most = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let count = wire.read(&mut into[..most])?;
        if count == 0 && most > 0 {
            return Err(cut());
        }
        *left -= count as u64;
        if *left == 0 {
            *self = Content::Ended; // the server may have the connection back
        }
        Ok(count)
    }
}

fn cut() -> Fault {
    Fault::new(
        Cause::Cut,
        "the server closed the connection before its answer was complete; its log may say why",
    )
}

fn fault(error: ureq::Error) -> Fault {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(other) => Fault::new(Cause::Protocol, other),
        },
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => cut(),
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

/// The dialer, the way ureq wants it, for one connection.
struct Caller {
    dialer: Arc<Dialer>,
    done: SyncSender<Wire>,
}

impl Connector for Caller {
    type Out = Lent;

    fn connect(&self, to: &ConnectionDetails, _: Option<()>) -> Result<Option<Lent>, ureq::Error> {
        let uri = to.uri.to_string();
        let target =
            url::parse(&uri).ok_or_else(|| ureq::Error::Other(redirect::unusable(&uri).into()))?;
        let line = self
            .dialer
            .dial(&target)
            .map_err(|fault| ureq::Error::Other(fault.into()))?;
        let buffers = LazyBuffers::new(
            to.config.input_buffer_size(),
            to.config.output_buffer_size(),
        );
        Ok(Some(Lent {
            wire: Some(Wire { line, buffers }),
            done: self.done.clone(),
        }))
    }
}

/// A connection, and what came over it and nobody has read.
pub struct Wire {
    line: Line,
    buffers: LazyBuffers,
}

impl Wire {
    /// What came with the head, then what comes; 0 is the end.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let mut early = self.buffers.input();
        if early.is_empty() {
            return self.line.read(into, Duration::MAX);
        }
        let count = early.read(into).unwrap_or_default(); // of memory, it cannot fail
        self.buffers.input_consume(count);
        Ok(count)
    }
}

/// A connection in ureq's hands.
struct Lent {
    wire: Option<Wire>,
    done: SyncSender<Wire>,
}

impl Lent {
    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().expect("it goes back at the end only")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.take() {
            // Those who do not want the body do not want the connection.
            let _ = self.done.try_send(wire);
        }
    }
}

impl Transport for Lent {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.wire().buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let Wire { line, buffers } = self.wire();
        let written = line.write(&buffers.output()[..amount]);
        written.map_err(|fault| ureq::Error::Other(fault.into()))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let Wire { line, buffers } = self.wire();
        let read = line.read(buffers.input_append_buf(), *timeout.after);
        // Never as ureq's own I/O error: it takes a reset for the end of a body without a length.
        let amount = read.map_err(|fault| ureq::Error::Other(fault.into()))?;
        buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.line.is_tls())
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
