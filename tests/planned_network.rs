//! `network_data.json` carried out on a card: what the kernel refuses of it costs itself alone.
//!
//! Needs root, iproute2 and util-linux.

#[path = "support/ramdisk.rs"]
mod ramdisk;

use std::fs;
use std::thread;

use ironlet::clock::Clock;
use ironlet::init;
use ironlet::net::dhcp::doubt::Doubt;
use ironlet::system_root::SystemRoot;
use ramdisk::{cable, eventually, ip, ip_says};

/// Gateways that no kernel takes, and IPv6 where the MTU is too small for it, before what is good.
const PLAN: &str = r#"{
  "links": [{"id": "one", "type": "phy", "ethernet_mac_address": "02:00:00:00:07:01", "mtu": 1200}],
  "networks": [
    {"link": "one", "type": "ipv6", "ip_address": "2001:db8::9/64"},
    {"link": "one", "type": "ipv4", "ip_address": "192.0.2.9/24", "gateway": "255.255.255.255",
     "routes": [{"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "127.0.0.1"},
                {"network": "10.1.0.0", "netmask": "255.255.0.0", "gateway": "192.0.2.1"}]},
    {"link": "one", "type": "ipv4", "ip_address": "198.51.100.9/24"}
  ]
}"#;

fn main() {
    ramdisk::run("planned_network", &[], inside);
}

fn inside() {
    let host = SystemRoot::new("/");
    let folder = "/mnt/config/openstack/latest";
    fs::create_dir_all(folder).expect("a folder");
    fs::write(format!("{folder}/network_data.json"), PLAN).expect("a file");
    ip("netns add far");
    cable("one", "02:00:00:00:07:01", "far", "port-one");
    thread::spawn(move || {
        let ended = init::keep_network(&host, &Clock::real(), "", Doubt::default());
        panic!("the network's keeper ended: {ended:?}");
    });
    eventually("both addresses", || {
        let told = ip_says("-4 address show dev one");
        told.contains("192.0.2.9/24") && told.contains("198.51.100.9/24")
    });
    let routes = ip_says("-4 route show dev one");
    assert!(routes.contains("10.1.0.0/16 via 192.0.2.1"), "{routes}");
    println!(
        "planned network: two gateways and an address that the kernel refuses cost themselves"
    );
    println!("1 passed; 0 failed");
}
