//! DHCPv6 messages as bytes: what is asked, and what an answer says (RFC 8415). Pure; every byte of an answer is somebody
//! else's.
//!
//! An option that makes no sense costs what it was to give, never the address.

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::net::address::dns_message;
use crate::net::dhcp::option_value::{LIST, name};
use crate::net::link::links::Mac;

/// The client's port.
pub const CLIENT_PORT: u16 = 546;
/// The servers' port.
pub const SERVER_PORT: u16 = 547;
/// RFC 8415 §7.1: all servers and relays of a link.
pub const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// Addresses of one grant we take.
const ADDRESSES: usize = 4;
/// RFC 8415 §11.1: the longest identifier of a server.
const LONGEST_DUID: usize = 130;

// RFC 8415 §7.3
const ADVERTISE: u8 = 2;
const REPLY: u8 = 7;
// RFC 8415 §21, by number; 23 and 24 are RFC 3646, 31 is RFC 4075, 56 is RFC 5908.
const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const IA_NA: u16 = 3;
const IA_ADDRESS: u16 = 5;
const ORO: u16 = 6;
const PREFERENCE: u16 = 7;
const ELAPSED: u16 = 8;
const STATUS: u16 = 13;
const DNS_SERVERS: u16 = 23;
const DOMAINS: u16 = 24;
const SNTP_SERVERS: u16 = 31;
const REFRESH: u16 = 32;
const NTP: u16 = 56;
/// RFC 5908 §4.1: the address of a server, inside option 56.
const NTP_ADDRESS: u16 = 1;

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

/// An address for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// One that a machine can have beyond its link.
    pub ip: Ipv6Addr,
    /// Seconds; all ones are for ever, none take it back.
    pub valid: u32,
}

/// What a server said, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// An offer only, which has to be requested.
    pub advertised: bool,
    /// Identifier of who said it.
    pub server: Vec<u8>,
    /// 255 is a server that is not to be compared with others.
    pub preference: u8,
    /// What went wrong: a number (RFC 8415 §21.13) and the server's words.
    pub status: Option<(u16, String)>,
    /// Ours for a time.
    pub addresses: Vec<Granted>,
    /// Seconds until the server, and any server, is to be asked for more time; 0 leaves it to us.
    pub renew_rebind: (u32, u32),
    /// The best first.
    pub name_servers: Vec<Ipv6Addr>,
    /// Domains in which names are looked for.
    pub search: Vec<String>,
    /// The best first.
    pub time_servers: Vec<Ipv6Addr>,
    /// Seconds until what has no time of its own is to be asked for again.
    pub refresh: Option<u32>,
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

fn put(message: &mut Vec<u8>, number: u16, data: &[u8]) {
    message.extend(number.to_be_bytes());
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
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
    let mut reader = Reader {
        answer: Answer {
            advertised: *kind == ADVERTISE,
            server: server.to_vec(),
            ..Answer::default()
        },
        faults: Vec::new(),
    };
    for (number, data) in options(body) {
        reader.read(number, data, &mac.0[2..]);
    }
    Heard::Answer(reader.answer, reader.faults)
}

/// Numbers and data; what is cut short is left out.
fn options(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let ([a, b, c, d], rest) = bytes.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes([*c, *d]).into())?;
        bytes = rest;
        Some((u16::from_be_bytes([*a, *b]), data))
    })
}

struct Reader {
    answer: Answer,
    faults: Vec<String>,
}

impl Reader {
    fn read(&mut self, number: u16, data: &[u8], association: &[u8]) {
        match number {
            PREFERENCE => self.answer.preference = data.first().copied().unwrap_or_default(),
            STATUS => self.answer.status = status(data).or(self.answer.status.take()),
            IA_NA if data.get(..4) == Some(association) => self.association(&data[4..]),
            REFRESH => {
                self.answer.refresh = data.first_chunk().map(|time| u32::from_be_bytes(*time))
            }
            DNS_SERVERS => self.answer.name_servers = self.hosts("23 (name servers)", data),
            SNTP_SERVERS if self.answer.time_servers.is_empty() => {
                self.answer.time_servers = self.hosts("31 (time servers)", data);
            }
            NTP => {
                let addresses = options(data).filter(|(kind, _)| *kind == NTP_ADDRESS);
                let addresses: Vec<u8> = addresses.flat_map(|(_, ip)| ip).copied().collect();
                // Names of servers stand there as well.
                if !addresses.is_empty() {
                    self.answer.time_servers = self.hosts("56 (time servers)", &addresses);
                }
            }
            DOMAINS => match search(data) {
                Some(domains) => self.answer.search = domains,
                None => self.fault("24 (domains)"),
            },
            _ => {}
        }
    }

    fn association(&mut self, data: &[u8]) {
        let Some((times, inner)) = data.split_first_chunk::<8>() else {
            return self.fault("3 (association)");
        };
        let [a, b, c, d, e, f, g, h] = *times;
        self.answer.renew_rebind = (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        );
        for (number, data) in options(inner) {
            match number {
                STATUS => self.answer.status = status(data).or(self.answer.status.take()),
                IA_ADDRESS => match granted(data) {
                    Some(granted) if self.answer.addresses.len() < ADDRESSES => {
                        self.answer.addresses.push(granted);
                    }
                    Some(_) => {}
                    None => self.fault("5 (address)"),
                },
                _ => {}
            }
        }
    }

    fn hosts(&mut self, option: &str, data: &[u8]) -> Vec<Ipv6Addr> {
        let (addresses, rest) = data.as_chunks::<16>();
        let hosts = addresses.iter().map(|ip| Ipv6Addr::from(*ip));
        let hosts: Vec<_> = hosts.filter(is_host).take(LIST).collect();
        if hosts.is_empty() || !rest.is_empty() {
            self.fault(option);
        }
        hosts
    }

    /// Each option once, however often it came.
    fn fault(&mut self, option: &str) {
        let told = format!("option {option} makes no sense: passed over");
        if !self.faults.contains(&told) {
            self.faults.push(told);
        }
    }
}

/// RFC 8415 §21.6: address, preferred and valid lifetime, of which the second is the longer one.
fn granted(data: &[u8]) -> Option<Granted> {
    let (ip, rest) = data.split_first_chunk::<16>()?;
    let ([a, b, c, d, e, f, g, h], inner) = rest.split_first_chunk()?;
    let preferred = u32::from_be_bytes([*a, *b, *c, *d]);
    let valid = u32::from_be_bytes([*e, *f, *g, *h]);
    let refused = options(inner).any(|(number, data)| number == STATUS && status(data).is_some());
    let ip = Ipv6Addr::from(*ip);
    let sane = is_host(&ip) && !ip.is_unicast_link_local() && preferred <= valid && !refused;
    sane.then_some(Granted { ip, valid })
}

/// None for success.
fn status(data: &[u8]) -> Option<(u16, String)> {
    let (code, words) = data.split_first_chunk()?;
    let code = u16::from_be_bytes(*code);
    let words: String = String::from_utf8_lossy(words).chars().take(100).collect();
    (code != 0).then(|| (code, words.escape_debug().to_string()))
}

fn search(data: &[u8]) -> Option<Vec<String>> {
    let names = dns_message::names(data)?;
    let names = names.iter().map(|text| name(text.as_bytes())).take(LIST);
    names.collect()
}

/// An address one machine can have.
fn is_host(ip: &Ipv6Addr) -> bool {
    !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

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
