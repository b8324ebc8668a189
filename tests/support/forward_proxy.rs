//! An HTTP proxy that does its work: tunnels by CONNECT, relays plain URLs, and may want a login and TLS.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironlet::net::tls::connection::Acceptor;

pub struct ForwardProxy {
    scheme: &'static str,
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    /// `login` is the Proxy-Authorization it wants.
    pub fn start(login: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it was just bound");
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&heads);
        // The thread waits in accept for the rest of the test process; it holds nothing but memory.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                // A side that hangs up is its own business.
                std::thread::spawn(move || drop(relay(stream, login, &log)));
            }
        });
        ForwardProxy {
            scheme: "http",
            address,
            heads,
        }
    }

    /// The same behind TLS.
    pub fn secure(login: Option<&'static str>, acceptor: Acceptor) -> Self {
        let behind = ForwardProxy::start(login);
        let inner = behind.address;
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it was just bound");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let acceptor = acceptor.clone();
                std::thread::spawn(move || drop(unwrap_tls(stream, &acceptor, inner)));
            }
        });
        ForwardProxy {
            scheme: "https",
            address,
            heads: behind.heads,
        }
    }

    /// `user` is `user:password@` or nothing.
    pub fn url(&self, user: &str) -> String {
        format!("{}://{user}{}", self.scheme, self.address)
    }

    /// The request lines so far.
    pub fn asked(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("no thread panics with it");
        let lines = heads.iter().filter_map(|head| head.lines().next());
        lines.map(str::to_owned).collect()
    }
}

fn relay(mut client: TcpStream, login: Option<&str>, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(client.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    log.lock()
        .expect("no thread panics with it")
        .push(head.clone());
    let (own, others): (Vec<&str>, Vec<&str>) = head
        .split_inclusive("\r\n")
        .partition(|line| line.starts_with("Proxy-Authorization: "));
    let shown = own.first().and_then(|line| line.split_once(": "));
    if login.is_some() && login != shown.map(|(_, value)| value.trim_end()) {
        let refusal = "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes());
    }
    let mut words = others[0].split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let server = match target.strip_prefix("http://") {
        None if method == "CONNECT" => {
            let server = TcpStream::connect(target)?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            server
        }
        None => return client.write_all(b"HTTP/1.1 400 No URL\r\nContent-Length: 0\r\n\r\n"),
        Some(rest) => {
            let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let mut server = TcpStream::connect(place)?;
            let headers = others[1..].concat();
            write!(server, "{method} {path} HTTP/1.1\r\n{headers}")?;
            server
        }
    };
    let mut upward = server.try_clone()?;
    let both = std::thread::spawn(move || {
        let copied = io::copy(&mut reader, &mut upward);
        upward.shutdown(Shutdown::Write).and(copied)
    });
    let copied = io::copy(&mut &server, &mut client);
    client.shutdown(Shutdown::Both)?;
    let _ = both.join();
    copied.map(drop)
}

/// Carries what comes by TLS to a plain port and back, each way as it comes: one thread, for the two ways share the session.
fn unwrap_tls(stream: TcpStream, acceptor: &Acceptor, to: SocketAddr) -> io::Result<()> {
    let mut client = acceptor.accept(stream)?;
    let mut server = TcpStream::connect(to)?;
    for side in [client.inner(), &server] {
        side.set_read_timeout(Some(Duration::from_millis(2)))?;
    }
    loop {
        if carry(&mut client, &mut server)? {
            return server.shutdown(Shutdown::Both);
        }
        if carry(&mut server, &mut client)? {
            client.close()?;
            return client.inner().shutdown(Shutdown::Both);
        }
    }
}

/// What is there now; true at its end.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut some = [0; 64 << 10];
    match from.read(&mut some) {
        Ok(0) => Ok(true),
        Ok(count) => to.write_all(&some[..count]).map(|()| false),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
