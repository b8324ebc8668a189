//! Firmware that is full, locked or out of order.

use std::fs;
use std::path::Path;

use super::support::partition_tables::{name, says};
use super::support::scratch::Scratch;
use super::{Firmware, SystemRoot, gpt, recorded};

/// A file system in memory on the folder of the variables, gone with this.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// With OVMF's entries, a page each, and so many pages more.
    fn on(folder: &'a Path, host: &SystemRoot, pages: usize) -> (Self, Firmware) {
        let all = fs::read_dir(folder).expect("a directory").count() + pages;
        let size = format!("size={}k,huge=never", 4 * all);
        says(
            "mount",
            &["-t", "tmpfs", "-o", &size, "variables", name(folder)],
            "",
        );
        let own = Small(folder);
        (own, Firmware::of(host))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        says("umount", &["--lazy", name(self.0)], "");
    }
}

#[test]
fn a_full_store_is_left_as_it_was() {
    let (scratch, firmware) = recorded();
    let host = SystemRoot::new(scratch.path(""));
    let (small, firmware) = Small::on(firmware.folder(), &host, 0);
    let stamps = firmware.stamps();
    let error = firmware.menu().put_first(&gpt("ironic1", r"\a.efi"));
    let error = error.expect_err("there is no room");
    assert!(
        error.details().contains("adding the boot entry ironic1"),
        "{error}"
    );
    assert!(error.details().contains("step clean_uefi_nvram"), "{error}");
    assert_eq!(firmware.stamps(), stamps);
    // What the advice leads to makes room.
    let mut menu = firmware.menu();
    assert_eq!(menu.clean(|entry| entry.path.contains("/IPv6")), Ok(2));
    menu.put_first(&gpt("ironic1", r"\a.efi"))
        .expect("there is room now");
    assert!(firmware.order().starts_with("0007,0000,"));
    drop(small);
}

#[test]
fn old_entries_of_the_label_make_room_when_there_is_none() {
    let (scratch, firmware) = recorded();
    let host = SystemRoot::new(scratch.path(""));
    let (small, firmware) = Small::on(firmware.folder(), &host, 2);
    for number in ["0020", "0021"] {
        firmware.put(number, &gpt("ironic1", r"\a.efi").to_bytes());
    }
    firmware.set_order(&[0x21, 0x20, 0]);
    let long = gpt("ironic1", &format!(r"\{}.efi", "a".repeat(2500)));
    firmware
        .menu()
        .put_first(&long)
        .expect("the second entry makes room");
    assert_eq!(firmware.order(), "0020,0000");
    assert_eq!(firmware.listed().len(), 12);
    drop(small);
}

#[test]
fn a_locked_store_is_called_so() {
    let (scratch, firmware) = recorded();
    let host = SystemRoot::new(scratch.path(""));
    let (small, firmware) = Small::on(firmware.folder(), &host, 9);
    says("mount", &["-o", "remount,ro", name(firmware.folder())], "");
    let error = firmware.menu().put_first(&gpt("ironic1", r"\a.efi"));
    let error = error.expect_err("it is locked");
    assert!(
        error.details().contains("lets no running system change"),
        "{error}"
    );
    let error = firmware.menu().clean(|entry| entry.label == "UiApp");
    assert!(error.is_err());
    drop(small);
}

#[test]
fn variables_nobody_may_change_are_changed() {
    let (_scratch, firmware) = recorded();
    let files = [firmware.file("Boot0003"), firmware.file("BootOrder")];
    for file in &files {
        says("chattr", &["+i", name(file)], "");
        assert!(fs::remove_file(file).is_err(), "{}", file.display());
    }
    assert_eq!(
        firmware.menu().clean(|entry| entry.path.contains("/SCSI(")),
        Ok(1)
    );
    assert_eq!(
        firmware.order(),
        "0000,0001,0002,0004,0005,0006,0007,0008,0009,000A"
    );
}

#[test]
fn nonsense_is_passed_over_and_stays() {
    let scratch = Scratch::new();
    let firmware = Firmware::of(&SystemRoot::new(scratch.path("")));
    let good = gpt("ironic1", r"\a.efi").to_bytes();
    let pieces: Vec<&[u8]> = (0..good.len()).map(|end| &good[..end]).collect();
    for (number, piece) in (0x1000..).zip(&pieces) {
        firmware.put(&format!("{number:04X}"), piece);
    }
    firmware.put("2000", &vec![0x41; 1 << 20]);
    fs::write(firmware.file("Boot2001"), b"").expect("room");
    fs::write(firmware.file("Boot2002"), b"\x07\0\0").expect("room");
    fs::write(firmware.file("BootNext"), b"\x07\0\0\0\x01\0").expect("room");
    fs::write(firmware.file("Boot00zz"), &good).expect("room");
    firmware.put("Order", &[5, 0, 9, 0, 5, 0, 7]);
    let count = fs::read_dir(firmware.folder())
        .expect("a directory")
        .count();
    let mut menu = firmware.menu();
    assert_eq!(menu.entries().len(), 11 + pieces.len() + 3);
    menu.put_first(&gpt("ironic1", r"\b.efi"))
        .expect("there is room");
    assert_eq!(
        fs::read_dir(firmware.folder())
            .expect("a directory")
            .count(),
        count + 1
    );
    assert_eq!(
        fs::read(firmware.file("BootOrder")).expect("an order"),
        b"\x07\0\0\0\x0b\0\x05\0\x09\0\x05\0"
    );
    assert_eq!(menu.clean(|entry| !entry.path.is_empty()), Ok(12));
}
