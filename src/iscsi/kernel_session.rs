//! The kernel's half of iSCSI, as include/scsi/iscsi_if.h has it: sessions and connections made, started and stopped by netlink messages,
//! and word of those that are lost.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use crate::clock::Deadline;
use crate::error::{Context, Error, Result};
use crate::iscsi::login::Head;
use crate::iscsi::terms::{Agreed, TAKEN_AT_ONCE};
use crate::sys::socket::{Netlink, readable};

/// enum iscsi_uevent_e
const CREATE_SESSION: u32 = 11;
const DESTROY_SESSION: u32 = 12;
const CREATE_CONN: u32 = 13;
const DESTROY_CONN: u32 = 14;
const BIND_CONN: u32 = 15;
const SET_PARAM: u32 = 16;
const START_CONN: u32 = 17;
const STOP_CONN: u32 = 18;
const SEND_PDU: u32 = 19;
const RECV_PDU: u32 = 101;
const CONN_ERROR: u32 = 102;
const IF_ERROR: u32 = 103;

/// Why a connection is stopped.
const TERM: u32 = 1;
const RECOVER: u32 = 3;

/// linux/netlink.h: struct nlmsghdr; struct iscsi_uevent: type, error and transport, what is asked, what is answered.
const NETLINK_HEAD: usize = 16;
const ASKED: usize = NETLINK_HEAD + 16;
const ANSWERED: usize = ASKED + 24;
const EVENT: usize = ANSWERED + 16;
/// What the kernel may take for a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// enum iscsi_param, and what each connection gets beside what was agreed on. Pings every five seconds tell of a target that is gone
/// without a word; what is written waits ten minutes for it to come back.
const PARAMETERS: [(u32, &str); 12] = [
    (2, "0"),    // header digest
    (3, "0"),    // data digest
    (5, "1"),    // R2Ts at once
    (9, "1"),    // PDUs in order
    (10, "1"),   // sequences in order
    (11, "0"),   // error recovery level
    (19, "600"), // seconds until a lost session fails what waits for it
    (26, "1"),   // no answers after an abort
    (27, "15"),  // seconds for an abort
    (28, "30"),  // and for a reset
    (30, "5"),   // seconds for a ping
    (31, "5"),   // seconds of silence before one
];

/// A session of one connection.
#[derive(Clone, Copy)]
pub struct Session {
    id: u32,
    /// The SCSI host it is.
    pub host: u32,
}

/// What the kernel says unasked.
struct Event {
    kind: u32,
    session: u32,
    /// Of a lost connection: why.
    error: u32,
    /// Of a PDU: all of it.
    pdu: Vec<u8>,
}

/// The kernel, as it is asked.
pub struct Kernel {
    netlink: Netlink,
    transport: u64,
    unheard: Vec<Event>,
}

impl Kernel {
    /// `transport` is what it calls iscsi_tcp.
    pub fn open(transport: u64) -> io::Result<Self> {
        Ok(Kernel {
            netlink: Netlink::iscsi()?,
            transport,
            unheard: Vec::new(),
        })
    }

    /// A session, and a connection of it that is nowhere yet.
    pub fn create(&mut self) -> Result<Session> {
        // The first command's number; commands at once, and of one unit.
        let asked = [1u32.to_ne_bytes(), (128u32 | 32 << 16).to_ne_bytes()].concat();
        let answer = self
            .ask(CREATE_SESSION, &asked, &[])
            .context("making an iSCSI session")?;
        let session = Session {
            id: word(&answer, 0),
            host: word(&answer, 4),
        };
        let made = self.ask(CREATE_CONN, &words(&[session.id, 0]), &[]);
        if let Err(error) = made {
            self.destroy(session);
            return Err(Error::from(error)).context("making an iSCSI connection");
        }
        Ok(session)
    }

    /// Gives it up.
    pub fn destroy(&mut self, session: Session) {
        let asked = words(&[session.id, 0, 0, 0, TERM]);
        // There may be no connection.
        let _ = self.ask(STOP_CONN, &asked, &[]);
        let _ = self.ask(DESTROY_CONN, &words(&[session.id, 0]), &[]);
        if let Err(error) = self.ask(DESTROY_SESSION, &words(&[session.id]), &[]) {
            log::warn!("giving up an iSCSI session: {error}");
        }
    }

    /// Takes its connection away; what is under way waits for another.
    pub fn stop(&mut self, session: Session) {
        if let Err(error) = self.ask(STOP_CONN, &words(&[session.id, 0, 0, 0, RECOVER]), &[]) {
            log::warn!("stopping an iSCSI connection: {error}");
        }
        self.unheard.retain(|event| event.session != session.id);
    }

    /// Gives it this connection, over which there was nothing said yet.
    pub fn bind(&mut self, session: Session, stream: &TcpStream) -> Result<()> {
        self.unheard.retain(|event| event.session != session.id);
        let asked = words(&[session.id, 0, stream.as_raw_fd() as u32, 0, 1]);
        self.ask(BIND_CONN, &asked, &[])
            .context("handing the connection to the kernel")?;
        self.set(session, 0, &TAKEN_AT_ONCE.to_string())
    }

