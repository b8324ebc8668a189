//! What stands in single DHCP options (RFC 2132): addresses, masks, names, routes. Pure.

use std::net::Ipv4Addr;

/// Entries of a list of servers or domains we keep; what is beyond is of no use to anybody.
pub const LIST: usize = 16;

/// Network, length of its prefix, gateway; unspecified for what is on the link itself.
pub type Route = (Ipv4Addr, u8, Ipv4Addr);

/// An address one machine can have.
pub fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first != 127 && first < 224
}

/// The prefix of the address's class, for a server that gives no mask.
pub fn natural_prefix(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

/// The length of a mask whose ones all come first.
pub fn prefix(mask: Ipv4Addr) -> Option<u8> {
    let mask = u32::from(mask);
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32 || mask == u32::MAX;
    (contiguous && mask != 0).then_some(mask.leading_ones() as u8)
}

/// Whole ones; a rest is passed over.
pub fn addresses(data: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    let (quads, _) = data.as_chunks::<4>();
    quads.iter().map(|quad| Ipv4Addr::from(*quad)).take(LIST)
}

/// None when there is none.
pub fn hosts(data: &[u8]) -> Option<Vec<Ipv4Addr>> {
    let hosts: Vec<_> = addresses(data).filter(|host| is_host(*host)).collect();
    (!hosts.is_empty()).then_some(hosts)
}

/// A host or domain name; none when it is anything else, for it ends up in a file of ours.
pub fn name(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let text = text.trim_end_matches(['\0', '.']);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    // RFC 1035 §2.3.4: a name has at most 255 bytes on the wire, 253 as text.
    let sane = !text.is_empty() && text.len() <= 253 && !text.starts_with(['-', '.']);
    (sane && text.bytes().all(plain)).then(|| text.to_owned())
}

/// RFC 3442: prefix length, only the bytes of the network it covers, router; again and again. False when it does
/// not go on like that to the end.
pub fn classless_routes(mut data: &[u8]) -> (Vec<Route>, bool) {
    let mut routes = Vec::new();
    let empty = data.is_empty();
    while let Some((&prefix, rest)) = data.split_first() {
        let significant = usize::from(prefix.div_ceil(8));
        let Some((covered, rest)) = rest.split_at_checked(significant).filter(|_| prefix <= 32)
        else {
            return (routes, false);
        };
        let Some((router, rest)) = rest.split_first_chunk::<4>() else {
            return (routes, false);
        };
        let mut network = [0; 4];
        network[..significant].copy_from_slice(covered);
        // The kernel refuses a network with bits set beyond its prefix.
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let network = Ipv4Addr::from(u32::from_be_bytes(network) & mask);
        let router = Ipv4Addr::from(*router);
        if router.is_unspecified() || is_host(router) {
            routes.push((network, prefix, router));
        }
        data = rest;
    }
    (routes, !empty)
}
