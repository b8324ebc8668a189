//! The network a client is counted in when seats are shared out: its address, and of IPv6 the /64 that one machine has whole.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the first 64 bits of an IPv6 one (RFC 4291 §2.5.1: the rest is the host's to choose).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// Of an address as accept(2) tells it; IPv4 seen through an IPv6 socket is IPv4.
    pub fn of(address: IpAddr) -> Self {
        ClientNetwork(match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() >> 64 << 64;
                Ipv6Addr::from_bits(prefix).into()
            }
            address => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_has_one_network_however_many_addresses_it_takes() {
        let of = |text: &str| ClientNetwork::of(text.parse().expect("an address"));
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("fe80::1", "fe80::2", true),
        ] {
            assert_eq!(of(one) == of(other), same, "{one} {other}");
        }
    }
}
