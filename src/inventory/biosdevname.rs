//! Names of network cards by where they sit, as Dell's biosdevname gives them: `em1` on the board, `p2p1` in slot 2.
//!
//! Left out are the two oldest sources, which need the machine's memory or are Dell's alone: the BIOS's interrupt routing
//! table and partitions of a card in its vital product data.

use std::fs;
use std::path::Path;

use crate::inventory::dmi::{ONBOARD_DEVICE, SYSTEM, SYSTEM_SLOT, Structure, Tables};
use crate::inventory::pci_function::{Address, Function, Functions};
use crate::system_root::{SystemRoot, attribute, link_name, names};

/// Interface → name. Those that have none, or one that another has too, are not in it.
pub struct BiosNames(Vec<(String, String)>);

/// What the firmware says of a function, or of everything behind a bridge.
struct Place {
    domain: u16,
    bus: u8,
    device: u8,
    /// None: of all functions of the device.
    function: Option<u8>,
    /// 0: on the board.
    slot: u16,
    /// On the board: which of several.
    instance: Option<u32>,
}

/// A network card's place, as far as it is known.
struct Card<'a> {
    function: &'a Function,
    slot: Option<u32>,
    instance: Option<u32>,
    /// Among those on the board, or among those in its slot.
    index: u32,
}

impl BiosNames {
    /// Of all network interfaces.
    pub fn read(host: &SystemRoot, firmware: &Tables) -> Self {
        if is_virtual(host) {
            return BiosNames(Vec::new());
        }
        let functions = Functions::read(host);
        let cards = cards(
            &functions,
            &places(firmware, &functions),
            !firmware.is_empty(),
        );
        let all = host.sys("class/net");
        let mut found = Vec::new();
        for interface in names(&all) {
            let directory = all.join(&interface);
            let named = link_name(directory.join("device"))
                .and_then(|place| Address::parse(&place))
                .and_then(|address| name(&directory, address, &cards, &functions));
            found.extend(named.map(|named| (interface, named)));
        }
        let is_unique =
            |name: &String| found.iter().filter(|(_, other)| other == name).count() == 1;
        let unique = found
            .iter()
            .filter(|(_, name)| is_unique(name))
            .cloned()
            .collect();
        BiosNames(unique)
    }

    /// The name of an interface.
    pub fn of(&self, interface: &str) -> Option<&str> {
        let named = self.0.iter().find(|(known, _)| known == interface);
        named.map(|(_, name)| name.as_str())
    }
}

