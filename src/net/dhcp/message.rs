//! DHCP messages as bytes (RFC 2131 §2): what we ask, and what servers answer. Pure.

use std::net::Ipv4Addr;

use crate::net::dhcp::lease::Lease;
use crate::net::dhcp::option_value::addresses;
use crate::net::dhcp::options::{Options, end, put};
use crate::net::dhcp::udp_packet;
use crate::net::link::links::Mac;

/// UDP port of servers.
pub const SERVER_PORT: u16 = 67;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 68;
/// RFC 951 §3: a BOOTP message has 300 bytes, and some servers and relays drop shorter ones.
const SHORTEST: usize = 300;
/// What we are willing to read, named in option 57: an Ethernet frame's worth.
const LONGEST: u16 = 1500 - udp_packet::HEADERS as u16;
// RFC 2132: mask, router, DNS, host name, domain, MTU, broadcast, NTP, lease time, server, T1, T2; RFC 3397: search
// domains; RFC 3442: classless routes, which must be asked for before the router.
const WANTED: &[u8] = &[121, 1, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59, 119];

// The fixed part: operation, hardware type and length, hops, transaction, seconds, flags, four addresses, the
// hardware address, two names, the cookie.
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: [u8; 2] = [1, 6];
const TRANSACTION: usize = 4;
const SECONDS: usize = 8;
const CURRENT: usize = 12;
const YOURS: usize = 16;
const HARDWARE: usize = 28;
const SNAME: usize = 44;
const FILE: usize = 108;
const COOKIE: usize = 236;
const OPTIONS: usize = 240;
/// RFC 2131 §3: the options start behind this.
const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

// RFC 2132 §9.6
const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const ASK: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;

/// What we ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is there a server?
    Discover,
    /// The address just offered is wanted.
    Request {
        /// The one that was offered.
        address: Ipv4Addr,
        /// Who offered it, if it said so.
        server: Option<Ipv4Addr>,
    },
    /// More time for the address we have.
    Extend {
        /// The address to be kept.
        address: Ipv4Addr,
    },
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A server would grant this.
    Offer(Lease),
    /// A server grants this.
    Ack(Lease),
    /// A server refuses.
    Nak {
        /// Which one, if it says.
        server: Option<Ipv4Addr>,
        /// In the server's words; empty when it has none.
        why: String,
    },
}

/// What came of a message to the client port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// For this transaction of this card, and what of it makes no sense.
    Reply(Reply, Vec<String>),
    /// For us as it seems, and why it cannot be used.
    Unusable(String),
    /// Somebody else's.
    Foreign,
}

/// The message alone, as a UDP socket sends it.
pub fn message(ask: &Ask, mac: Mac, transaction: u32, seconds: u16) -> Vec<u8> {
    let mut message = vec![0; OPTIONS];
    message[0] = REQUEST;
    message[1..3].copy_from_slice(&ETHERNET);
    message[TRANSACTION..][..4].copy_from_slice(&transaction.to_be_bytes());
    message[SECONDS..][..2].copy_from_slice(&seconds.to_be_bytes());
    message[HARDWARE..][..6].copy_from_slice(&mac.0);
    message[COOKIE..].copy_from_slice(&MAGIC);
    let kind = match ask {
        Ask::Discover => DISCOVER,
        Ask::Request { .. } | Ask::Extend { .. } => ASK,
    };
    put(&mut message, 53, &[kind]);
    // 01 and the MAC: what PXE ROMs send too, so the lease is the one the machine booted with.
    put(&mut message, 61, &[&ETHERNET[..1], &mac.0].concat());
    match ask {
        Ask::Discover => {}
        Ask::Extend { address } => message[CURRENT..][..4].copy_from_slice(&address.octets()),
        Ask::Request { address, server } => {
            put(&mut message, 50, &address.octets());
            if let Some(server) = server {
                put(&mut message, 54, &server.octets());
            }
        }
    }
    put(&mut message, 57, &LONGEST.to_be_bytes());
    put(&mut message, 55, WANTED);
    put(&mut message, 60, b"ironlet");
    end(&mut message);
    message.resize(message.len().max(SHORTEST), 0);
    message
}

/// The message in an IP packet from nobody to everybody, as a machine without an address sends it.
pub fn broadcast(message: &[u8]) -> Vec<u8> {
    udp_packet::broadcast(CLIENT_PORT, SERVER_PORT, message)
}

