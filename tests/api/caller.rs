//! An API on loopback around a fake machine, and a client that says exactly what it is told to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::Sender;
use std::time::Duration;

use ironlet::api::{self, Limits, Server, Service};
use ironlet::clock::Clock;
use ironlet::codec::json::{Array, Object, Value, parse};
use ironlet::command::Engine;
use ironlet::secret::Secret;

use crate::support::fake_agent::Surroundings;

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const SECOND: Duration = Duration::from_secs(1);
pub const SHORT: Duration = Duration::from_millis(100);

pub const SYNC: &str = r#"{"name":"standby.sync","params":{}}"#;
/// Runs until the lookup that it begins with is answered.
pub const DEPLOY: &str = r#"{"name":"standby.prepare_image","params":{"image_info":{"id":"x","urls":["http://127.0.0.1:1/x"],
    "os_hash_algo":"sha256","os_hash_value":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","disk_format":"raw","stream_raw_images":true,"node_uuid":"y"}}}"#;

pub struct Api {
    pub server: Server,
    pub engine: Engine,
    /// Dropped last: the machine's directory.
    pub around: Surroundings,
}

impl Api {
    pub fn start() -> Self {
        Self::with(Surroundings::new(), |_| ())
    }

    pub fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(Surroundings::new(), |service| change(&mut service.limits))
    }

    /// One whose deploys run until somebody sends them a word.
    pub fn holding(change: impl FnOnce(&mut Limits)) -> (Self, Sender<()>) {
        let mut around = Surroundings::new();
        around.add_disk();
        let go = around.hold_lookups();
        let change = |service: &mut Service| change(&mut service.limits);
        (Api::with(around, change), go)
    }

    pub fn with(mut around: Surroundings, change: impl FnOnce(&mut Service)) -> Self {
        let engine = around.engine();
        let mut service = Service {
            engine: Some(engine.clone()),
            token: Some(Secret::new(TOKEN)),
            started_at: 1_795_360_816.25,
            version: "1.2.3",
            acceptor: None,
            host: around.host.clone(),
            metrics: false,
            page: None,
            limits: Limits::default(),
        };
        change(&mut service);
        let listener = api::listen(Ipv4Addr::LOCALHOST.into(), 0).expect("a free port");
        let server = api::serve(listener, service, Clock::real()).expect("it starts");
        Api {
            server,
            engine,
            around,
        }
    }

    pub fn client(&self) -> Client {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server.port()));
        let stream = stream.expect("the port is open");
        // Far above any limit under test: a test that gets here has failed.
        stream
            .set_read_timeout(Some(10 * SECOND))
            .expect("it is a socket");
        Client(stream)
    }

    /// One request on a connection of its own.
    pub fn call(&self, method: &str, target: &str, body: &str) -> Reply {
        let mut client = self.client();
        client.request(method, target, body);
        client.reply_to(method)
    }

    /// The same with the token in the query, and a reply of 200.
    pub fn command(&self, method: &str, page: &str, query: &str, body: &str) -> Object {
        let target = format!("/v1/commands/{page}?{query}&agent_token={TOKEN}");
        let reply = self.call(method, &target, body);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.object()
    }
}

/// The command list, as the API shows it.
pub fn listed(api: &Api) -> Array {
    match api.command("GET", "", "", "").remove("commands") {
        Some(Value::Array(commands)) => commands,
        other => panic!("commands is a list, not {other:?}"),
    }
}

pub struct Client(pub TcpStream);

impl Client {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has heard enough may have closed already; the reply tells.
        let _ = self.0.write_all(bytes.as_ref());
    }

    pub fn request(&mut self, method: &str, target: &str, body: &str) {
        let length = body.len();
        self.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: 192.0.2.1:9999\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    pub fn reply(&mut self) -> Reply {
        self.reply_to("GET")
    }

    /// Reads one reply, by its Content-Length and no further.
    pub fn reply_to(&mut self, method: &str) -> Reply {
        read_reply(&mut self.0, method)
    }

    /// Everything until the server closes; a reset counts as closing.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("still open after {}", String::from_utf8_lossy(&bytes))
            }
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Status 0 for a connection that closed without a reply.
pub fn read_reply(stream: &mut impl Read, method: &str) -> Reply {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("no reply in time, but {}", String::from_utf8_lossy(&head))
            }
            _ => break,
        }
    }
    let head = String::from_utf8(head).expect("a head is ASCII");
    let status = head
        .split(' ')
        .nth(1)
        .map_or(0, |s| s.parse().expect("a status"));
    let mut reply = Reply {
        status,
        head,
        body: String::new(),
    };
    let length = reply
        .header("Content-Length")
        .map_or(0, |l| l.parse().expect("a length"));
    if method != "HEAD" {
        let mut body = vec![0; length];
        stream
            .read_exact(&mut body)
            .expect("a body as long as it says");
        reply.body = String::from_utf8(body).expect("a body is UTF-8");
    }
    reply
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn object(&self) -> Object {
        match parse(&self.body) {
            Ok(Value::Object(object)) => object,
            _ => panic!("not an object: {}", self.body),
        }
    }

    /// The text of an error reply, whose form is checked on the way.
    pub fn fault(&self) -> String {
        let object = self.object();
        let code = match self.status {
            500.. => "Server",
            _ => "Client",
        };
        assert!(matches!(object.get("faultcode"), Some(Value::String(c)) if c == code));
        assert_eq!(object.len(), 2, "{}", self.body);
        match object.get("faultstring") {
            Some(Value::String(text)) => text.clone(),
            other => panic!("a faultstring is text, not {other:?}"),
        }
    }

    pub fn says_close(&self) -> bool {
        self.header("Connection") == Some("close")
    }
}