/// biosdevname is made for x86, and says nothing in a virtual machine.
fn is_virtual(host: &SystemRoot) -> bool {
    let info = fs::read_to_string(host.proc("cpuinfo")).unwrap_or_default();
    let flags = info
        .lines()
        .find_map(|line| line.strip_prefix("flags")?.split_once(':'));
    flags.is_none_or(|(_, flags)| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// SMBIOS 7.10 and 7.42, and what HP's firmware says in a structure of its own; of several for one place the last holds.
fn places(firmware: &Tables, functions: &Functions) -> Vec<Place> {
    const HP_CARDS: u8 = 209;
    let mut places = Vec::new();
    let maker = firmware.first(SYSTEM).and_then(|one| one.text(0x04));
    for one in firmware.structures() {
        match one.kind() {
            SYSTEM_SLOT => places.extend(slot(&one, functions)),
            ONBOARD_DEVICE => places.extend(onboard(&one)),
            HP_CARDS if maker.as_deref() == Some("HP") => places.extend(hp_cards(&one)),
            _ => {}
        }
    }
    places.retain(|place| !place.is_disabled());
    places
}

fn slot(one: &Structure, functions: &Functions) -> Option<Place> {
    let number = one.byte(0x10)?;
    let (domain, bus) = (one.word(0x0D)?, one.byte(0x0F)?);
    let (device, function) = (number >> 3, number & 7);
    let bridge = functions.get(Address {
        domain: domain.into(),
        bus,
        device,
        function,
    });
    Some(Place {
        domain,
        bus,
        device,
        // Root ports may be functions of one device and lead to a slot each.
        function: bridge
            .is_some_and(Function::is_root_port)
            .then_some(function),
        slot: one.word(0x09)?,
        instance: None,
    })
}

fn onboard(one: &Structure) -> Option<Place> {
    // In use, and Ethernet.
    const ETHERNET: u8 = 0x80 | 5;
    let number = one.byte(0x0A)?;
    let instance = one.byte(0x06)?;
    (one.byte(0x05)? == ETHERNET).then_some(Place {
        domain: one.word(0x07)?,
        bus: one.byte(0x09)?,
        device: number >> 3,
        function: Some(number & 7),
        slot: 0,
        instance: Some(instance.into()).filter(|instance| *instance != 0),
    })
}

fn hp_cards(one: &Structure) -> Vec<Place> {
    let card = |number: usize| {
        let at = 4 + 8 * number;
        let (place, bus) = (one.byte(at)?, one.byte(at + 1)?);
        one.byte(at + 7)?;
        Some(Place {
            domain: 0,
            bus,
            device: place >> 3,
            function: Some(place & 7),
            slot: 0,
            instance: Some(number as u32 + 1),
        })
    };
    (0..).map_while(card).collect()
}

impl Place {
    /// Ways of saying that nothing is there.
    fn is_disabled(&self) -> bool {
        let place = (self.bus, self.device, self.function);
        self.domain == 0xFFFF || matches!(place, (0, 0, Some(0)) | (0xFF, 0x1F, Some(7)))
    }

    fn is_of(&self, address: Address) -> bool {
        u32::from(self.domain) == address.domain
            && (self.bus, self.device) == (address.bus, address.device)
            && self
                .function
                .is_none_or(|function| function == address.function)
    }
}

/// All network cards but virtual functions, in the order of their addresses.
fn cards<'a>(functions: &'a Functions, places: &[Place], has_firmware: bool) -> Vec<Card<'a>> {
    let mut cards: Vec<Card> = Vec::new();
    let (mut on_board, mut in_slot, mut last) = (0, 0, None);
    for function in functions
        .all()
        .filter(|one| one.is_network() && one.physical.is_none())
    {
        let above = functions.above(function);
        let own = places
            .iter()
            .rev()
            .find(|place| above.iter().any(|one| place.is_of(one.address)));
        let by_port = || {
            above
                .iter()
                .find_map(|one| one.slot_number())
                .filter(|_| has_firmware)
        };
        let slot = own.map(|place| place.slot.into()).or_else(by_port);
        let index = match slot {
            Some(0) => {
                on_board += 1;
                on_board
            }
            slot => {
                in_slot = if last == Some(slot) { in_slot + 1 } else { 1 };
                last = Some(slot);
                in_slot
            }
        };
        cards.push(Card {
            function,
            slot,
            instance: function
                .firmware_index
                .or(own.and_then(|place| place.instance)),
            index,
        });
    }
    cards
}

fn name(
    interface: &Path,
    address: Address,
    cards: &[Card],
    functions: &Functions,
) -> Option<String> {
    // linux/if_arp.h: ARPHRD_ETHER
    if attribute(interface.join("type"))? != "1" {
        return None;
    }
    let own = functions.get(address)?;
    let (physical, virtual_number) = match own.physical {
        Some((physical, number)) => (physical, Some(number)),
        None => (address, None),
    };
    let card = cards
        .iter()
        .find(|card| card.function.address == physical)?;
    // Drivers with several ports on a function number them by dev_id.
    let driver = link_name(interface.join("device/driver")).unwrap_or_default();
    let has_ports = ["mlx4", "cxgb", "exanic", "nfp"]
        .iter()
        .any(|start| driver.starts_with(start));
    let port = has_ports.then(|| {
        let id = attribute(interface.join("dev_id")).unwrap_or_default();
        u32::from_str_radix(id.trim_start_matches("0x"), 16)
            .unwrap_or(0)
            .saturating_add(1)
    });
    let place = match card.slot? {
        0 => format!("em{}", port.or(card.instance).unwrap_or(card.index)),
        slot => format!("p{slot}p{}", port.unwrap_or(card.index)),
    };
    Some(match virtual_number {
        Some(number) => format!("{place}_{number}"),
        None => place,
    })
}
