//! `ip=` of the kernel command line: an address by hand, or which cards ask for one.
//!
//! The kernel's form (Documentation/admin-guide/nfs/nfsroot.rst), with dracut's brackets for IPv6 and its short form
//! `ip=<device>:dhcp`.

use std::net::{IpAddr, Ipv4Addr};

use crate::error::{Error, Result};
use crate::net::address::configure;
use crate::net::address::configure::{Address, Route};
use crate::net::address::resolv_conf::{Names, ResolvConf};
use crate::net::link::links;
use crate::net::link::links::Link;
use crate::sys::kernel;
use crate::system_root::SystemRoot;

/// One `ip=` parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ip {
    /// No DHCP, on this card or on any.
    Off(Option<String>),
    /// DHCP, on this card or on every one: what happens without the parameter too.
    Dhcp(Option<String>),
    /// IPv6 alone, as routers say, on this card or on any.
    Ipv6(Option<String>),
    /// An address by hand.
    Fixed(Fixed),
}

/// An address by hand; without a device it goes to the card the machine booted from, or the first with a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// With the length of its network part.
    pub address: Address,
    /// The default route.
    pub gateway: Option<IpAddr>,
    /// Of this machine.
    pub hostname: Option<String>,
    /// Which interface; none means the one the machine booted from.
    pub device: Option<String>,
    /// For names.
    pub name_servers: Vec<IpAddr>,
    /// For the clock.
    pub time_servers: Vec<IpAddr>,
}

impl Ip {
    /// The value of one `ip=`.
    pub fn parse(value: &str) -> Result<Ip> {
        let wrong =
            |what: &str, text: &str| Error::plain(format!("ip={value}: '{text}' is no {what}"));
        let fields = fields(value);
        let field = |at: usize| {
            fields
                .get(at)
                .map(String::as_str)
                .filter(|text| !text.is_empty())
        };
        let method = |text: &str, device: Option<&str>| {
            let device = device.map(str::to_owned);
            match text {
                "dhcp" | "on" | "any" | "both" => Some(Ip::Dhcp(device)),
                "off" | "none" => Some(Ip::Off(device)),
                // What happens anyway, with DHCPv6 where a router says so; by all of them on every card.
                "auto6" | "ra" | "dhcp6" | "either6" => Some(Ip::Ipv6(device)),
                _ => None,
            }
        };
        if let [one] = &fields[..]
            && let Some(ip) = method(one, None)
        {
            return Ok(ip);
        }
        if let [device, second] = &fields[..] {
            return method(second, Some(device)).ok_or_else(|| wrong("method", second));
        }
        let Some(client) = field(0) else {
            let text = field(6).unwrap_or("dhcp");
            return method(text, field(5)).ok_or_else(|| wrong("method", text));
        };
        let address = |at: usize| match field(at) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| wrong("address", text)),
        };
        // dracut puts the prefix length behind the address as well as in the mask's place.
        let (client, behind) = match client.split_once('/') {
            Some((client, prefix)) => (client, Some(prefix)),
            None => (client, None),
        };
        let ip: IpAddr = client.parse().map_err(|_| wrong("address", client))?;
        let prefix = match field(3).or(behind) {
            Some(text) => prefix(ip, text).ok_or_else(|| wrong("netmask", text))?,
            None => natural_prefix(ip),
        };
        let listed = |ats: [usize; 2]| -> Result<Vec<IpAddr>> {
            let found = [address(ats[0])?, address(ats[1])?];
            Ok(found.into_iter().flatten().collect())
        };
        let (name_servers, time_servers) = (listed([7, 8])?, listed([9, 9])?);
        Ok(Ip::Fixed(Fixed {
            address: Address { ip, prefix },
            gateway: address(2)?,
            hostname: field(4).map(str::to_owned),
            device: field(5).map(str::to_owned),
            name_servers,
            time_servers: time_servers.into_iter().take(1).collect(),
        }))
    }
}

impl Fixed {
    /// Routes and names first, the address last: whoever waits for an address finds all the rest in place.
    pub fn apply(
        &self,
        host: &SystemRoot,
        link: &Link,
        metric: u32,
        resolv_conf: &ResolvConf,
    ) -> Result<()> {
        links::must_be_ours(host)?;
        let Address { ip, prefix } = self.address;
        log::info!("{}: {ip}/{prefix} from the kernel command line", link.name);
        let names = Names {
            servers: self.name_servers.clone(),
            search: Vec::new(),
            time_servers: self.time_servers.clone(),
            zone: Some(link.name.clone()),
        };
        resolv_conf.learn(metric, &link.name, names);
        if let Some(hostname) = &self.hostname
            && let Err(error) = kernel::set_hostname(hostname)
        {
            log::warn!("host name {hostname}: {error}");
        }
        if let Some(gateway) = self.gateway {
            let to = Address {
                ip: match gateway {
                    IpAddr::V4(_) => [0u8; 4].into(),
                    IpAddr::V6(_) => [0u8; 16].into(),
                },
                prefix: 0,
            };
            let route = Route {
                to,
                gateway: Some(gateway),
            };
            configure::add_route(host, link, route, metric)?;
        }
        configure::add(host, link, self.address, metric)
    }
}

