//! From a URL to an open connection: the name, TCP, a proxy's tunnel, TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::fault::{Cause, Fault};
use super::proxy::Proxies;
use super::tls::{self, ClientStream, Connector};
use super::url::{self, Url};

/// For making a connection, and for every single read and write on it.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    pub read: Duration,
}

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
    /// `http://host:port`, until it is written: a plain proxy wants to read the whole URL.
    origin: Option<String>,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<ClientStream>),
}

impl Dialer {
    pub fn new(tls: Connector, proxies: Proxies, timeouts: Timeouts) -> Self {
        Dialer {
            tls,
            proxies,
            timeouts,
        }
    }

    pub fn dial(&self, to: &Url) -> Result<Line, Fault> {
        let target = url::place(to.host, to.port);
        let (mut tcp, peer, proxied) = match self.proxies.choose(to) {
            None => (self.open(to.host, to.port)?, target.clone(), false),
            Some(proxy) => {
                let peer = format!("the proxy {}", url::place(proxy.host, proxy.port));
                let tcp = self.open(proxy.host, proxy.port).map_err(|fault| {
                    Fault::new(Cause::Proxy, format_args!("no way to {peer}: {fault}"))
                })?;
                (tcp, peer, true)
            }
        };
        let wire = match to.https {
            false => Wire::Plain(tcp),
            true => {
                if proxied {
                    tunnel(&mut tcp, &target)
                        .map_err(|why| Fault::new(Cause::Proxy, format_args!("{peer}: {why}")))?;
                }
                Wire::Tls(Box::new(self.tls.connect(to.host, tcp)?))
            }
        };
        let origin = (proxied && !to.https).then(|| format!("http://{target}"));
        Ok(Line {
            wire,
            peer: if to.https { target } else { peer },
            patience: self.timeouts.read,
            origin,
        })
    }

    /// Tries every address the name has, sharing the time evenly.
    fn open(&self, host: &str, port: u16) -> Result<TcpStream, Fault> {
        let place = url::place(host, port);
        let addresses: Vec<SocketAddr> = (host, port)
            .to_socket_addrs()
            .map_err(|error| {
                Fault::new(
                    Cause::Dns,
                    format_args!("the name '{host}' cannot be resolved ({error}); check the DNS servers or use an address"),
                )
            })?
            .collect();
        let share = self.timeouts.connect / addresses.len().max(1) as u32;
        let mut last = Fault::new(Cause::Dns, format_args!("the name '{host}' has no address"));
        for address in &addresses {
            let opened = TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)))
                .and_then(|tcp| {
                    tcp.set_nodelay(true)?;
                    tcp.set_read_timeout(Some(self.timeouts.read))?;
                    tcp.set_write_timeout(Some(self.timeouts.read))?;
                    Ok(tcp)
                });
            match opened {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = Fault::io(&place, &error),
            }
        }
        Err(last)
    }
}

/// Asks a proxy for a tunnel; its answer is read byte by byte, for what follows belongs to TLS.
fn tunnel(tcp: &mut TcpStream, target: &str) -> io::Result<()> {
    /// More than a proxy's few lines of answer need.
    const LIMIT: usize = 8 << 10;
    tcp.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < LIMIT {
        tcp.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or(&[]));
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(version), Some(status))
            if version.starts_with("HTTP/1.") && status.starts_with('2') =>
        {
            Ok(())
        }
        _ => Err(io::Error::other(format!(
            "no tunnel to {target}, it answered '{}'",
            line.escape_default()
        ))),
    }
}

impl Line {
    pub fn is_tls(&self) -> bool {
        matches!(self.wire, Wire::Tls(_))
    }

    /// 0 is the end as the other side meant it. Waits no longer than `left` and the read timeout.
    pub fn read(&mut self, into: &mut [u8], left: Duration) -> Result<usize, Fault> {
        let patience = self.patience.min(left).max(Duration::from_millis(1));
        let outcome = self.tcp().set_read_timeout(Some(patience));
        let outcome = outcome.and_then(|()| {
            loop {
                let read = match &mut self.wire {
                    Wire::Plain(tcp) => tcp.read(into),
                    Wire::Tls(tls) => tls.read(into),
                };
                match read {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    outcome => return outcome,
                }
            }
        });
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Fault::new(
                Cause::Timeout,
                format_args!("{} sent nothing for {patience:?}", self.peer),
            ),
            _ => tls::broken(&self.peer, &error),
        })
    }

    /// The first write begins with a request line.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let whole;
        let mut bytes = bytes;
        if let Some(origin) = self.origin.take() {
            // `GET /path HTTP/1.1` becomes `GET http://host:port/path HTTP/1.1`.
            let method = bytes.iter().position(|byte| *byte == b' ');
            let (method, rest) = bytes.split_at(method.map_or(0, |at| at + 1));
            whole = [method, origin.as_bytes(), rest].concat();
            bytes = &whole;
        }
        let written = match &mut self.wire {
            Wire::Plain(tcp) => tcp.write_all(bytes),
            Wire::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        written.map_err(|error| tls::broken(&self.peer, &error))
    }

    fn tcp(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(tls) => tls.inner(),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Wire::Tls(tls) = &mut self.wire {
            // The answer is complete or given up; nobody is left to hear of an error.
            let _ = tls.close();
        }
    }
}
