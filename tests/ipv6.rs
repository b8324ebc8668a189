//! IPv6 as radvd, dnsmasq and ISC's dhcpd have it: routers alone, DHCPv6 with and without addresses, servers that disagree,
//! a flood of routers; and cards that come, go and come.
//!
//! Needs root, iproute2, util-linux, radvd, dnsmasq-base, isc-dhcp-server and python3.

#[path = "support/ramdisk.rs"]
mod ramdisk;

use std::fs;
use std::io::{self, PipeWriter};
use std::net::IpAddr;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::thread;

use ironlet::clock::Clock;
use ironlet::init;
use ironlet::net::address::configure;
use ironlet::net::address::names;
use ironlet::net::address::resolv_conf::known_time_servers;
use ironlet::net::dhcp::doubt::Doubt;
use ironlet::net::http::client::{Client, Method, Proxies, Request, Timeouts};
use ironlet::net::link::links;
use ironlet::net::tls::trust_settings::Trust;
use ironlet::system_root::SystemRoot;
use ramdisk::{cable, eventually, ip, ip_says, link, start, stop, until};

fn main() {
    ramdisk::run("ipv6", &["ipv6/odd.py"], inside);
}

fn inside() {
    let host = SystemRoot::new("/");
    assert!(host.is_ramdisk(), "the new root is a tmpfs");
    ip("netns add far");
    ip("netns exec far sysctl -q -w net.ipv6.conf.all.forwarding=1");
    let machine = host.clone();
    let (word, moved) = io::pipe().expect("a pipe");
    thread::spawn(move || {
        let doubt = Doubt::after(word);
        let ended = init::keep_network(&machine, &Clock::real(), "ip=dhcp6", doubt);
        panic!("the network's keeper ended: {ended:?}");
    });
    routers_alone(&host);
    without_addresses(&host);
    with_addresses(&host);
    servers_that_disagree();
    a_flood(&host);
    a_port_that_is_moved(&host, moved);
    println!(
        "ipv6: by routers alone, by DHCPv6 without and with addresses, of servers that disagree the best that keeps its word, through a flood, of a port that is moved the new network's"
    );
    println!("6 passed; 0 failed");
}

/// Global IPv6 addresses of a link, `address/prefix`.
fn addresses(name: &str) -> Vec<String> {
    let links = links::list().expect("links");
    let Some(index) = links
        .iter()
        .find(|link| link.name == name)
        .map(|link| link.index)
    else {
        return Vec::new();
    };
    let all = configure::list().expect("addresses");
    let own = all
        .iter()
        .filter(|assigned| assigned.link == index && assigned.usable);
    own.map(|assigned| format!("{}/{}", assigned.address.ip, assigned.address.prefix))
        .filter(|text| text.contains(':'))
        .collect()
}

fn has(name: &str, start: &str) -> bool {
    addresses(name)
        .iter()
        .any(|address| address.starts_with(start))
}

fn resolver(host: &SystemRoot) -> String {
    fs::read_to_string(host.etc("resolv.conf")).unwrap_or_default()
}

/// A card `name`, and its port in `far` with this network's first address.
fn network(name: &str, number: u8) {
    cable(
        name,
        &format!("02:00:00:00:06:{number:02x}"),
        "far",
        &format!("port-{name}"),
    );
    ip(&format!(
        "-n far address add fd00:{number}::1/64 dev port-{name} nodad"
    ));
    // A server binds what is no longer tentative.
    eventually("the port's own address", || {
        !ip_says(&format!(
            "-n far -6 address show dev port-{name} scope link tentative"
        ))
        .contains("fe80")
    });
}

fn radvd(name: &str, settings: &str) -> Child {
    let file = format!("/run/radvd-{name}.conf");
    let text = format!(
        "interface port-{name} {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; {settings} }};"
    );
    fs::write(&file, text).expect("a file");
    let pid = format!("/run/radvd-{name}.pid");
    start(
        "far",
        &[
            "radvd", "-n", "-m", "stderr", "-d", "1", "-C", &file, "-p", &pid,
        ],
    )
    .0
}

