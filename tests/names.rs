//! Names become addresses: against a server that answers each family as the test wants, and against dnsmasq, with
//! glibc beside it. The latter needs root, util-linux, iproute2 and dnsmasq-base, and stays in namespaces of its own.

mod support;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ironlet::clock::Deadline;
use ironlet::net::address::names::{self, Resolver};
use support::dns_server::{DnsServer, Say};
use support::scratch::Scratch;

const NAME: &str = "ironic.lab.test";

fn four() -> IpAddr {
    [192, 0, 2, 7].into()
}

fn six() -> IpAddr {
    "2001:db8::7".parse().expect("an address")
}

fn known(address: IpAddr) -> Say {
    Say::Addresses(vec![address])
}

fn resolver(servers: &[&DnsServer]) -> Resolver {
    Resolver {
        servers: servers.iter().map(|server| server.address).collect(),
        dots: 1,
        ..Resolver::default()
    }
}

/// What comes of asking these, and how long it took.
fn ask(servers: &[&DnsServer]) -> (Result<BTreeSet<IpAddr>, String>, Duration) {
    let began = Instant::now();
    let found = resolver(servers).resolve(NAME, 80);
    let found = found.map(|found| found.iter().map(SocketAddr::ip).collect());
    (found.map_err(|error| error.to_string()), began.elapsed())
}

#[test]
fn a_silent_server_is_not_waited_for_beyond_the_deadline() {
    let server = DnsServer::start(|_, _| Say::Nothing);
    let began = Instant::now();
    let until = Deadline::within(Duration::from_millis(500));
    let refused = resolver(&[&server]).resolve_by(NAME, 80, until);
    let refused = refused.expect_err("nobody says anything");
    assert!(refused.details().contains("is silent"), "{refused}");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(500) && took < Duration::from_secs(3),
        "{took:?}"
    );
}

/// Every way a server has to say nothing of use about one family. The seconds are what it may cost.
fn useless() -> Vec<(&'static str, Say, f64)> {
    let code = |code| Say::Code(code);
    vec![
        ("FORMERR", code(1), 0.25),
        ("SERVFAIL", code(2), 0.25),
        ("NXDOMAIN", code(3), 0.25),
        ("NOTIMP", code(4), 0.25),
        ("REFUSED", code(5), 0.25),
        ("code 15", code(15), 0.25),
        ("nothing there", Say::Empty, 0.25),
        (
            "the other family's records",
            known("9.9.9.9".parse().expect("an address")),
            0.25,
        ),
        ("silence", Say::Nothing, 1.0),
        (
            "garbage",
            Say::After(b"\x81\x80".to_vec(), Say::Nothing.into()),
            1.0,
        ),
        ("too late", Say::Late(3000, Say::Code(3).into()), 1.0),
    ]
}

#[test]
fn one_family_is_enough_whatever_is_said_of_the_other() {
    for (what, say, seconds) in useless() {
        for (kind, address) in [(1, four()), (28, six())] {
            // An A record is none of an IPv6 address, the other way round it would be one.
            if kind == 28 && matches!(say, Say::Addresses(_)) {
                continue;
            }
            let say = say.clone();
            let server = DnsServer::start(move |name, asked| {
                assert_eq!(name, NAME);
                match asked == kind {
                    true => known(address),
                    false => say.clone(),
                }
            });
            let (found, took) = ask(&[&server]);
            assert_eq!(found, Ok(BTreeSet::from([address])), "{what}");
            assert!(took.as_secs_f64() < seconds, "{what}: {took:?}");
        }
    }
}

#[test]
fn both_families_are_found_the_slower_one_too() {
    let server = DnsServer::start(|_, kind| match kind {
        1 => Say::Late(150, known(four()).into()),
        _ => known(six()),
    });
    assert_eq!(ask(&[&server]).0, Ok(BTreeSet::from([four(), six()])));
}

