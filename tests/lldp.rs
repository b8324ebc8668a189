//! LLDP as lldpd speaks it, and as nobody should: garbage, floods, our own frames, hosts and bridges elsewhere.
//!
//! Needs root, iproute2, util-linux, lldpd and python3.

#[path = "support/ramdisk.rs"]
mod ramdisk;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::codec::json;
use ironlet::inventory::lldp_tlvs::lldp_raw;
use ironlet::inventory::{self, BootFacts};
use ironlet::net::lldp::frame::vlans;
use ironlet::net::lldp::{Neighbours, Tlv, listen};
use ironlet::system_root::SystemRoot;
use ramdisk::{cable, eventually, ip, ip_says, start, stop, until};

const NAMES: [&str; 8] = [
    "good", "noisy", "flooded", "host", "far", "silent", "pulled", "twin",
];

fn main() {
    ramdisk::run("lldp", &["lldp/speaker.py"], inside);
}

fn inside() {
    ip("netns add switch");
    for (number, name) in NAMES.iter().enumerate() {
        cable(
            name,
            &format!("02:00:00:00:00:{:02x}", number + 1),
            "switch",
            &format!("port-{name}"),
        );
    }
    ip("-n switch link set port-pulled down");
    eventually("carriers", || {
        NAMES
            .iter()
            .all(|name| ramdisk::link(name).carrier == (*name != "pulled"))
    });
    a_real_switch();
    those_who_should_not();
    our_own();
    in_the_inventory();
    println!(
        "lldp: lldpd heard field by field, hosts and bridges elsewhere waited out, garbage and our own frames left alone"
    );
    println!("4 passed; 0 failed");
}

fn heard(names: &[&str], seconds: u64) -> (Neighbours, Duration) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let clock = Clock::real();
    let heard = listen(&clock, &names, Duration::from_secs(seconds)).expect("sockets");
    println!("{}", json::print(&lldp_raw(&heard)));
    (heard, clock.elapsed())
}

fn name_of(tlvs: &[Tlv]) -> String {
    let name = tlvs.iter().find(|tlv| tlv.kind == 5);
    name.map_or(String::new(), |tlv| {
        String::from_utf8_lossy(&tlv.value).into_owned()
    })
}

