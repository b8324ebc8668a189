//! Multicast DNS messages as bytes: the question for a service, and what an answer says of it (RFC 6762, RFC 6763). Pure;
//! every byte of an answer is somebody else's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::address::dns_message::name_at;

const HEADER: usize = 12;
/// Records of one message that are read.
const RECORDS: usize = 64;
/// Of one service that are kept.
const ADDRESSES: usize = 16;
const TEXTS: usize = 32;

// RFC 1035 §3.2.2, RFC 2782, RFC 3596
const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
/// RFC 1035 §3.2.4: the Internet; RFC 6762 §10.2 and §5.4 give the bit above another meaning.
const IN: u16 = 1;
const CLASS: u16 = 0x7fff;

/// What one answer says of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The host's name, without a dot at the end.
    pub host: String,
    /// A TCP port.
    pub port: u16,
    /// Keys and values; keys in lower case.
    pub text: Vec<(String, String)>,
    /// The host's.
    pub addresses: Vec<IpAddr>,
}

/// Asks for everything of the service of that name; none when it cannot be a name.
pub fn question(id: [u8; 2], name: &str) -> Option<Vec<u8>> {
    let mut message = [&id[..], &[0, 0, 0, 2, 0, 0, 0, 0, 0, 0]].concat();
    let mut wire = Vec::new();
    for label in name.split('.') {
        if !(1..64).contains(&label.len()) || !label.is_ascii() {
            return None;
        }
        wire.push(label.len() as u8);
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    for kind in [SRV, TXT] {
        message.extend(&wire);
        message.extend(kind.to_be_bytes());
        message.extend(IN.to_be_bytes());
    }
    Some(message)
}

/// What `message` answers to the question of that number for `name`; none when it is no answer, or does not say where the
/// service is.
pub fn answer(message: &[u8], id: [u8; 2], name: &str) -> Option<Service> {
    let header = message.first_chunk::<HEADER>()?;
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    // A response, with code 0.
    if header[..2] != id || header[2] & 0x80 == 0 || header[3] & 15 != 0 {
        return None;
    }
    let mut at = HEADER;
    for _ in 0..count(4).min(RECORDS) {
        let (_, end) = name_at(message, at)?;
        at = end + 4;
    }
    let (mut service, mut known) = (Service::default(), Vec::new());
    for _ in 0..(count(6) + count(8) + count(10)).min(RECORDS) {
        let Some(record) = Record::read(message, at) else {
            break;
        };
        at = record.end;
        let data = &message[record.data..record.end];
        let ours = record.name.eq_ignore_ascii_case(name);
        match record.kind {
            SRV if ours && service.host.is_empty() => {
                // Priority, weight, port, target.
                let (host, _) = name_at(message.get(..record.end)?, record.data + 6)?;
                service.host = host;
                service.port = u16::from_be_bytes([*data.get(4)?, *data.get(5)?]);
            }
            TXT if ours && service.text.is_empty() => service.text = texts(data),
            A => known.extend(four(data).map(|ip| (record.name, ip))),
            AAAA => known.extend(sixteen(data).map(|ip| (record.name, ip))),
            _ => {}
        }
    }
    let addresses = known
        .into_iter()
        .filter(|(host, _)| host.eq_ignore_ascii_case(&service.host));
    service.addresses = addresses.map(|(_, ip)| ip).take(ADDRESSES).collect();
    (!service.host.is_empty() && service.port != 0).then_some(service)
}

struct Record {
    name: String,
    kind: u16,
    data: usize,
    end: usize,
}

impl Record {
    /// One of the Internet, or of no kind at all.
    fn read(message: &[u8], at: usize) -> Option<Record> {
        let (name, at) = name_at(message, at)?;
        let fixed: &[u8; 10] = message.get(at..)?.first_chunk()?;
        let word = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let (data, length) = (at + fixed.len(), usize::from(word(8)));
        message.get(data..data + length)?;
        Some(Record {
            name,
            kind: if word(2) & CLASS == IN { word(0) } else { 0 },
            data,
            end: data + length,
        })
    }
}

fn four(data: &[u8]) -> Option<IpAddr> {
    let four: [u8; 4] = data.try_into().ok()?;
    Some(Ipv4Addr::from(four).into()).filter(usable)
}

fn sixteen(data: &[u8]) -> Option<IpAddr> {
    let sixteen: [u8; 16] = data.try_into().ok()?;
    Some(Ipv6Addr::from(sixteen).into()).filter(usable)
}

fn usable(ip: &IpAddr) -> bool {
    !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

/// RFC 6763 §6: strings of a length and `key=value`; of two with the same key the first counts, and one that is no text
/// does not.
fn texts(mut data: &[u8]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let Some((entry, rest)) = rest.split_at_checked((*length).into()) else {
            break;
        };
        data = rest;
        let pair = std::str::from_utf8(entry)
            .ok()
            .and_then(|entry| entry.split_once('='));
        let Some((key, value)) = pair.filter(|(key, _)| !key.is_empty()) else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        if found.len() < TEXTS && !found.iter().any(|(other, _)| *other == key) {
            found.push((key, value.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "baremetal._openstack._tcp.local";

    fn wire(name: &str) -> Vec<u8> {
        let mut wire = Vec::new();
        for label in name.split('.') {
            wire.push(label.len() as u8);
            wire.extend(label.as_bytes());
        }
        [&wire[..], &[0]].concat()
    }

    fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
        let fixed = [
            &kind.to_be_bytes()[..],
            &[0x80, 1, 0, 0, 0, 120],
            &(data.len() as u16).to_be_bytes(),
        ];
        [&wire(name), &fixed.concat(), data].concat()
    }

    fn srv(host: &str, port: u16) -> Vec<u8> {
        let data = [&[0, 0, 0, 0][..], &port.to_be_bytes(), &wire(host)].concat();
        record(NAME, SRV, &data)
    }

    fn message(records: &[Vec<u8>]) -> Vec<u8> {
        let header = [7, 9, 0x84, 0, 0, 0, 0, records.len() as u8, 0, 0, 0, 0];
        [&header[..], &records.concat()].concat()
    }

    #[test]
    fn a_service_is_read_whole() {
        let text = b"\x09path=/api\x0cprotocol=ftp\x0dprotocol=http\x04\xff=\xff1\x03=xy\x01a";
        let six = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let bytes = message(&[
            srv("ironic.local", 6385),
            record(NAME, TXT, text),
            record("IRONIC.local", A, &[192, 0, 2, 1]),
            record("ironic.local", AAAA, &six.octets()),
            record("other.local", A, &[192, 0, 2, 9]),
            record("ironic.local", A, &[127, 0, 0, 1]),
            record("ironic.local", A, &[1, 2]),
        ]);
        let read = answer(&bytes, [7, 9], NAME).expect("a service");
        assert_eq!((read.host.as_str(), read.port), ("ironic.local", 6385));
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read.text, [pair("path", "/api"), pair("protocol", "ftp")]);
        assert_eq!(read.addresses, [IpAddr::from([192, 0, 2, 1]), six.into()]);
    }

    #[test]
    fn what_is_no_answer_to_it_is_left_alone() {
        let good = message(&[srv("ironic.local", 6385)]);
        assert!(answer(&good, [7, 9], NAME).is_some());
        for length in 0..good.len() {
            assert_eq!(answer(&good[..length], [7, 9], NAME), None, "{length}");
        }
        assert_eq!(answer(&good, [7, 8], NAME), None, "another question's");
        assert_eq!(answer(&good, [7, 9], "x.local"), None, "another service's");
        let asked = question([7, 9], NAME).expect("a name");
        assert_eq!(answer(&asked, [7, 9], NAME), None, "a question");
        assert_eq!(
            answer(&message(&[srv("ironic.local", 0)]), [7, 9], NAME),
            None
        );
        let mut circle = good.clone();
        circle.splice(12..13, [0xc0, 12]);
        assert_eq!(answer(&circle, [7, 9], NAME), None, "a name in circles");
        assert!(question([0; 2], "a..local").is_none());
    }
}
