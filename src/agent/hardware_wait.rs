//! Waits for disks and addresses before an inspection describes them: what is slow to come up is to be told as well.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use log::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::disk::{self, Wishes};
use crate::inventory::{self, Interface};
use crate::net::link::links::Mac;
use crate::system_root::{SystemRoot, attribute, names};

/// Disks of one controller show up within moments of each other, those behind USB some later: none for so long is all.
const QUIET: Duration = Duration::from_secs(2);
/// A machine whose disks still come after so long will not settle.
const RESTLESS: Duration = Duration::from_secs(30);
/// Between two looks for a link or an address.
const ADDRESS_PAUSE: Duration = Duration::from_millis(500);
/// Two ends agree on a speed within some three seconds, and DHCP answers in moments: a card that is silent for longer has no cable.
const LINKS_SETTLE: Duration = Duration::from_secs(6);
/// A network that has DHCP for IPv4 says so within this; without it a routable IPv6 address is the address.
const IPV4_FIRST: Duration = Duration::from_secs(10);

/// Until there is a disk to deploy to, and none has come in the last seconds. A machine without disks has its
/// `ipa-disk-wait-attempts`, and is described all the same.
pub fn for_disks(config: &Config, host: &SystemRoot, clock: &Clock, wishes: &Wishes) {
    let (attempts, delay) = (config.disk_wait.attempts, config.disk_wait.delay);
    wait_for_disks(attempts, delay, host, clock, wishes);
}

fn wait_for_disks(
    attempts: u32,
    delay: Duration,
    host: &SystemRoot,
    clock: &Clock,
    wishes: &Wishes,
) {
    let started = clock.elapsed();
    let (mut empty, mut known) = (0, Vec::new());
    let (mut quiet, mut since) = (Duration::ZERO, started);
    while empty < attempts && clock.elapsed().saturating_sub(started) < RESTLESS {
        let present = names(host.sys("block"));
        if present != known {
            (quiet, since) = (since_last_disk(host, clock), clock.elapsed());
            known = present;
        }
        match disk::root(host, wishes) {
            Ok(_) => {
                let quiet = quiet + clock.elapsed().saturating_sub(since);
                match QUIET.saturating_sub(quiet) {
                    left if left.is_zero() => return,
                    left => clock.sleep(left),
                }
            }
            Err(error) => {
                empty += 1;
                if empty == 1 {
                    info!("inspection: waiting for a disk: {}", error.details());
                }
                clock.sleep(delay);
            }
        }
    }
}

/// How long ago the kernel made the last disk's node in /dev; zero where its clock does not tell.
fn since_last_disk(host: &SystemRoot, clock: &Clock) -> Duration {
    let made = |name: &String| host.dev(name).metadata().ok();
    let nodes = names(host.sys("block"));
    let last = nodes.iter().filter_map(made).map(|node| node.ctime());
    let uptime = attribute(host.proc("uptime")).unwrap_or_default();
    let uptime = uptime.split(' ').next().and_then(|text| text.parse().ok());
    let ago = last.max().map(|last| clock.unix() - last as f64);
    match ago.zip(uptime) {
        // Whoever set the clock in between made a disk as old as the epoch, or younger than now.
        Some((ago, uptime)) if (0.0..uptime).contains(&ago) => Duration::from_secs_f64(ago),
        _ => Duration::ZERO,
    }
}

/// Until every card has an address, or has had its time for a link and DHCP, unless nothing is to be waited for: Ironic tells
/// physical networks apart by addresses, and may be told to make no port for a card without a link.
pub fn for_links(config: &Config, host: &SystemRoot, clock: &Clock) {
    let limit = LINKS_SETTLE.min(config.inspection.address_wait);
    let started = clock.elapsed();
    while clock.elapsed().saturating_sub(started) < limit
        && !missing(&inventory::interfaces(host), None, false).is_empty()
    {
        clock.sleep(ADDRESS_PAUSE);
    }
}

/// Until the card the machine was booted from has an address, or every card; as long as `ipa-inspection-dhcp-wait-timeout`.
pub fn for_addresses(config: &Config, host: &SystemRoot, clock: &Clock) {
    let asked = &config.inspection;
    if asked.address_wait.is_zero() {
        return;
    }
    let booted = match (asked.every_nic, &config.boot_interface) {
        (true, _) => None,
        (false, Some(bootif)) => Some(bootif.as_str()),
        (false, None) => {
            info!("inspection: no BOOTIF says which card to wait for: waiting for none");
            return;
        }
    };
    let started = clock.elapsed();
    let mut told = false;
    loop {
        let waited = clock.elapsed().saturating_sub(started);
        let nics = inventory::interfaces(host);
        let missing = missing(&nics, booted, waited >= IPV4_FIRST);
        if missing.is_empty() {
            return;
        }
        let (missing, limit) = (missing.join(", "), asked.address_wait.as_secs());
        if waited >= asked.address_wait {
            warn!("inspection: no address on {missing} after {limit} s, going on without");
            return;
        }
        if !told {
            info!("inspection: waiting {limit} s at most for an address on {missing}");
            told = true;
        }
        clock.sleep(ADDRESS_PAUSE.min(asked.address_wait - waited));
    }
}