/// Splits at colons outside brackets, and takes the brackets off; one never closed stays and is no address.
fn fields(value: &str) -> Vec<String> {
    let mut bracketed = false;
    value
        .split(|character| {
            bracketed = (bracketed || character == '[') && character != ']';
            character == ':' && !bracketed
        })
        .map(|field| match field.contains(']') {
            true => field.replace(['[', ']'], ""),
            false => field.to_owned(),
        })
        .collect()
}

/// A length, or an IPv4 mask whose ones all come first.
fn prefix(ip: IpAddr, text: &str) -> Option<u8> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let mask = u32::from(mask);
        let contiguous = mask.leading_ones() + mask.trailing_zeros() >= 32;
        return (ip.is_ipv4() && contiguous).then_some(mask.leading_ones() as u8);
    }
    text.parse().ok().filter(|prefix| *prefix <= most)
}

/// What the kernel assumes without a mask: the address's class, and for IPv6 a whole link.
fn natural_prefix(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V6(_) => 64,
        IpAddr::V4(ip) => match ip.octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(value: &str) -> Fixed {
        match Ip::parse(value) {
            Ok(Ip::Fixed(fixed)) => fixed,
            other => panic!("{value}: {other:?}"),
        }
    }

    #[test]
    fn the_kernels_form_is_read_whole() {
        let read = fixed(
            "192.0.2.9::192.0.2.1:255.255.254.0:node:eth1:off:192.0.2.53:192.0.2.54:192.0.2.123",
        );
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(
            read,
            Fixed {
                address: Address {
                    ip: ip("192.0.2.9"),
                    prefix: 23
                },
                gateway: Some(ip("192.0.2.1")),
                hostname: Some("node".into()),
                device: Some("eth1".into()),
                name_servers: vec![ip("192.0.2.53"), ip("192.0.2.54")],
                time_servers: vec![ip("192.0.2.123")],
            }
        );
        assert_eq!(fixed("192.0.2.9").address.prefix, 24);
        assert_eq!(fixed("10.0.0.1::::::").address.prefix, 8);
        assert_eq!(fixed("10.0.0.1:::20").address.prefix, 20);
    }

    #[test]
    fn brackets_hold_ipv6() {
        for value in [
            "[2001:db8::9]::[2001:db8::1]:64:node:eth0:none",
            "[2001:db8::9]/64::[2001:db8::1]::node:eth0:none",
            "[2001:db8::9/64]::[2001:db8::1]::node:eth0:none",
        ] {
            let read = fixed(value);
            assert_eq!(read.address.ip.to_string(), "2001:db8::9", "{value}");
            assert_eq!(
                (read.address.prefix, read.device.as_deref()),
                (64, Some("eth0"))
            );
            assert_eq!(
                read.gateway.map(|ip| ip.to_string()).as_deref(),
                Some("2001:db8::1")
            );
        }
    }

    #[test]
    fn methods_stand_alone_or_with_their_device() {
        let eth1 = Some("eth1".to_owned());
        for (value, read) in [
            ("dhcp", Ip::Dhcp(None)),
            ("on", Ip::Dhcp(None)),
            ("off", Ip::Off(None)),
            ("dhcp6", Ip::Ipv6(None)),
            ("eth1:auto6", Ip::Ipv6(eth1.clone())),
            ("eth1:dhcp", Ip::Dhcp(eth1.clone())),
            (":::::eth1:dhcp", Ip::Dhcp(eth1.clone())),
            (":::::eth1:off", Ip::Off(eth1.clone())),
            ("::::::", Ip::Dhcp(None)),
        ] {
            assert_eq!(Ip::parse(value), Ok(read), "{value}");
        }
    }

    #[test]
    fn nonsense_names_itself() {
        for (value, named) in [
            ("banana", "'banana' is no address"),
            ("eth0:banana", "'banana' is no method"),
            ("192.0.2.9:::255.0.255.0", "'255.0.255.0' is no netmask"),
            ("192.0.2.9:::33", "'33' is no netmask"),
            ("192.0.2.9::gateway:24", "'gateway' is no address"),
            ("[2001:db8::9", "is no address"),
        ] {
            let error = Ip::parse(value).expect_err("an error");
            assert!(error.details().contains(named), "{value}: {error}");
        }
    }
}
