//! Names of network cards by where they sit: machines as trees of files, with slots told by SMBIOS, by ports and by nobody.

use ironlet::inventory::biosdevname::BiosNames;
use ironlet::inventory::dmi::Tables;

use super::machine::Machine;

const REAL: &str = "/proc/cpuinfo = flags : fpu vmx\n";

/// A function with its class and its bridges from the root on; `express` is its capabilities and its slot's, if it has any.
fn function(path: &str, class: &str, express: Option<(u16, u32)>) -> String {
    let name = path.rsplit('/').next().expect("it has a name");
    let mut config = vec![0u8; 256];
    if let Some((capabilities, slot)) = express {
        config[0x06] = 0x10;
        config[0x34] = 0x40;
        // Another capability first.
        config[0x40..0x42].copy_from_slice(&[0x01, 0x50]);
        config[0x50] = 0x10;
        config[0x52..0x54].copy_from_slice(&capabilities.to_le_bytes());
        config[0x64..0x68].copy_from_slice(&(slot << 19).to_le_bytes());
    }
    let digits: String = config.iter().map(|byte| format!("{byte:02x}")).collect();
    let real = format!("/sys/devices/pci0000:00/{path}");
    format!(
        "{real}/class = 0x{class}\n{real}/config hex {digits}\n/sys/bus/pci/devices/{name} -> ../../../devices/pci0000:00/{path}\n"
    )
}

fn card(path: &str) -> String {
    function(path, "020000", None)
}

/// A port that leads to slot `number`.
fn port(path: &str, number: u32) -> String {
    function(path, "060400", Some((0x0142, number)))
}

fn link(interface: &str, path: &str) -> String {
    format!(
        "/sys/class/net/{interface}/type = 1\n/sys/class/net/{interface}/device -> ../../../devices/pci0000:00/{path}\n"
    )
}

/// Structure 41: an Ethernet card on the board.
fn onboard(instance: u8, bus: u8, place: u8) -> Vec<u8> {
    vec![41, 11, 0, 0, 0, 0x85, instance, 0, 0, bus, place, 0, 0]
}

/// Structure 9: slot `number` leads to this bus and place.
fn slot(number: u8, bus: u8, place: u8) -> Vec<u8> {
    let mut bytes = vec![
        9, 17, 0, 0, 0, 0, 0, 0, 0, number, 0, 0, 0, 0, 0, bus, place,
    ];
    bytes.extend([0, 0]);
    bytes
}

fn named(manifest: &[String], firmware: &[Vec<u8>], interfaces: &[&str]) -> Vec<String> {
    let machine = Machine::empty().with(&manifest.concat());
    let names = BiosNames::read(&machine.host(), &Tables::new(firmware.concat()));
    let shown = |name: &&str| names.of(name).unwrap_or("-").to_owned();
    interfaces.iter().map(shown).collect()
}

#[test]
fn cards_on_the_board_are_numbered_by_their_firmware() {
    let manifest = [
        REAL.to_owned(),
        card("0000:00:19.0"),
        link("eth0", "0000:00:19.0"),
        card("0000:00:1a.0"),
        link("eth1", "0000:00:1a.0"),
        card("0000:00:1b.0"),
        link("eth2", "0000:00:1b.0"),
        "/sys/devices/pci0000:00/0000:00:1b.0/index = 7\n".to_owned(),
        // Not a card at all.
        "/sys/class/net/lo/type = 772\n".to_owned(),
    ];
    let firmware = [
        onboard(2, 0, 0x19 << 3),
        onboard(1, 0, 0x1A << 3),
        onboard(3, 0, 0x1B << 3),
    ];
    let all = ["eth0", "eth1", "eth2", "lo", "none"];
    assert_eq!(
        named(&manifest, &firmware, &all),
        ["em2", "em1", "em7", "-", "-"]
    );
    // A number of 0 is none: they are counted.
    let firmware = [onboard(0, 0, 0x19 << 3), onboard(0, 0, 0x1A << 3)];
    assert_eq!(
        named(&manifest, &firmware, &all),
        ["em1", "em2", "-", "-", "-"]
    );
    // What is switched off, and no Ethernet, is not there.
    let mut off = onboard(1, 0, 0x19 << 3);
    off[5] = 0x05;
    assert_eq!(named(&manifest, &[off], &["eth0"]), ["-"]);
}