/// The names of those without an address: of the one with the MAC address `booted`, or of all.
fn missing<'a>(nics: &'a [Interface], booted: Option<&str>, any_family: bool) -> Vec<&'a str> {
    let booted = booted.map(|text| Mac::parse(text).map(|mac| mac.to_string()));
    let meant = |nic: &&Interface| {
        let mac = booted.as_ref();
        mac.is_none_or(|mac| mac.as_ref() == Some(&nic.mac))
    };
    // A link-local one names its card: fe80::1%eth0.
    let routable = |nic: &Interface| nic.ipv6.as_ref().is_some_and(|ip| !ip.contains('%'));
    let has_address = |nic: &Interface| nic.ipv4.is_some() || any_family && routable(nic);
    let lacking = nics.iter().filter(meant).filter(|nic| !has_address(nic));
    lacking.map(|nic| nic.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn disks_are_waited_for_as_long_as_they_come() {
        let root = std::env::temp_dir().join(format!("ironlet-disks-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let disk = |name: &str, sectors: u64| {
            fs::create_dir_all(host.sys(format!("block/{name}/queue"))).expect("writable");
            fs::create_dir_all(host.dev("")).expect("writable");
            fs::write(host.sys(format!("block/{name}/size")), sectors.to_string()).expect("it is");
            fs::File::create(host.dev(name))
                .and_then(|file| file.set_len(sectors * 512))
                .expect("it is");
        };
        let waited = |attempts| {
            let (clock, wishes) = (Clock::fake(), Wishes::default());
            wait_for_disks(attempts, Duration::from_secs(3), &host, &clock, &wishes);
            clock.elapsed().as_secs()
        };
        assert_eq!([waited(0), waited(10)], [0, 30], "there is none");
        disk("vda", 2048);
        assert_eq!(waited(2), 6, "it is too small");
        disk("vdb", 10 << 21);
        // This clock does not tell when they came.
        assert_eq!([waited(0), waited(10)], [0, 2]);
        let real = Clock::real();
        let ago = since_last_disk(&host, &real);
        assert_eq!(ago, Duration::ZERO, "there is no uptime");
        fs::create_dir_all(host.proc("")).expect("writable");
        fs::write(host.proc("uptime"), "1000.00 2000.00\n").expect("writable");
        real.sleep(Duration::from_millis(1100));
        let ago = since_last_disk(&host, &real);
        assert!((1..1000).contains(&ago.as_secs()), "{ago:?}");
        fs::remove_dir_all(root).expect("it was made here");
    }

    #[test]
    fn a_card_has_its_time_for_a_link() {
        let root = std::env::temp_dir().join(format!("ironlet-links-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let waited = |command_line| {
            let clock = Clock::fake();
            let config = Config::read(&host, command_line).expect("fine");
            for_links(&config, &host, &clock);
            clock.elapsed().as_secs()
        };
        assert_eq!(waited(""), 0, "there is no card");
        let card = host.sys("class/net/eth0");
        fs::create_dir_all(card.join("device")).expect("writable");
        for (file, text) in [("address", "52:54:00:00:00:0a"), ("type", "1")] {
            fs::write(card.join(file), text).expect("writable");
        }
        assert_eq!(waited(""), 6);
        assert_eq!(waited("ipa-inspection-dhcp-wait-timeout=2"), 2);
        assert_eq!(waited("ipa-inspection-dhcp-wait-timeout=0"), 0);
        fs::remove_dir_all(root).expect("it was made here");
    }

    fn nic(name: &str, ipv4: Option<&str>, ipv6: Option<&str>) -> Interface {
        Interface {
            name: name.to_owned(),
            mac: format!("52:54:00:00:00:{name}"),
            ipv4: ipv4.map(str::to_owned),
            ipv6: ipv6.map(str::to_owned),
            carrier: true,
            vendor: None,
            product: None,
            client_id: None,
            biosdevname: None,
            speed_mbps: None,
            pci_address: None,
            driver: None,
        }
    }

    #[test]
    fn the_card_of_bootif_or_every_card_is_waited_for() {
        let nics = [
            nic("0a", Some("10.0.0.5"), None),
            nic("0b", None, Some("fe80::1%0b")),
            nic("0c", None, Some("fd00::5")),
        ];
        for (booted, any_family, lacking) in [
            (Some("52:54:00:00:00:0A"), false, &[][..]),
            (Some("01-52-54-00-00-00-0b"), false, &["0b"]),
            (Some("52-54-00-00-00-0b"), true, &["0b"]),
            (Some("52:54:00:00:00:0c"), false, &["0c"]),
            (Some("52:54:00:00:00:0c"), true, &[]),
            // Of a card that is not here, as upstream: nothing to wait for.
            (Some("52:54:00:00:00:0d"), false, &[]),
            (Some("none"), false, &[]),
            (None, false, &["0b", "0c"]),
            (None, true, &["0b"]),
        ] {
            assert_eq!(missing(&nics, booted, any_family), lacking, "{booted:?}");
        }
    }
}
