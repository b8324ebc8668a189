//! DHCP messages as bytes: built in an IP packet of their own, and read from whatever arrives.
//! Pure; the only importer of smoltcp.

use std::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr, EthernetAddress, IpProtocol, Ipv4Packet,
    Ipv4Repr, UdpPacket, UdpRepr,
};

use super::lease::Lease;
use crate::net::link::links::Mac;

/// UDP port of servers.
pub const SERVER_PORT: u16 = 67;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 68;
/// IP and UDP headers before the message.
const HEADERS: usize = 28;
/// RFC 951 §3: a BOOTP message has 300 bytes, and some servers and relays drop shorter ones.
const SHORTEST: usize = 300;
/// What we are willing to read, named in option 57: an Ethernet frame's worth.
const LONGEST: u16 = 1500 - HEADERS as u16;
// RFC 2132: mask, router, DNS, host name, domain, MTU, broadcast, NTP, lease time, server, T1, T2;
// RFC 3442: classless routes, which must be asked for before the router.
const WANTED: &[u8] = &[121, 1, 3, 6, 12, 15, 26, 28, 42, 51, 54, 58, 59];

/// What we ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is there a server?
    Discover,
    /// The address just offered by this server, or with no server one we had before.
    Request {
        /// The address that was offered.
        address: Ipv4Addr,
        /// Who offered it; none when an address is asked for again after a restart.
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
    /// Which one, if it says.
    Nak {
        /// A server refuses.
        server: Option<Ipv4Addr>,
    },
}

/// The message alone, as a UDP socket sends it.
pub fn message(ask: &Ask, mac: Mac, transaction: u32, seconds: u16) -> Vec<u8> {
    let none = Ipv4Addr::UNSPECIFIED;
    let (kind, current, requested, server) = match *ask {
        Ask::Discover => (DhcpMessageType::Discover, none, None, None),
        Ask::Request { address, server } => (DhcpMessageType::Request, none, Some(address), server),
        Ask::Extend { address } => (DhcpMessageType::Request, address, None, None),
    };
    let class = DhcpOption {
        kind: 60,
        data: b"ironlet",
    };
    let repr = DhcpRepr {
        message_type: kind,
        transaction_id: transaction,
        secs: seconds,
        client_hardware_address: EthernetAddress(mac.0),
        client_ip: current,
        your_ip: none,
        server_ip: none,
        router: None,
        subnet_mask: None,
        relay_agent_ip: none,
        broadcast: false,
        requested_ip: requested,
        // 01 and the MAC: what PXE ROMs send too, so the lease is the one the machine booted with.
        client_identifier: Some(EthernetAddress(mac.0)),
        server_identifier: server,
        parameter_request_list: Some(WANTED),
        dns_servers: None,
        max_size: Some(LONGEST),
        lease_duration: None,
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[class],
    };
    let mut bytes = vec![0; repr.buffer_len().max(SHORTEST)];
    repr.emit(&mut DhcpPacket::new_unchecked(&mut bytes))
        .expect("the buffer has the length the message asked for");
    bytes
}

/// The message in an IP packet from nobody to everybody, as a machine without an address sends it.
pub fn broadcast(message: &[u8]) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let udp = UdpRepr {
        src_port: CLIENT_PORT,
        dst_port: SERVER_PORT,
    };
    let ip = Ipv4Repr {
        src_addr: Ipv4Addr::UNSPECIFIED,
        dst_addr: Ipv4Addr::BROADCAST,
        next_header: IpProtocol::Udp,
        payload_len: udp.header_len() + message.len(),
        hop_limit: 64,
    };
    let mut bytes = vec![0; HEADERS + message.len()];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes);
    ip.emit(&mut packet, &checksums);
    let (from, to) = (ip.src_addr.into(), ip.dst_addr.into());
    udp.emit(
        &mut UdpPacket::new_unchecked(packet.payload_mut()),
        &from,
        &to,
        message.len(),
        |payload| payload.copy_from_slice(message),
        &checksums,
    );
    bytes
}

