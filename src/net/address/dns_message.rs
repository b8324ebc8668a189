//! DNS messages as bytes (RFC 1035 §4): the question for a name's addresses, what an answer says to it, and names
//! laid end to end as DHCP has them. Pure; every byte of an answer is somebody else's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of one answer we keep.
const ADDRESSES: usize = 16;
/// RFC 1035 §2.3.4: a name has at most 255 bytes on the wire, 253 as text.
const LONGEST: usize = 253;
const HEADER: usize = 12;
/// RFC 1035 §3.2.4: the Internet.
const IN: [u8; 2] = [0, 1];

/// The two record types that hold addresses, by number (RFC 1035 §3.2.2, RFC 3596 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4.
    A = 1,
    /// IPv6.
    Aaaa = 28,
}

/// What a server says to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Never empty.
    Addresses(Vec<IpAddr>),
    /// No address of this kind.
    Empty,
    /// No address is in what fitted into a datagram: it is to be asked for by TCP.
    Truncated,
    /// A response code other than 0.
    Error(u8),
}

/// Asks for the addresses of one kind, with recursion; none when `name` cannot be one. `name` is absolute.
pub fn question(id: [u8; 2], name: &str, kind: Kind) -> Option<Vec<u8>> {
    if name.len() > LONGEST || !name.is_ascii() {
        return None;
    }
    // Flags: a query that desires recursion; then one question, and nothing else.
    let mut message = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        if !(1..64).contains(&label.len()) {
            return None;
        }
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, kind as u8]);
    message.extend(IN);
    Some(message)
}

/// What `message` says to the question `asked`; none when it is no answer to it.
pub fn answer(message: &[u8], asked: &[u8]) -> Option<Verdict> {
    let header = message.first_chunk::<HEADER>()?;
    let [flags, code] = [header[2], header[3] & 15];
    let response = flags & 0x80 != 0 && asked.starts_with(&header[..2]);
    let question = message.get(HEADER..asked.len()).unwrap_or_default();
    let repeated = question.eq_ignore_ascii_case(&asked[HEADER..]) && header[4..6] == [0, 1];
    // A server that understood nothing may repeat nothing.
    if !response || !(repeated || code != 0 && header[4..6] == [0, 0]) {
        return None;
    }
    if code != 0 {
        return Some(Verdict::Error(code));
    }
    let kind = asked[asked.len() - 3];
    let records = u16::from_be_bytes([header[6], header[7]]);
    let addresses = addresses(&message[asked.len()..], kind, records);
    // One address is enough, of whatever more there would have been.
    Some(match addresses.is_empty() {
        false => Verdict::Addresses(addresses),
        true if flags & 2 != 0 => Verdict::Truncated,
        true => Verdict::Empty,
    })
}

/// The addresses of the records at the start of `rest`, whoever's they are: those of aliases stand there too.
fn addresses(mut rest: &[u8], kind: u8, records: u16) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for _ in 0..records {
        // Name; type, class, time to live, length of the data; data.
        let Some(([0, of, class @ .., _, _, _, _, high, low], after)) =
            skip_name(rest).and_then(|rest| rest.split_first_chunk::<10>())
        else {
            break;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((data, after)) = after.split_at_checked(length) else {
            break;
        };
        rest = after;
        let address = match (<[u8; 4]>::try_from(data), <[u8; 16]>::try_from(data)) {
            (Ok(data), _) if *of == Kind::A as u8 => IpAddr::from(Ipv4Addr::from(data)),
            (_, Ok(data)) if *of == Kind::Aaaa as u8 => IpAddr::from(Ipv6Addr::from(data)),
            _ => continue,
        };
        if *of == kind && *class == IN && found.len() < ADDRESSES && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// What follows the name at the start of `rest`.
fn skip_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, after) = rest.split_first()?;
        match length {
            0 => return Some(after),
            1..64 => rest = after.get(usize::from(*length)..)?,
            // RFC 1035 §4.1.4: a pointer ends the name.
            0xc0.. => return after.get(1..),
            _ => return None,
        }
    }
}

/// The names that lie end to end in `data`, which pointers count from (RFC 3397 §2); none when one of them is broken.
/// A name is text only after a look at its letters.
pub fn names(data: &[u8]) -> Option<Vec<String>> {
    let (mut names, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let (name, end) = name_at(data, at)?;
        if !name.is_empty() {
            names.push(name);
        }
        at = end;
    }
    Some(names)
}

/// The name at `start`, and where what follows it begins.
pub fn name_at(data: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut text, mut at, mut end, mut limit) = (String::new(), start, None, start);
    loop {
        let length = *data.get(at)?;
        match length {
            0 => return Some((text, end.unwrap_or(at + 1))),
            1..64 => {
                let label = data.get(at + 1..)?.get(..usize::from(length))?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.extend(label.iter().copied().map(char::from));
                if text.len() > LONGEST {
                    return None;
                }
                at += 1 + label.len();
            }
            0xc0.. => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(*data.get(at + 1)?);
                end.get_or_insert(at + 2);
                // Only ever further back: it ends.
                if to >= limit {
                    return None;
                }
                (at, limit) = (to, to);
            }
            _ => return None,
        }
    }
}

