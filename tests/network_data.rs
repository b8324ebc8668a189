//! `network_data.json` as Nova, Ironic and Metal3 write it, and as nobody should.

use ironlet::net::link::virtual_links::BondMode;
use ironlet::net::network_data::{Kind, Network, NetworkData, PlannedLink, parse};

/// The example of Nova's documentation and of Ironic's schema in one: cards, a bond, VLANs, both families.
const WHOLE: &str = r#"{
  "links": [
    {"id": "tagged", "type": "vlan", "vlan_link": "bond0", "vlan_id": 101, "vlan_mac_address": "02:00:00:00:01:01", "mtu": 1400},
    {"id": "bond0", "type": "bond", "bond_links": ["one", "two"], "bond_mode": "802.3ad", "bond_xmit_hash_policy": "layer3+4",
     "bond_miimon": 50, "ethernet_mac_address": "02:00:00:00:00:01", "mtu": 9000},
    {"id": "one", "type": "phy", "ethernet_mac_address": "02:00:00:00:00:01", "mtu": null},
    {"id": "two", "type": "phy", "ethernet_mac_address": "02-00-00-00-00-02"},
    {"id": "tap9", "type": "ovs", "ethernet_mac_address": "02:00:00:00:00:09", "mtu": 1500, "vif_id": "x"}
  ],
  "networks": [
    {"id": "n0", "type": "ipv4", "link": "tagged", "ip_address": "192.0.2.9", "netmask": "255.255.254.0", "network_id": "x",
     "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},
                {"network": "10.1.2.3", "netmask": "255.255.0.0", "gateway": "192.0.2.2"}],
     "services": [{"type": "dns", "address": "192.0.2.53"}]},
    {"id": "n1", "type": "ipv6", "link": "tagged", "ip_address": "2001:db8::9/64", "gateway": "fe80::1",
     "routes": [{"network": "2001:db8:1::", "netmask": "ffff:ffff:ffff::", "gateway": "2001:db8::2"}]},
    {"id": "n2", "type": "ipv4_dhcp", "link": "tap9"},
    {"id": "n3", "type": "ipv6_slaac", "link": "tap9"},
    {"id": "n4", "type": "ipv6", "link": "bond0", "ip_address": "2001:db8:2::9", "netmask": "ffff:ffff:ffff:ffff::"}
  ],
  "services": [{"type": "dns", "address": "2001:db8::53"}, {"type": "ntp", "address": "x"}]
}"#;

fn read(text: &str) -> (NetworkData, String) {
    let (data, faults) = parse(text).expect("such a file");
    (data, faults.join("; "))
}

/// A fixed network as `ip` would print it.
fn shown(network: &Network) -> String {
    let Network::Fixed {
        address,
        routes,
        name_servers,
    } = network
    else {
        return format!("{network:?}");
    };
    let mut text = format!("{}/{}", address.ip, address.prefix);
    for route in routes {
        let gateway = route.gateway.map_or("link".into(), |ip| ip.to_string());
        text += &format!(" {}/{}>{gateway}", route.to.ip, route.to.prefix);
    }
    for server in name_servers {
        text += &format!(" dns={server}");
    }
    text
}

