//! Disks that two adapters lead to, as the kernel shows them: listed once, spared by any of their names.

use ironlet::codec::json::{self, Value};
use ironlet::disk::select::cleanable::cleanable;
use ironlet::disk::select::hints::Hints;
use ironlet::disk::select::write_permit::Permit;
use ironlet::disk::{Wishes, list};

#[path = "support/machine.rs"]
#[allow(dead_code)]
mod machine;
use machine::Machine;

/// A disk of a Fibre Channel array: its kernel name, adapter, and the last digit of unit and name.
fn way(kernel: &str, host: u32, minor: u32, unit: char, size: u64) -> String {
    let address = format!("{host}:0:0:{unit}");
    let device =
        format!("/sys/devices/pci0000:00/0000:00:0{host}.0/host{host}/target{host}:0:0/{address}");
    let block = format!("{device}/block/{kernel}");
    // SPC-5 7.7.6: a name of type NAA for the unit, and its serial number in page 80h.
    format!(
        "/sys/block/{kernel} -> ..{}\n\
         {block}/dev = 8:{minor}\n{block}/size = {size}\n{block}/ro = 0\n{block}/removable = 0\n{block}/holders/\n\
         {block}/queue/logical_block_size = 512\n{block}/device -> ../../../{address}\n\
         {device}/subsystem -> ../../../../../../bus/scsi\n{device}/vendor = ACME\n{device}/model = LUN\n{device}/type = 0\n\
         {device}/vpd_pg80 hex 00800004534e30{:02x}\n{device}/vpd_pg83 hex 0083000c010300085000c500aabbcc0{unit}\n\
         {device}/scsi_device/{address}/\n",
        block.trim_start_matches("/sys"),
        unit as u32,
    )
}

fn two_units() -> Machine {
    let size = 20 << 21;
    let ways = [
        way("sda", 1, 0, '1', size),
        way("sdb", 1, 16, '2', size),
        way("sdc", 2, 32, '1', size),
        way("sdd", 2, 48, '2', size),
    ];
    Machine::empty().with(&ways.concat())
}

fn names(machine: &Machine) -> Vec<String> {
    let disks = list(&machine.host()).into_iter();
    let told = disks.map(|disk| {
        let ways: Vec<_> = disk.paths.iter().map(|path| path.name.as_str()).collect();
        format!("{} {}", disk.name, ways.join(" "))
    });
    told.collect()
}

#[test]
fn a_disk_is_listed_once() {
    assert_eq!(
        names(&two_units()),
        ["/dev/sda /dev/sdc", "/dev/sdb /dev/sdd"]
    );
}

#[test]
fn a_volume_that_the_kernel_made_stands_for_its_ways() {
    let block = "/sys/devices/virtual/block/dm-0";
    let machine = two_units().with(&format!(
        "/sys/block/dm-0 -> ../devices/virtual/block/dm-0\n{block}/dev = 252:0\n{block}/size = {}\n{block}/ro = 0\n{block}/holders/\n\
         {block}/dm/uuid = mpath-35000c500aabbcc02\n{block}/slaves/sdb -> x\n{block}/slaves/sdd -> x\n",
        20 << 21
    ));
    assert_eq!(
        names(&machine),
        ["/dev/sda /dev/sdc", "/dev/dm-0 /dev/sdb /dev/sdd"]
    );
    let other = machine.with("/sys/devices/virtual/block/dm-0/dm/uuid = LVM-x\n");
    assert_eq!(names(&other).len(), 2, "another volume is no disk");
}

#[test]
fn an_entry_that_names_one_way_spares_the_disk() {
    for (entry, spared) in [
        (r#"{"name": "/dev/sdc"}"#, "/dev/sda"),
        (r#"{"name": "/dev/sda"}"#, "/dev/sda"),
        (r#"{"hctl": "2:0:0:2"}"#, "/dev/sdb"),
        (r#"{"wwn": "0x5000c500aabbcc02"}"#, "/dev/sdb"),
    ] {
        let machine = two_units();
        let Value::Object(entry_of_one) = json::parse(entry).expect("JSON") else {
            panic!("an object: {entry}");
        };
        let wishes = Wishes {
            skip: vec![Hints::parse(&entry_of_one).expect("an entry")],
            ..Wishes::default()
        };
        let host = machine.host();
        let permit = Permit::new(
            &host,
            list(&host).into_iter().map(|disk| disk.path).collect(),
        );
        let found = cleanable(&host, &permit, &wishes, false).expect("there is another");
        let cleaned: Vec<_> = found.disks.iter().map(|disk| disk.name.as_str()).collect();
        let other = if spared == "/dev/sda" {
            "/dev/sdb"
        } else {
            "/dev/sda"
        };
        assert_eq!(cleaned, [other], "{entry}");
        assert_eq!(found.passed_over[0].0, spared, "{entry}");
    }
}