/// lldpd, and what it says of itself.
fn a_real_switch() {
    fs::create_dir_all("/run/lldpd").expect("a folder");
    fs::write(
        "/etc/lldpd.conf",
        "configure lldp tx-interval 1\nconfigure lldp capabilities-advertisements\n",
    )
    .expect("a file");
    fs::write("/etc/hosts", "127.0.0.1 rack-switch\n").expect("a file");
    fs::write("/proc/sys/kernel/hostname", "rack-switch").expect("our own name");
    fs::write("/etc/os-release", "PRETTY_NAME=\"a switch\"\n").expect("a file");
    ip("netns exec switch sysctl -q -w net.ipv4.ip_forward=1");
    let (daemon, lines) = start(
        "switch",
        &[
            "lldpd",
            "-dd",
            "-I",
            "port-good",
            "-C",
            "port-good",
            "-u",
            "/run/lldpd.socket",
        ],
    );
    let watch = thread::spawn(|| {
        eventually("the card lets everything through", || {
            ip_says("-d link show good").contains("promiscuity 1 ")
        });
    });
    let (neighbours, time) = heard(&["good", "pulled"], 25);
    watch.join().expect("promiscuous while it listened");
    assert!(
        time < Duration::from_secs(20),
        "a link without a cable is not waited for: {time:?}"
    );
    let [(name, tlvs), (_, none)] = &neighbours[..] else {
        panic!("two links: {neighbours:?}")
    };
    assert!(name == "good" && none.is_empty());
    assert_eq!(name_of(tlvs), "rack-switch");
    let said = Command::new("ip")
        .args("netns exec switch lldpcli -u /run/lldpd.socket -f keyvalue show interfaces ports port-good details".split(' '))
        .output()
        .expect("lldpcli");
    println!("{}", String::from_utf8_lossy(&said.stdout));
    // Chassis: subtype 4, the address of lldpd's first card; port: subtype 3, its own.
    let mac = |port: &str| {
        let line = ip_says(&format!(
            "netns exec switch cat /sys/class/net/{port}/address"
        ));
        line.trim().replace(':', "")
    };
    let hex = |tlv: &Tlv| {
        tlv.value
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(hex(&tlvs[0]), format!("04{}", mac("port-good")));
    assert_eq!(hex(&tlvs[1]), format!("03{}", mac("port-good")));
    assert_eq!((tlvs[0].kind, tlvs[1].kind, tlvs[2].kind), (1, 2, 3));
    assert_eq!(tlvs.last().map(|tlv| tlv.kind), Some(0));
    // Nothing of it is left behind.
    assert!(ip_says("-d link show good").contains("promiscuity 0 "));
    assert!(!ip_says("maddress show dev good").contains("01:80:c2:00:00:0e"));
    drop(lines);
    stop(daemon);
}

fn those_who_should_not() {
    let speak = |port: &str, acts: &[&str]| {
        let port = format!("port-{port}");
        start(
            "switch",
            &[&["python3", "/speaker.py", &port], acts].concat(),
        )
    };
    let speakers = [
        speak(
            "noisy",
            &["wait=1", "garbage", "leaving", "wait=1", "switch"],
        ),
        // One frame in the midst of a flood may find no room; switches repeat theirs.
        speak(
            "flooded",
            &["wait=1", "flood=3", "switch", "flood=1", "wait=1", "switch"],
        ),
        speak("host", &["wait=1", "host", "forwarded", "wait=1", "host"]),
        speak(
            "far",
            &[
                "wait=1",
                "forwarded",
                "host",
                "tagged",
                "wait=2",
                "switch",
                "host",
            ],
        ),
        speak(
            "silent",
            &[
                "wait=1",
                "leaving",
                "as=02:00:00:00:00:06",
                "as=02:00:00:00:00:01",
            ],
        ),
    ];
    let (neighbours, time) = heard(&["noisy", "flooded", "host", "far", "silent", "absent"], 8);
    let names: Vec<(&str, String)> = neighbours
        .iter()
        .map(|(name, tlvs)| (name.as_str(), name_of(tlvs)))
        .collect();
    let expected = [
        ("noisy", "the switch"),
        ("flooded", "the switch"),
        ("host", "a host"),
        ("far", "the switch"),
        ("silent", ""),
    ];
    assert_eq!(
        names,
        expected.map(|(name, heard)| (name, heard.to_owned()))
    );
    assert_eq!(vlans(&neighbours[0].1), [100]);
    let window = Duration::from_secs(8)..Duration::from_secs(10);
    assert!(window.contains(&time), "one time for all: {time:?}");
    for (speaker, lines) in speakers {
        until(&lines, "said");
        stop(speaker);
    }
}

/// Two cards of ours on a bridge that forwards what no bridge should, and a firmware that speaks through one of them.
fn our_own() {
    ip("-n switch link add hub type bridge group_fwd_mask 65528");
    ip("-n switch link set hub up");
    for port in ["port-twin", "port-silent"] {
        ip(&format!("-n switch link set {port} master hub"));
    }
    // From our side of the cable, as the card's own firmware would.
    let mut firmware = Command::new("python3")
        .args([
            "/speaker.py",
            "twin",
            "wait=1",
            "as=02:00:00:00:00:08",
            "wait=1",
            "as=02:00:00:00:00:08",
        ])
        .spawn()
        .expect("python3");
    let (neighbours, _) = heard(&["twin", "silent"], 5);
    assert!(
        neighbours.iter().all(|(_, tlvs)| tlvs.is_empty()),
        "{neighbours:?}"
    );
    firmware.kill().expect("it waits");
    firmware.wait().expect("it ends");
    // The bridge does forward: another's frame comes through.
    let (speaker, _lines) = start(
        "switch",
        &["python3", "/speaker.py", "hub", "wait=1", "switch"],
    );
    let (neighbours, _) = heard(&["twin"], 5);
    assert_eq!(name_of(&neighbours[0].1), "the switch");
    stop(speaker);
}

/// `ipa-collect-lldp`: of an interface that the inventory lists, once for whoever asks within minutes.
fn in_the_inventory() {
    // By its name a VLAN: those are listed without hardware behind them.
    cable("wire.7", "02:00:00:00:01:07", "switch", "port-wire");
    eventually("a carrier", || ramdisk::link("wire.7").carrier);
    let host = SystemRoot::new("/");
    let (speaker, _lines) = start(
        "switch",
        &["python3", "/speaker.py", "port-wire", "wait=1", "switch"],
    );
    let facts = || BootFacts {
        lldp: Some(Duration::from_secs(20)),
        ..BootFacts::default()
    };
    let expected = r#""name":"wire.7""#;
    for (turn, most) in [("heard", 10), ("kept", 1)] {
        let clock = Clock::real();
        let text = json::print(&inventory::collect(&host, facts()));
        assert!(clock.elapsed() < Duration::from_secs(most), "{turn}");
        assert!(text.contains(expected), "{text}");
        let lldp = r#""lldp":[[1,"0774686520737769746368"],[2,"05706f72742031"],[3,"0078"],"#;
        assert!(text.contains(lldp), "{turn}: {text}");
    }
    let without = json::print(&inventory::collect(&host, BootFacts::default()));
    assert!(without.contains(r#""lldp":null"#), "{without}");
    stop(speaker);
}
