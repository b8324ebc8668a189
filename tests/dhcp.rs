//! The DHCP client against a real server (dnsmasq), over a cable of two veths; then against twenty odd ones.
//!
//! Needs root, iproute2, util-linux, dnsmasq-base and python3.

#[path = "support/ramdisk.rs"]
mod ramdisk;
#[path = "dhcp/zoo.rs"]
mod zoo;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ironlet::clock::Clock;
use ironlet::net::address::configure;
use ironlet::net::address::resolv_conf::{ResolvConf, known_time_servers};
use ironlet::net::address::router_advertisement::Advertisement;
use ironlet::net::dhcp::Client;
use ironlet::net::dhcp::doubt::Doubt;
use ironlet::net::link::links;
use ironlet::net::link::links::{Changes, Link};
use ironlet::sys::socket::readable;
use ironlet::system_root::SystemRoot;
use ramdisk::{PATIENCE, ip, link};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn main() {
    ramdisk::run("dhcp", &["lab/dhcp_zoo.py"], inside);
}

fn inside() {
    let host = SystemRoot::new("/");
    assert!(host.is_ramdisk(), "the new root is a tmpfs");
    cable();
    // linux/rtnetlink.h: RTNLGRP_ND_USEROPT is group 20.
    let mut changes = Changes::open(1 << 19).expect("netlink");
    let (mut server, mut log) = serve("192.0.2.100,192.0.2.110");
    let states = start_client(&host);

    // The whole lease.
    let there = configure::wait_for_address(&Clock::real(), PATIENCE);
    assert_eq!(there, Ok(true));
    said(&states, "by DHCP");
    let first = lease_of("card");
    assert!((100..=110).contains(&first.octets()[3]), "{first}");
    let far = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    assert_eq!(
        configure::source_address(far),
        Ok(first.into()),
        "a default route"
    );
    let resolver = fs::read_to_string(host.etc("resolv.conf")).expect("resolv.conf");
    assert_eq!(resolver, "search lab.example\nnameserver 192.0.2.53\n");
    assert_eq!(
        known_time_servers(&host),
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 123))]
    );
    assert_eq!(link("card").mtu, 1400);
    let name = fs::read_to_string(host.proc("sys/kernel/hostname")).expect("a host name");
    assert_eq!(name.trim(), "bm7");

    // The name server of a router advertisement, as the kernel passes it on.
    assert_eq!(
        advertised(&mut changes),
        ["fd00:7::53".parse::<IpAddr>().expect("an address")]
    );

    // Renewed in time: the server hears the client a second time.
    heard(&log, "DHCPACK");
    heard(&log, "DHCPREQUEST");
    heard(&log, "DHCPACK");
    assert_eq!(lease_of("card"), first);

    // The cable is pulled and put back: the lease is confirmed.
    pull(&states);
    ip("-n server link set port up");
    heard(&log, "DHCPACK");
    said(&states, "by DHCP");
    assert_eq!(lease_of("card"), first);

    // It is put into another network: the old address goes, a new one comes.
    stop(&mut server);
    pull(&states);
    (server, log) = serve("192.0.2.200,192.0.2.210");
    ip("-n server link set port up");
    heard(&log, "DHCPNAK");
    said(&states, "took the address back");
    said(&states, "by DHCP");
    let second = lease_of("card");
    assert!((200..=210).contains(&second.octets()[3]), "{second}");

    zoo::visit(&host);

    // Locked down: every card is down, and stays so.
    assert_eq!(links::all_down(&host), Ok(()));
    said(&states, "no carrier");
    assert!(!link("card").up);
    stop(&mut server);
    println!("dhcp: leased, advertised, renewed, confirmed, refused, leased anew, locked down");
    println!("8 passed; 0 failed");
}

/// `card` is the client's end, `port` the server's, in a network namespace of its own.
fn cable() {
    for words in [
        "netns add server",
        "link add card address 02:00:00:00:00:07 type veth peer name port netns server",
        "-n server address add 192.0.2.1/24 dev port",
        "-n server address add fd00:7::1/64 dev port nodad",
        "-n server link set port up",
        "link set lo up",
        "link set card up",
    ] {
        ip(words);
    }
}

