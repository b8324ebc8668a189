//! The management controller's addresses out of its answers: those of controllers as they are, and of some that lie.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use ironlet::inventory::bmc::{Addresses, find};
use ironlet::inventory::ipmi::content;
use ironlet::sys::ipmi::Reply;

/// A controller: channel → medium; (channel, parameter, set) → value.
#[derive(Default)]
struct Bmc {
    media: HashMap<u8, u8>,
    parameters: HashMap<(u8, u8, u8), Vec<u8>>,
}

impl Bmc {
    fn lan(mut self, channel: u8, medium: u8) -> Self {
        self.media.insert(channel, medium);
        self
    }

    fn with(mut self, channel: u8, parameter: u8, set: u8, value: &[u8]) -> Self {
        self.parameters
            .insert((channel, parameter, set), value.to_vec());
        self
    }

    fn ipv4(self, channel: u8, address: [u8; 4]) -> Self {
        self.lan(channel, 4).with(channel, 3, 0, &address)
    }

    fn mac(self, channel: u8, last: u8) -> Self {
        self.with(channel, 5, 0, &[0x52, 0x54, 0, 0xAB, 0, last])
    }

    /// Parameter 56 is a static address, 59 a dynamic one.
    fn ipv6(
        self,
        channel: u8,
        parameter: u8,
        set: u8,
        source: u8,
        address: &str,
        status: u8,
    ) -> Self {
        let address: Ipv6Addr = address.parse().expect("an address");
        let value = [&[set, source][..], &address.octets(), &[64, status]].concat();
        self.with(channel, parameter, set, &value)
    }

    fn answer(&self, function: u8, command: u8, data: &[u8]) -> Option<Vec<u8>> {
        match (function, command, data) {
            (6, 0x42, [channel]) => {
                let medium = *self.media.get(channel)?;
                Some(vec![*channel, medium, 1, 0, 0xF2, 0x1B, 0, 0, 0])
            }
            (0x0C, 2, [channel, parameter, set, 0]) => {
                let value = self.parameters.get(&(*channel, *parameter, *set))?;
                Some([&[0x11][..], value].concat())
            }
            _ => panic!("an unknown request: {function:x} {command:x} {data:x?}"),
        }
    }

    fn found(&self) -> (String, String, String) {
        let Addresses { ipv4, ipv6, mac } =
            find(&mut |function, command, data| self.answer(function, command, data));
        let shown = |told: Option<String>| told.unwrap_or("-".into());
        (
            shown(ipv4.map(|address| address.to_string())),
            shown(ipv6.map(|address| address.to_string())),
            shown(mac),
        )
    }
}

const BOTH: &[u8] = &[2];
const MAC_1: &str = "52:54:00:ab:00:01";
const MAC_8: &str = "52:54:00:ab:00:08";

#[test]
#[rustfmt::skip]
fn addresses_are_those_of_the_first_channel_that_has_some() {
    let bmc = Bmc::default;
    for (what, bmc, ipv4, ipv6, mac) in [
        ("no channel leads to a network", bmc(), "-", "-", "-"),
        ("the usual one", bmc().ipv4(1, [10, 0, 0, 7]).mac(1, 1), "10.0.0.7", "-", MAC_1),
        ("another LAN than Ethernet", bmc().lan(1, 6).with(1, 3, 0, &[10, 0, 0, 7]).mac(1, 1), "10.0.0.7", "-", MAC_1),
        ("a serial line is none", bmc().lan(1, 5).with(1, 3, 0, &[10, 0, 0, 7]).mac(1, 1), "-", "-", "-"),
        ("the last channel", bmc().ipv4(11, [10, 0, 0, 7]).mac(11, 8), "10.0.0.7", "-", MAC_8),
        ("beyond the last", bmc().ipv4(12, [10, 0, 0, 7]).mac(12, 8), "-", "-", "-"),
        ("0.0.0.0 is nobody's", bmc().ipv4(1, [0; 4]).ipv4(8, [10, 0, 0, 7]).mac(8, 8), "10.0.0.7", "-", MAC_8),
        ("a MAC of zeros is nobody's", bmc().ipv4(1, [10, 0, 0, 7]).with(1, 5, 0, &[0; 6]).ipv4(8, [10, 0, 0, 8]).mac(8, 8), "10.0.0.7", "-", MAC_8),
        ("IPv4 switched off, IPv6 unknown: the MAC is told", bmc().ipv4(1, [0; 4]).mac(1, 1), "-", "-", MAC_1),
        ("IPv4 switched off, IPv6 link-local alone: it is not", bmc().ipv4(1, [0; 4]).mac(1, 1).with(1, 51, 0, BOTH)
            .ipv6(1, 59, 0, 1, "fe80::1", 0).ipv6(1, 56, 0, 0, "::", 1), "-", "fe80::1", "-"),
        ("IPv4 switched off, IPv6 global", bmc().ipv4(1, [0; 4]).mac(1, 1).with(1, 51, 0, &[1])
            .ipv6(1, 59, 0, 2, "2001:db8::7", 0), "-", "2001:db8::7", MAC_1),
    ] {
        assert_eq!(bmc.found(), (ipv4.into(), ipv6.into(), mac.into()), "{what}");
    }
}

