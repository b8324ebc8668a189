//! DHCPv6 messages as bytes: what is asked, and whether what comes is an answer to it (RFC 8415). Pure; every byte of an
//! answer is somebody else's.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::net::dhcpv6::answer::Answer;
use crate::net::dhcpv6::options::{
    CLIENT_ID, DNS_SERVERS, DOMAINS, ELAPSED, IA_ADDRESS, IA_NA, NTP, ORO, REFRESH, SERVER_ID,
    SNTP_SERVERS, options, put,
};
use crate::net::link::links::Mac;

/// The client's port.
pub const CLIENT_PORT: u16 = 546;
/// The servers' port.
pub const SERVER_PORT: u16 = 547;
/// RFC 8415 §7.1: all servers and relays of a link.
pub const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// RFC 8415 §11.1: the longest identifier of a server.
const LONGEST_DUID: usize = 130;

// RFC 8415 §7.3
const ADVERTISE: u8 = 2;
const REPLY: u8 = 7;
/// What a client asks (RFC 8415 §7.3), by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who grants addresses here?
    Solicit = 1,
    /// Of one server: what it offered.
    Request = 3,
    /// Do these addresses belong where the cable is now?
    Confirm = 4,
    /// Of the server of the lease: more time.
    Renew = 5,
    /// Of any server: more time.
    Rebind = 6,
    /// To the server of the lease: somebody has this address.
    Decline = 9,
    /// No address, but everything else.
    Information = 11,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is asked.
    pub kind: Kind,
    /// Identifier of the one server that is asked; none asks all.
    pub server: Option<Vec<u8>>,
    /// The addresses in question.
    pub addresses: Vec<Ipv6Addr>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An answer, and what of it made no sense.
    Answer(Answer, Vec<String>),
    /// An answer to us that is of no use, and why.
    Unusable(String),
    /// Not for us.
    Foreign,
}

/// What tells this card's client from others: a DUID of the card's own address, type 3 of RFC 8415 §11.4. One for each card,
/// so that a server that knows machines by MAC address knows it.
fn duid(mac: Mac) -> Vec<u8> {
    [&[0, 3, 0, 1], &mac.0[..]].concat()
}

/// A message to be sent; `waited` is the time since the first of its kind.
pub fn message(ask: &Ask, mac: Mac, transaction: [u8; 3], waited: Duration) -> Vec<u8> {
    let mut message = [&[ask.kind as u8], &transaction[..]].concat();
    put(&mut message, CLIENT_ID, &duid(mac));
    if let Some(server) = &ask.server {
        put(&mut message, SERVER_ID, server);
    }
    let hundredths = u16::try_from(waited.as_millis() / 10).unwrap_or(u16::MAX);
    put(&mut message, ELAPSED, &hundredths.to_be_bytes());
    if ask.kind != Kind::Information {
        // RFC 8415 §21.4: identifier, two times that are the server's to choose, addresses.
        let mut association = [&mac.0[2..], &[0; 8]].concat();
        for address in &ask.addresses {
            put(
                &mut association,
                IA_ADDRESS,
                &[&address.octets()[..], &[0; 8]].concat(),
            );
        }
        put(&mut message, IA_NA, &association);
    }
    if !matches!(ask.kind, Kind::Confirm | Kind::Decline) {
        let wanted = [DNS_SERVERS, DOMAINS, SNTP_SERVERS, NTP, REFRESH];
        put(&mut message, ORO, &wanted.map(u16::to_be_bytes).concat());
    }
    message
}

