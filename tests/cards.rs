//! Several cards, of which some are no good: routes and MTU of each, cards that come, go and come, an address that changes
//! with its lease; against dnsmasq, in namespaces.
//!
//! Needs root, iproute2, util-linux and dnsmasq-base.

#[path = "support/ramdisk.rs"]
mod ramdisk;

use std::net::IpAddr;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::thread;

use ironlet::clock::Clock;
use ironlet::init;
use ironlet::net::address::configure;
use ironlet::net::dhcp::doubt::Doubt;
use ironlet::net::link::links;
use ironlet::system_root::SystemRoot;
use ramdisk::{cable, eventually, ip, ip_says, link, start, stop, until};

fn main() {
    ramdisk::run("cards", &[], inside);
}

fn inside() {
    let host = SystemRoot::new("/");
    assert!(host.is_ramdisk(), "the new root is a tmpfs");
    ip("netns add far");
    ip("-n far link set lo up");
    let machine = host.clone();
    thread::spawn(move || {
        let boot = "BOOTIF=01-02-00-00-00-05-02";
        let ended = init::keep_network(&machine, &Clock::real(), boot, Doubt::default());
        panic!("the network's keeper ended: {ended:?}");
    });
    one_good_one(&host);
    routes_and_mtu_of_each();
    comes_goes_and_comes();
    another_lease();
    println!(
        "cards: the good one of four, routes and MTU of each, one that comes, goes and comes, and an address that changes with its lease"
    );
    println!("4 passed; 0 failed");
}

fn address(name: &str) -> Option<String> {
    let links = links::list().expect("links");
    let index = links.iter().find(|link| link.name == name)?.index;
    let all = configure::list().expect("addresses");
    let mut own = all
        .iter()
        .filter(|one| one.link == index && one.address.ip.is_ipv4());
    own.next().map(|one| one.address.ip.to_string())
}

fn network(name: &str, number: u8) {
    cable(
        name,
        &format!("02:00:00:00:05:{number:02x}"),
        "far",
        &format!("port-{name}"),
    );
    ip(&format!(
        "-n far address add 10.50.{number}.1/24 dev port-{name}"
    ));
}

fn dnsmasq(name: &str, range: &str, options: &[&str]) -> (Child, Receiver<String>) {
    let port = format!("--interface=port-{name}");
    let leases = format!("--dhcp-leasefile=/run/leases-{name}-{range}");
    let range = format!("--dhcp-range={range},255.255.255.0,2m");
    let usual = [
        "dnsmasq",
        "--no-daemon",
        "--conf-file=/dev/null",
        "--user=root",
        "--port=0",
        "--bind-interfaces",
        "--no-ping",
        "--dhcp-authoritative",
        &port,
        &leases,
        &range,
    ];
    let (child, log) = start("far", &[&usual, options].concat());
    until(&log, "sockets bound");
    (child, log)
}

/// No cable, nobody who answers, and a server whose network leads nowhere; the second card is the one that works.
fn one_good_one(host: &SystemRoot) {
    network("eth1", 1);
    ip("-n far link set port-eth1 down");
    network("eth2", 2);
    network("eth3", 3);
    network("eth4", 4);
    let good = dnsmasq(
        "eth2",
        "10.50.2.100,10.50.2.100",
        &["--dhcp-option=option:dns-server,10.50.2.53"],
    );
    let useless = dnsmasq(
        "eth4",
        "10.50.4.100,10.50.4.100",
        &[
            "--dhcp-option=option:router",
            "--dhcp-option=option:dns-server",
        ],
    );
    eventually("addresses of both that have a server", || {
        address("eth2").as_deref() == Some("10.50.2.100")
            && address("eth4").as_deref() == Some("10.50.4.100")
    });
    let far: IpAddr = [198, 51, 100, 1].into();
    assert_eq!(
        configure::source_address(far)
            .map(|ip| ip.to_string())
            .ok()
            .as_deref(),
        Some("10.50.2.100")
    );
    assert_eq!(
        std::fs::read_to_string(host.etc("resolv.conf")).expect("a file"),
        "nameserver 10.50.2.53\n"
    );
    assert!(address("eth1").is_none() && address("eth3").is_none());
    stop(good.0);
    stop(useless.0);
    for name in ["eth1", "eth2", "eth3", "eth4"] {
        ip(&format!("link delete {name}"));
    }
}

fn routes_and_mtu_of_each() {
    let mut servers = Vec::new();
    // The one the machine was started from is the second.
    for number in [1u8, 2] {
        let name = format!("eth{number}");
        network(&name, number);
        let routes = format!(
            "--dhcp-option=option:classless-static-route,0.0.0.0/0,10.50.{number}.254,10.60.{number}.0/24,10.50.{number}.253,10.61.{number}.0/24,0.0.0.0"
        );
        let mtu = format!("--dhcp-option=option:mtu,{}", 1300 + u32::from(number));
        let range = format!("10.50.{number}.100,10.50.{number}.100");
        servers.push(dnsmasq(&name, &range, &[&routes, &mtu]));
    }
    for number in [1u8, 2] {
        let name = format!("eth{number}");
        eventually("an address", || address(&name).is_some());
        assert_eq!(link(&name).mtu, 1300 + u32::from(number));
        let routes = ip_says(&format!("-4 route show dev {name}"));
        for part in [
            format!("default via 10.50.{number}.254"),
            format!("10.60.{number}.0/24 via 10.50.{number}.253"),
            format!("10.61.{number}.0/24 proto static scope link"),
        ] {
            assert!(routes.contains(&part), "{part}: {routes}");
        }
    }
    let way = ip_says("route get 198.51.100.1");
    assert!(
        way.contains("via 10.50.2.254 dev eth2"),
        "BOOTIF goes first: {way}"
    );
    for (server, _) in servers {
        stop(server);
    }
    ip("link delete eth1");
    ip("link delete eth2");
}

fn comes_goes_and_comes() {
    for turn in 0..3 {
        network("eth7", 7);
        let (server, _log) = dnsmasq("eth7", "10.50.7.100,10.50.7.120", &[]);
        eventually("an address", || address("eth7").is_some());
        ip("link delete eth7");
        stop(server);
        println!("cards: turn {turn}");
    }
    eventually("no thread asks for what is gone", || {
        let tasks = std::fs::read_dir("/proc/self/task")
            .expect("tasks")
            .flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        !names.into_iter().any(|name| name.starts_with("dhcp-eth7"))
    });
}

fn another_lease() {
    network("eth8", 8);
    let options = ["--dhcp-option=option:T1,8", "--dhcp-option=option:T2,12"];
    let (server, _log) = dnsmasq("eth8", "10.50.8.100,10.50.8.100", &options);
    eventually("the first address", || {
        address("eth8").as_deref() == Some("10.50.8.100")
    });
    stop(server);
    let (server, log) = dnsmasq("eth8", "10.50.8.200,10.50.8.200", &options);
    until(&log, "DHCPNAK");
    eventually("the second address, alone", || {
        address("eth8").as_deref() == Some("10.50.8.200")
    });
    stop(server);
    ip("link delete eth8");
}