/// What a server did, as in "192.0.2.1 …".
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // RFC 1035 §4.1.1
        let code = match self {
            Verdict::Addresses(_) => return f.write_str("knows it"),
            Verdict::Empty => return f.write_str("knows no address of it"),
            Verdict::Truncated => return f.write_str("has an answer that fits nowhere"),
            Verdict::Error(1) => "FORMERR (it cannot read the question)",
            Verdict::Error(2) => "SERVFAIL (it has trouble of its own)",
            Verdict::Error(3) => "NXDOMAIN (there is no such name)",
            Verdict::Error(4) => "NOTIMP (it does not do that)",
            Verdict::Error(5) => "REFUSED (it does not serve us)",
            Verdict::Error(code) => return write!(f, "answers by the error {code}"),
        };
        write!(f, "answers {code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "ironic.lab.test";

    fn ask(kind: Kind) -> Vec<u8> {
        question([7, 9], NAME, kind).expect("a name")
    }

    /// `asked` turned into an answer with these flags, code and records.
    fn reply(asked: &[u8], flags: u8, code: u8, records: &[&[u8]]) -> Vec<u8> {
        let mut message = asked.to_vec();
        message[2..4].copy_from_slice(&[0x80 | flags, 0x80 | code]);
        message[7] = records.len() as u8;
        message.extend(records.concat());
        message
    }

    const ALIAS: &[u8] = &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 19];
    const FOUR: &[u8] = &[0xc0, 33, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7];
    const SIX: &[u8] = &[
        1, b'y', 0, 0, 28, 0, 1, 0, 0, 0, 9, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 1,
    ];

    #[test]
    fn a_question_is_what_rfc_1035_says() {
        let wire = b"\x07\x09\x01\0\0\x01\0\0\0\0\0\0\x06ironic\x03lab\x04test\0\0\x1c\0\x01";
        assert_eq!(ask(Kind::Aaaa), wire);
        let long = format!("{}.test", "a".repeat(64));
        let longer = vec!["a"; 128].join(".");
        for bad in ["", ".", "a..b", "a.", "bücher.test", &long, &longer] {
            assert_eq!(question([0; 2], bad, Kind::A), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_is_read_for_what_was_asked() {
        let (four, six) = (ask(Kind::A), ask(Kind::Aaaa));
        let address = |text: &str| Verdict::Addresses(vec![text.parse().expect("an address")]);
        for (asked, flags, code, records, verdict) in [
            (
                &four,
                0,
                0,
                &[ALIAS, FOUR, FOUR, SIX][..],
                address("192.0.2.7"),
            ),
            (&six, 0, 0, &[FOUR, SIX], address("2001:db8::1")),
            (&six, 0, 0, &[ALIAS, FOUR], Verdict::Empty),
            (&six, 0, 0, &[], Verdict::Empty),
            (&four, 2, 0, &[FOUR], address("192.0.2.7")),
            (&four, 2, 0, &[ALIAS], Verdict::Truncated),
            (&four, 0, 2, &[], Verdict::Error(2)),
            (&four, 0, 3, &[FOUR], Verdict::Error(3)),
        ] {
            let message = reply(asked, flags, code, records);
            assert_eq!(answer(&message, asked), Some(verdict), "{message:?}");
            // Cut anywhere: nothing, or what is left says.
            for length in 0..message.len() {
                answer(&message[..length], asked);
            }
        }
        let shouted = reply(&four, 0, 0, &[FOUR]).to_ascii_uppercase();
        assert!(matches!(
            answer(&shouted, &four),
            Some(Verdict::Addresses(_))
        ));
    }

    #[test]
    fn what_answers_another_question_is_passed_over() {
        let asked = ask(Kind::A);
        let good = reply(&asked, 0, 0, &[FOUR]);
        for (at, value) in [(0, 8), (2, 1), (13, b'a'), (asked.len() - 3, 28), (5, 0)] {
            let mut other = good.clone();
            other[at] = value;
            assert_eq!(answer(&other, &asked), None, "{at}");
        }
        // FORMERR may leave the question out.
        let bare = [7, 9, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(answer(&bare, &asked), Some(Verdict::Error(1)));
        assert_eq!(
            answer(&[7, 9, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0], &asked),
            None
        );
    }

    #[test]
    fn names_end_to_end_may_point_back() {
        let two = b"\x03foo\x03bar\0\x03abc\xc0\x04";
        let read = |data: &[u8]| names(data).map(|names| names.join(" "));
        assert_eq!(read(two).as_deref(), Some("foo.bar abc.bar"));
        assert_eq!(read(b"\x03foo\0\xc0\x00").as_deref(), Some("foo foo"));
        assert_eq!(read(b"\0\0").as_deref(), Some(""));
        for broken in [
            &b"\x03fo"[..],
            b"\x03foo",
            b"\x03foo\0\xc0",
            b"\xc0\x00",
            b"\x03foo\0\x03bar\xc0\x06",
            b"\x01a\xc0\x00",
            b"\x40a\0",
        ] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }
}
