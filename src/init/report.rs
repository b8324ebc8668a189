//! What the console says when the machine cannot be reached: what was tried, and what to check.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::net::link::links::Link;
use crate::system_root::{SystemRoot, attribute, names};

/// What each card is at, by the index of its link.
#[derive(Default)]
pub struct Board(Mutex<BTreeMap<u32, Card>>);

struct Card {
    name: String,
    state: String,
}

impl Board {
    pub fn say(&self, link: &Link, state: &str) {
        let card = Card {
            name: format!("{} ({})", link.name, link.mac),
            state: state.to_owned(),
        };
        self.cards().insert(link.index, card);
    }

    pub fn forget(&self, link: u32) {
        self.cards().remove(&link);
    }

    /// Says on the console that there is no network, and why.
    pub fn report(&self, host: &SystemRoot) {
        for line in self.text(&driverless(host)) {
            log::warn!("{line}");
        }
    }

    fn text(&self, driverless: &[String]) -> Vec<String> {
        let cards = self.cards();
        let mut lines = vec!["no network yet, still trying:".to_owned()];
        for card in cards.values() {
            lines.push(format!("  {}: {}", card.name, card.state));
        }
        let any = |part: &str| cards.values().any(|card| card.state.contains(part));
        if cards.is_empty() {
            lines.push("  no network card has a driver".to_owned());
        }
        for card in driverless {
            lines.push(format!(
                "  no driver in this ramdisk for the network card {card}"
            ));
        }
        if cards.is_empty() || !driverless.is_empty() {
            lines.push(
                "  check: that the ramdisk was built with this card's module and firmware".into(),
            );
        }
        if any("no carrier") {
            lines.push("  check: the cable, and that the switch port is enabled".into());
        }
        if any("of no use") || any("not confirmed") {
            lines.push(
                "  check: the settings and the log of the DHCP server that answers so; or give an address with ip="
                    .into(),
            );
        }
        if any("no answer") {
            lines.push(
                "  check: the VLAN of the switch port, and that a DHCP server answers there; or give an address with ip=".into(),
            );
        }
        lines
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Card>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// PCI network cards without a driver, as `vendor:device at address`.
fn driverless(host: &SystemRoot) -> Vec<String> {
    let devices = host.sys("bus/pci/devices");
    let idle = names(&devices).into_iter().filter_map(|address| {
        let device = devices.join(&address);
        // PCI class code 02: network controller.
        let network = attribute(device.join("class"))?.starts_with("0x02");
        let id =
            |name| attribute(device.join(name)).map(|id| id.trim_start_matches("0x").to_owned());
        let (vendor, number) = (id("vendor")?, id("device")?);
        let driven = device.join("driver").exists();
        (network && !driven).then(|| format!("{vendor}:{number} at {address}"))
    });
    idle.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::link::links::Mac;

    fn link(index: u32) -> Link {
        Link {
            index,
            name: format!("eth{index}"),
            mac: Mac([2, 0, 0, 0, 0, index as u8]),
            mtu: 1500,
            up: true,
            carrier: false,
            card: true,
            gone: false,
        }
    }

    #[test]
    fn the_report_says_what_was_tried_and_what_to_check() {
        let board = Board::default();
        let text = board.text(&["8086:1572 at 0000:01:00.0".into()]).join("\n");
        assert!(text.contains("no network card has a driver"));
        assert!(text.contains("8086:1572") && text.contains("module and firmware"));
        board.say(&link(0), "no carrier");
        board.say(&link(1), "DHCP: try 4, no answer yet");
        let text = board.text(&[]).join("\n");
        assert!(
            text.contains("eth0 (02:00:00:00:00:00): no carrier"),
            "{text}"
        );
        assert!(
            text.contains("the cable") && text.contains("VLAN"),
            "{text}"
        );
        assert!(
            !text.contains("firmware") && !text.contains("settings"),
            "{text}"
        );
        // Something came, and was of no use: that is not the cable.
        for said in [
            "an answer came and was of no use: why",
            "192.0.2.9 was offered, and not confirmed yet",
        ] {
            board.say(&link(1), &format!("DHCP: try 4, {said}"));
            let text = board.text(&[]).join("\n");
            assert!(
                text.contains(said) && text.contains("settings and the log of the DHCP server")
            );
            assert!(!text.contains("VLAN"), "{text}");
        }
        board.say(&link(1), "DHCP: try 4, no answer yet");
        board.forget(1);
        assert!(!board.text(&[]).join("\n").contains("VLAN"));
    }
}
