//! Opens the connection to a URL: name, TCP, a proxy's tunnel, TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::clock::Deadline;
use crate::net::address::names;
use crate::net::http::fault::{Cause, Fault};
use crate::net::http::proxy::Proxies;
use crate::net::http::socket::Socket;
use crate::net::http::url;
use crate::net::http::url::Url;
use crate::net::tls::connection;
use crate::net::tls::connection::{ClientStream, Connector};
use crate::secret::Secret;

/// For making a connection, and for every single read and write on it.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until a connection is there, TLS included.
    pub connect: Duration,
    /// Until the next bytes come.
    pub read: Duration,
}

/// Opens connections by one set of proxies, authorities and timeouts.
#[derive(Clone)]
pub struct Dialer {
    tls: Connector,
    proxies: Proxies,
    timeouts: Timeouts,
}

/// An open connection.
pub struct Line {
    wire: Wire,
    peer: String,
    patience: Duration,
    /// Until the first write.
    relayed: Option<Relayed>,
}

/// What a proxy that is asked for a plain URL wants to read.
struct Relayed {
    /// `http://host:port`, before the path.
    origin: String,
    login: Option<Secret>,
}

/// What an HTTP exchange goes over. TLS inside TLS is a tunnel through a proxy that is reached by https.
enum Wire {
    Plain(Socket),
    Tls(Box<ClientStream<Wire>>),
}

impl Dialer {
    /// Nothing is opened yet.
    pub fn new(tls: Connector, proxies: Proxies, timeouts: Timeouts) -> Self {
        Dialer {
            tls,
            proxies,
            timeouts,
        }
    }

    /// The same, but it waits so long until the next bytes come.
    pub fn patient(&self, read: Duration) -> Self {
        let mut patient = self.clone();
        patient.timeouts.read = read;
        patient
    }

    /// A connection to where `to` leads, straight or through its proxy, all of it by `until`; the fault names which part of the
    /// way failed.
    pub fn dial(&self, to: &Url, until: Deadline) -> Result<Line, Fault> {
        let target = url::place(to.host, to.port);
        let proxy = self.proxies.choose(to);
        let (mut wire, peer) = match &proxy {
            None => (self.open(to, until)?, target.clone()),
            Some(proxy) => {
                let peer = format!("the proxy {}", url::place(proxy.host, proxy.port));
                let wire = self.reach(proxy, until).map_err(|fault| {
                    let cause = match fault.cause {
                        // It would say the same again.
                        tls @ (Cause::Tls | Cause::CertificateDate) => tls,
                        _ => Cause::Proxy,
                    };
                    Fault::new(cause, format_args!("no way to {peer}: {fault}"))
                })?;
                (wire, peer)
            }
        };
        let login = proxy.as_ref().and_then(Url::login);
        let relayed = (proxy.is_some() && !to.https).then(|| Relayed {
            origin: format!("http://{target}"),
            login: login.clone(),
        });
        if to.https {
            if proxy.is_some() {
                tunnel(&mut wire, &peer, &target, login.as_ref())?;
            }
            wire = self.secure(to.host, wire)?;
        }
        Ok(Line {
            wire,
            peer: if to.https { target } else { peer },
            patience: self.timeouts.read,
            relayed,
        })
    }

    fn reach(&self, proxy: &Url, until: Deadline) -> Result<Wire, Fault> {
        let wire = self.open(proxy, until)?;
        match proxy.https {
            false => Ok(wire),
            true => self.secure(proxy.host, wire),
        }
    }

    fn secure(&self, host: &str, wire: Wire) -> Result<Wire, Fault> {
        Ok(Wire::Tls(Box::new(self.tls.connect(host, wire)?)))
    }

    /// Tries every address the name has, sharing the time evenly.
    fn open(&self, to: &Url, until: Deadline) -> Result<Wire, Fault> {
        let (host, place) = (to.reached(), url::place(to.host, to.port));
        let addresses = names::resolve_by(&host, to.port, until)
            .map_err(|error| Fault::new(Cause::Dns, error.details()))?;
        let share = self.timeouts.connect.min(until.left()) / addresses.len().max(1) as u32;
        let mut last = Fault::new(Cause::Dns, format_args!("the name '{host}' has no address"));
        for address in &addresses {
            let opened = TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)))
                .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp));
            match opened {
                Ok(tcp) => {
                    let mut socket = Socket::new(tcp, self.timeouts.read);
                    socket.until(until);
                    return Ok(Wire::Plain(socket));
                }
                // Nothing came from there at all: that is no server that is slow.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    let silent = Fault::io(&place, &error);
                    last = Fault::new(Cause::Unreachable, silent);
                }
                Err(error) => last = Fault::io(&place, &error),
            }
        }
        Err(last)
    }
}

