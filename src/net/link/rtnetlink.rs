//! rtnetlink messages: built, sent and taken apart. What they mean is said in links.rs and configure.rs.

use std::os::fd::AsFd;
use std::time::Duration;
use std::{io, iter};

use crate::sys::socket::{Netlink, readable};

// linux/netlink.h
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;
/// linux/netlink.h: replace what is there.
pub const NLM_F_REPLACE: u16 = 0x100;
/// linux/netlink.h: an error if it is there.
pub const NLM_F_EXCL: u16 = 0x200;
/// linux/netlink.h: create what is not there.
pub const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLA_TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 16;

/// The kernel's own replies are at most 32 KiB (net/netlink/af_netlink.c, netlink_dump).
pub const BUFFER: usize = 64 << 10;
/// The kernel answers at once; this only keeps a bug from hanging us.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message on its way to the kernel.
pub struct Request(Vec<u8>);

impl Request {
    /// `body` is the fixed struct that goes before the attributes.
    pub fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        bytes[8..12].copy_from_slice(&1u32.to_ne_bytes());
        bytes.extend(body);
        Request(bytes)
    }

    /// With one attribute more.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.0.extend((value.len() as u16 + 4).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let length = (self.0.len() as u32).to_ne_bytes();
        self.0[..4].copy_from_slice(&length);
        self.0
    }
}

/// Attributes as the value of one that holds others.
pub fn nest(attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let request = attributes
        .iter()
        .fold(Request(Vec::new()), |nested, (kind, value)| {
            nested.attribute(*kind, value)
        });
    request.0
}

/// A message from the kernel; `body` is the fixed struct and the attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// RTM_…, or NLMSG_…
    pub kind: u16,
    /// All after the header.
    pub body: Vec<u8>,
}

/// Has the kernel do something and waits until it says it did.
pub fn tell(
    kind: u16,
    flags: u16,
    request: impl FnOnce(Request) -> Request,
    body: &[u8],
) -> io::Result<()> {
    let request = request(Request::new(kind, flags | NLM_F_ACK, body));
    converse(request).map(drop)
}

/// Everything of one kind the kernel knows.
pub fn dump(kind: u16, body: &[u8]) -> io::Result<Vec<Message>> {
    converse(Request::new(kind, NLM_F_DUMP, body))
}

fn converse(request: Request) -> io::Result<Vec<Message>> {
    let socket = Netlink::route(0)?;
    socket.send(&request.finish())?;
    let mut heard = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        if readable([socket.as_fd()], Some(PATIENCE))? == [false] {
            return Err(io::ErrorKind::TimedOut.into());
        }
        for message in messages(socket.receive(&mut buffer)?) {
            match message.kind {
                NLMSG_DONE => return Ok(heard),
                NLMSG_ERROR => {
                    // struct nlmsgerr opens with a negative errno; 0 is the acknowledgement.
                    return match -field(&message.body, 0).map_or(0, i32::from_ne_bytes) {
                        0 => Ok(heard),
                        errno => Err(io::Error::from_raw_os_error(errno)),
                    };
                }
                _ => heard.push(message),
            }
        }
    }
}

/// The messages of one datagram; what is cut short is left out.
pub fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message> {
    iter::from_fn(move || {
        let length = u32::from_ne_bytes(field(datagram, 0)?) as usize;
        let kind = u16::from_ne_bytes(field(datagram, 4)?);
        let body = datagram.get(HEADER..length)?.to_vec();
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(Message { kind, body })
    })
}

/// The attributes of `bytes`, type and value; what is cut short is left out.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(field(bytes, 0)?));
        let kind = u16::from_ne_bytes(field(bytes, 2)?) & NLA_TYPE_MASK;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

/// `N` bytes at `at`, if there are that many.
pub fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_taken_apart_again() {
        let built = Request::new(16, 0, &[1, 2, 3, 4])
            .attribute(3, b"eth0\0")
            .attribute(4, &[9])
            .finish();
        let messages: Vec<_> = messages(&built).collect();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].kind, 16);
        let found: Vec<_> = attributes(&messages[0].body[4..]).collect();
        assert_eq!(found, [(3, &b"eth0\0"[..]), (4, &[9][..])]);
    }

    #[test]
    fn short_and_lying_lengths_end_the_list() {
        for bytes in [
            &[][..],
            &[3],
            &[0, 0, 0, 0],
            &[3, 0, 1, 0],
            &[200, 0, 1, 0, 1],
        ] {
            assert_eq!(attributes(bytes).count(), 0, "{bytes:?}");
        }
        let mut built = Request::new(16, 0, &[0; 4]).finish();
        for length in [0u32, 15, 21, u32::MAX] {
            built[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&built).count(), 0, "{length}");
        }
    }

    #[test]
    fn the_kernel_refuses_nonsense_with_an_errno() {
        // RTM_GETLINK (18) for a link that cannot be there.
        let nowhere = [0, 0, 0, 0, 255, 255, 255, 127, 0, 0, 0, 0, 0, 0, 0, 0];
        let error = tell(18, 0, |request| request, &nowhere).expect_err("an error");
        assert!(error.raw_os_error().is_some(), "{error}");
    }
}
