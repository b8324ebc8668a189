//! One card for each odd server of `tests/lab/dhcp_zoo.py`: all of them are to have an address, at the same time.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use ironlet::net::address::configure;
use ironlet::system_root::SystemRoot;

use super::ramdisk::{ip, link};
use super::{lines_of, run_client, until};

/// What a card is to have in the end, and what keeps it from that.
struct Animal {
    address: String,
    name: String,
}

pub fn visit(host: &SystemRoot) {
    let list = Command::new("python3")
        .args(["/dhcp_zoo.py", "--list"])
        .output();
    let list = String::from_utf8(list.expect("python3").stdout).expect("text");
    let animals: BTreeMap<u8, Animal> = list.lines().map(read).collect();
    assert!(animals.len() >= 12, "{list}");
    cables(animals.keys());
    let (mut zoo, log) = open();
    let states: Vec<_> = animals.keys().map(|number| start(host, *number)).collect();
    for states in &states {
        until(states, "by DHCP", "the client");
    }
    // Renewed again and again, and in time: each line tells how long after the one before.
    for _ in 0..4 {
        until(&log, "13 short_lease: REQUEST, 2.", "the zoo");
    }
    let all = configure::list().expect("addresses");
    for (number, animal) in &animals {
        let index = link(&format!("zoo{number}")).index;
        let own = all
            .iter()
            .filter(|assigned| assigned.link == index && assigned.address.ip.is_ipv4());
        let own: Vec<String> = own
            .map(|assigned| format!("{}/{}", assigned.address.ip, assigned.address.prefix))
            .collect();
        assert_eq!(
            own,
            std::slice::from_ref(&animal.address),
            "{number} {}",
            animal.name
        );
        println!("{number} {}: {}", animal.name, own[0]);
    }
    assert_eq!(routes("zoo1"), 43, "42, and the one of the address itself");
    for (number, router) in [(2, true), (5, true), (7, false), (6, false)] {
        assert_eq!(routes(&format!("zoo{number}")) == 2, router, "{number}");
    }
    zoo.kill().expect("the zoo is still there");
    zoo.wait().expect("it ends");
    println!("dhcp: {} odd servers, an address of each", animals.len());
}

fn read(line: &str) -> (u8, Animal) {
    let mut words = line.split(' ').map(str::to_owned);
    let mut word = || words.next().expect("three words");
    let number = word().parse().expect("a number");
    let (address, name) = (word(), word());
    (number, Animal { address, name })
}

fn start(host: &SystemRoot, number: u8) -> Receiver<String> {
    let (sender, states) = channel();
    let (host, card) = (host.clone(), link(&format!("zoo{number}")));
    thread::spawn(move || run_client(&host, card, sender));
    states
}

/// All cards on one switch, which is the server's.
fn cables<'a>(numbers: impl Iterator<Item = &'a u8>) {
    let run = |words: String| ip(&words);
    run("netns add zoo".into());
    run("-n zoo link add zoo type bridge".into());
    run("-n zoo link set zoo up".into());
    for number in numbers {
        run(format!("-n zoo address add 10.77.{number}.1/24 dev zoo"));
        run(format!(
            "link add zoo{number} address 02:00:00:00:01:{number:02x} type veth peer name zoo{number} netns zoo"
        ));
        run(format!("-n zoo link set zoo{number} master zoo up"));
        run(format!("link set zoo{number} up"));
    }
}

fn open() -> (Child, Receiver<String>) {
    let mut zoo = Command::new("ip")
        .args(["netns", "exec", "zoo", "python3", "/dhcp_zoo.py", "zoo"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let log = lines_of(zoo.stdout.take().expect("a pipe"));
    until(&log, "the zoo is open", "the zoo");
    (zoo, log)
}

/// IPv4 routes through a link, as iproute2 tells them.
fn routes(link: &str) -> usize {
    let shown = Command::new("ip")
        .args(["-4", "route", "show", "dev", link])
        .output();
    let shown = String::from_utf8(shown.expect("ip").stdout).expect("text");
    shown.lines().count()
}
