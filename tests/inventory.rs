//! The inventory of recorded machines; one of them was inspected by upstream's agent, too, and must come out equal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use ironlet::codec::json::{Fields, Object, Value, parse};
use ironlet::disk::{self, Wishes};
use ironlet::inventory::{BootFacts, Interface, collect, disk_object, interfaces, macs};
use ironlet::system_root::SystemRoot;

#[path = "inventory/biosdevname.rs"]
mod biosdevname;
#[path = "support/machine.rs"]
mod machine;
use machine::Machine;

fn inventory(machine: &Machine) -> Object {
    let boot = BootFacts {
        bootif: Some("52:54:00:aa:bb:01".to_owned()),
        ..BootFacts::default()
    };
    match collect(&machine.host(), boot) {
        Value::Object(object) => object,
        other => panic!("an inventory is an object: {other:?}"),
    }
}

fn part<'a>(inventory: &'a Object, name: &str) -> &'a Object {
    let part = inventory.object(name).expect("it is an object");
    part.unwrap_or_else(|| panic!("{name} is there"))
}

fn recorded(name: &str) -> Object {
    let path = format!(
        "{}/tests/fixtures/machines/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the recording is there");
    match parse(&text) {
        Ok(Value::Object(object)) => object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_machine_has_the_inventory_upstream_gave_it() {
    let theirs = recorded("lab-uefi");
    let ours = inventory(&Machine::recorded("lab-uefi"));
    let keys = |object: &Object| object.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&theirs));
    // A recorded machine is asked for no addresses, has no udev to rename its link and a name of its own;
    // another kernel leaves another part of the same memory.
    let differs = ["name", "ipv4_address", "ipv6_address"];
    for (key, theirs) in theirs.iter() {
        let ours = &ours[key];
        match (key.as_str(), ours, theirs) {
            ("hostname", ours, _) => assert_eq!(text(ours), "recorded"),
            ("memory", Value::Object(ours), Value::Object(theirs)) => {
                assert_eq!(ours.integer("physical_mb"), theirs.integer("physical_mb"));
                let total = |of: &Object| of.integer("total").expect("a number").expect("known");
                let (ours, theirs) = (total(ours), total(theirs));
                assert!(ours.abs_diff(theirs) < 64 << 20, "{ours} and {theirs}");
            }
            ("interfaces", Value::Array(ours), Value::Array(theirs)) => {
                assert_eq!((ours.len(), theirs.len()), (1, 1));
                let (Value::Object(ours), Value::Object(theirs)) = (&ours[0], &theirs[0]) else {
                    panic!("an interface is an object");
                };
                assert_eq!(keys(ours), keys(theirs));
                for (key, theirs) in theirs
                    .iter()
                    .filter(|(k, _)| !differs.contains(&k.as_str()))
                {
                    assert_eq!(show(&ours[key]), show(theirs), "{key}");
                }
            }
            _ => assert_eq!(show(ours), show(theirs), "{key}"),
        }
    }
    let machine = Machine::recorded("lab-uefi");
    let disk = disk::root(&machine.host(), &Wishes::default())
        .expect("one will do")
        .disk;
    let disks = theirs.array("disks").expect("a list").expect("there");
    assert_eq!(show(&disk_object(&disk)), show(&disks[0]), "the root disk");
}

#[test]
fn interfaces_are_hardware_bonds_and_vlans_with_a_usable_address() {
    let machine = Machine::recorded("ahci-nvme");
    let found = interfaces(&machine.host());
    let row = |nic: &Interface| {
        let known = |text: &Option<String>| text.clone().unwrap_or("-".into());
        let speed = nic.speed_mbps.map_or("-".into(), |speed| speed.to_string());
        format!(
            "{} {} {} {} {} {} {speed}",
            nic.name,
            known(&nic.vendor),
            known(&nic.product),
            known(&nic.pci_address),
            known(&nic.driver),
            nic.carrier
        )
    };
    // eth1 has an `fa:` address, and lo is none of the three.
    assert_eq!(
        found.iter().map(row).collect::<Vec<_>>(),
        [
            "bond0 - - - - false -",
            "eth0 0x8086 0x100e 0000:00:01.0 e1000 true 1000",
            "eth0.42 - - - - true -",
        ]
    );
    let addresses = macs(&found);
    assert_eq!(addresses[1..], ["52:54:00:00:00:01", "52:54:00:00:00:01"]);
}

