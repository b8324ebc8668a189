//! What the console says when the machine cannot be reached: what was tried, and what to check.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::net::link::links::Link;
use crate::system_root::SystemRoot;

/// What each card is at, by the index of its link.
#[derive(Default)]
pub struct Board(Mutex<BTreeMap<u32, Card>>);

#[derive(Default)]
struct Card {
    /// As in `eth0 (02:00:00:00:00:01)`.
    name: String,
    state: String,
    /// What DHCPv6 is at, if a router says that there is a server.
    ipv6: String,
    /// Why it does not go up: until it does, nothing else about it matters.
    stuck: Option<String>,
}

impl Board {
    pub fn say(&self, link: &Link, state: &str) {
        self.card(link, |card| state.clone_into(&mut card.state));
    }

    /// What its DHCPv6 client is at.
    pub fn say_ipv6(&self, link: &Link, state: &str) {
        self.card(link, |card| state.clone_into(&mut card.ipv6));
    }

    /// Notes why the link does not go up; with none, that it has.
    pub fn set_stuck(&self, link: &Link, why: Option<String>) {
        self.card(link, |card| card.stuck = why);
    }

    fn card(&self, link: &Link, change: impl FnOnce(&mut Card)) {
        let mut cards = self.cards();
        let card = cards.entry(link.index).or_default();
        card.name = format!("{} ({})", link.name, link.mac);
        change(card);
    }

    pub fn forget(&self, link: u32) {
        self.cards().remove(&link);
    }

    /// Says on the console that there is no network, and why.
    pub fn report(&self, host: &SystemRoot) {
        for line in self.text(&Faults::look(host, Purpose::Network)) {
            log::warn!("{line}");
        }
    }

    fn text(&self, faults: &Faults) -> Vec<String> {
        let cards = self.cards();
        let mut lines = vec!["no network yet, still trying:".to_owned()];
        for card in cards.values() {
            let state = card.stuck.as_ref().unwrap_or(&card.state);
            let ipv6 = match card.stuck.is_none() && !card.ipv6.is_empty() {
                true => format!("; {}", card.ipv6),
                false => String::new(),
            };
            lines.push(format!("  {}: {state}{ipv6}", card.name));
        }
        if cards.is_empty() {
            let none = match faults.driverless.is_empty() && faults.lacks.is_empty() {
                true => "the kernel shows no network card",
                false => "no network card works",
            };
            lines.push(format!("  {none}"));
        }
        lines.extend(faults.lines().iter().map(|line| format!("  {line}")));
        let state = |part: &str| {
            let up = cards.values().filter(|card| card.stuck.is_none());
            up.into_iter().any(|card| card.state.contains(part))
        };
        for (holds, advice) in [
            (
                faults.lacks.iter().any(|lack| lack.needed),
                "that the ramdisk has the firmware: append it, as the README says (Firmware)",
            ),
            (
                // One that was cut lacks modules for another reason.
                faults.cut.is_none() && !faults.driverless.is_empty(),
                "that the ramdisk was built with this card's module",
            ),
            (
                state("no carrier"),
                "the cable, and that the switch port is enabled",
            ),
            (
                state("of no use") || state("not confirmed"),
                "the settings and the log of the DHCP server that answers so; or give an address with ip=",
            ),
            (
                state("no answer"),
                "the VLAN of the switch port, and that a DHCP server answers there; or give an address with ip=",
            ),
        ] {
            if holds {
                lines.push(format!("  check: {advice}"));
            }
        }
        lines
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Card>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::Lack;
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
            made: false,
            gone: false,
        }
    }

    /// What the report says when these are the faults.
    fn told(board: &Board, faults: &Faults) -> String {
        board.text(faults).join("\n")
    }

    fn assert_told(text: &str, there: &[&str], not_there: &[&str]) {
        for part in there {
            assert!(text.contains(part), "{part}: {text}");
        }
        for part in not_there {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_report_says_what_was_tried_and_what_to_check() {
        let board = Board::default();
        let none = Faults::default();
        let nothing = told(&board, &none);
        assert_told(&nothing, &["the kernel shows no network card"], &["check"]);
        let faults = Faults {
            driverless: vec!["no driver in this ramdisk for the network card 8086:1572".into()],
            ..Faults::default()
        };
        let text = told(&board, &faults);
        assert_told(&text, &["works", "8086:1572", "card's module"], &["cable"]);
        board.say(&link(0), "no carrier");
        board.say(&link(1), "DHCP: try 4, no answer yet");
        let state = "eth0 (02:00:00:00:00:00): no carrier";
        let text = told(&board, &none);
        assert_told(
            &text,
            &[state, "the cable", "VLAN"],
            &["firmware", "module"],
        );
        // Something came, and was of no use: that is not the cable.
        for said in [
            "an answer came and was of no use: why",
            "192.0.2.9 was offered, and not confirmed yet",
        ] {
            board.say(&link(1), &format!("DHCP: try 4, {said}"));
            let text = told(&board, &none);
            assert_told(
                &text,
                &[said, "settings and the log of the DHCP server"],
                &["VLAN"],
            );
        }
        board.say(&link(1), "DHCP: try 4, no answer yet");
        board.forget(1);
        assert_told(&told(&board, &none), &["the cable"], &["VLAN"]);
    }

    #[test]
    fn who_lacks_firmware_is_not_sent_to_the_cable() {
        let board = Board::default();
        board.say(&link(0), "no carrier");
        board.set_stuck(&link(0), Some("does not go up: No such file".into()));
        let lack = Lack {
            purpose: Some(Purpose::Network),
            driver: Some("e100".into()),
            links: vec!["eth0".into()],
            files: vec!["e100/d101s_ucode.bin".into()],
            needed: true,
            system: "this ramdisk",
            ..Lack::default()
        };
        let faults = Faults {
            lacks: vec![lack],
            ..Faults::default()
        };
        let line = "  eth0 (e100) needs firmware e100/d101s_ucode.bin, which this ramdisk lacks";
        let text = told(&board, &faults);
        assert_told(
            &text,
            &[line, "does not go up", "append"],
            &["cable", "no carrier"],
        );
        // It went up all the same: then it is the cable.
        board.set_stuck(&link(0), None);
        assert_told(&told(&board, &faults), &["no carrier", "cable"], &["go up"]);
    }

    #[test]
    fn a_ramdisk_that_was_cut_lacks_modules_for_no_other_reason() {
        let faults = Faults {
            cut: Some("160 MiB of RAM are too little, 176 MiB would do".into()),
            driverless: vec!["no driver in this ramdisk for the network card 1af4:1000".into()],
            ..Faults::default()
        };
        let text = told(&Board::default(), &faults);
        assert_told(&text, &["176 MiB would do", "1af4:1000"], &["was built"]);
    }
}
