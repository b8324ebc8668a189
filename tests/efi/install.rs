//! `image.install_bootloader` on a machine with UEFI firmware.

use std::fs;

use ironlet::codec::json::Object;

use super::disk::{utf16, with_esp};
use super::firmware::Firmware;
use super::support::fake_agent::{Surroundings, post_and_wait, text_at};
use super::support::partition_tables::{Loop, MIB, says};

const GPT: &str =
    "label: gpt\nsize=8MiB, type=uefi, uuid=00112233-4455-6677-8899-AABBCCDDEEFF\nsize=2MiB\n";
/// The same, and nothing says what the first is for.
const UNTYPED: &str =
    "label: gpt\nsize=8MiB, uuid=00112233-4455-6677-8899-AABBCCDDEEFF\nsize=2MiB\n";
const MBR: &str = "label: dos\nlabel-id: 0x12345678\nsize=8MiB, type=ef\nsize=2MiB, type=83\n";
const HERE: &str = "HD(1,GPT,00112233-4455-6677-8899-aabbccddeeff,0x800,0x4000)/";
const BOOT: &str = "EFI/BOOT/BOOTX64.EFI";
const ENTRY: &str = "Boot000B* ironic1\t@File(\\EFI\\BOOT\\BOOTX64.EFI)";

/// What the command came to on a machine with such a disk.
fn install(disk: &[u8], params: &str) -> (Surroundings, Firmware, Object) {
    let mut around = Surroundings::new();
    let path = around.add_disk();
    fs::write(path, disk).expect("room for a disk");
    let firmware = Firmware::of(&around.host);
    let body = format!(r#"{{"name":"image.install_bootloader","params":{{{params}}}}}"#);
    let entry = post_and_wait(&around.engine(), &body);
    (around, firmware, entry)
}

type Files<'a> = &'a [(&'a str, &'a [u8])];

/// Entries as efibootmgr lists them, `@` for the partition.
fn expect(script: &str, files: Files, params: &str, entries: &[&str], order: &str) {
    let (_around, firmware, entry) = install(&with_esp(script, files), params);
    let error = text_at(&entry, &["command_error", "details"]);
    assert_eq!(text_at(&entry, &["command_status"]), "SUCCEEDED", "{error}");
    let expected = entries.iter().map(|line| line.replace('@', HERE));
    assert_eq!(firmware.of_disks(), expected.collect::<Vec<_>>());
    let order = format!("{order}0000,0001,0002,0003,0004,0005,0006,0007,0008,0009,000A");
    assert_eq!(firmware.order(), order);
}

#[test]
fn a_loader_gets_an_entry_of_its_own() {
    let params = r#""root_uuid":"0x00000000","target_boot_mode":"uefi""#;
    expect(GPT, &[(BOOT, b"MZ")], params, &[ENTRY], "000B,");
    // However it is spelt and wherever it is.
    let entry = r"Boot000B* ironic1	@File(\a\b\Bootx64.efi)";
    expect(
        GPT,
        &[("a/b/Bootx64.efi", b"MZ")],
        params,
        &[entry],
        "000B,",
    );
}

#[test]
fn of_several_loaders_the_last_comes_first() {
    let files: Files = &[
        ("EFI/BOOT/bootia32.efi", b"MZ"),
        ("EFI/BOOT/BOOTX64.EFI", b"MZ"),
        ("EFI/BOOT/mmx64.efi", b"MZ"),
        ("EFI/Microsoft/Boot/winload.efi", b"MZ"),
    ];
    let entries = [
        r"Boot000B* ironic1	@File(\EFI\BOOT\bootia32.efi)",
        r"Boot000C* ironic2	@File(\EFI\BOOT\BOOTX64.EFI)",
        r"Boot000D* ironic3	@File(\EFI\Microsoft\Boot\winload.efi)",
    ];
    expect(
        GPT,
        files,
        r#""root_uuid":null"#,
        &entries,
        "000D,000C,000B,",
    );
}

#[test]
fn a_pointer_stands_for_all_loaders() {
    let good = utf16("shimx64.efi,Fedora,,This is the boot entry for Fedora\n");
    let astray = utf16("nowhere.efi,Fedora,,\n");
    let marked = [&[0xff, 0xfe], &good[..]].concat();
    let shim = r"Boot000B* Fedora	@File(\EFI\fedora\shimx64.efi)";
    for (csv, entry) in [
        (&good, shim),
        (&marked, shim),
        (&astray, ENTRY),
        (&vec![0; 70_000], ENTRY),
    ] {
        let files: Files = &[
            (BOOT, b"MZ"),
            ("EFI/fedora/shimx64.efi", b"MZ"),
            ("EFI/fedora/BOOTX64.CSV", csv),
        ];
        expect(GPT, files, r#""root_uuid":null"#, &[entry], "000B,");
    }
}

#[test]
fn the_partition_is_found_by_its_type_or_by_what_it_is_called() {
    let files: Files = &[(BOOT, b"MZ")];
    let mbr = r"Boot000B* ironic1	HD(1,MBR,0x12345678,0x800,0x4000)/File(\EFI\BOOT\BOOTX64.EFI)";
    for (script, called, entry) in [
        (MBR, "", mbr),
        (GPT, "something else", ENTRY),
        (UNTYPED, "00112233-4455-6677-8899-aabbccddeeff", ENTRY),
        (UNTYPED, "7b77-95e7", ENTRY),
        (UNTYPED, "EFI PART", ENTRY),
        (&MBR.replace("ef", "c"), "12345678-01", mbr),
    ] {
        let params = format!(r#""root_uuid":null,"efi_system_part_uuid":"{called}""#);
        expect(script, files, &params, &[entry], "000B,");
    }
}

#[test]
fn a_disk_with_large_sectors_counts_in_them() {
    let mut disk = with_esp("label: gpt\nsize=1MiB\n", &[(BOOT, b"MZ")]);
    let mut around = Surroundings::new();
    let path = around.add_disk();
    let sector = around.host.sys("block/vda/queue/logical_block_size");
    fs::write(sector, "4096").expect("a file in the scratch");
    // The table of such a disk, by a kernel that shows one.
    disk[..MIB].fill(0);
    fs::write(&path, &disk).expect("room for a disk");
    let device = Loop::new(&path, 4096);
    let name = device.path().to_str().expect("text");
    says("sfdisk", &["-q", name], GPT);
    drop(device);
    let firmware = Firmware::of(&around.host);
    let body = r#"{"name":"image.install_bootloader","params":{"root_uuid":null}}"#;
    post_and_wait(&around.engine(), body);
    let entry = ENTRY
        .replace('@', HERE)
        .replace("0x800,0x4000", "0x100,0x800");
    assert_eq!(firmware.of_disks(), [entry]);
}

#[test]
fn what_cannot_be_done_is_said_and_may_be_ignored() {
    let none = with_esp(GPT, &[("EFI/BOOT/grub.cfg", b"")]);
    let mut foreign = with_esp(GPT, &[]);
    foreign[1 << 20..3 << 20].fill(0x5a);
    let untyped = with_esp(UNTYPED, &[(BOOT, b"MZ")]);
    let root = r#""root_uuid":"0x1234abcd""#;
    let null = r#""root_uuid":null"#;
    let absent = r#""root_uuid":null,"efi_system_part_uuid":"AAAA-BBBB""#;
    for (disk, params, kind, said) in [
        (&none, root, "InvalidImage", "CVE-2026-43003"),
        (&none, null, "", ""),
        (
            &foreign,
            null,
            "CommandExecutionError",
            "reading the EFI system partition",
        ),
        (
            &untyped,
            null,
            "DeviceNotFound",
            "none of its 2 partitions is of the type of one: is the image",
        ),
        (&untyped, absent, "DeviceNotFound", "or called AAAA-BBBB"),
        (
            &vec![0; 4 << 20],
            null,
            "DeviceNotFound",
            "none of its 0 partitions",
        ),
    ] {
        let (_around, firmware, entry) = install(disk, params);
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            kind,
            "{params}"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(details.contains(said), "{details}");
        assert_eq!(firmware.listed().len(), 11);
        let ignored = format!(r#"{params},"ignore_bootloader_failure":true"#);
        let (_around, _, entry) = install(disk, &ignored);
        assert_eq!(
            text_at(&entry, &["command_status"]),
            "SUCCEEDED",
            "{ignored}"
        );
    }
}

#[test]
fn who_allows_grub_is_told_that_there_is_none() {
    let mut around = Surroundings::new();
    around.settings.bios_bootloader = true;
    fs::write(around.add_disk(), with_esp(GPT, &[])).expect("room for a disk");
    let body = r#"{"name":"image.install_bootloader","params":{"root_uuid":"0x1234abcd"}}"#;
    let entry = post_and_wait(&around.engine(), body);
    assert_eq!(text_at(&entry, &["command_error", "type"]), "InvalidImage");
    let details = text_at(&entry, &["command_error", "details"]);
    assert!(details.contains("not in this build"), "{details}");
    assert!(!details.contains("disabled"), "{details}");
}

#[test]
fn the_disk_that_was_written_counts_and_not_what_would_be_chosen_now() {
    let mut around = Surroundings::new();
    let path = around.add_disk();
    fs::write(&path, with_esp(GPT, &[(BOOT, b"MZ")])).expect("room for a disk");
    // 2 GiB: too small to be chosen.
    let size = around.host.sys("block/vda/size");
    fs::write(size, "4194304").expect("a file in the scratch");
    let firmware = Firmware::of(&around.host);
    let body = r#"{"name":"image.install_bootloader","params":{"root_uuid":null}}"#;
    let entry = post_and_wait(&around.engine(), body);
    assert_eq!(
        text_at(&entry, &["command_error", "type"]),
        "DeviceNotFound"
    );
    let written = format!(r#"{{"disk":"{}","uuids":{{}}}}"#, path.display());
    fs::create_dir_all(around.host.run("")).expect("a directory");
    fs::write(around.host.run("written"), written).expect("a file in the scratch");
    post_and_wait(&around.engine(), body);
    assert_eq!(firmware.of_disks(), [ENTRY.replace('@', HERE)]);
    // Another disk would do now, and must not start in place of the one that was written.
    let size = around.host.sys("block/vda/size");
    fs::write(size, "16777216").expect("a file in the scratch");
    let written = r#"{"disk":"/dev/gone","uuids":{}}"#;
    fs::write(around.host.run("written"), written).expect("a file in the scratch");
    let entry = post_and_wait(&around.engine(), body);
    let details = text_at(&entry, &["command_error", "details"]);
    assert!(
        details.contains("/dev/gone, which was written, is gone"),
        "{details}"
    );
}
