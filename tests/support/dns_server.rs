//! A DNS server of a few lines, on the loopback, that says what the test wants: by UDP and TCP, in threads of their own.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What is answered to one question.
#[derive(Clone)]
pub enum Say {
    Nothing,
    /// A response code, and no record.
    Code(u8),
    /// No record, in order.
    Empty,
    /// Records of these addresses; the kind of each is its own.
    Addresses(Vec<IpAddr>),
    /// By UDP that it does not fit, by TCP the addresses.
    ByTcp(Vec<IpAddr>),
    /// After this time.
    Late(u64, Box<Say>),
    /// Bytes that are no answer, then the answer.
    After(Vec<u8>, Box<Say>),
}

pub struct DnsServer {
    pub address: SocketAddr,
    questions: Arc<AtomicUsize>,
}

impl DnsServer {
    /// `say` hears the name in lower case and the type of record: 1 is A, 28 is AAAA.
    pub fn start(say: impl Fn(&str, u8) -> Say + Send + Sync + 'static) -> DnsServer {
        let (udp, tcp) = ports();
        let address = udp.local_addr().expect("a port");
        let say = Arc::new(say);
        let questions = Arc::new(AtomicUsize::new(0));
        let (asked, heard) = (say.clone(), questions.clone());
        thread::spawn(move || {
            let mut buffer = [0; 600];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                heard.fetch_add(1, Ordering::SeqCst);
                let (question, socket) = (buffer[..length].to_vec(), udp.try_clone());
                let socket = socket.expect("a socket");
                let (name, kind) = read(&question);
                let said = asked(&name, kind);
                thread::spawn(move || {
                    answers(&question, said, false, &mut |message| {
                        let _ = socket.send_to(message, from);
                    });
                });
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let mut stream = stream;
                let mut length = [0; 2];
                if stream.read_exact(&mut length).is_err() {
                    continue;
                }
                let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                if stream.read_exact(&mut question).is_err() {
                    continue;
                }
                let (name, kind) = read(&question);
                answers(&question, say(&name, kind), true, &mut |message| {
                    let length = (message.len() as u16).to_be_bytes();
                    // In two pieces: a length is no promise that the rest is there.
                    let _ = stream.write_all(&[&length, &message[..5]].concat());
                    let _ = stream.flush();
                    thread::sleep(Duration::from_millis(20));
                    let _ = stream.write_all(&message[5..]);
                });
            }
        });
        DnsServer { address, questions }
    }

    /// Datagrams that came.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

/// The same port for both.
fn ports() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("a port")) {
            return (udp, tcp);
        }
    }
}

fn read(question: &[u8]) -> (String, u8) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), question[at + 2])
}

fn answers(question: &[u8], say: Say, tcp: bool, send: &mut dyn FnMut(&[u8])) {
    match say {
        Say::Nothing => {}
        Say::Code(code) => send(&message(question, 0, code, &[])),
        Say::Empty => send(&message(question, 0, 0, &[])),
        Say::Addresses(addresses) => send(&message(question, 0, 0, &addresses)),
        Say::ByTcp(addresses) if tcp => send(&message(question, 0, 0, &addresses)),
        Say::ByTcp(_) => send(&message(question, 2, 0, &[])),
        Say::Late(milliseconds, say) => {
            thread::sleep(Duration::from_millis(milliseconds));
            answers(question, *say, tcp, send);
        }
        Say::After(bytes, say) => {
            send(&bytes);
            answers(question, *say, tcp, send);
        }
    }
}

fn message(question: &[u8], flags: u8, code: u8, addresses: &[IpAddr]) -> Vec<u8> {
    let mut message = question.to_vec();
    (message[2], message[3]) = (0x81 | flags, 0x80 | code);
    message[7] = addresses.len() as u8;
    for address in addresses {
        let (kind, data) = match address {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (28, ip.octets().to_vec()),
        };
        message.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        message.extend(data);
    }
    message
}
