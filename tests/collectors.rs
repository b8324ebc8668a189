//! What the inspection's collectors tell of machines as trees of files: PCI, USB and NUMA, and of trees that are broken.

use ironlet::codec::json;
use ironlet::inventory::{numa_topology, pci_devices, usb_devices};

#[path = "support/machine.rs"]
mod machine;
use machine::Machine;

/// A PCI device; later lines of a manifest replace earlier ones.
fn pci(bus: &str, attributes: &[(&str, &str)]) -> String {
    let line =
        |(name, value): &(&str, &str)| format!("/sys/bus/pci/devices/{bus}/{name} = {value}\n");
    attributes.iter().map(line).collect()
}

#[test]
fn pci_devices_are_told_by_their_numbers() {
    let usual = [
        ("vendor", "0x8086"),
        ("device", "0x1572"),
        ("class", "0x020000"),
    ];
    let machine = Machine::empty().with(
        &[
            pci(
                "0000:3b:00.0",
                &[&usual[..], &[("revision", "0x02"), ("numa_node", "1")]].concat(),
            ),
            pci(
                "0000:00:1f.0",
                &[&usual[..], &[("numa_node", "-1")]].concat(),
            ),
            // Numbers nobody can read, and some that are not there.
            pci(
                "0000:00:02.0",
                &[&usual[..2], &[("class", "020000")]].concat(),
            ),
            pci("0000:00:03.0", &usual[..2]),
            pci(
                "0000:00:04.0",
                &[&usual[..], &[("revision", "02")]].concat(),
            ),
        ]
        .concat(),
    );
    let told = pci_devices::collect(&machine.host()).expect("it has PCI");
    let row = |bus: &str, revision: &str, node: &str| {
        format!(
            r#"{{"bus":"{bus}","class":"020000","numa_node_id":{node},"product_id":"1572","revision":{revision},"vendor_id":"8086"}}"#
        )
    };
    let rows = [
        row("0000:00:04.0", "null", "null"),
        row("0000:00:1f.0", "null", r#""-1""#),
        row("0000:3b:00.0", r#""02""#, r#""1""#),
    ];
    assert_eq!(json::print(&told), format!("[{}]", rows.join(",")));
    // A failure of the collector, which Ironic is told.
    let error = pci_devices::collect(&Machine::empty().host()).expect_err("no PCI");
    assert!(
        error.details().starts_with("listing PCI devices: "),
        "{error}"
    );
}

/// A USB device or an interface of one.
fn usb(name: &str, attributes: &[(&str, &str)]) -> String {
    let line = |(attribute, value): &(&str, &str)| {
        format!("/sys/bus/usb/devices/{name}/{attribute} = {value}\n")
    };
    attributes.iter().map(line).collect()
}

#[test]
fn usb_devices_without_a_class_are_told() {
    let place = |number| [("busnum", "1"), ("devnum", number)];
    let long = "x".repeat(90);
    let machine = Machine::empty().with(
        &[
            usb(
                "usb1",
                &[
                    &place("1")[..],
                    &[("bDeviceClass", "09"), ("product", "xHCI Host Controller")],
                ]
                .concat(),
            ),
            // A keyboard, by its interface; a reader of smart cards; a hub.
            usb(
                "1-1",
                &[
                    &place("2")[..],
                    &[("bDeviceClass", "00"), ("product", "Keyboard")],
                ]
                .concat(),
            ),
            usb("1-1:1.0", &[("bInterfaceClass", "03")]),
            usb(
                "1-2",
                &[
                    &place("3")[..],
                    &[
                        ("bDeviceClass", "00"),
                        ("product", "QEMU USB CCID"),
                        ("manufacturer", "QEMU"),
                    ],
                ]
                .concat(),
            ),
            usb("1-2:1.0", &[("bInterfaceClass", "0b")]),
            usb(
                "1-3",
                &[&place("4")[..], &[("bDeviceClass", "09")]].concat(),
            ),
            // Vendor's own, behind the hub; what follows a letter past z is lost, as in lshw.
            usb(
                "1-3.1",
                &[
                    &place("5")[..],
                    &[
                        ("bDeviceClass", "ff"),
                        ("product", "a ~b"),
                        ("manufacturer", "café"),
                    ],
                ]
                .concat(),
            ),
            usb(
                "1-3.10",
                &[
                    &place("6")[..],
                    &[("bDeviceClass", "ef"), ("product", long.as_str())],
                ]
                .concat(),
            ),
            usb("1-3.10:1.0", &[("bInterfaceClass", "ff")]),
            usb("1-3.10:1.1", &[("bInterfaceClass", "08")]),
            usb(
                "1-4",
                &[
                    &place("7")[..],
                    &[("bDeviceClass", "ff"), ("product", long.as_str())],
                ]
                .concat(),
            ),
            // One that is going: nothing is left to read.
            usb("1-5", &[("bDeviceClass", "ff")]),
        ]
        .concat(),
    );
    let told = usb_devices::collect(&machine.host()).expect("a list");
    let row = |handle: &str, product: &str, vendor: &str| {
        format!(r#"{{"handle":"USB:1:{handle}","product":"{product}","vendor":"{vendor}"}}"#)
    };
    let rows = [
        row("3", "QEMU USB CCID", "QEMU"),
        row("5", "a", "caf"),
        row("7", &long[..80], ""),
    ];
    assert_eq!(json::print(&told), format!("[{}]", rows.join(",")));
    let none = usb_devices::collect(&Machine::recorded("host").host()).expect("a list");
    assert_eq!(json::print(&none), "[]");
}

const NODES: &str = "\
/sys/devices/system/node/node0/meminfo =
\tNode 0 MemTotal:       2048000 kB
\tNode 0 MemFree:        1000 kB
/sys/devices/system/node/node0/cpu0/topology/core_id = 0
/sys/devices/system/node/node0/cpu1/topology/core_id = 1
/sys/devices/system/node/node0/cpu10/topology/core_id = 0
/sys/devices/system/node/node0/cpulist = 0-1,10
/sys/devices/system/node/node1/meminfo = Node 1 MemTotal: 0 kB
/sys/devices/system/node/node10/meminfo = Node 10 MemTotal: 4096 kB
/sys/devices/system/node/node10/cpu2/topology/core_id = 0
/sys/devices/system/node/possible = 0-10
/sys/class/net/lo/mtu = 65536
/sys/class/net/eth0/device/numa_node = 10
/sys/class/net/eth1/device/numa_node = -1
/sys/class/net/bonding_masters = bond0
";

fn numa(machine: &Machine) -> Option<String> {
    let told = numa_topology::collect(&machine.host()).expect("never an error");
    told.as_ref().map(json::print)
}

#[test]
fn nodes_are_told_with_memory_threads_and_cards() {
    let told = numa(&Machine::empty().with(NODES)).expect("nodes");
    let cpu = |core: u8, node: u8, threads: &str| {
        format!(r#"{{"cpu":{core},"numa_node":{node},"thread_siblings":[{threads}]}}"#)
    };
    assert_eq!(
        told,
        format!(
            r#"{{"cpus":[{},{},{}],"nics":[{{"name":"eth0","numa_node":10}},{{"name":"eth1","numa_node":-1}}],"ram":[{{"numa_node":0,"size_kb":2048000}},{{"numa_node":1,"size_kb":0}},{{"numa_node":10,"size_kb":4096}}]}}"#,
            cpu(0, 0, "0,10"),
            cpu(1, 0, "1"),
            cpu(0, 10, "2")
        )
    );
}

#[test]
fn a_topology_is_told_whole_or_not_at_all() {
    assert_eq!(numa(&Machine::empty()), None, "a kernel without nodes");
    for (broken, why) in [
        (
            "/sys/devices/system/node/node0/meminfo = Node 0 MemFree: 1 kB\n",
            "no total",
        ),
        (
            "/sys/devices/system/node/node0/meminfo = Node 0 MemTotal: much kB\n",
            "no number",
        ),
        (
            "/sys/devices/system/node/node0/cpu1/topology/core_id = x\n",
            "no core",
        ),
        ("/sys/devices/system/node/node0/cpufreq/\n", "no thread"),
        ("/sys/devices/system/node/nodes/\n", "no node"),
        (
            "/sys/class/net/eth0/device/numa_node = none\n",
            "no card's node",
        ),
    ] {
        assert_eq!(
            numa(&Machine::empty().with(NODES).with(broken)),
            None,
            "{why}"
        );
    }
    for gone in ["/sys/devices/system/node/node1/meminfo", "/sys/class/net"] {
        assert_eq!(
            numa(&Machine::empty().with(NODES).without(gone)),
            None,
            "{gone}"
        );
    }
}