/// Waits for the name servers of a router advertisement.
fn advertised(changes: &mut Changes) -> Vec<IpAddr> {
    loop {
        let [true] = readable([changes.as_fd()], Some(PATIENCE)).expect("poll") else {
            panic!("no router advertisement came")
        };
        let messages = changes.take().expect("few messages");
        if let Some(said) = messages.iter().find_map(Advertisement::read) {
            return said.servers.iter().map(|(ip, _)| (*ip).into()).collect();
        }
    }
}

/// A server that leases from `range`, and its log, line by line.
fn serve(range: &str) -> (Child, Receiver<String>) {
    let mut server = Command::new("ip")
        .args([
            "netns",
            "exec",
            "server",
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
        ])
        .args([
            "--port=0",
            "--interface=port",
            "--bind-interfaces",
            "--user=root",
        ])
        .args([
            "--dhcp-authoritative",
            "--dhcp-leasefile=/tmp/leases",
            "--no-ping",
        ])
        .arg(format!("--dhcp-range={range},255.255.255.0,2m"))
        .args(["--domain=lab.example", "--dhcp-host=02:00:00:00:00:07,bm7"])
        .args(["--dhcp-option=option:dns-server,192.0.2.53"])
        .args(["--dhcp-option=option:ntp-server,192.0.2.123"])
        .args(["--dhcp-option=option:mtu,1400"])
        .args(["--dhcp-option=option:T1,8"])
        .args(["--enable-ra", "--dhcp-range=fd00:7::,ra-only"])
        .args(["--dhcp-option=option6:dns-server,[fd00:7::53]"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("dnsmasq");
    let log = lines_of(server.stderr.take().expect("a pipe"));
    heard(&log, "sockets bound");
    (server, log)
}

/// The lines of a child's output as they come; all of them are printed as well.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, log) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    log
}

fn stop(server: &mut Child) {
    server.kill().expect("the server is still there");
    server.wait().expect("it ends");
    fs::remove_file("/tmp/leases").expect("it kept its leases");
}

fn start_client(host: &SystemRoot) -> Receiver<String> {
    let (sender, states) = channel();
    let (host, card) = (host.clone(), link("card"));
    thread::spawn(move || run_client(&host, card, sender));
    states
}

fn run_client(host: &SystemRoot, link: Link, states: Sender<String>) {
    let client = Client {
        host,
        clock: &Clock::real(),
        // The kernel keeps one default route of each.
        metric: 100 + link.index,
        link,
        resolv_conf: &ResolvConf::new(host),
        report: &|state| {
            println!("client: {state}");
            // Nobody listens any more only when the test is over.
            let _ = states.send(state.to_owned());
        },
        doubt: Doubt::default(),
    };
    panic!("the client ended: {:?}", client.run());
}

/// The one IPv4 address of a link.
fn lease_of(name: &str) -> Ipv4Addr {
    let index = link(name).index;
    let all = configure::list().expect("addresses");
    let mut found = all.iter().filter_map(|assigned| match assigned.address.ip {
        IpAddr::V4(ip) if assigned.link == index => Some((ip, assigned.address.prefix)),
        _ => None,
    });
    let (Some((ip, 24)), None) = (found.next(), found.next()) else {
        panic!("one address, with the server's mask: {all:?}")
    };
    assert_ne!(ip, SERVER);
    ip
}

fn heard(log: &Receiver<String>, part: &str) {
    until(log, part, "the server's log");
}

/// Pulls the cable and waits until the client knows.
fn pull(states: &Receiver<String>) {
    while states.try_recv().is_ok() {}
    ip("-n server link set port down");
    said(states, "no carrier");
}

fn said(states: &Receiver<String>, part: &str) {
    until(states, part, "the client");
}

fn until(lines: &Receiver<String>, part: &str, whose: &str) {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(part) => return,
            Ok(_) => {}
            Err(error) => panic!("{whose} never said '{part}': {error}"),
        }
    }
}
