//! Addresses and masks as `network_data.json` writes them: of one family each, as text. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, Result};

/// The kernel takes no route whose network has bits beyond its prefix.
pub fn masked(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from(u32::from(ip) & mask).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from(u128::from(ip) & mask).into()
        }
    }
}

/// Everywhere.
pub fn any(v4: bool) -> IpAddr {
    match v4 {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// An address of one machine, of the family that is wanted.
pub fn address(text: &str, v4: bool) -> Result<IpAddr> {
    let ip = text.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == v4);
    let ip = ip.filter(|ip| !ip.is_multicast());
    let shown: String = text.chars().take(50).collect();
    ip.ok_or_else(|| {
        let family = if v4 { "IPv4" } else { "IPv6" };
        Error::plain(format!("'{shown}' is no {family} address"))
    })
}

/// A length, or a mask whose ones all come first.
pub fn prefix(text: &str, v4: bool) -> Result<u8> {
    let most = if v4 { 32 } else { 128 };
    let length = match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(mask)) if v4 => ones(u128::from(u32::from(mask)) << 96, 32),
        Ok(IpAddr::V6(mask)) if !v4 => ones(u128::from(mask), 128),
        _ => text.parse().ok().filter(|length| *length <= most),
    };
    let shown: String = text.chars().take(50).collect();
    length.ok_or_else(|| Error::plain(format!("'{shown}' is no netmask")))
}

fn ones(mask: u128, most: u8) -> Option<u8> {
    let length = mask.leading_ones();
    (mask.checked_shl(length).unwrap_or(0) == 0).then_some((length as u8).min(most))
}
