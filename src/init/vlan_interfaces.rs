//! `ipa-enable-vlan-interfaces`: which VLANs are to be made of which cards, by name, by MAC address, or as the switch says.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::Clock;
use crate::drivers::modules;
use crate::inventory::lldp;
use crate::net::link::links::{self, Link, Mac};
use crate::net::link::virtual_links;
use crate::net::lldp::frame::vlans;
use crate::system_root::SystemRoot;

/// VLANs made in all: a neighbour may name thousands.
const MOST: usize = 64;

/// Cards of other drivers come a moment after the first one.
const OTHER_CARDS: Duration = Duration::from_secs(2);

/// One entry of the parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    /// `eth0.100` or `52:54:00:12:34:56.100`.
    Named(Card, u16),
    /// `eth0`: those that the switch names there.
    OfSwitch(String),
    /// `all`: those that switches name at any card.
    OfSwitches,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Card {
    Name(String),
    Mac(Mac),
}

impl Card {
    fn is(&self, link: &Link) -> bool {
        match self {
            Card::Name(name) => *name == link.name,
            Card::Mac(mac) => *mac == link.mac,
        }
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Card::Name(name) => f.write_str(name),
            Card::Mac(mac) => mac.fmt(f),
        }
    }
}

/// The parameter, and what has been made of it.
pub struct VlanInterfaces {
    host: SystemRoot,
    clock: Clock,
    wishes: Vec<Wish>,
    /// How long to listen for what switches say; none does not listen.
    lldp: Option<Duration>,
    listening: bool,
    /// Places of the wishes whose card has come.
    met: BTreeSet<usize>,
    made: Arc<Made>,
}

/// Names of those that are there, and of those that would not be made.
#[derive(Default)]
struct Made(Mutex<BTreeSet<String>>);

impl VlanInterfaces {
    /// `entries` are the parameter's; `lldp` is `ipa-lldp-timeout` where `ipa-collect-lldp` is set. What makes no sense is
    /// told in the log.
    pub fn new(
        host: &SystemRoot,
        clock: &Clock,
        entries: &[String],
        lldp: Option<Duration>,
    ) -> Self {
        let mut wishes = Vec::new();
        for entry in entries {
            match parse(entry) {
                Some(Wish::OfSwitch(_) | Wish::OfSwitches) if lldp.is_none() => log::warn!(
                    "ipa-enable-vlan-interfaces: which VLANs '{}' has is known by LLDP, which ipa-collect-lldp=1 listens for",
                    entry.escape_debug()
                ),
                Some(wish) => wishes.push(wish),
                None => log::error!(
                    "ipa-enable-vlan-interfaces: '{}' is none of interface.number, MAC.number, interface and all",
                    entry.escape_debug()
                ),
            }
        }
        VlanInterfaces {
            host: host.clone(),
            clock: clock.clone(),
            wishes,
            lldp,
            listening: false,
            met: BTreeSet::new(),
            made: Arc::default(),
        }
    }

    /// Makes the VLANs that are wanted of this card; with a carrier, starts to listen to the switch if it is to be asked.
    pub fn make(&mut self, card: &Link) {
        for (at, wish) in self.wishes.iter().enumerate() {
            if let Wish::Named(wanted, number) = wish
                && wanted.is(card)
            {
                self.met.insert(at);
                self.made.make(&self.host, card, *number);
            }
        }
        let asks = |wish: &Wish| !matches!(wish, Wish::Named(..));
        if card.carrier && !self.listening && self.wishes.iter().any(asks) {
            self.listening = true;
            self.listen();
        }
    }

    /// For people: the VLANs whose card has not come, one a line.
    pub fn missing(&self) -> Vec<String> {
        let wishes = self.wishes.iter().enumerate();
        let missing = wishes.filter(|(at, _)| !self.met.contains(at));
        let told = missing.filter_map(|(_, wish)| match wish {
            Wish::Named(card, number) => Some(format!(
                "  no network card is {card}, whose VLAN {number} ipa-enable-vlan-interfaces wants"
            )),
            _ => None,
        });
        told.collect()
    }

    /// The card is gone, and with it what was made of it.
    pub fn forget(&self, card: &Link) {
        let prefix = format!("{}.", card.name);
        self.made.names().retain(|name| !name.starts_with(&prefix));
    }

