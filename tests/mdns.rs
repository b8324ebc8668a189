//! Finding Ironic by multicast DNS as avahi announces it, and what liars on the same network get out of it.
//!
//! Needs root, iproute2, util-linux, avahi-daemon and python3.

#[path = "support/ramdisk.rs"]
mod ramdisk;

use std::fs;
use std::process::Command;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::net::mdns::{Endpoint, find};
use ramdisk::{cable, eventually, ip, ip_says, start, stop, until};

/// What OpenStack's guideline says of a service, as an avahi service file.
const SERVICE: &str = r#"<?xml version="1.0" standalone='no'?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>baremetal</name><service protocol="any"><type>_openstack._tcp</type><port>6385</port>
<txt-record>path=/baremetal</txt-record><txt-record>protocol=http</txt-record><txt-record>ipa_debug=1</txt-record>
</service></service-group>"#;

fn main() {
    ramdisk::run("mdns", &["mdns/liar.py"], inside);
}

fn inside() {
    ip("netns add far");
    ip("-n far link set lo up");
    cable("card", "02:00:00:00:09:01", "far", "port");
    cable("idle", "02:00:00:00:09:02", "far", "elsewhere");
    ip("-n far address add 192.0.2.1/24 dev port");
    ip("address add 192.0.2.7/24 dev card");
    eventually("addresses of the links' own", || {
        !ip_says("-6 address show tentative").contains("fe80")
    });
    let clock = Clock::real();
    let nobody = find(&clock, "baremetal", 2).expect_err("nobody is there");
    assert!(nobody.details().contains("nobody answered"), "{nobody}");
    assert!(clock.elapsed() < Duration::from_secs(5));
    announced();
    lied();
    println!(
        "mdns: found as avahi announces it, by either family; lies make no endpoint, and two answers are none"
    );
    println!("2 passed; 0 failed");
}

fn announced() {
    fs::create_dir_all("/etc/avahi/services").expect("a folder");
    fs::create_dir_all("/run/avahi-daemon").expect("a folder");
    let _ = Command::new("chown")
        .args(["-R", "avahi:avahi", "/run/avahi-daemon"])
        .status();
    fs::write("/etc/avahi/services/ironic.service", SERVICE).expect("a file");
    fs::write("/etc/avahi/avahi-daemon.conf", "[server]\nhost-name=ironic\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=no\nallow-interfaces=port\n[publish]\npublish-workstation=no\n").expect("a file");
    let (avahi, log) = start(
        "far",
        &[
            "avahi-daemon",
            "--no-drop-root",
            "--no-chroot",
            "--no-rlimits",
            "--no-proc-title",
        ],
    );
    until(&log, "successfully established");
    let found = find(&Clock::real(), "baremetal", 3).expect("it is announced");
    println!("{found:?}");
    let expected = Endpoint {
        url: "http://192.0.2.1:6385/baremetal".to_owned(),
        properties: vec![("ipa_debug".to_owned(), "1".to_owned())],
    };
    assert_eq!(found, expected);
    assert!(
        find(&Clock::real(), "baremetal-introspection", 1).is_err(),
        "another service"
    );
    // By IPv6 alone.
    ip("address del 192.0.2.7/24 dev card");
    ip("-n far address add fd00:9::1/64 dev port nodad");
    ip("address add fd00:9::7/64 dev card nodad");
    until(&log, "Registering new address record for fd00:9::1");
    eventually("the service by its IPv6 address", || {
        find(&Clock::real(), "baremetal", 1)
            .is_ok_and(|found| found.url == "http://[fd00:9::1]:6385/baremetal")
    });
    // Another announces the same: who is right is not for us to say.
    let (liar, lies) = liar("same-name");
    until(&lies, "is there");
    let torn = find(&Clock::real(), "baremetal", 1).expect_err("two answers");
    for part in ["different answers", "fd00:9::1", "203.0.113.66"] {
        assert!(torn.details().contains(part), "{torn}");
    }
    stop(liar);
    stop(avahi);
}

fn liar(how: &str) -> (std::process::Child, std::sync::mpsc::Receiver<String>) {
    start("far", &["python3", "-u", "/liar.py", "port", how])
}

fn lied() {
    for how in [
        "wrong-port",
        "wrong-id",
        "garbage",
        "evil-path",
        "evil-scheme",
        "other-name",
    ] {
        let (liar, lies) = liar(how);
        until(&lies, "is there");
        let error = find(&Clock::real(), "baremetal", 1).expect_err(how);
        assert!(
            error.details().contains("nobody answered"),
            "{how}: {error}"
        );
        until(&lies, "lied");
        println!("mdns: {how} is nothing");
        stop(liar);
    }
}
