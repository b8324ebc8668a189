//! One name asked of every DNS server at once, for each family of addresses apart: whose answer counts, and how long
//! the rest is waited for. The names to ask for are names.rs's choice, the bytes dns_message.rs's.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use crate::clock::Clock;
use crate::net::address::dns_message::{self, Kind, Verdict};
use crate::sys::kernel;
use crate::sys::socket::readable;

/// resolv.h: MAXNS; more are not asked.
pub const SERVERS: usize = 3;
/// How long servers may be silent. Whoever needs the name tries again anyway.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// When a server that said nothing is asked again.
const AGAIN: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// How much longer the other family is waited for, once there is an address of one.
const OTHER_FAMILY: Duration = Duration::from_millis(300);
/// How much longer the other servers are waited for, once one has said that there is no such name.
const OTHER_SERVERS: Duration = Duration::from_secs(1);
/// Datagrams read in one go: a flood must not keep us from looking at the time.
const AT_ONCE: usize = 64;

/// One question to one server.
pub struct Query {
    /// Who was asked.
    pub server: SocketAddr,
    kind: Kind,
    message: Vec<u8>,
    state: State,
}

enum State {
    Waiting,
    Said(Verdict),
    /// No way to ask.
    Lost(String),
}

/// What every server said of `name` within the `longest` it may take, or sooner when it makes no sense to wait; an error when it is
/// no name that DNS could know.
pub fn ask(
    servers: &[SocketAddr],
    clock: &Clock,
    name: &str,
    longest: Duration,
) -> io::Result<Vec<Query>> {
    let (mut queries, mut sockets) = (Vec::new(), Vec::new());
    for server in servers.iter().take(SERVERS) {
        let socket = open(*server);
        for kind in [Kind::A, Kind::Aaaa] {
            let mut id = [0; 2];
            kernel::random(&mut id)?;
            let message = dns_message::question(id, name, kind).ok_or_else(|| {
                io::Error::other("DNS knows only names in ASCII, with parts of 1 to 63 characters")
            })?;
            queries.push(Query {
                server: *server,
                kind,
                message,
                state: match &socket {
                    Ok(_) => State::Waiting,
                    Err(error) => State::Lost(error.to_string()),
                },
            });
        }
        sockets.extend(socket.ok().map(|socket| (*server, socket)));
    }
    let end = clock.elapsed() + longest;
    let (began, mut sent, mut stop) = (clock.elapsed(), 0, end);
    loop {
        let now = clock.elapsed();
        if now >= stop || sockets.is_empty() || !queries.iter().any(Query::waits) {
            return Ok(queries);
        }
        let again = AGAIN
            .get(sent)
            .map_or(stop, |after| stop.min(began + *after));
        if now >= again {
            sent += 1;
            for (server, socket) in &sockets {
                send(socket, &mut waiting(&mut queries, *server));
            }
            continue;
        }
        // A place for each socket there could be; the last one stands in for those there are not.
        let files: [_; SERVERS] =
            std::array::from_fn(|at| sockets[at.min(sockets.len() - 1)].1.as_fd());
        let heard = readable(files, Some(again - now))?;
        for ((server, socket), _) in sockets.iter().zip(heard).filter(|(_, heard)| *heard) {
            hear(clock, end, socket, &mut waiting(&mut queries, *server));
        }
        stop = stop.min(clock.elapsed().saturating_add(patience(&queries)));
    }
}

fn waiting(queries: &mut [Query], server: SocketAddr) -> Vec<&mut Query> {
    let asked = |query: &&mut Query| query.server == server && query.waits();
    queries.iter_mut().filter(asked).collect()
}

/// A socket that hears this server only, on a port nobody can guess.
fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn send(socket: &UdpSocket, queries: &mut [&mut Query]) {
    for query in queries {
        if let Err(error) = socket.send(&query.message) {
            query.state = State::Lost(error.to_string());
        }
    }
}