    /// Once, of all cards that are there.
    fn listen(&self) {
        let (host, clock, made) = (self.host.clone(), self.clock.clone(), self.made.clone());
        let (wishes, timeout) = (self.wishes.clone(), self.lldp.unwrap_or_default());
        let work = move || {
            clock.sleep(OTHER_CARDS);
            for (name, tlvs) in lldp::neighbours(&host, &clock, timeout) {
                let wanted = wishes.iter().any(|wish| match wish {
                    Wish::OfSwitch(card) => *card == name,
                    wish => *wish == Wish::OfSwitches,
                });
                let card = links::list().unwrap_or_default();
                let card = card.into_iter().find(|link| link.name == name);
                for number in vlans(&tlvs).into_iter().filter(|_| wanted) {
                    if let Some(card) = &card {
                        made.make(&host, card, number);
                    }
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("vlans".into()).spawn(work) {
            log::error!("no thread to listen for the VLANs of switches: {error}");
        }
    }
}

impl Made {
    /// The kernel tells of it then, and it is set up as any other link.
    fn make(&self, host: &SystemRoot, card: &Link, number: u16) {
        let name = virtual_links::vlan_name(&card.name, number);
        let mut names = self.names();
        if names.contains(&name) {
            return;
        }
        if names.len() >= MOST {
            return log::warn!("{name} is not made: there are {MOST} VLANs");
        }
        modules::load_named(host, "8021q");
        match virtual_links::add_vlan(host, card, number, &name, None) {
            Ok(()) => log::info!("{name} is the VLAN {number} of {}", card.name),
            Err(error) => log::error!("{error}"),
        }
        names.insert(name);
    }

    fn names(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(entry: &str) -> Option<Wish> {
    let Some((card, number)) = entry.split_once('.') else {
        return match entry {
            "all" => Some(Wish::OfSwitches),
            name => virtual_links::is_name(name).then(|| Wish::OfSwitch(name.to_owned())),
        };
    };
    let number = number.parse().ok().filter(|n| (1..4095).contains(n))?;
    let card = match Mac::parse(card) {
        Some(mac) => Card::Mac(mac),
        None => virtual_links::is_name(card).then(|| Card::Name(card.to_owned()))?,
    };
    Some(Wish::Named(card, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_upstream_means_them() {
        let named = |name: &str, number| Some(Wish::Named(Card::Name(name.into()), number));
        let mac = Mac([0x52, 0x54, 0, 0x12, 0xab, 0xcd]);
        for (entry, expected) in [
            ("eth0.100", named("eth0", 100)),
            ("52:54:00:12:AB:cd.7", Some(Wish::Named(Card::Mac(mac), 7))),
            ("eth0", Some(Wish::OfSwitch("eth0".into()))),
            ("all", Some(Wish::OfSwitches)),
            ("eth0.0", None),
            ("eth0.4095", None),
            ("eth0.x", None),
            (".7", None),
            ("a card", None),
        ] {
            assert_eq!(parse(entry), expected, "{entry}");
        }
    }

    #[test]
    fn a_card_that_has_not_come_is_missing() {
        let entries = ["enp1s0.7", "eth0.8", "02:00:00:00:00:01.9", "all"].map(str::to_owned);
        let host = SystemRoot::new("/nonexistent");
        let mut vlans = VlanInterfaces::new(&host, &Clock::fake(), &entries, None);
        assert_eq!(vlans.missing().len(), 3);
        vlans.make(&Link {
            index: 2,
            name: "eth0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            up: true,
            carrier: false,
            card: true,
            made: false,
            gone: false,
        });
        let line = "  no network card is enp1s0, whose VLAN 7 ipa-enable-vlan-interfaces wants";
        assert_eq!(vlans.missing(), [line]);
    }

    #[test]
    fn whoever_is_not_asked_for_lldp_is_not_listened_to() {
        let entries = ["all", "eth0", "eth0.7"].map(str::to_owned);
        let host = SystemRoot::new("/nonexistent");
        let of = |lldp| {
            VlanInterfaces::new(&host, &Clock::fake(), &entries, lldp)
                .wishes
                .len()
        };
        assert_eq!((of(None), of(Some(Duration::ZERO))), (1, 3));
    }
}