/// Whatever packet came to a card without an address.
pub fn hear_packet(packet: &[u8], mac: Mac, transaction: u32) -> Heard {
    match udp_packet::payload(packet, CLIENT_PORT) {
        None => Heard::Foreign,
        Some(Err(why)) => Heard::Unusable(why.to_owned()),
        Some(Ok(message)) => hear(message, mac, transaction),
    }
}

/// Whatever message came to the client port.
pub fn hear(message: &[u8], mac: Mac, transaction: u32) -> Heard {
    let field = |at: usize, length: usize| message.get(at..)?.get(..length);
    let (hardware, number) = (field(HARDWARE, 6), field(TRANSACTION, 4));
    let for_us = hardware == Some(&mac.0[..]);
    match (for_us, number == Some(&transaction.to_be_bytes()[..])) {
        (true, true) => {}
        (false, false) => return Heard::Foreign,
        (true, false) => return unusable("an answer to an earlier question, or to nobody's"),
        (false, true) => return unusable("another card's address in our transaction"),
    }
    if message.len() < OPTIONS {
        return unusable("cut short");
    }
    if message[0] != REPLY || message[COOKIE..OPTIONS] != MAGIC {
        return unusable("no DHCP answer");
    }
    let options = Options::read(
        &message[OPTIONS..],
        &message[FILE..COOKIE],
        &message[SNAME..FILE],
    );
    let mut faults = options.faults.clone();
    let kind = options.get(53).and_then(|data| data.first()).copied();
    if kind == Some(NAK) {
        let server = options.get(54).and_then(|data| addresses(data).next());
        let why = options.get(56).unwrap_or_default();
        let why = why[..why.len().min(80)].escape_ascii().to_string();
        return Heard::Reply(Reply::Nak { server, why }, faults);
    }
    let address: [u8; 4] = std::array::from_fn(|at| message[YOURS + at]);
    let lease = Lease::read(address.into(), &options, &mut faults);
    let reply = match (kind, lease) {
        (Some(OFFER), Some(lease)) => Reply::Offer(lease),
        (Some(ACK), Some(lease)) => Reply::Ack(lease),
        (Some(OFFER | ACK), None) => {
            let address = Ipv4Addr::from(address);
            return Heard::Unusable(format!("{address} is no address a machine can have"));
        }
        (Some(kind), _) => {
            return Heard::Unusable(format!("type (option 53) {kind}, which no server sends"));
        }
        (None, _) => return unusable("no type (option 53): is that a BOOTP server?"),
    };
    Heard::Reply(reply, faults)
}