#[test]
fn cards_in_slots_are_numbered_by_slot_and_place() {
    let below = "0000:00:01.0/0000:01:00.0";
    let manifest = [
        REAL.to_owned(),
        port("0000:00:01.0", 6),
        card(below),
        link("a", below),
        card("0000:00:01.0/0000:01:00.1"),
        link("b", "0000:00:01.0/0000:01:00.1"),
        // Its port says nothing of a slot.
        function("0000:00:02.0", "060400", Some((0x0042, 9))),
        card("0000:00:02.0/0000:02:00.0"),
        link("c", "0000:00:02.0/0000:02:00.0"),
    ];
    let all = ["a", "b", "c"];
    assert_eq!(
        named(&manifest, &[slot(3, 0x40, 0)], &all),
        ["p6p1", "p6p2", "-"],
        "by its port"
    );
    assert_eq!(
        named(&manifest, &[], &all),
        ["-", "-", "-"],
        "without SMBIOS ports are not believed"
    );
    let told = [slot(2, 0, 0x01 << 3), slot(4, 2, 0)];
    assert_eq!(
        named(&manifest, &told, &all),
        ["p2p1", "p2p2", "p4p1"],
        "by SMBIOS, of the port or the card"
    );
    // HP's own structure, if the system is HP's.
    let hp = [
        b"\x01\x08\x00\x00\x01\x00\x00\x00HP\0\0".to_vec(),
        vec![
            209, 20, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 1, 1, 1, 2, 3, 4, 5, 6, 0, 0,
        ],
    ];
    assert_eq!(named(&manifest, &hp, &all), ["em1", "em2", "-"]);
    assert_eq!(named(&manifest, &hp[1..], &all), ["p6p1", "p6p2", "-"]);
}

#[test]
fn several_ports_and_virtual_functions_are_told_apart() {
    let (own, first, second) = (
        "0000:00:01.0/0000:01:00.0",
        "0000:00:01.0/0000:01:00.1",
        "0000:00:01.0/0000:01:00.2",
    );
    let virtual_function = |path: &str, number: u8| {
        let name = path.rsplit('/').next().expect("it has a name");
        format!(
            "{}/sys/devices/pci0000:00/{path}/physfn -> ../0000:01:00.0\n/sys/devices/pci0000:00/{own}/virtfn{number} -> ../{name}\n",
            card(path)
        )
    };
    let mut manifest = vec![
        REAL.to_owned(),
        port("0000:00:01.0", 1),
        card(own),
        link("a", own),
        virtual_function(first, 0),
        link("v0", first),
        virtual_function(second, 1),
        link("v1", second),
    ];
    let (firmware, all) = ([slot(9, 0x40, 0)], ["a", "v0", "v1", "b"]);
    assert_eq!(
        named(&manifest, &firmware, &all),
        ["p1p1", "p1p1_0", "p1p1_1", "-"]
    );
    // A second interface of the same function has the same name, and so neither has one ...
    manifest.push(link("b", own));
    assert_eq!(
        named(&manifest, &firmware, &all),
        ["-", "p1p1_0", "p1p1_1", "-"]
    );
    // ... unless its driver numbers its ports.
    manifest.push(format!(
        "/sys/devices/pci0000:00/{own}/driver -> ../../../bus/pci/drivers/mlx4_core\n"
    ));
    manifest.push("/sys/class/net/b/dev_id = 0x1\n".to_owned());
    assert_eq!(named(&manifest, &firmware, &["a", "b"]), ["p1p1", "p1p2"]);
}

#[test]
fn nobody_is_named_in_a_virtual_machine() {
    for flags in [
        "/proc/cpuinfo = flags : fpu hypervisor\n",
        "/proc/cpuinfo = Features : fp asimd\n",
    ] {
        let manifest = [
            flags.to_owned(),
            card("0000:00:19.0"),
            link("eth0", "0000:00:19.0"),
        ];
        assert_eq!(
            named(&manifest, &[onboard(1, 0, 0x19 << 3)], &["eth0"]),
            ["-"],
            "{flags}"
        );
    }
}
