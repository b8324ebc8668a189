//! What a server grants: an address for a time, and what goes with it. Pure; every value is somebody else's.

use std::net::Ipv4Addr;
use std::time::Duration;

/// Entries of a list we keep; what is beyond is of no use to anybody.
const LIST: usize = 16;
/// The shortest lease we take at its word: below this the renewals themselves would be a flood.
const SHORTEST: Duration = Duration::from_secs(30);

/// What a server granted, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Ours, for a time.
    pub address: Ipv4Addr,
    /// Length of the network's prefix.
    pub prefix: u8,
    /// Who granted it, for renewals.
    pub server: Ipv4Addr,
    /// Network, length of its prefix, gateway; unspecified for what is on the link itself.
    pub routes: Vec<(Ipv4Addr, u8, Ipv4Addr)>,
    /// The best first.
    pub name_servers: Vec<Ipv4Addr>,
    /// The best first.
    pub time_servers: Vec<Ipv4Addr>,
    /// Searched for short names.
    pub domain: Option<String>,
    /// What this machine is to be called.
    pub hostname: Option<String>,
    /// Of the link, if it is to be changed.
    pub mtu: Option<u16>,
    /// When to ask again, and when it ends.
    pub times: Times,
}

/// From the moment it was asked for: ask the server for more, ask anybody, give it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// After which the server is asked (T1).
    pub renew: Duration,
    /// After which any server is asked (T2).
    pub rebind: Duration,
    /// After which the address is gone.
    pub expire: Duration,
}

impl Lease {
    /// None when there is no sane address, mask, server or lease time in it.
    pub fn read<'a>(
        address: Ipv4Addr,
        options: impl Iterator<Item = (u8, &'a [u8])>,
    ) -> Option<Lease> {
        let mut lease = Lease {
            address,
            prefix: natural_prefix(address),
            server: Ipv4Addr::UNSPECIFIED,
            routes: Vec::new(),
            name_servers: Vec::new(),
            time_servers: Vec::new(),
            domain: None,
            hostname: None,
            mtu: None,
            times: Times::FOR_EVER,
        };
        let (mut expire, mut renew, mut rebind) = (None, None, None);
        let (mut router, mut classless) = (None, None);
        // RFC 2132, by number; 121 is RFC 3442.
        for (kind, data) in options {
            match kind {
                1 => lease.prefix = prefix(addresses(data).next()?)?,
                3 => router = addresses(data).find(|router| is_host(*router)),
                6 => lease.name_servers = hosts(data),
                12 => lease.hostname = name(data),
                15 => lease.domain = name(data),
                // RFC 791: every link carries 576 bytes; an MTU below that is a mistake or malice.
                26 => {
                    lease.mtu = number(data)
                        .map(u16::from_be_bytes)
                        .filter(|mtu| *mtu >= 576)
                }
                42 => lease.time_servers = hosts(data),
                51 => expire = number(data).map(u32::from_be_bytes),
                54 => lease.server = addresses(data).next()?,
                58 => renew = number(data).map(u32::from_be_bytes),
                59 => rebind = number(data).map(u32::from_be_bytes),
                121 => classless = Some(classless_routes(data)?),
                _ => {}
            }
        }
        // RFC 3442: with classless routes the router option is ignored.
        lease.routes = classless.unwrap_or_else(|| {
            let any = Ipv4Addr::UNSPECIFIED;
            router.map(|router| (any, 0, router)).into_iter().collect()
        });
        lease.times = match expire? {
            u32::MAX => Times::FOR_EVER,
            expire => Times::new(expire, renew, rebind),
        };
        (is_host(lease.address) && is_host(lease.server)).then_some(lease)
    }

    /// The same grant, for whatever time.
    pub fn same(&self, other: &Lease) -> bool {
        let times = Times::FOR_EVER;
        Lease {
            times,
            ..self.clone()
        } == Lease {
            times,
            ..other.clone()
        }
    }