fn unusable(why: &str) -> Heard {
    Heard::Unusable(why.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

    /// A server's answer as bytes: fixed part, cookie, options.
    pub fn answer(transaction: u32, address: [u8; 4], options: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; OPTIONS];
        bytes[..3].copy_from_slice(&[2, 1, 6]);
        bytes[4..8].copy_from_slice(&transaction.to_be_bytes());
        bytes[16..20].copy_from_slice(&address);
        bytes[28..34].copy_from_slice(&MAC.0);
        bytes[236..].copy_from_slice(&MAGIC);
        for (kind, data) in options {
            put(&mut bytes, *kind, data);
        }
        end(&mut bytes);
        bytes
    }

    pub const OPTIONS_OF_AN_OFFER: &[(u8, &[u8])] = &[
        (53, &[2]),
        (54, &[192, 0, 2, 1]),
        (51, &[0, 0, 14, 16]),
        (1, &[255, 255, 255, 0]),
    ];

    fn why(heard: Heard) -> String {
        match heard {
            Heard::Unusable(why) => why,
            other => panic!("unusable, not {other:?}"),
        }
    }

    #[test]
    fn what_is_sent_is_what_rfc_2131_says() {
        let sent = message(&Ask::Discover, MAC, 7, 3);
        assert_eq!(sent.len(), SHORTEST);
        assert_eq!(sent[..12], [1, 1, 6, 0, 0, 0, 0, 7, 0, 3, 0, 0]);
        assert_eq!(sent[28..35], [2, 0, 0, 0, 0, 7, 0]);
        let options = |sent: &[u8]| Options::read(&sent[OPTIONS..], &[], &[]);
        let read = options(&sent);
        assert_eq!(read.get(53), Some(&[DISCOVER][..]));
        assert_eq!(read.get(61), Some(&[1, 2, 0, 0, 0, 0, 7][..]));
        assert_eq!(read.get(57), Some(&1472u16.to_be_bytes()[..]));
        assert!(read.get(50).is_none() && read.get(55) == Some(WANTED));
        let (address, server) = (Ipv4Addr::new(192, 0, 2, 9), Ipv4Addr::new(192, 0, 2, 1));
        for server in [Some(server), None] {
            let sent = message(&Ask::Request { address, server }, MAC, 7, 3);
            let read = options(&sent);
            assert_eq!(read.get(50), Some(&address.octets()[..]));
            assert_eq!(
                read.get(54),
                server.map(|ip| ip.octets()).as_ref().map(|ip| &ip[..])
            );
            assert_eq!(sent[CURRENT..][..4], [0; 4]);
        }
        let sent = message(&Ask::Extend { address }, MAC, 7, 3);
        assert_eq!(sent[CURRENT..][..4], address.octets());
        assert!(options(&sent).get(50).is_none());
    }

    #[test]
    fn an_answer_to_us_is_read() {
        let offer = answer(7, [192, 0, 2, 9], OPTIONS_OF_AN_OFFER);
        let Heard::Reply(Reply::Offer(lease), faults) = hear(&offer, MAC, 7) else {
            panic!("an offer, not {:?}", hear(&offer, MAC, 7))
        };
        assert_eq!(lease.address, Ipv4Addr::new(192, 0, 2, 9));
        assert_eq!((lease.prefix, faults.len()), (24, 0));
        assert!(lease.is_complete());
        let mut packet = broadcast(&offer);
        assert_eq!(
            hear_packet(&packet, MAC, 7),
            Heard::Foreign,
            "it goes to a server"
        );
        packet[23] = CLIENT_PORT as u8;
        assert_eq!(hear_packet(&packet, MAC, 7), hear(&offer, MAC, 7));
        packet[6] = 0x20;
        assert!(why(hear_packet(&packet, MAC, 7)).contains("fragments"));
        let nak = answer(
            7,
            [0; 4],
            &[(53, &[6]), (54, &[192, 0, 2, 1]), (56, b"no\nmore")],
        );
        let (server, why) = (Some(Ipv4Addr::new(192, 0, 2, 1)), "no\\nmore".to_owned());
        assert_eq!(
            hear(&nak, MAC, 7),
            Heard::Reply(Reply::Nak { server, why }, Vec::new())
        );
        let nak = answer(7, [0; 4], &[(53, &[6])]);
        let (server, why) = (None, String::new());
        assert_eq!(
            hear(&nak, MAC, 7),
            Heard::Reply(Reply::Nak { server, why }, Vec::new())
        );
    }

    /// RFC 2131 §4.1, RFC 3396 §5: the options, then `file`, then `sname`.
    #[test]
    fn options_may_stand_in_the_fields_for_names() {
        let mut offer = answer(7, [192, 0, 2, 9], &[(52, &[3]), (6, &[192, 0])]);
        offer[FILE..][..14].copy_from_slice(&[53, 1, 2, 1, 4, 255, 255, 240, 0, 6, 2, 2, 53, 255]);
        offer[SNAME..][..6].copy_from_slice(&[54, 4, 192, 0, 2, 1]);
        let Heard::Reply(Reply::Offer(lease), faults) = hear(&offer, MAC, 7) else {
            panic!("an offer, not {:?}", hear(&offer, MAC, 7))
        };
        assert_eq!(lease.prefix, 20);
        assert_eq!(lease.name_servers, [Ipv4Addr::new(192, 0, 2, 53)]);
        assert_eq!(lease.server, Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(faults.len(), 0);
    }

    #[test]
    fn what_cannot_be_used_says_why_and_what_is_not_ours_nothing() {
        let good = answer(7, [192, 0, 2, 9], OPTIONS_OF_AN_OFFER);
        let with = |at: usize, value: u8| {
            let mut bad = good.clone();
            bad[at] = value;
            bad
        };
        for (bad, part) in [
            (with(7, 8), "earlier question"),
            (with(33, 8), "another card's"),
            (with(0, 1), "no DHCP answer"),
            (with(236, 0), "no DHCP answer"),
            (with(16, 0), "0.0.2.9 is no address"),
            (with(242, 1), "type (option 53) 1"),
            (with(240, 224), "no type"),
            (good[..239].to_vec(), "cut short"),
        ] {
            let told = why(hear(&bad, MAC, 7));
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(hear(&good, Mac([2; 6]), 8), Heard::Foreign);
        for length in 0..good.len() {
            // Cut anywhere: nothing, or at most what the bytes that are left do say.
            hear(&good[..length], MAC, 7);
            hear_packet(&good[..length], MAC, 7);
        }
    }
}