fn dnsmasq(name: &str, options: &[&str]) -> (Child, Receiver<String>) {
    let port = format!("--interface=port-{name}");
    let leases = format!("--dhcp-leasefile=/run/leases-{name}");
    let usual = [
        "dnsmasq",
        "--no-daemon",
        "--conf-file=/dev/null",
        "--user=root",
        "--bind-interfaces",
        "--log-dhcp",
        &port,
        &leases,
    ];
    let (child, log) = start("far", &[&usual, options].concat());
    until(&log, "started");
    (child, log)
}

fn dhcpd(name: &str, number: u8, settings: &str) -> (Child, Receiver<String>) {
    let (file, leases) = (
        format!("/run/dhcpd-{name}.conf"),
        format!("/run/dhcpd-{name}.leases"),
    );
    let text = format!(
        "{settings}\nsubnet6 fd00:{number}::/64 {{ range6 fd00:{number}::d:0 fd00:{number}::d:ff; }}\n"
    );
    fs::write(&file, text).expect("a file");
    fs::write(&leases, "").expect("a file");
    let words = [
        "dhcpd",
        "-6",
        "-f",
        "-d",
        "--no-pid",
        "-cf",
        &file,
        "-lf",
        &leases,
        &format!("port-{name}"),
    ];
    let (child, log) = start("far", &words);
    until(&log, "Server starting service");
    (child, log)
}

fn routers_alone(host: &SystemRoot) {
    network("eth1", 1);
    let prefix = "prefix fd00:1::/64 { }; RDNSS fd00:1::53 { }; DNSSL lab.test { };";
    let router = radvd("eth1", prefix);
    eventually("an address by a router", || has("eth1", "fd00:1::"));
    eventually("its name server", || {
        resolver(host) == "search lab.test\nnameserver fd00:1::53\n"
    });
    let far: IpAddr = "2001:db8::1".parse().expect("an address");
    let source = configure::source_address(far).expect("a default route");
    assert!(source.to_string().starts_with("fd00:1::"), "{source}");
    assert!(!resolver(host).contains("169."));
    stop(router);
    // The card goes, and what it brought with it; it comes again, to another router.
    ip("link delete eth1");
    eventually("nothing is left of the card", || resolver(host).is_empty());
    network("eth1", 1);
    let router = radvd("eth1", "prefix fd00:11::/64 { }; RDNSS fe80::53 { };");
    eventually("an address by another router", || has("eth1", "fd00:11::"));
    eventually("a name server of the link alone", || {
        resolver(host) == "nameserver fe80::53%eth1\n"
    });
    stop(router);
    ip("link delete eth1");
}

/// And names, files and a time server by IPv6 alone.
fn without_addresses(host: &SystemRoot) {
    network("eth2", 2);
    let (server, log) = dnsmasq(
        "eth2",
        &[
            "--enable-ra",
            "--dhcp-range=fd00:2::,ra-stateless",
            "--no-resolv",
            "--no-hosts",
            "--ra-param=port-eth2,4,60",
            "--host-record=ironic.lab.test,fd00:2::1",
            "--dhcp-option=option6:dns-server,[fd00:2::1]",
            "--dhcp-option=option6:ntp-server,[fd00:2::123]",
            "--dhcp-option=option6:domain-search,lab.test",
        ],
    );
    until(&log, "DHCPINFORMATION-REQUEST");
    eventually("an address and a time server", || {
        has("eth2", "fd00:2::") && !known_time_servers(host).is_empty()
    });
    assert_eq!(
        known_time_servers(host),
        ["fd00:2::123".parse::<IpAddr>().expect("an address")]
    );
    assert!(
        resolver(host).starts_with("search lab.test\nnameserver fd00:2::1\n"),
        "{}",
        resolver(host)
    );
    let (web, said) = start(
        "far",
        &[
            "python3",
            "-u",
            "-m",
            "http.server",
            "--bind",
            "fd00:2::1",
            "8080",
            "-d",
            "/run",
        ],
    );
    until(&said, "Serving HTTP");
    let found = names::resolve("ironic.lab.test", 8080).expect("the name is known");
    assert_eq!(found[0].to_string(), "[fd00:2::1]:8080");
    fetch("http://ironic.lab.test:8080/leases-eth2");
    fetch("http://[fd00:2::1]:8080/leases-eth2");
    stop(web);
    stop(server);
    ip("link delete eth2");
    eventually("nothing is left of the card", || resolver(host).is_empty());
}