/// Asks a proxy for a tunnel; its answer is read byte by byte, for what follows belongs to TLS.
fn tunnel(wire: &mut Wire, proxy: &str, target: &str, login: Option<&Secret>) -> Result<(), Fault> {
    /// More than a proxy's few lines of answer need.
    const LIMIT: usize = 8 << 10;
    let broken = |error| Fault::new(Cause::Proxy, Fault::io(proxy, &error));
    let login = login.map_or(String::new(), authorization);
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
    let written = wire.write_all(request.as_bytes());
    written.and_then(|()| wire.flush()).map_err(broken)?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < LIMIT {
        wire.read_exact(&mut byte).map_err(broken)?;
        head.extend(byte);
    }
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or(&[]));
    let mut words = line.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().unwrap_or_default();
    let (cause, hint) = match status {
        _ if !version.starts_with("HTTP/1.") => (Cause::ProxyDenied, "is it an HTTP proxy?"),
        _ if status.starts_with('2') => return Ok(()),
        "407" => (
            Cause::ProxyDenied,
            "it wants a user and password, or others than these: http://user:password@host:port",
        ),
        _ if status.starts_with('4') => (
            Cause::ProxyDenied,
            "its rules must allow CONNECT to there, or no_proxy name the host",
        ),
        _ => (Cause::Proxy, "can it reach that server?"),
    };
    let line = line.escape_default();
    let why = format_args!("{proxy} made no tunnel to {target}, it answered '{line}': {hint}");
    Err(Fault::new(cause, why))
}

fn authorization(login: &Secret) -> String {
    format!("Proxy-Authorization: {}\r\n", login.expose())
}

impl Relayed {
    /// `GET /path HTTP/1.1` becomes `GET http://host:port/path HTTP/1.1`, and the login is the first header.
    fn head(&self, bytes: &[u8]) -> Vec<u8> {
        let after = |end: &[u8]| {
            let at = bytes.windows(end.len()).position(|some| some == end);
            at.map_or(0, |at| at + end.len())
        };
        let path = after(b" ");
        let headers = after(b"\r\n").max(path);
        let login = self.login.as_ref().map_or(String::new(), authorization);
        [
            &bytes[..path],
            self.origin.as_bytes(),
            &bytes[path..headers],
            login.as_bytes(),
            &bytes[headers..],
        ]
        .concat()
    }
}

impl Line {
    /// Is it encrypted to the other end?
    pub fn is_tls(&self) -> bool {
        matches!(self.wire, Wire::Tls(_))
    }

    /// What the other end shows of itself, in DER; none where nothing is encrypted.
    pub fn certificate(&self) -> Option<&[u8]> {
        match &self.wire {
            Wire::Plain(_) => None,
            Wire::Tls(tls) => tls.certificate(),
        }
    }

    /// No more than about so many bytes wait here to be read.
    pub fn hold(&mut self, bytes: usize) {
        self.wire.socket().hold(bytes);
    }

    /// 0 is the end as the other side meant it. Waits no longer than the read timeout, and not beyond `until`.
    pub fn read(&mut self, into: &mut [u8], until: Deadline) -> Result<usize, Fault> {
        let time = self.patience.min(until.left());
        let socket = self.wire.socket();
        let before = socket.received();
        socket.until(until);
        let outcome = loop {
            match self.wire.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let came = match self.wire.socket().received() - before {
                    0 => format!("sent nothing for {time:.1?}"),
                    came => format!(
                        "sent {came} bytes in {time:.1?}, and no record of TLS was complete"
                    ),
                };
                let hint = "is it overloaded, or the network dropping packets?";
                Fault::new(Cause::Timeout, format_args!("{} {came}; {hint}", self.peer))
            }
            io::ErrorKind::UnexpectedEof => Fault::new(
                Cause::HungUp,
                format_args!(
                    "{} hung up without ending TLS (close_notify), as if it was cut off",
                    self.peer
                ),
            ),
            _ => connection::broken(&self.peer, &error),
        })
    }

    /// The first write begins with a request line. All of it is out by `until`.
    pub fn write(&mut self, bytes: &[u8], until: Deadline) -> Result<(), Fault> {
        let whole;
        let mut bytes = bytes;
        if let Some(relayed) = self.relayed.take() {
            whole = relayed.head(bytes);
            bytes = &whole;
        }
        self.wire.socket().until(until);
        let written = self.wire.write_all(bytes);
        let written = written.and_then(|()| self.wire.flush());
        written.map_err(|error| connection::broken(&self.peer, &error))
    }
}

impl Wire {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Wire::Plain(socket) => socket,
            Wire::Tls(tls) => tls.inner_mut().socket(),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.read(into),
            Wire::Tls(tls) => tls.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(socket) => socket.write(bytes),
            Wire::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(socket) => socket.flush(),
            Wire::Tls(tls) => tls.flush(),
        }
    }
}

/// From the inside outwards: what a `Wire` goes over is dropped after it.
impl Drop for Wire {
    fn drop(&mut self) {
        if let Wire::Tls(tls) = self {
            // The answer is complete or given up; nobody is left to hear of an error.
            let _ = tls.close();
        }
    }
}