    /// The server that speaks, if it says so.
    pub fn server<'a>(mut options: impl Iterator<Item = (u8, &'a [u8])>) -> Option<Ipv4Addr> {
        let (_, data) = options.find(|(kind, _)| *kind == 54)?;
        addresses(data).next()
    }
}

impl Times {
    /// A lease that never ends.
    pub const FOR_EVER: Times = Times {
        renew: Duration::MAX,
        rebind: Duration::MAX,
        expire: Duration::MAX,
    };

    /// RFC 2131 §4.4.5: half and seven eighths of the lease unless the server says otherwise, and sanely.
    fn new(expire: u32, renew: Option<u32>, rebind: Option<u32>) -> Times {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let expire = seconds(expire).max(SHORTEST);
        let rebind = rebind.map(seconds).filter(|rebind| *rebind < expire);
        let rebind = rebind.unwrap_or(expire * 7 / 8).max(SHORTEST / 2);
        let renew = renew.map(seconds).filter(|renew| *renew < rebind);
        let renew = renew.unwrap_or(expire / 2).clamp(SHORTEST / 4, rebind);
        Times {
            renew,
            rebind,
            expire,
        }
    }
}

/// An address one machine can have.
fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first != 127 && first < 224
}

/// The prefix of the address's class, for a server that gives no mask.
fn natural_prefix(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    }
}

/// The length of a mask whose ones all come first.
fn prefix(mask: Ipv4Addr) -> Option<u8> {
    let mask = u32::from(mask);
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32 || mask == u32::MAX;
    (contiguous && mask != 0).then_some(mask.leading_ones() as u8)
}

fn addresses(data: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    let (quads, _) = data.as_chunks::<4>();
    quads.iter().map(|quad| Ipv4Addr::from(*quad)).take(LIST)
}

fn hosts(data: &[u8]) -> Vec<Ipv4Addr> {
    addresses(data).filter(|host| is_host(*host)).collect()
}

fn number<const N: usize>(data: &[u8]) -> Option<[u8; N]> {
    data.try_into().ok()
}

/// A host or domain name; none when it is anything else, for it ends up in a file of ours.
fn name(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let text = text.trim_end_matches(['\0', '.']);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    // RFC 1035 §2.3.4: a name has at most 255 bytes on the wire, 253 as text.
    let sane = !text.is_empty() && text.len() <= 253 && !text.starts_with(['-', '.']);
    (sane && text.bytes().all(plain)).then(|| text.to_owned())
}