fn fetch(url: &str) {
    let timeouts = Timeouts {
        connect: ramdisk::PATIENCE,
        read: ramdisk::PATIENCE,
    };
    let client = Client::new(&Trust::default(), &Proxies::default(), timeouts).expect("a client");
    let answer = client.send(&Request {
        method: Method::Get,
        url,
        headers: &[],
        body: None,
        verified: false,
    });
    let status = answer.map(|answer| answer.status());
    assert_eq!(
        status.unwrap_or_else(|fault| panic!("{url}: {fault}")),
        200,
        "{url}"
    );
    println!("ipv6: {url} is there");
}

fn with_addresses(host: &SystemRoot) {
    network("eth3", 3);
    let router = radvd(
        "eth3",
        "AdvManagedFlag on; AdvOtherConfigFlag on; prefix fd00:3::/64 { AdvAutonomous off; };",
    );
    let settings = "default-lease-time 20; preferred-lifetime 20; option dhcp-renewal-time 4; option dhcp-rebinding-time 12;\n\
         option dhcp6.name-servers fd00:3::53; option dhcp6.domain-search \"isc.test\";";
    let (server, log) = dhcpd("eth3", 3, settings);
    until(&log, "Solicit message");
    eventually("an address of the server's", || has("eth3", "fd00:3::d:"));
    let first = addresses("eth3");
    assert!(first.len() == 1 && first[0].ends_with("/128"), "{first:?}");
    assert_eq!(resolver(host), "search isc.test\nnameserver fd00:3::53\n");
    let far: IpAddr = "2001:db8::1".parse().expect("an address");
    assert!(
        configure::source_address(far).is_ok(),
        "a default route, by the router"
    );
    // Renewed in time, and again.
    until(&log, "Renew message");
    until(&log, "Renew message");
    assert_eq!(addresses("eth3"), first);
    // The cable is pulled and put back: the address is confirmed.
    ip("-n far link set port-eth3 down");
    eventually("no carrier", || !link("eth3").carrier);
    ip("-n far link set port-eth3 up");
    ip("-n far address replace fd00:3::1/64 dev port-eth3 nodad");
    until(&log, "Confirm message");
    // The server is gone: so is the address when its time is over, and not before.
    stop(server);
    assert_eq!(addresses("eth3"), first);
    eventually("the lease runs out", || addresses("eth3").is_empty());
    eventually("and its name servers with it", || resolver(host).is_empty());
    stop(router);
    ip("link delete eth3");
}

/// The one that is preferred refuses what it offered; then the better one of the rest is taken.
fn servers_that_disagree() {
    network("eth4", 4);
    // One switch for all of them: a server has port 547 for itself.
    for (name, number) in [("liar", 5), ("worse", 6)] {
        ip(&format!("netns add {name}"));
        ip(&format!(
            "-n far link add hub-{name} type veth peer name port-{name} netns {name}"
        ));
        ip(&format!("-n far link set hub-{name} up"));
        ip(&format!("-n {name} link set port-{name} up"));
        ip(&format!(
            "-n {name} address add fd00:4::{number}/64 dev port-{name} nodad"
        ));
    }
    ip("netns add better");
    ip("-n far link add port-hub type bridge");
    ip("-n far link add hub-better type veth peer name port-better netns better");
    ip("-n better link set port-better up");
    ip("-n better address add fd00:4::7/64 dev port-better nodad");
    ip("-n far address del fd00:4::1/64 dev port-eth4");
    for port in ["hub-liar", "hub-worse", "hub-better", "port-eth4"] {
        ip(&format!("-n far link set {port} master port-hub"));
        ip(&format!("-n far link set {port} up"));
    }
    ip("-n far link set port-hub up");
    let (liar, lies) = start("liar", &["python3", "/odd.py", "liar", "port-liar"]);
    until(&lies, "is there");
    let worse = start(
        "worse",
        &[
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--user=root",
            "--port=0",
            "--bind-interfaces",
            "--interface=port-worse",
            "--dhcp-leasefile=/run/leases-worse",
            "--dhcp-range=fd00:4::e:0,fd00:4::e:ff,64,10m",
            "--log-dhcp",
        ],
    );
    until(&worse.1, "started");
    fs::write(
        "/run/better.conf",
        "option dhcp6.preference 7; subnet6 fd00:4::/64 { range6 fd00:4::d:0 fd00:4::d:ff; }\n",
    )
    .expect("a file");
    fs::write("/run/better.leases", "").expect("a file");
    let better = start(
        "better",
        &[
            "dhcpd",
            "-6",
            "-f",
            "-d",
            "--no-pid",
            "-cf",
            "/run/better.conf",
            "-lf",
            "/run/better.leases",
            "port-better",
        ],
    );
    until(&better.1, "Server starting service");
    // The router last: nobody is asked before it speaks.
    let router = radvd(
        "hub",
        "AdvManagedFlag on; prefix fd00:4::/64 { AdvAutonomous off; };",
    );
    until(&lies, "refused");
    eventually("the address of the better one", || {
        has("eth4", "fd00:4::d:")
    });
    assert!(
        !has("eth4", "fd00:4::e:") && !has("eth4", "fd00:66::"),
        "{:?}",
        addresses("eth4")
    );
    for child in [liar, worse.0, better.0, router] {
        stop(child);
    }
    ip("link delete eth4");
}