/// What a message says to this card's question of that number.
pub fn hear(message: &[u8], mac: Mac, transaction: [u8; 3]) -> Heard {
    let Some(([kind @ (ADVERTISE | REPLY), id @ ..], body)) = message.split_first_chunk::<4>()
    else {
        return Heard::Foreign;
    };
    let find = |number| {
        options(body)
            .find(|(n, _)| *n == number)
            .map(|(_, data)| data)
    };
    if *id != transaction || find(CLIENT_ID).is_some_and(|client| client != duid(mac)) {
        return Heard::Foreign;
    }
    let server = find(SERVER_ID).filter(|id| (1..=LONGEST_DUID).contains(&id.len()));
    let (Some(server), Some(_)) = (server, find(CLIENT_ID)) else {
        return Heard::Unusable("it does not say whose it is, or to whom it goes".to_owned());
    };
    let (answer, faults) = Answer::read(body, &mac.0[2..]);
    let answer = Answer {
        advertised: *kind == ADVERTISE,
        server: server.to_vec(),
        ..answer
    };
    Heard::Answer(answer, faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dhcpv6::answer::{ADDRESSES, Granted};
    use crate::net::dhcpv6::options::{NTP_ADDRESS, PREFERENCE, STATUS};

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);
    const ID: [u8; 3] = [1, 2, 3];

    fn option(number: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, number, data);
        bytes
    }

    fn address(last: u16, preferred: u32, valid: u32) -> Vec<u8> {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).octets();
        option(
            IA_ADDRESS,
            &[&ip[..], &preferred.to_be_bytes(), &valid.to_be_bytes()].concat(),
        )
    }

    fn association(inner: &[Vec<u8>]) -> Vec<u8> {
        let times = [[0, 0, 0, 0, 0, 7], [0, 0, 0, 100, 0, 0]].concat();
        option(IA_NA, &[&times[2..], &[0, 200], &inner.concat()].concat())
    }

    fn answer(kind: u8, more: &[Vec<u8>]) -> Heard {
        let usual = [
            option(CLIENT_ID, &duid(MAC)),
            option(SERVER_ID, b"\0\x03\0\x01server"),
        ];
        let bytes = [&[kind][..], &ID, &usual.concat(), &more.concat()].concat();
        hear(&bytes, MAC, ID)
    }

    fn read(more: &[Vec<u8>]) -> (Answer, String) {
        match answer(REPLY, more) {
            Heard::Answer(answer, faults) => (answer, faults.join("; ")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_a_server_grants_is_read() {
        let ip = |text: &str| text.parse::<Ipv6Addr>().expect("an address");
        let dns = ip("2001:db8::53").octets();
        let (answer, faults) = read(&[
            association(&[address(9, 60, 120), address(10, 60, u32::MAX)]),
            option(PREFERENCE, &[7]),
            option(STATUS, b"\0\0fine"),
            option(DNS_SERVERS, &[dns, ip("fe80::53").octets()].concat()),
            option(DOMAINS, b"\x03lab\x04test\0"),
            option(SNTP_SERVERS, &ip("2001:db8::1").octets()),
            option(NTP, &option(NTP_ADDRESS, &ip("2001:db8::123").octets())),
            option(REFRESH, &[0, 0, 2, 88]),
        ]);
        assert_eq!(faults, "");
        assert_eq!(answer.addresses.len(), 2);
        assert_eq!(
            answer.addresses[0],
            Granted {
                ip: ip("2001:db8::9"),
                valid: 120
            }
        );
        assert_eq!((answer.preference, answer.status), (7, None));
        assert_eq!(answer.name_servers, [ip("2001:db8::53"), ip("fe80::53")]);
        assert_eq!(answer.search, ["lab.test"]);
        assert_eq!(answer.time_servers, [ip("2001:db8::123")]);
        assert_eq!(
            (answer.refresh, answer.renew_rebind),
            (Some(600), (100, 200))
        );
    }

    #[test]
    fn what_makes_no_sense_costs_itself_alone() {
        let of = |ip: &str| {
            let ip = ip.parse::<Ipv6Addr>().expect("an address").octets();
            option(IA_ADDRESS, &[&ip[..], &[0; 4], &[0, 0, 0, 9]].concat())
        };
        for (fault, option) in [
            ("23", option(DNS_SERVERS, &[1; 15])),
            ("23", option(DNS_SERVERS, &[0; 16])),
            ("24", option(DOMAINS, b"\x03lab")),
            ("24", option(DOMAINS, b"\x01\n\0")),
            ("56", option(NTP, &option(NTP_ADDRESS, &[0xff; 16]))),
            ("3 ", option(IA_NA, &[0, 0, 0, 7, 1])),
            ("5 ", association(&[address(9, 60, 20)])),
            ("5 ", association(&[option(IA_ADDRESS, &[0xff; 24])])),
            ("5 ", association(&[option(IA_ADDRESS, &[0x20; 20])])),
            ("5 ", association(&[of("::ffff:192.0.2.9")])),
            ("5 ", association(&[of("::192.0.2.9")])),
            ("5 ", association(&[of("fe80::9")])),
        ] {
            let (answer, faults) = read(&[option.clone(), association(&[address(7, 1, 2)])]);
            assert!(
                faults.starts_with(&format!("option {fault}")),
                "{fault}: {faults}"
            );
            assert_eq!(answer.addresses.len(), 1, "{fault}");
        }
        let (many, _) = read(&[association(
            &(1..99).map(|n| address(n, 1, 2)).collect::<Vec<_>>(),
        )]);
        assert_eq!(many.addresses.len(), ADDRESSES);
        let refused = [option(STATUS, b"\0\x02none \xff\n")];
        let (refused, _) = read(&[association(&refused)]);
        assert_eq!(refused.status, Some((2, "none \u{fffd}\\n".to_owned())));
        // Another card's association is not ours.
        let other = option(IA_NA, &[&[9; 12][..], &address(9, 1, 2)].concat());
        assert_eq!(read(&[other]).0.addresses, []);
    }

    #[test]
    fn what_is_not_for_us_is_left_alone() {
        let others = option(CLIENT_ID, &duid(Mac([2, 0, 0, 0, 0, 8])));
        for bytes in [
            [&[REPLY, 1, 2, 3][..], &others].concat(),
            vec![REPLY, 1, 2, 4],
            vec![1, 1, 2, 3],
            vec![REPLY, 1],
        ] {
            assert_eq!(hear(&bytes, MAC, ID), Heard::Foreign, "{bytes:?}");
        }
        let anonymous = [&[REPLY, 1, 2, 3][..], &option(CLIENT_ID, &duid(MAC))].concat();
        assert!(matches!(hear(&anonymous, MAC, ID), Heard::Unusable(_)));
    }

    #[test]
    fn a_question_names_its_card_and_what_is_in_question() {
        let ask = Ask {
            kind: Kind::Renew,
            server: Some(b"server".to_vec()),
            addresses: vec![Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9)],
        };
        let bytes = message(&ask, MAC, ID, Duration::from_millis(1230));
        assert_eq!(bytes[..4], [5, 1, 2, 3]);
        let told: Vec<(u16, usize)> = options(&bytes[4..])
            .map(|(n, data)| (n, data.len()))
            .collect();
        assert_eq!(told, [(1, 10), (2, 6), (8, 2), (3, 40), (6, 10)]);
        assert!(bytes.windows(6).any(|six| six == [0, 8, 0, 2, 0, 123]));
    }
}