#[test]
fn a_whole_file_is_read_with_each_link_after_those_it_is_made_of() {
    let (data, faults) = read(WHOLE);
    assert_eq!(faults, "");
    let ids: Vec<&str> = data.links.iter().map(|link| link.id.as_str()).collect();
    assert_eq!(ids, ["one", "two", "tap9", "bond0", "tagged"]);
    let [_, _, tap, bond, vlan] = &data.links[..] else {
        panic!("five")
    };
    let mode = BondMode {
        mode: 4,
        miimon: 50,
        hash: Some(1),
    };
    assert_eq!(bond.kind, Kind::Bond(mode, vec![0, 1]));
    assert_eq!(
        (bond.mtu, vlan.mtu, tap.mtu),
        (Some(9000), Some(1400), Some(1500))
    );
    assert_eq!(vlan.kind, Kind::Vlan(3, 101));
    assert_eq!(
        vlan.mac.map(|mac| mac.to_string()).as_deref(),
        Some("02:00:00:00:01:01")
    );
    let networks = |link: &PlannedLink| link.networks.iter().map(shown).collect::<Vec<_>>();
    assert_eq!(
        networks(vlan),
        [
            "192.0.2.9/23 0.0.0.0/0>192.0.2.1 10.1.0.0/16>192.0.2.2 dns=192.0.2.53",
            "2001:db8::9/64 ::/0>fe80::1 2001:db8:1::/48>2001:db8::2",
        ]
    );
    assert_eq!(networks(tap), ["Dhcp4", "Auto6"]);
    assert_eq!(networks(bond), ["2001:db8:2::9/64"]);
    let servers: Vec<String> = data.name_servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["2001:db8::53"]);
}

