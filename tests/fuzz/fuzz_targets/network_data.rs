#![no_main]
use ironlet::net::network_data::{Kind, Network, parse};

// A file of somebody's: every link is known, and made of others before it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok((data, _)) = parse(text) else { return };
    for (at, link) in data.links.iter().enumerate() {
        match &link.kind {
            Kind::Card => assert!(link.mac.is_some()),
            Kind::Bond(mode, ports) => assert!(mode.mode < 7 && ports.iter().all(|port| *port < at)),
            Kind::Vlan(parent, number) => assert!(*parent < at && (1..4095).contains(number)),
        }
        for network in &link.networks {
            let Network::Fixed { address, routes, .. } = network else { continue };
            let most = |ip: std::net::IpAddr| if ip.is_ipv4() { 32 } else { 128 };
            assert!(address.prefix <= most(address.ip));
            assert!(routes.iter().all(|route| route.to.prefix <= most(route.to.ip) && route.to.ip.is_ipv4() == address.ip.is_ipv4()));
        }
    }
});
