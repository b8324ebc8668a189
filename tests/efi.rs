//! Boot entries in a directory that stands for efivarfs. efibootmgr judges.

#[path = "efi/clean.rs"]
mod clean;
#[path = "efi/disk.rs"]
mod disk;
#[path = "efi/firmware.rs"]
mod firmware;
#[path = "efi/hostile.rs"]
mod hostile;
#[path = "efi/install.rs"]
mod install;
mod support;

use std::fs;

use firmware::Firmware;
use ironlet::efi::boot_order::Entry;
use ironlet::efi::device_path;
use ironlet::efi::device_path::{HardDrive, Signature};
use ironlet::efi::efivars::Variables;
use ironlet::efi::load_option::LoadOption;
use ironlet::system_root::SystemRoot;
use support::scratch::Scratch;

const GUID: [u8; 16] = [
    0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];

/// A machine with nothing but OVMF's boot entries.
fn recorded() -> (Scratch, Firmware) {
    let scratch = Scratch::new();
    let firmware = Firmware::of(&SystemRoot::new(scratch.path("")));
    (scratch, firmware)
}

fn option(label: &str, number: u32, signature: Signature, file: &str) -> LoadOption {
    let drive = HardDrive {
        number,
        start: 2048,
        sectors: 0x10_0000,
        signature,
    };
    LoadOption {
        label: label.to_owned(),
        path: device_path::to_file(&drive, file),
    }
}

fn gpt(label: &str, file: &str) -> LoadOption {
    option(label, 1, Signature::Gpt(GUID), file)
}

#[test]
fn a_path_reads_as_efibootmgr_prints_it() {
    let (_scratch, firmware) = recorded();
    let menu = firmware.menu();
    let listed = firmware.listed();
    assert_eq!(menu.entries().len(), 11);
    for entry in menu.entries() {
        let line = listed
            .iter()
            .find(|line| line.contains(&format!("{}\t", entry.label)));
        let (_, told) = line.expect(&entry.label).split_once('\t').expect("a path");
        // Its version 17 runs the addresses of a network card together.
        let ours = entry.path.split("/IPv").next().expect("a first part");
        assert!(told.starts_with(ours), "{ours} is {told}");
    }
}

#[test]
fn a_new_entry_comes_first_and_the_others_stay() {
    let (_scratch, firmware) = recorded();
    let before = firmware.listed();
    let mut menu = firmware.menu();
    menu.put_first(&gpt("ironic1", r"\EFI\BOOT\BOOTX64.EFI"))
        .expect("there is room");
    let mbr = option(
        "ironic2",
        3,
        Signature::Mbr([0x78, 0x56, 0x34, 0x12]),
        r"\EFI\ubuntu\schön.efi",
    );
    menu.put_first(&mbr).expect("there is room");
    let mut after = firmware.listed();
    assert_eq!(
        firmware.order(),
        "000C,000B,0000,0001,0002,0003,0004,0005,0006,0007,0008,0009,000A"
    );
    assert_eq!(
        after.split_off(after.len() - 2),
        [
            "Boot000B* ironic1\tHD(1,GPT,00112233-4455-6677-8899-aabbccddeeff,0x800,0x100000)/File(\\EFI\\BOOT\\BOOTX64.EFI)",
            "Boot000C* ironic2\tHD(3,MBR,0x12345678,0x800,0x100000)/File(\\EFI\\ubuntu\\schön.efi)",
        ]
    );
    assert_eq!(after, before);
    let own = firmware.menu();
    let paths = own.entries().iter().map(|entry| entry.path.as_str());
    assert!(paths.eq(menu.entries().iter().map(|entry| entry.path.as_str())));
}

#[test]
fn an_image_cannot_take_the_place_of_what_is_no_disk() {
    let (_scratch, firmware) = recorded();
    let before = firmware.listed();
    let label = |entry: &Entry| entry.path.contains("/MAC(").then(|| entry.label.clone());
    let network = firmware.menu().entries().iter().find_map(label);
    let own = gpt(&network.expect("it boots from networks"), r"\evil.efi");
    firmware.menu().put_first(&own).expect("there is room");
    let after = firmware.listed();
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|line| after.contains(line)), "{after:?}");
}

#[test]
fn entries_of_the_same_label_become_one() {
    let (_scratch, firmware) = recorded();
    for (number, label) in [
        ("0100", "ubuntu"),
        ("0002", "ubuntu"),
        ("BEEF", "ubuntu"),
        ("0101", "ubuntu 2"),
    ] {
        firmware.put(number, &gpt(label, r"\old.efi").to_bytes());
    }
    firmware.set_order(&[0xbeef, 0, 0x100, 0xdead, 2, 0x101]);
    let mut menu = firmware.menu();
    menu.put_first(&gpt("ubuntu", r"\EFI\ubuntu\shimx64.efi"))
        .expect("there is room");
    assert_eq!(firmware.order(), "0002,0000,DEAD,0101");
    let listed = firmware.listed();
    let same: Vec<_> = listed
        .iter()
        .filter(|line| line.contains("* ubuntu\t"))
        .collect();
    assert!(
        matches!(same[..], [one] if one.contains("shimx64.efi") && one.starts_with("Boot0002")),
        "{same:?}"
    );
    // Once more changes nothing, not even a time.
    let stamps = firmware.stamps();
    firmware
        .menu()
        .put_first(&gpt("ubuntu", r"\EFI\ubuntu\shimx64.efi"))
        .expect("nothing to do");
    assert_eq!(firmware.stamps(), stamps);
}

#[test]
fn the_lowest_free_number_is_taken() {
    let (_scratch, firmware) = recorded();
    let mut menu = firmware.menu();
    assert_eq!(
        menu.clean(|entry| entry.path.contains("/SCSI(") || entry.path.contains("/USB(")),
        Ok(2)
    );
    assert_eq!(
        firmware.order(),
        "0000,0001,0002,0005,0006,0007,0008,0009,000A"
    );
    menu.put_first(&gpt("ironic1", r"\a.efi"))
        .expect("there is room");
    assert!(firmware.order().starts_with("0003,0000,"));
    assert_eq!(menu.clean(|_| true), Ok(10));
    assert_eq!(firmware.listed(), [""; 0]);
    assert_eq!(firmware.order(), "");
    menu.put_first(&gpt("ironic1", r"\a.efi"))
        .expect("there is room");
    assert_eq!(firmware.order(), "0000");
}

#[test]
fn a_machine_without_variables_says_what_it_lacks() {
    let (scratch, firmware) = recorded();
    for file in fs::read_dir(firmware.folder())
        .expect("a directory")
        .flatten()
    {
        fs::remove_file(file.path()).expect("it is there");
    }
    for host in [
        SystemRoot::new(scratch.path("")),
        SystemRoot::new(scratch.path("none")),
    ] {
        let error = Variables::open(&host).err().expect("none are there");
        assert!(
            error.details().contains("efivarfs is not mounted"),
            "{error}"
        );
    }
    // Whoever runs the tests has no ramdisk, and keeps the boot entries he has.
    let error = Variables::open(&SystemRoot::new("/"))
        .err()
        .expect("they are not ours");
    assert!(error.details().contains("not a ramdisk"), "{error}");
}
