//! DHCPv6 options: their numbers, and the way they lie end to end (RFC 8415 §21). Pure.

use std::iter;

// RFC 8415 §21, by number; 23 and 24 are RFC 3646, 31 is RFC 4075, 56 is RFC 5908.
/// Option 1.
pub const CLIENT_ID: u16 = 1;
/// Option 2.
pub const SERVER_ID: u16 = 2;
/// Option 3.
pub const IA_NA: u16 = 3;
/// Option 5.
pub const IA_ADDRESS: u16 = 5;
/// Option 6.
pub const ORO: u16 = 6;
/// Option 7.
pub const PREFERENCE: u16 = 7;
/// Option 8.
pub const ELAPSED: u16 = 8;
/// Option 13.
pub const STATUS: u16 = 13;
/// Option 23.
pub const DNS_SERVERS: u16 = 23;
/// Option 24.
pub const DOMAINS: u16 = 24;
/// Option 31.
pub const SNTP_SERVERS: u16 = 31;
/// Option 32.
pub const REFRESH: u16 = 32;
/// Option 56.
pub const NTP: u16 = 56;
/// RFC 5908 §4.1: the address of a server, inside option 56.
pub const NTP_ADDRESS: u16 = 1;

/// Puts an option at the end of `message`.
pub fn put(message: &mut Vec<u8>, number: u16, data: &[u8]) {
    message.extend(number.to_be_bytes());
    message.extend((data.len() as u16).to_be_bytes());
    message.extend(data);
}

/// Numbers and data; what is cut short is left out.
pub fn options(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    iter::from_fn(move || {
        let ([a, b, c, d], rest) = bytes.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(u16::from_be_bytes([*c, *d]).into())?;
        bytes = rest;
        Some((u16::from_be_bytes([*a, *b]), data))
    })
}