    /// From here on the kernel speaks.
    pub fn start(
        &mut self,
        session: Session,
        agreed: &Agreed,
        target: &str,
        portal: SocketAddr,
    ) -> Result<()> {
        let flag = |on: bool| if on { "1" } else { "0" };
        for (parameter, value) in PARAMETERS {
            self.set(session, parameter, value)?;
        }
        for (parameter, value) in [
            (1, agreed.sent_at_once.to_string().as_str()),
            (4, flag(agreed.initial_r2t)),
            (6, flag(agreed.immediate_data)),
            (7, &agreed.first_burst.to_string()),
            (8, &agreed.max_burst.to_string()),
            (14, &agreed.exp_statsn.to_string()),
            (15, target),
            (16, &agreed.group),
            (17, &portal.ip().to_string()),
            (18, &portal.port().to_string()),
        ] {
            self.set(session, parameter, value)?;
        }
        let started = self.ask(START_CONN, &words(&[session.id, 0]), &[]);
        started.context("starting the session").map(drop)
    }

    fn set(&mut self, session: Session, parameter: u32, value: &str) -> Result<()> {
        let text = format!("{value}\0");
        let asked = words(&[session.id, 0, parameter, text.len() as u32]);
        let done = self.ask(SET_PARAM, &asked, text.as_bytes());
        done.context("setting up the session").map(drop)
    }

    /// Sends a PDU, and waits for the one that answers.
    pub fn exchange(
        &mut self,
        session: Session,
        head: &Head,
        text: &[u8],
        patience: Duration,
    ) -> Result<(Head, Vec<u8>)> {
        let asked = words(&[session.id, 0, head.len() as u32, text.len() as u32]);
        let pdu = [head, text].concat();
        self.ask(SEND_PDU, &asked, &pdu)
            .context("sending to its target")?;
        let event = self.event(session, Some(patience))?;
        match event.pdu.split_first_chunk() {
            Some((head, text)) if event.kind == RECV_PDU => {
                // What follows the text is padding.
                let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
                Ok((*head, text[..length.min(text.len())].to_vec()))
            }
            _ => Err(Error::plain(format!(
                "its target hung up (error {})",
                event.error
            ))),
        }
    }

    /// Waits until its connection is lost, and stops it: why, in the kernel's number.
    pub fn lost(&mut self, session: Session) -> Result<String> {
        loop {
            let event = self.event(session, None)?;
            if event.kind == CONN_ERROR {
                self.stop(session);
                return Ok(why(event.error));
            }
        }
    }

    fn event(&mut self, session: Session, patience: Option<Duration>) -> Result<Event> {
        let deadline = patience.map(Deadline::within);
        loop {
            self.unheard.retain(|event| event.session == session.id);
            if !self.unheard.is_empty() {
                return Ok(self.unheard.remove(0));
            }
            let left = deadline.map(Deadline::left);
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Error::plain("its target does not answer"));
            }
            readable([self.netlink.as_fd()], left).context("waiting for word of the kernel's")?;
            self.hear(u32::MAX)?;
        }
    }

    /// What the kernel answers to one request.
    fn ask(&mut self, kind: u32, asked: &[u8], more: &[u8]) -> io::Result<[u8; 16]> {
        let mut message = vec![0; EVENT];
        let length = (EVENT + more.len()) as u32;
        message[..4].copy_from_slice(&length.to_ne_bytes());
        message[4..6].copy_from_slice(&(kind as u16).to_ne_bytes());
        message[NETLINK_HEAD..][..4].copy_from_slice(&kind.to_ne_bytes());
        message[NETLINK_HEAD + 8..][..8].copy_from_slice(&self.transport.to_ne_bytes());
        message[ASKED..][..asked.len()].copy_from_slice(asked);
        message.extend(more);
        self.netlink.send(&message)?;
        let deadline = Deadline::within(PATIENCE);
        while !deadline.is_over() {
            if let Some(answer) = self.hear(kind)? {
                let answer = answer?;
                let code = word(&answer, 0) as i32;
                let is_code = !matches!(
                    kind,
                    CREATE_SESSION | CREATE_CONN | DESTROY_SESSION | DESTROY_CONN
                );
                return if is_code && code < 0 {
                    Err(errno(code))
                } else {
                    Ok(answer)
                };
            }
            readable([self.netlink.as_fd()], Some(deadline.left()))?;
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Takes all that is there: the answer to a request of this kind comes back, the rest is kept.
    fn hear(&mut self, kind: u32) -> io::Result<Option<io::Result<[u8; 16]>>> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let heard = match self.netlink.receive(&mut buffer) {
                Ok(heard) => heard,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            if heard.len() < EVENT {
                continue;
            }
            let answered: &[u8; 16] = heard[ANSWERED..]
                .first_chunk()
                .ok_or(io::ErrorKind::InvalidData)?;
            let is_answer = u32::from(u16::from_ne_bytes([heard[4], heard[5]])) == kind;
            match word(heard, NETLINK_HEAD) {
                IF_ERROR if is_answer => {
                    return Ok(Some(Err(errno(word(heard, NETLINK_HEAD + 4) as i32))));
                }
                own if own == kind && is_answer => return Ok(Some(Ok(*answered))),
                own @ (RECV_PDU | CONN_ERROR) => self.unheard.push(Event {
                    kind: own,
                    session: word(answered, 0),
                    error: word(answered, 8),
                    pdu: heard[EVENT..].to_vec(),
                }),
                _ => {}
            }
        }
    }
}

/// enum iscsi_err, as far as it tells something.
fn why(error: u32) -> String {
    let known = match error {
        1011 => "it failed",
        1019 => "nothing can be sent",
        1020 => "the other side closed it",
        1022 => "the other side is silent",
        number => return format!("the kernel's error {number}"),
    };
    known.to_owned()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect()
}

/// The number there; zero beyond the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, u32::from_ne_bytes)
}

/// What a reply of the kernel's means that is no reply.
fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number.unsigned_abs() as i32)
}
