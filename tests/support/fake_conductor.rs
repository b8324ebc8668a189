//! An HTTP server on loopback that answers by script and writes down what it was asked.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::net::tls::connection::Acceptor;

/// One answer, written as it stands; then the connection ends.
#[derive(Clone)]
pub struct Reply {
    bytes: Vec<u8>,
    stalls: bool,
}

impl Reply {
    pub fn new(status: u16, body: &str) -> Self {
        Reply::with(status, &[("Content-Type", "application/json")], body)
    }

    pub fn with(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!(
            "HTTP/1.1 {status} Fake\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        Reply::raw(&(head + "\r\n" + body))
    }

    /// Whatever text, then the end of the connection.
    pub fn raw(text: &str) -> Self {
        Reply::bytes(text.into())
    }

    /// Whatever bytes, then the end of the connection.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Reply {
            bytes,
            stalls: false,
        }
    }

    /// After these bytes nothing more, until the client goes away.
    pub fn stall(bytes: &str) -> Self {
        Reply {
            stalls: true,
            ..Reply::raw(bytes)
        }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// On the clock the server was given.
    pub at: Duration,
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// `("GET /v1/lookup", replies)`: a route by method and beginning of the path; its replies are
/// given in order, the last one for ever; a space after the path means that path alone. No route is 404.
pub type Script = Vec<(&'static str, Vec<Reply>)>;

pub struct FakeConductor {
    port: u16,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

type Hook = Box<dyn Fn(usize) + Send>;

impl FakeConductor {
    pub fn start(script: Script) -> Self {
        FakeConductor::with(script, Clock::fake(), None, Box::new(drop))
    }

    /// `hook` hears the number of each request (from 1) before it is answered.
    pub fn with(script: Script, clock: Clock, tls: Option<Acceptor>, hook: Hook) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound socket").port();
        let (seen, over) = (
            Arc::<Mutex<Vec<Seen>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (list, stop) = (seen.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            let mut script = script;
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away, or shakes no hands, is the client's business.
                let _ =
                    match &tls {
                        None => serve(stream, &mut script, &clock, &list, &hook),
                        Some(acceptor) => acceptor
                            .accept(stream)
                            .map_err(io::Error::from)
                            .and_then(|mut secured| {
                                serve(&mut secured, &mut script, &clock, &list, &hook)?;
                                secured.close()
                            }),
                    };
            }
        });
        FakeConductor {
            port,
            scheme,
            seen,
            over,
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no server thread panicked").clone()
    }

    /// The requests of one route.
    pub fn seen_of(&self, method: &str, path: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| seen.method == method && seen.path.starts_with(path));
        seen
    }
}

impl Drop for FakeConductor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect(("127.0.0.1", self.port));
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: impl Read + Write,
    script: &mut Script,
    clock: &Clock,
    list: &Mutex<Vec<Seen>>,
    hook: &Hook,
) -> io::Result<()> {
    let seen = read_request(&mut stream, clock.elapsed())?;
    let line = format!("{} {} ", seen.method, seen.path);
    let count = {
        let mut list = list.lock().map_err(|_| io::Error::other("poisoned"))?;
        list.push(seen);
        list.len()
    };
    hook(count);
    let route = script.iter_mut().find(|(route, _)| line.starts_with(route));
    let reply = match route {
        Some((_, replies)) if replies.len() > 1 => replies.remove(0),
        Some((_, replies)) => replies[0].clone(),
        None => Reply::new(404, "{}"),
    };
    stream.write_all(&reply.bytes)?;
    stream.flush()?;
    if reply.stalls {
        while stream.read(&mut [0])? > 0 {}
    }
    Ok(())
}

fn read_request(stream: &mut impl Read, at: Duration) -> io::Result<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut words = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok(Seen {
        at,
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