/// The payload of an IP packet to the client port; none of any other packet.
///
/// The UDP checksum is not looked at: between virtual machines of one host nobody fills it in.
pub fn payload(packet: &[u8]) -> Option<&[u8]> {
    let ip = Ipv4Packet::new_checked(packet).ok()?;
    let fragment = ip.more_frags() || ip.frag_offset() != 0;
    if ip.version() != 4 || fragment || ip.next_header() != IpProtocol::Udp {
        return None;
    }
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    (udp.dst_port() == CLIENT_PORT).then(|| udp.payload())
}

/// A server's answer to the transaction of this card; none of any other message.
pub fn reply(payload: &[u8], mac: Mac, transaction: u32) -> Option<Reply> {
    // RFC 2131 §3: the options start with this cookie.
    const COOKIE: u32 = 0x6382_5363;
    let packet = DhcpPacket::new_checked(payload).ok()?;
    // smoltcp checks the fixed part only; the cookie belongs to the options.
    if payload.len() < 240 || packet.magic_number() != COOKIE {
        return None;
    }
    let ours = packet.client_hardware_address().0 == mac.0;
    if !ours || packet.transaction_id() != transaction {
        return None;
    }
    let options = || packet.options().map(|option| (option.kind, option.data));
    let [kind] = *options().find(|(kind, _)| *kind == 53)?.1 else {
        return None;
    };
    match DhcpMessageType::from(kind) {
        DhcpMessageType::Offer => Lease::read(packet.your_ip(), options()).map(Reply::Offer),
        DhcpMessageType::Ack => Lease::read(packet.your_ip(), options()).map(Reply::Ack),
        DhcpMessageType::Nak => Some(Reply::Nak {
            server: Lease::server(options()),
        }),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

    /// A server's answer as bytes: fixed part, cookie, options.
    pub fn answer(transaction: u32, address: [u8; 4], options: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 240];
        bytes[..3].copy_from_slice(&[2, 1, 6]);
        bytes[4..8].copy_from_slice(&transaction.to_be_bytes());
        bytes[16..20].copy_from_slice(&address);
        bytes[28..34].copy_from_slice(&MAC.0);
        bytes[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        for (kind, data) in options {
            bytes.extend([*kind, data.len() as u8]);
            bytes.extend(*data);
        }
        bytes.push(255);
        bytes
    }

    pub const OFFER: &[(u8, &[u8])] = &[
        (53, &[2]),
        (54, &[192, 0, 2, 1]),
        (51, &[0, 0, 14, 16]),
        (1, &[255, 255, 255, 0]),
    ];

    #[test]
    fn what_is_sent_is_a_packet_with_the_message_in_it() {
        let sent = message(&Ask::Discover, MAC, 7, 3);
        assert!(sent.len() >= SHORTEST);
        let mut packet = broadcast(&sent);
        assert_eq!(
            payload(&packet),
            None,
            "it goes to a server, not to a client"
        );
        packet[23] = CLIENT_PORT as u8;
        assert_eq!(payload(&packet), Some(&sent[..]));
        let read = DhcpPacket::new_checked(&sent[..]).expect("a message");
        assert_eq!((read.transaction_id(), read.secs()), (7, 3));
        let options: Vec<_> = read.options().map(|option| option.kind).collect();
        assert_eq!(options, [53, 61, 57, 55, 60]);
    }

    #[test]
    fn an_offer_to_us_is_read() {
        let offer = reply(&answer(7, [192, 0, 2, 9], OFFER), MAC, 7);
        let Some(Reply::Offer(lease)) = offer else {
            panic!("an offer, not {offer:?}")
        };
        assert_eq!(lease.address, Ipv4Addr::new(192, 0, 2, 9));
        assert_eq!(lease.prefix, 24);
    }

    #[test]
    fn what_is_not_for_us_is_passed_over() {
        let offer = answer(7, [192, 0, 2, 9], OFFER);
        assert_eq!(reply(&offer, MAC, 8), None, "another transaction");
        assert_eq!(reply(&offer, Mac([2; 6]), 7), None, "another card");
        let mut cookie = offer.clone();
        cookie[236] = 0;
        assert_eq!(reply(&cookie, MAC, 7), None);
        for length in 0..offer.len() {
            // Cut anywhere: nothing, or at most what the bytes that are left do say.
            let _ = reply(&offer[..length], MAC, 7);
            let _ = payload(&offer[..length]);
        }
        assert_eq!(reply(&offer[..236], MAC, 7), None);
    }
}