/// Takes what has come of one server's answers to `asked`.
fn hear(clock: &Clock, end: Duration, socket: &UdpSocket, asked: &mut [&mut Query]) {
    let mut buffer = [0; 4096];
    for _ in 0..AT_ONCE {
        let message = match socket.recv(&mut buffer) {
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // What routers and the server's machine say by ICMP.
            Err(error) => {
                for query in asked.iter_mut().filter(|query| query.waits()) {
                    query.state = State::Lost(error.to_string());
                }
                return;
            }
        };
        for query in asked.iter_mut().filter(|query| query.waits()) {
            query.state = match dns_message::answer(message, &query.message) {
                None => continue,
                Some(Verdict::Truncated) => match by_tcp(clock, end, socket, &query.message) {
                    Ok(verdict) => State::Said(verdict),
                    Err(error) => State::Lost(format!("by TCP: {error}")),
                },
                Some(verdict) => State::Said(verdict),
            };
        }
    }
}

/// The same question by TCP (RFC 7766), where a message has its length before it.
fn by_tcp(
    clock: &Clock,
    end: Duration,
    socket: &UdpSocket,
    question: &[u8],
) -> io::Result<Verdict> {
    let left = || {
        end.saturating_sub(clock.elapsed())
            .max(Duration::from_millis(1))
    };
    let mut tcp = TcpStream::connect_timeout(&socket.peer_addr()?, left())?;
    tcp.set_write_timeout(Some(left()))?;
    let length = (question.len() as u16).to_be_bytes();
    tcp.write_all(&[&length, question].concat())?;
    let (mut message, mut buffer) = (Vec::new(), [0; 4096]);
    while clock.elapsed() < end {
        tcp.set_read_timeout(Some(left()))?;
        match tcp.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => message.extend(&buffer[..length]),
        }
        let Some((length, rest)) = message.split_first_chunk() else {
            continue;
        };
        if let Some(whole) = rest.get(..usize::from(u16::from_be_bytes(*length))) {
            return dns_message::answer(whole, question).ok_or(io::ErrorKind::InvalidData.into());
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// How much longer it makes sense to wait.
fn patience(queries: &[Query]) -> Duration {
    let kinds = |test: fn(&Query) -> bool| {
        let any = |kind| {
            queries
                .iter()
                .any(|query| query.kind == kind && test(query))
        };
        [any(Kind::A), any(Kind::Aaaa)]
    };
    // Whoever knows one family of addresses and has spoken of the other knows the name.
    let spoke = |one: &Query| {
        let same = |other: &&Query| other.server == one.server;
        !queries.iter().filter(same).any(Query::waits)
    };
    match kinds(Query::knows) {
        [true, true] => Duration::ZERO,
        [false, false] if kinds(Query::denies) == [true, true] => OTHER_SERVERS,
        [false, false] => Duration::MAX,
        _ if queries.iter().any(|query| query.knows() && spoke(query)) => Duration::ZERO,
        _ => OTHER_FAMILY,
    }
}

impl Query {
    /// The addresses it found.
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.state {
            State::Said(Verdict::Addresses(addresses)) => addresses,
            _ => &[],
        }
    }

    /// Did the server say anything, be it no?
    pub fn is_answered(&self) -> bool {
        matches!(self.state, State::Said(_))
    }

    /// What the server had to say, for people.
    pub fn outcome(&self) -> String {
        let server = self.server.ip();
        match &self.state {
            State::Waiting => format!("{server} is silent"),
            State::Said(verdict) => format!("{server} {verdict}"),
            State::Lost(error) => format!("{server} cannot be asked ({error})"),
        }
    }

    fn waits(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    fn knows(&self) -> bool {
        !self.addresses().is_empty()
    }

    fn denies(&self) -> bool {
        // NXDOMAIN: RFC 1035 §4.1.1
        matches!(self.state, State::Said(Verdict::Empty | Verdict::Error(3)))
    }
}