/// RFC 3442: prefix length, only the bytes of the network it covers, router; again and again.
fn classless_routes(mut data: &[u8]) -> Option<Vec<(Ipv4Addr, u8, Ipv4Addr)>> {
    let mut routes = Vec::new();
    while let Some((&prefix, rest)) = data.split_first() {
        let significant = usize::from(prefix.div_ceil(8));
        if prefix > 32 || rest.len() < significant + 4 {
            return None;
        }
        let mut network = [0; 4];
        network[..significant].copy_from_slice(&rest[..significant]);
        // The kernel refuses a network with bits set beyond its prefix.
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let network = Ipv4Addr::from(u32::from_be_bytes(network) & mask);
        let router = Ipv4Addr::from(rest[significant..].first_chunk::<4>().copied()?);
        if routes.len() < LIST && (router.is_unspecified() || is_host(router)) {
            routes.push((network, prefix, router));
        }
        data = &rest[significant + 4..];
    }
    Some(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
    const BASE: [(u8, &[u8]); 3] = [
        (54, &[192, 0, 2, 1]),
        (51, &[0, 0, 14, 16]),
        (1, &[255, 255, 254, 0]),
    ];

    fn with(more: &[(u8, &'static [u8])]) -> Option<Lease> {
        Lease::read(ADDRESS, BASE.iter().chain(more).copied())
    }

    #[test]
    fn everything_a_server_grants_is_read() {
        let lease = with(&[
            (3, &[192, 0, 2, 254]),
            (6, &[192, 0, 2, 53, 0, 0, 0, 0, 8, 8, 8, 8]),
            (12, b"node-7"),
            (15, b"example.com.\0"),
            (26, &[0x23, 0x28]),
            (42, &[192, 0, 2, 123]),
        ])
        .expect("a lease");
        assert_eq!(lease.prefix, 23);
        let any = Ipv4Addr::UNSPECIFIED;
        assert_eq!(lease.routes, [(any, 0, Ipv4Addr::new(192, 0, 2, 254))]);
        assert_eq!(lease.name_servers.len(), 2, "0.0.0.0 is no server");
        assert_eq!(lease.hostname.as_deref(), Some("node-7"));
        assert_eq!(lease.domain.as_deref(), Some("example.com"));
        assert_eq!(lease.mtu, Some(9000));
        assert_eq!(lease.time_servers, [Ipv4Addr::new(192, 0, 2, 123)]);
        let times = lease.times;
        let hour = Duration::from_secs(3600);
        assert_eq!((times.renew, times.expire), (hour / 2, hour));
        assert_eq!(times.rebind, hour * 7 / 8);
    }

    #[test]
    fn classless_routes_replace_the_router() {
        let lease = with(&[
            (3, &[192, 0, 2, 254]),
            (
                121,
                &[
                    0, 192, 0, 2, 1, 20, 10, 1, 255, 192, 0, 2, 2, 32, 169, 254, 169, 254, 0, 0, 0,
                    0,
                ],
            ),
        ])
        .expect("a lease");
        let ip = Ipv4Addr::new;
        assert_eq!(
            lease.routes,
            [
                (ip(0, 0, 0, 0), 0, ip(192, 0, 2, 1)),
                (ip(10, 1, 240, 0), 20, ip(192, 0, 2, 2)),
                (ip(169, 254, 169, 254), 32, ip(0, 0, 0, 0)),
            ]
        );
    }

    #[test]
    fn nonsense_is_refused_or_left_out() {
        assert_eq!(with(&[(1, &[255, 0, 255, 0])]), None, "a mask with holes");
        assert_eq!(with(&[(1, &[255])]), None);
        assert_eq!(with(&[(54, &[255, 255, 255, 255])]), None);
        assert_eq!(with(&[(121, &[33, 1, 2, 3, 4, 5, 1, 2, 3, 4])]), None);
        assert_eq!(with(&[(121, &[24, 10, 1])]), None);
        assert_eq!(Lease::read(Ipv4Addr::BROADCAST, BASE.into_iter()), None);
        assert_eq!(Lease::read(ADDRESS, BASE[..1].iter().copied()), None);
        let lease = with(&[
            (26, &[0, 68]),
            (12, b"a b\n"),
            (15, b"x\nnameserver 6.6.6.6"),
        ]);
        let lease = lease.expect("a lease all the same");
        assert_eq!(
            (lease.mtu, lease.hostname, lease.domain),
            (None, None, None)
        );
        assert_eq!(
            with(&[(51, &[255; 4])]).expect("a lease").times,
            Times::FOR_EVER
        );
    }

    #[test]
    fn times_are_in_order_whatever_the_server_says() {
        for (expire, renew, rebind) in [
            (0, None, None),
            (1, Some(0), Some(0)),
            (3600, Some(9999), Some(9999)),
            (3600, Some(3000), Some(100)),
            (u32::MAX - 1, Some(1), Some(2)),
        ] {
            let times = Times::new(expire, renew, rebind);
            let said = format!("{expire} {renew:?} {rebind:?}: {times:?}");
            assert!(
                times.renew <= times.rebind && times.rebind < times.expire,
                "{said}"
            );
            assert!(
                times.renew >= SHORTEST / 4 && times.expire >= SHORTEST,
                "{said}"
            );
        }
    }
}