#[test]
#[rustfmt::skip]
fn of_ipv6_addresses_one_in_use_is_told() {
    let bmc = || Bmc::default().with(3, 51, 0, BOTH);
    for (what, bmc, ipv6) in [
        ("none", bmc(), "-"),
        ("IPv6 is switched off", bmc().with(3, 51, 0, &[0]).ipv6(3, 59, 0, 1, "2001:db8::1", 0), "-"),
        ("by SLAAC", bmc().ipv6(3, 59, 0, 1, "2001:db8::1", 0), "2001:db8::1"),
        ("by DHCPv6", bmc().ipv6(3, 59, 0, 2, "2001:db8::1", 0), "2001:db8::1"),
        ("a dynamic one of no source", bmc().ipv6(3, 59, 0, 0, "2001:db8::1", 0), "-"),
        ("the first active one", bmc().ipv6(3, 59, 0, 1, "2001:db8::1", 2).ipv6(3, 59, 1, 1, "2001:db8::2", 0), "2001:db8::2"),
        ("unset is not in use", bmc().ipv6(3, 59, 0, 1, "::", 0), "-"),
        ("by hand", bmc().ipv6(3, 56, 0, 0x80, "2001:db8::3", 0), "2001:db8::3"),
        ("by hand, switched off", bmc().ipv6(3, 56, 0, 0, "2001:db8::3", 0), "-"),
        ("by the network before by hand", bmc().ipv6(3, 56, 0, 0x80, "2001:db8::3", 0).ipv6(3, 59, 0, 2, "2001:db8::1", 0), "2001:db8::1"),
        ("the next channel", bmc().ipv6(3, 59, 0, 2, "2001:db8::1", 1).with(4, 51, 0, BOTH).ipv6(4, 56, 0, 0x80, "2001:db8::4", 0), "2001:db8::4"),
        ("the answer to another set", bmc().with(3, 59, 0, &[[7, 1].as_slice(), &[0x20; 16], &[64, 0]].concat()), "-"),
        ("cut short", bmc().with(3, 59, 0, &[0, 1, 0x20, 1]), "-"),
        ("empty", bmc().with(3, 51, 0, &[]), "-"),
    ] {
        assert_eq!(bmc.found().1, ipv6, "{what}");
    }
}

#[test]
fn a_controller_that_says_anything_ends() {
    for answer in [
        &[][..],
        &[0],
        &[1, 4, 0, 0, 0, 0, 0, 0, 0],
        &[0xFF; 272],
        &[4; 9],
    ] {
        let mut asked = 0;
        let _ = find(&mut |_, _, data| {
            asked += 1;
            // An endless list of addresses: each set is there, and none is in use.
            let mut answer = answer.to_vec();
            if let (Some(set), true) = (answer.get_mut(1), data.len() == 4) {
                *set = data[2];
            }
            Some(answer)
        });
        assert!(
            asked <= 11 * (3 + 4 * 16),
            "{asked} requests for {answer:x?}"
        );
    }
}

#[test]
fn an_answer_is_ours_by_its_number_function_and_command() {
    let ours = Reply {
        is_response: true,
        id: 7,
        function: 0x0D,
        command: 2,
        data: vec![0, 0x11, 10],
    };
    let ask = |reply: Reply| content(reply, 7, 0x0C, 2);
    assert_eq!(ask(ours.clone()), Some(Some(vec![0x11, 10])));
    for (what, other) in [
        (
            "an event",
            Reply {
                is_response: false,
                ..ours.clone()
            },
        ),
        (
            "an earlier request's",
            Reply {
                id: 6,
                ..ours.clone()
            },
        ),
        (
            "another function's",
            Reply {
                function: 0x07,
                ..ours.clone()
            },
        ),
        (
            "a request",
            Reply {
                function: 0x0C,
                ..ours.clone()
            },
        ),
        (
            "another command's",
            Reply {
                command: 3,
                ..ours.clone()
            },
        ),
    ] {
        assert_eq!(ask(other), None, "{what}");
    }
    for (what, data) in [("refused", vec![0x80]), ("not even a code", vec![])] {
        assert_eq!(
            ask(Reply {
                data,
                ..ours.clone()
            }),
            Some(None),
            "{what}"
        );
    }
}
