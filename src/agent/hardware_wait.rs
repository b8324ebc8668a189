//! Waits for disks, network cards and addresses before an inspection describes them: what is slow to come up is to be told as well.

use std::time::Duration;

use log::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::disk::{self, Wishes};
use crate::inventory::{self, Interface};
use crate::net::link::links::Mac;
use crate::steps::find_boot_medium::boot_medium;
use crate::system_root::{SystemRoot, names};

/// Between two looks at lists that may still grow, and how many there are at most.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
const LOOKS: u32 = 15;
/// Between two looks for an address.
const ADDRESS_PAUSE: Duration = Duration::from_millis(500);
/// A network that has DHCP for IPv4 says so within this; without it a routable IPv6 address is the address.
const IPV4_FIRST: Duration = Duration::from_secs(10);

/// Until there is a disk to deploy to and no disk and no card came in the last seconds. A machine without disks has its
/// `ipa-disk-wait-attempts`, and is described all the same.
pub fn for_disks_and_nics(config: &Config, host: &SystemRoot, clock: &Clock) {
    let present = || [names(host.sys("block")), names(host.sys("class/net"))];
    let mut before = present();
    let wishes = Wishes {
        unguarded: true,
        medium: boot_medium(host, config.medium.as_deref()),
        ..Wishes::default()
    };
    let wait = &config.disk_wait;
    if let Err(error) = disk::wait_for_root(host, clock, wait.attempts, wait.delay, &wishes) {
        warn!("inspection: no disk to deploy to: {}", error.details());
    }
    for _ in 0..LOOKS {
        let now = present();
        if now == before {
            return;
        }
        before = now;
        clock.sleep(LOOK_PAUSE);
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
    use super::*;

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
