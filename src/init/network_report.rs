//! What the console says when the machine cannot be reached: what was tried, and what to check.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::net::link::links::Link;
use crate::system_root::SystemRoot;

/// In /run: what each card is at, for whoever asks why there is no network.
const KEPT: &str = "network-cards";

/// What each card is at, by the index of its link.
#[derive(Default)]
pub struct Board {
    cards: Mutex<BTreeMap<u32, Card>>,
    /// Where others may read it.
    kept: Option<PathBuf>,
}

#[derive(Clone, Default)]
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
    /// Empty, and from now on to be read by [`Board::read`] of other processes.
    pub fn kept(host: &SystemRoot) -> Self {
        Board {
            kept: Some(host.run(KEPT)),
            ..Board::default()
        }
    }

    /// As process 1 keeps it; empty where there is none.
    pub fn read(host: &SystemRoot) -> Self {
        let text = fs::read_to_string(host.run(KEPT)).unwrap_or_default();
        let card = |line: &str| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            Card {
                name: next(),
                state: next(),
                ipv6: next(),
                stuck: Some(next()).filter(|why| !why.is_empty()),
            }
        };
        Board {
            cards: Mutex::new((0..).zip(text.lines().map(card)).collect()),
            kept: None,
        }
    }

    /// Who cannot read it has the console.
    fn keep(&self, cards: &BTreeMap<u32, Card>) {
        let Some(path) = &self.kept else {
            return;
        };
        let line = |card: &Card| {
            let stuck = card.stuck.as_deref().unwrap_or_default();
            let fields = [&card.name, &card.state, &card.ipv6, stuck];
            fields
                .map(|text| text.replace(char::is_control, " "))
                .join("\t")
                + "\n"
        };
        let (text, draft) = (
            cards.values().map(line).collect::<String>(),
            path.with_extension("new"),
        );
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    }

    /// Notes what the card is at.
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
        self.keep(&cards);
    }

    /// It is gone.
    pub fn forget(&self, link: u32) {
        let mut cards = self.cards();
        cards.remove(&link);
        self.keep(&cards);
    }

    /// Says on the console that there is no network, and why.
    pub fn report(&self, host: &SystemRoot) {
        for line in self.text(&Faults::look(host, Purpose::Network)) {
            log::warn!("{line}");
        }
    }

    /// What each card is at, in words.
    pub fn states(&self) -> Vec<String> {
        let line = |card: &Card| {
            let state = card.stuck.as_ref().unwrap_or(&card.state);
            let ipv6 = match card.stuck.is_none() && !card.ipv6.is_empty() {
                true => format!("; {}", card.ipv6),
                false => String::new(),
            };
            format!("{}: {state}{ipv6}", card.name)
        };
        self.cards().values().map(line).collect()
    }

    fn text(&self, faults: &Faults) -> Vec<String> {
        let mut lines = vec!["no network yet, still trying:".to_owned()];
        let states = self.states();
        if states.is_empty() {
            let none = match faults.driverless.is_empty() && faults.lacks.is_empty() {
                true => "the kernel shows no network card",
                false => "no network card works",
            };
            lines.push(format!("  {none}"));
        }
        lines.extend(states.iter().map(|line| format!("  {line}")));
        lines.extend(faults.lines().iter().map(|line| format!("  {line}")));
        let checks = self.checks(faults);
        lines.extend(checks.iter().map(|check| format!("  check: {check}")));
        lines
    }

    /// What to check, by what the cards are at and what does not work.
    pub fn checks(&self, faults: &Faults) -> Vec<&'static str> {
        let cards = self.cards();
        let state = |part: &str| {
            let up = cards.values().filter(|card| card.stuck.is_none());
            up.into_iter().any(|card| card.state.contains(part))
        };
        let checks = [
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
                state(" refused "),
                "the log and the settings of the DHCP server that refuses: whether it has addresses left, and gives this machine's MAC address one; or give an address with ip=",
            ),
            (
                state("of no use") || state("not confirmed"),
                "the settings and the log of the DHCP server that answers so; or give an address with ip=",
            ),
            (
                state("no answer"),
                "the VLAN of the switch port, and that a DHCP server answers there and has addresses left: one without any says nothing; or give an address with ip=",
            ),
        ];
        let holding = checks.into_iter().filter(|(holds, _)| *holds);
        holding.map(|(_, check)| check).collect()
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Card>> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn another_process_reads_what_this_one_keeps() {
        let root = std::env::temp_dir().join(format!("ironlet-board-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        assert!(Board::read(&host).states().is_empty(), "nobody keeps one");
        let board = Board::kept(&host);
        board.say(&link(0), "no carrier");
        board.say(&link(1), "DHCP: try 4,\tno answer\nyet");
        board.say_ipv6(&link(1), "DHCPv6: try 2");
        board.set_stuck(&link(2), Some("does not go up".into()));
        board.say(&link(3), "gone");
        board.forget(3);
        let read = Board::read(&host);
        let states = [
            "eth0 (02:00:00:00:00:00): no carrier",
            "eth1 (02:00:00:00:00:01): DHCP: try 4, no answer yet; DHCPv6: try 2",
            "eth2 (02:00:00:00:00:02): does not go up",
        ];
        assert_eq!(read.states(), states);
        assert_eq!(read.checks(&Faults::default()).len(), 2);
        fs::remove_dir_all(root).expect("it was made here");
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
        let said = "the server 192.0.2.9 refused 192.0.2.1, which it had offered (NAK, no)";
        board.say(&link(1), &format!("DHCP: try 4, {said}"));
        let text = told(&board, &none);
        assert_told(&text, &[said, "addresses left"], &["VLAN", "settings and"]);
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