fn a_flood(host: &SystemRoot) {
    network("eth5", 5);
    let router = radvd(
        "eth5",
        "prefix fd00:5::/64 { }; RDNSS fd00:5::53 { }; DNSSL lab.test { };",
    );
    eventually("its name server", || {
        resolver(host).contains("nameserver fd00:5::53\n")
    });
    eventually("an address by the router", || has("eth5", "fd00:5::"));
    let before = memory();
    let flood = || {
        let (rogue, said) = start("far", &["python3", "/odd.py", "flood", "port-eth5", "3000"]);
        until(&said, "flooded");
        stop(rogue);
    };
    flood();
    flood();
    let told = resolver(host);
    assert!(
        told.contains("nameserver fd00:5::53\n") && told.contains("search lab.test"),
        "{told}"
    );
    assert!(told.lines().count() <= 4, "{told}");
    let found = addresses("eth5");
    assert!(has("eth5", "fd00:5::"), "{found:?}");
    assert!(found.len() <= 17, "{}", found.len());
    let grown = memory().saturating_sub(before);
    assert!(grown < 16 << 10, "{grown} KiB more");
    println!(
        "ipv6: 6000 advertisements of 3000 routers later {grown} KiB more, {} addresses, resolv.conf {told:?}",
        found.len()
    );
    // And the next card is served all the same.
    network("eth6", 6);
    let next = radvd("eth6", "prefix fd00:6::/64 { };");
    eventually("an address for the next card", || has("eth6", "fd00:6::"));
    stop(next);
    stop(router);
}

/// KiB that this program has in memory.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.expect("a size")
}

/// As after a rescue: Ironic has the switch move the port to the tenant's network, and no carrier is lost. The old network's lease would
/// last for hours.
fn a_port_that_is_moved(host: &SystemRoot, moved: PipeWriter) {
    let settings = |name| {
        format!(
            "default-lease-time 7200; preferred-lifetime 7200; option dhcp-renewal-time 3600; option dhcp-rebinding-time 5400;\n\
             option dhcp6.name-servers fd00:{name}::53;"
        )
    };
    let advertised = |number| {
        format!(
            "AdvManagedFlag on; AdvOtherConfigFlag on; prefix fd00:{number}::/64 {{ AdvAutonomous off; }};"
        )
    };
    network("eth8", 8);
    let router = radvd("eth8", &advertised(8));
    let (server, _log) = dhcpd("eth8", 8, &settings(8));
    eventually("an address of the old network", || {
        has("eth8", "fd00:8::d:")
    });
    stop(server);
    stop(router);
    ip("-n far address del fd00:8::1/64 dev port-eth8");
    ip("-n far address add fd00:9::1/64 dev port-eth8 nodad");
    let router = radvd("eth8", &advertised(9));
    let (server, log) = dhcpd("eth8", 9, &settings(9));
    assert!(has("eth8", "fd00:8::d:"), "nobody said that it is moved");
    drop(moved);
    until(&log, "Confirm message");
    eventually("an address of the new network", || {
        has("eth8", "fd00:9::d:")
    });
    eventually("and of that alone", || !has("eth8", "fd00:8::"));
    eventually("its name server", || {
        resolver(host).contains("fd00:9::53") && !resolver(host).contains("fd00:8::53")
    });
    stop(server);
    stop(router);
    ip("link delete eth8");
}