#[test]
fn what_makes_no_sense_costs_itself_alone_and_is_named() {
    let card = r#"{"id": "c", "type": "phy", "ethernet_mac_address": "02:00:00:00:00:01"}"#;
    let good = r#"{"id": "g", "type": "ipv4_dhcp", "link": "c"}"#;
    for (link, told) in [
        (r#"{"type": "phy"}"#, "it has no 'id'"),
        (r#"{"id": "c"}"#, "another link of that id"),
        (r#"{"id": "x"}"#, "no 'ethernet_mac_address'"),
        (
            r#"{"id": "x", "ethernet_mac_address": "02:00"}"#,
            "is no MAC address",
        ),
        (
            r#"{"id": "x", "ethernet_mac_address": 7}"#,
            "must be a string",
        ),
        (
            r#"{"id": "x", "ethernet_mac_address": "02:00:00:00:00:02", "mtu": 9}"#,
            "'mtu'",
        ),
        (
            r#"{"id": "x", "type": "bond", "bond_links": []}"#,
            "names no port",
        ),
        (
            r#"{"id": "x", "type": "bond", "bond_links": ["y"]}"#,
            "'y', which is not there",
        ),
        (
            r#"{"id": "x", "type": "bond", "bond_links": ["x"]}"#,
            "'x', which is not there",
        ),
        (
            r#"{"id": "x", "type": "bond", "bond_links": ["c"], "bond_mode": "fast"}"#,
            "balance-rr, ",
        ),
        (
            r#"{"id": "x", "type": "vlan", "vlan_link": "c", "vlan_id": 4095}"#,
            "from 1 to 4094",
        ),
        (
            r#"{"id": "x", "type": "vlan", "vlan_link": "x", "vlan_id": 7}"#,
            "'x', which is not there",
        ),
        (
            r#"{"id": "x", "type": "vlan", "vlan_id": 7}"#,
            "no 'vlan_link'",
        ),
    ] {
        let (data, faults) = read(&format!(
            r#"{{"links": [{card}, {link}], "networks": [{good}]}}"#
        ));
        assert!(faults.contains(told), "{link}: {faults}");
        assert_eq!(
            (data.links.len(), data.links[0].networks.len()),
            (1, 1),
            "{link}"
        );
    }
    for (network, told) in [
        (r#"{"type": "ipv4_dhcp"}"#, "it has no 'link'"),
        (
            r#"{"link": "y", "type": "ipv4_dhcp"}"#,
            "'y', which is not there",
        ),
        (r#"{"link": "c", "type": "ipx"}"#, "type 'ipx' is not known"),
        (r#"{"link": "c", "type": "ipv4"}"#, "no 'ip_address'"),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9"}"#,
            "no 'netmask'",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9", "netmask": "255.0.255.0"}"#,
            "no netmask",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9/33"}"#,
            "no netmask",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "2001:db8::9/64"}"#,
            "no IPv4 address",
        ),
        (
            r#"{"link": "c", "type": "ipv6", "ip_address": "ff02::1/64"}"#,
            "no IPv6 address",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9/24", "gateway": "::1"}"#,
            "no IPv4 address",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9/24", "routes": [7]}"#,
            "no object",
        ),
        (
            r#"{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9/24", "routes": [{"network": "10.0.0.0"}]}"#,
            "no 'netmask'",
        ),
    ] {
        let (data, faults) = read(&format!(
            r#"{{"links": [{card}], "networks": [{network}, {good}]}}"#
        ));
        assert!(faults.contains(told), "{network}: {faults}");
        assert_eq!(data.links[0].networks, [Network::Dhcp4], "{network}");
    }
}

#[test]
fn name_servers_masks_and_modes_are_taken_wherever_and_however_somebody_writes_them() {
    // Nova's example has `dns_nameservers` and the mode 802.1ad; Metal3 has services in routes, and gateways without a word.
    let (data, faults) = read(
        r#"{
  "links": [
    {"id": "b", "type": "bond", "bond_links": ["c"], "bond_mode": "802.1ad"},
    {"id": "c", "type": "phy", "ethernet_mac_address": "02:00:00:00:00:01"}
  ],
  "networks": [
    {"link": "b", "type": "ipv4", "ip_address": "192.0.2.9", "netmask": 24, "gateway": "",
     "dns_nameservers": ["192.0.2.53", "192.0.2.54"],
     "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1",
                 "services": [{"type": "dns", "address": "192.0.2.54"}, {"type": "dns", "address": "192.0.2.55"}]},
                {"network": "10.0.0.0", "netmask": 8, "gateway": "", "services": []}]},
    {"link": "b", "type": "ipv6_slaac",
     "routes": [{"network": "::", "netmask": "::", "services": [{"type": "dns", "address": "2001:db8::53"}]}]}
  ],
  "services": [{"type": "dns", "address": "198.51.100.53"}]
}"#,
    );
    assert_eq!(faults, "");
    let [_, bond] = &data.links[..] else {
        panic!("two")
    };
    assert!(matches!(&bond.kind, Kind::Bond(mode, _) if mode.mode == 4));
    assert_eq!(
        bond.networks.iter().map(shown).collect::<Vec<_>>(),
        [
            "192.0.2.9/24 0.0.0.0/0>192.0.2.1 10.0.0.0/8>link dns=192.0.2.53 dns=192.0.2.54 dns=192.0.2.55",
            "Auto6"
        ]
    );
    let servers: Vec<String> = data.name_servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["198.51.100.53", "2001:db8::53"]);
    let (_, faults) = read(
        r#"{"links": [{"id": "c", "ethernet_mac_address": "02:00:00:00:00:01"}],
            "networks": [{"link": "c", "type": "ipv4", "ip_address": "192.0.2.9", "netmask": 33},
                         {"link": "c", "type": "ipv4", "ip_address": "192.0.2.9", "netmask": 24, "dns_nameservers": [7]}]}"#,
    );
    assert!(
        faults.contains("'33' is no netmask") && faults.contains("a name server has no address")
    );
}

#[test]
fn what_is_no_such_file_is_refused_and_an_endless_one_is_cut() {
    for text in [
        "",
        "[]",
        "7",
        r#"{"links": 7}"#,
        r#"{"links": [7]}"#,
        r#"{"networks": "x"}"#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert_eq!(read("{}"), (NetworkData::default(), String::new()));
    let card = |n: u32| {
        format!(
            r#"{{"id": "{n}", "ethernet_mac_address": "02:00:00:00:{:02x}:{:02x}"}}"#,
            n >> 8,
            n & 255
        )
    };
    let many = (0..5000).map(card).collect::<Vec<_>>().join(",");
    assert_eq!(
        read(&format!(r#"{{"links": [{many}]}}"#)).0.links.len(),
        256
    );
}