#[test]
fn interfaces_without_hardware_or_address_are_left_out() {
    let nic = |name: &str, rest: &str| format!("/sys/class/net/{name}/{rest}\n");
    for (name, lines, listed) in [
        ("eth9", nic("eth9", "device/vendor = 0x1"), true),
        ("eth9", String::new(), false),
        ("vlan7", String::new(), false),
        ("eth9.7", String::new(), true),
        ("eth9.", String::new(), false),
        ("eth9.x7", String::new(), false),
        ("eth9.7.7", String::new(), false),
        (
            "team0",
            nic("team0", "bonding/mode = active-backup 1"),
            true,
        ),
    ] {
        for (address, usable) in [("52:54:00:00:00:09", true), ("FA:16:3e:00:00:09", false)] {
            let address = nic(name, &format!("address = {address}"));
            let machine = Machine::empty().with(&(lines.clone() + &address));
            let found = interfaces(&machine.host());
            assert_eq!(
                found.len(),
                usize::from(listed && usable),
                "{name} {address}"
            );
        }
        let machine = Machine::empty().with(&(lines + &nic(name, "carrier = 1")));
        assert_eq!(interfaces(&machine.host()), [], "{name} has no address");
    }
    let shouting = nic("e0", "device/vendor = 0x1") + &nic("e0", "address = 52:54:00:AB:CD:EF");
    let machine = Machine::empty().with(&shouting);
    assert_eq!(macs(&interfaces(&machine.host())), ["52:54:00:ab:cd:ef"]);
}

