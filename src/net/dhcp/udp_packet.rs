//! A UDP datagram in an IPv4 packet of its own, as a machine without an address sends and hears it. Pure.

use std::net::Ipv4Addr;

/// RFC 791 §3.1 without options, RFC 768.
const IP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
pub const HEADERS: usize = IP_HEADER + UDP_HEADER;
/// IANA's number of UDP.
const UDP: u8 = 17;
const MORE_FRAGMENTS: u16 = 1 << 13;
const FRAGMENT_OFFSET: u16 = MORE_FRAGMENTS - 1;

/// A datagram from nobody to everybody; `message` has at most [`u16::MAX`] bytes less the headers.
pub fn broadcast(from: u16, to: u16, message: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    let mut packet = vec![0; HEADERS];
    // Version 4, a header of five words; type of service; length; identification, flags; time to live, protocol.
    packet[..2].copy_from_slice(&[0x45, 0]);
    packet[2..4].copy_from_slice(&length(HEADERS + message.len()));
    packet[8..10].copy_from_slice(&[64, UDP]);
    packet[12..16].copy_from_slice(&Ipv4Addr::UNSPECIFIED.octets());
    packet[16..20].copy_from_slice(&Ipv4Addr::BROADCAST.octets());
    let sum = checksum(0, &packet[..IP_HEADER]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet[20..22].copy_from_slice(&from.to_be_bytes());
    packet[22..24].copy_from_slice(&to.to_be_bytes());
    packet[24..26].copy_from_slice(&length(UDP_HEADER + message.len()));
    packet.extend(message);
    // RFC 768: the addresses, the protocol and the length count too; a sum of zero is sent as its complement.
    let beyond = u32::from(UDP) + (UDP_HEADER + message.len()) as u32;
    let sum = match checksum(beyond, &packet[12..]) {
        0 => u16::MAX,
        sum => sum,
    };
    packet[26..28].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The message of a datagram to `port`, none of any other packet; an error for one that cannot be read, and why.
///
/// Its checksum is not looked at: between virtual machines of one host nobody fills it in.
pub fn payload(packet: &[u8], port: u16) -> Option<Result<&[u8], &'static str>> {
    let word = |at: usize| Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?));
    let header = usize::from(packet.first()? & 15) * 4;
    if packet[0] >> 4 != 4 || header < IP_HEADER || *packet.get(9)? != UDP {
        return None;
    }
    let (fragment, total) = (word(6)?, usize::from(word(2)?));
    if fragment & FRAGMENT_OFFSET != 0 || word(header + 2)? != port {
        return None;
    }
    if fragment & MORE_FRAGMENTS != 0 {
        return Some(Err("in fragments"));
    }
    let end = header + usize::from(word(header + 4)?);
    let whole = packet.get(..total.max(end)).is_some() && end <= total;
    let message = packet.get(header + UDP_HEADER..end);
    Some(message.filter(|_| whole).ok_or("cut short"))
}

/// RFC 1071, over `bytes` and what was summed up `before`.
fn checksum(before: u32, bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let pairs = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let last = rest.first().map(|byte| u16::from(*byte) << 8);
    let sum: u32 = before + pairs.chain(last).map(u32::from).sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_is_read_by_whom_it_is_for() {
        for message in [&b"even"[..], b"odd", b""] {
            let packet = broadcast(68, 67, message);
            assert_eq!(payload(&packet, 67), Some(Ok(message)));
            assert_eq!(payload(&packet, 68), None);
            assert_eq!(checksum(0, &packet[..IP_HEADER]), 0);
            let beyond = u32::from(UDP) + (UDP_HEADER + message.len()) as u32;
            assert_eq!(checksum(beyond, &packet[12..]), 0, "{message:?}");
            // Ethernet fills up short frames.
            let padded = [&packet[..], &[0; 20]].concat();
            assert_eq!(payload(&padded, 67), Some(Ok(message)));
        }
        // RFC 1071 §3 has these bytes for an example.
        assert_eq!(
            checksum(0, &[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }

    #[test]
    fn what_is_no_whole_datagram_is_not_read() {
        let good = broadcast(67, 68, b"message");
        let with = |at: usize, value: u8| {
            let mut packet = good.clone();
            packet[at] = value;
            payload(&packet, 68).map(|read| read.is_ok())
        };
        assert_eq!(with(0, 0x65), None, "version 6");
        assert_eq!(with(0, 0x44), None, "a header of four words");
        assert_eq!(with(9, 6), None, "TCP");
        assert_eq!(with(7, 1), None, "a later fragment");
        assert_eq!(with(6, 0x20), Some(false), "a first fragment");
        assert_eq!(with(6, 0x40), Some(true), "that must not be fragmented");
        assert_eq!(with(25, 7), Some(false), "shorter than its header");
        assert_eq!(with(25, 200), Some(false), "longer than the packet");
        assert_eq!(with(3, 20), Some(false), "longer than IP says");
        for length in 0..good.len() {
            assert!(
                !matches!(payload(&good[..length], 68), Some(Ok(_))),
                "{length}"
            );
        }
        let mut options = good.clone();
        options[0] = 0x46;
        options.splice(20..20, [1, 1, 1, 0]);
        options[3] += 4;
        assert_eq!(payload(&options, 68), Some(Ok(&b"message"[..])));
    }
}