#[test]
fn one_server_is_enough_whatever_the_others_say() {
    let good = DnsServer::start(|_, kind| match kind {
        1 => Say::Late(100, known(four()).into()),
        _ => Say::Late(100, Say::Code(2).into()),
    });
    for (what, say, _) in useless() {
        let bad = DnsServer::start(move |_, kind| match kind {
            1 if matches!(say, Say::Addresses(_)) => Say::Code(3),
            _ => say.clone(),
        });
        for servers in [[&bad, &good], [&good, &bad]] {
            let (found, took) = ask(&servers);
            assert_eq!(found, Ok(BTreeSet::from([four()])), "{what}");
            assert!(took.as_secs_f64() < 1.0, "{what}: {took:?}");
        }
    }
    // Nobody listens there.
    let mut resolver = resolver(&[&good, &good]);
    resolver.servers[0] = "127.0.0.1:1".parse().expect("an address");
    assert_eq!(resolver.resolve(NAME, 80).map(|found| found.len()), Ok(1));
}

#[test]
fn what_nobody_knows_is_told_with_every_servers_answer_and_in_seconds() {
    let says = |a: Say, aaaa: Say| {
        DnsServer::start(move |_, kind| if kind == 1 { a.clone() } else { aaaa.clone() })
    };
    let (no, ill) = (
        says(Say::Code(3), Say::Code(3)),
        says(Say::Code(2), Say::Code(4)),
    );
    let silent = says(Say::Nothing, Say::Nothing);
    let as_silent = says(Say::Nothing, Say::Nothing);
    for (servers, seconds, words) in [
        (vec![&no], 0.3, &["127.0.0.1 answers NXDOMAIN"][..]),
        (vec![&ill], 0.3, &["SERVFAIL", "NOTIMP"]),
        (
            vec![&no, &silent],
            1.5,
            &["NXDOMAIN", "127.0.0.1 is silent"],
        ),
        (
            vec![&silent, &as_silent],
            5.5,
            &["127.0.0.1 is silent; check"],
        ),
        (vec![&ill, &silent], 5.5, &["SERVFAIL", "is silent"]),
    ] {
        let (found, took) = ask(&servers);
        let told = found.expect_err("nobody knows it");
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert!(
            told.contains(NAME) && took.as_secs_f64() < seconds,
            "{took:?}: {told}"
        );
    }
    // Two questions a try: at once, after 1 s, and, where nobody else said no, after 3 s.
    assert_eq!(as_silent.questions(), 6);
}

#[test]
fn a_lost_question_is_asked_again() {
    let first = std::sync::atomic::AtomicUsize::new(0);
    let server = DnsServer::start(move |_, kind| {
        let lost = first.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
        match (lost, kind) {
            (true, _) => Say::Nothing,
            (_, 1) => known(four()),
            _ => Say::Empty,
        }
    });
    let (found, took) = ask(&[&server]);
    assert_eq!(found, Ok(BTreeSet::from([four()])));
    assert!(took.as_secs_f64() < 1.5, "{took:?}");
}

#[test]
fn what_does_not_fit_comes_by_tcp() {
    let many: Vec<IpAddr> = (1..60).map(|last| [192, 0, 2, last].into()).collect();
    let server = DnsServer::start(move |_, kind| match kind {
        1 => Say::ByTcp(many.clone()),
        _ => Say::Code(2),
    });
    let (found, took) = ask(&[&server]);
    assert_eq!(found.map(|found| found.len()), Ok(16), "those of use");
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
}

#[test]
fn a_short_name_is_looked_for_in_the_search_domains() {
    // The first domain's server is ill, which says nothing about the second.
    let server = DnsServer::start(|name, kind| match (name, kind) {
        ("ironic.lab.test" | "ironic.prov.lab.test", 1) => known(four()),
        ("ironic.ill.test", _) => Say::Code(2),
        _ => Say::Code(3),
    });
    let mut resolver = resolver(&[&server]);
    resolver.search = vec!["ill.test".into(), "lab.test".into()];
    for (name, there) in [
        ("ironic", true),
        // As glibc has it, musl has not: a name with dots is looked for there as well.
        ("ironic.prov", true),
        ("ironic.lab.test", true),
        ("ironic.", false),
        ("nova", false),
    ] {
        assert_eq!(resolver.resolve(name, 80).is_ok(), there, "{name}");
    }
}