#[test]
fn names_of_odd_bytes_are_told_as_they_are_or_not_at_all() {
    let nic = |name: &str| {
        let place = format!("/sys/class/net/{name}");
        format!("{place}/device/vendor = 0x1\n{place}/address = 52:54:00:00:00:09\n")
    };
    let odd = [r#"a"b\c"#, "ü✓", "-", "{}", "e\u{7f}\u{1}"];
    let machine = Machine::empty().with(&odd.map(nic).concat());
    // What is no text is not listed: JSON has no way to say it.
    let place = machine
        .place("/sys/class/net/eth0")
        .with_file_name(OsStr::from_bytes(b"eth\xff"));
    std::fs::create_dir_all(place.join("device")).expect("a directory can be made");
    std::fs::write(place.join("address"), "52:54:00:00:00:0a\n").expect("a file can be made");
    let told = inventory(&machine);
    let printed = ironlet::codec::json::print(&Value::Object(told));
    let Ok(Value::Object(read)) = parse(&printed) else {
        panic!("valid JSON: {printed}");
    };
    let listed = read.array("interfaces").expect("a list").expect("there");
    let mut names: Vec<_> = listed
        .iter()
        .map(|nic| match nic {
            Value::Object(nic) => nic.string("name").expect("text").expect("there").to_owned(),
            other => panic!("an interface is an object: {other:?}"),
        })
        .collect();
    let mut odd = odd.map(str::to_owned);
    names.sort();
    odd.sort();
    assert_eq!(names, odd);
}

#[test]
fn a_link_of_unknown_speed_has_none() {
    for (now, speed) in [
        ("1000", Some(1000)),
        ("-1", None),
        ("65535", None),
        ("0", None),
    ] {
        let base = "/sys/class/net/e0/device/vendor = 0x1\n/sys/class/net/e0/address = 52:54:00:00:00:09\n";
        let machine = Machine::empty().with(&format!("{base}/sys/class/net/e0/speed = {now}\n"));
        assert_eq!(interfaces(&machine.host())[0].speed_mbps, speed, "{now}");
    }
}

#[test]
fn processors_memory_and_maker_are_read() {
    let ours = inventory(&Machine::recorded("ahci-nvme"));
    let cpu = part(&ours, "cpu");
    assert_eq!(
        (cpu.integer("count"), cpu.integer("socket_count")),
        (Ok(Some(2)), Ok(Some(1)))
    );
    let maker = part(&ours, "system_vendor");
    assert_eq!(maker.string("product_name"), Ok(Some("Server (SKU9)")));
    assert_eq!(maker.string("serial_number"), Ok(Some("SER1")));
    assert_eq!(
        part(maker, "firmware").string("vendor"),
        Ok(Some("SeaBIOS"))
    );
    assert_eq!(part(&ours, "memory").integer("physical_mb"), Ok(Some(512)));
    assert_eq!(
        part(&ours, "boot").string("current_boot_mode"),
        Ok(Some("bios"))
    );

    let scaled = Machine::recorded("ahci-nvme").with(
        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq = 3700000\n\
         /sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq = 3699999\n\
         /sys/devices/system/cpu/present = 0-1,4-7\n",
    );
    let scaled = inventory(&scaled);
    assert_eq!(
        part(&scaled, "cpu").string("frequency"),
        Ok(Some("3700.0000"))
    );
    assert_eq!(part(&scaled, "cpu").integer("count"), Ok(Some(6)));
}

#[test]
fn a_controller_is_asked_if_there_is_one_and_ironic_wants_it() {
    let show_all = |manifest: &str, skips_bmc| {
        let machine = Machine::empty().with(manifest);
        let boot = BootFacts {
            skips_bmc,
            ..BootFacts::default()
        };
        let Value::Object(found) = collect(&machine.host(), boot) else {
            panic!("an inventory is an object");
        };
        let fields = ["bmc_address", "bmc_v6address", "bmc_mac"];
        fields.map(|name| found.get(name).map_or("absent".to_owned(), show))
    };
    let silent = [r#""0.0.0.0""#, r#""::/0""#, "absent"];
    let none = ["null", "null", "absent"];
    // What answers no request stands for one that has no address.
    for (manifest, expected) in [
        ("", none),
        ("/dev/ipmi0 = a file\n", none),
        ("/dev/ipmi0 -> /dev/null\n", silent),
        ("/dev/ipmi/0 -> /dev/null\n", silent),
        ("/dev/ipmidev/0 -> /dev/null\n", silent),
    ] {
        assert_eq!(show_all(manifest, false), expected, "{manifest}");
        assert_eq!(show_all(manifest, true), none, "skipped: {manifest}");
    }
}

#[test]
fn memory_is_what_the_firmware_says_if_that_is_more_than_the_kernel_has() {
    let blocks = |online: [u8; 3]| {
        let line = |(number, online): (usize, &u8)| {
            format!("/sys/bus/memory/devices/memory{number}/online = {online}\n")
        };
        let lines: String = online.iter().enumerate().map(line).collect();
        format!("/sys/devices/system/memory/block_size_bytes = 40000000\n{lines}")
    };
    let table = |mib: u16| {
        let mut bytes = [0u8; 0x15];
        bytes[..2].copy_from_slice(&[17, 0x15]);
        bytes[0x0C..0x0E].copy_from_slice(&mib.to_le_bytes());
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("/sys/firmware/dmi/tables/DMI hex {digits}0000\n")
    };
    let has = "/proc/meminfo = MemTotal: 1572864 kB\n".to_owned();
    for (what, manifest, mib) in [
        ("nobody says", String::new(), None),
        ("the kernel alone", has.clone(), Some(1536)),
        ("more modules", has.clone() + &table(2048), Some(2048)),
        ("fewer modules", has.clone() + &table(1024), Some(1536)),
        ("blocks", has.clone() + &blocks([1, 1, 0]), Some(2048)),
        ("fewer blocks", has.clone() + &blocks([1, 0, 0]), Some(1536)),
        (
            "modules before blocks",
            has.clone() + &table(1600) + &blocks([1; 3]),
            Some(1600),
        ),
    ] {
        let ours = inventory(&Machine::empty().with(&manifest));
        assert_eq!(
            part(&ours, "memory").integer("physical_mb"),
            Ok(mib),
            "{what}"
        );
    }
}

#[test]
fn a_machine_without_tables_still_has_an_inventory() {
    let ours = inventory(&Machine::recorded("host"));
    let memory = part(&ours, "memory");
    let total = memory.integer("total").expect("a number").expect("known");
    assert_eq!(
        memory.integer("physical_mb"),
        Ok(Some(total >> 20)),
        "the kernel's word"
    );
    assert_eq!(
        part(&ours, "system_vendor").string("product_name"),
        Ok(Some(""))
    );
    assert!(part(&ours, "memory").integer("total").expect("a number") > Some(0));

    // What the kernel read of the tables at boot stands in for them.
    let ours = inventory(&Machine::recorded("ahci-nvme").without("/sys/firmware/dmi/tables/DMI"));
    let maker = part(&ours, "system_vendor");
    assert_eq!(maker.string("manufacturer"), Ok(Some("Vendor")));
    assert_eq!(maker.string("product_name"), Ok(Some("Server")));
    assert_eq!(
        part(maker, "firmware").string("vendor"),
        Ok(Some("SeaBIOS"))
    );

    let ours = inventory(&Machine::empty());
    assert_eq!(
        ours.array("disks").expect("a list").map(|list| list.len()),
        Some(0)
    );
    assert_eq!(ours.string("hostname"), Ok(Some("localhost")));
    assert_eq!(part(&ours, "cpu").integer("count"), Ok(Some(0)));
}

#[test]
fn this_machine_answers_for_itself() {
    let here = SystemRoot::new("/");
    let Value::Object(ours) = collect(&here, BootFacts::default()) else {
        panic!("an inventory is an object");
    };
    let cpus = part(&ours, "cpu").integer("count").expect("a number");
    let known = std::thread::available_parallelism().expect("known").get() as u64;
    assert!(
        cpus.is_some_and(|cpus| cpus >= known),
        "{cpus:?} of {known}"
    );
    // The kernel's answer and sysfs agree wherever nobody changed an address.
    for nic in interfaces(&here) {
        let file = format!("/sys/class/net/{}/addr_assign_type", nic.name);
        // Documentation/ABI/testing/sysfs-class-net: 0 is a permanent address.
        if std::fs::read_to_string(file).is_ok_and(|kind| kind.trim() == "0") {
            let address = std::fs::read_to_string(format!("/sys/class/net/{}/address", nic.name));
            assert_eq!(address.expect("there").trim(), nic.mac, "{}", nic.name);
        }
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::String(text) => text,
        other => panic!("text, not {other:?}"),
    }
}

fn show(value: &Value) -> String {
    ironlet::codec::json::print(value)
}