/// A name in each of dnsmasq's ways to know it, without upstream servers; glibc must see the same.
const DNSMASQ: &[(&str, &[&str], &str, &[&str])] = &[
    (
        "host-record",
        &["--host-record=ironic.lab.test,192.0.2.7"],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "both families",
        &["--host-record=ironic.lab.test,192.0.2.7,2001:db8::7"],
        NAME,
        &["192.0.2.7", "2001:db8::7"],
    ),
    (
        "only IPv6",
        &["--host-record=ironic.lab.test,2001:db8::7"],
        NAME,
        &["2001:db8::7"],
    ),
    (
        "address=",
        &["--address=/ironic.lab.test/192.0.2.7"],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "address= of a domain",
        &["--address=/lab.test/192.0.2.7"],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "a hosts file",
        &["--addn-hosts=HOSTS"],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "local=",
        &[
            "--local=/lab.test/",
            "--host-record=ironic.lab.test,192.0.2.7",
        ],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "an alias",
        &[
            "--host-record=real.lab.test,192.0.2.7",
            "--cname=ironic.lab.test,real.lab.test",
        ],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "a search domain",
        &["--host-record=ironic.lab.test,192.0.2.7"],
        "ironic",
        &["192.0.2.7"],
    ),
    (
        "dots and a search domain",
        &["--host-record=ironic.prov.lab.test,192.0.2.7"],
        "ironic.prov",
        &["192.0.2.7"],
    ),
    (
        "an upstream server that is not there",
        &[
            "--server=127.9.9.9",
            "--host-record=ironic.lab.test,192.0.2.7",
        ],
        NAME,
        &["192.0.2.7"],
    ),
    (
        "a name it does not know",
        &["--host-record=other.lab.test,192.0.2.7"],
        NAME,
        &[],
    ),
    (
        "a name of another kind",
        &["--txt-record=ironic.lab.test,hello"],
        NAME,
        &[],
    ),
];

/// Runs this test again in namespaces of its own, where /etc/resolv.conf is the test's.
#[test]
fn dnsmasq_is_understood_as_glibc_does() {
    const INSIDE: &str = "IRONLET_NAMES_INSIDE";
    if let Ok(directory) = env::var(INSIDE) {
        return inside(&directory);
    }
    let scratch = Scratch::new();
    let configuration = scratch.path("resolv.conf");
    fs::write(
        &configuration,
        "search lab.test\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    )
    .expect("written");
    fs::write(scratch.path("hosts"), "192.0.2.7 ironic.lab.test\n").expect("written");
    let enter = "mount --bind \"$0\" /etc/resolv.conf && ip link set lo up && exec \"$1\" --exact dnsmasq_is_understood_as_glibc_does --nocapture";
    let status = Command::new("unshare")
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            enter,
        ])
        .arg(&configuration)
        .arg(env::current_exe().expect("a program has a path"))
        .env(INSIDE, scratch.path(""))
        .status();
    assert!(status.expect("unshare").success());
}

fn inside(directory: &str) {
    for (what, options, name, wanted) in DNSMASQ {
        let options = options
            .iter()
            .map(|option| option.replace("HOSTS", &format!("{directory}/hosts")));
        let mut dnsmasq = Command::new("dnsmasq")
            .args([
                "--no-daemon",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--listen-address=127.0.0.1",
                "--bind-interfaces",
            ])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .expect("dnsmasq");
        let mut log = BufReader::new(dnsmasq.stderr.take().expect("a pipe")).lines();
        let ready = log.any(|line| {
            line.is_ok_and(|line| line.contains("cleared cache") || line.contains("read "))
        });
        assert!(ready, "dnsmasq has started");
        let began = Instant::now();
        let ours: BTreeSet<IpAddr> = match names::resolve(name, 80) {
            Ok(found) => found.iter().map(SocketAddr::ip).collect(),
            Err(error) => {
                println!("{what}: {error}");
                BTreeSet::new()
            }
        };
        let took = began.elapsed();
        let glibc = Command::new("getent")
            .args(["ahosts", name])
            .output()
            .expect("getent");
        let glibc: BTreeSet<IpAddr> = String::from_utf8_lossy(&glibc.stdout)
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        dnsmasq.kill().expect("it is still there");
        dnsmasq.wait().expect("it ends");
        println!(
            "{what}: ours {ours:?} in {} ms, glibc's {glibc:?}",
            took.as_millis()
        );
        let wanted: BTreeSet<IpAddr> = wanted
            .iter()
            .map(|ip| ip.parse().expect("an address"))
            .collect();
        assert_eq!(ours, wanted, "{what}");
        assert_eq!(ours, glibc, "{what}: glibc");
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
    }
}
