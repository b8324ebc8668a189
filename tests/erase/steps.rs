//! The steps as Ironic asks for them: which disks they touch, when they refuse, what a dead agent leaves.

use std::fs;
use std::path::PathBuf;

use ironlet::codec::json::{Object, Value, print};

use super::support::fake_agent::{Surroundings, at, post_and_wait, text_at};
use super::{MIB, OLD, all};

fn run(around: &mut Surroundings, step: &str, node: &str) -> Object {
    let body = format!(
        r#"{{"name":"clean.execute_clean_step","params":{{"step":{{"step":"{step}","interface":"deploy"}},"ports":[],"node":{node}}}}}"#
    );
    let engine = around.engine();
    let entry = post_and_wait(&engine, &body);
    engine.join();
    entry
}

fn attribute(around: &Surroundings, kernel: &str, name: &str, value: &str) {
    let path = around.host.sys("block").join(kernel).join(name);
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory");
    fs::write(path, value).expect("a file in the scratch");
}

fn holds(disk: &PathBuf, value: u8) -> bool {
    let found = fs::read(disk).expect("the disk is a file");
    found.len() == 8 * MIB && all(&found, value)
}

#[test]
fn every_disk_is_erased_but_those_that_must_stay() {
    let mut around = Surroundings::new();
    let disks =
        ["vda", "vdb", "vdc", "sdd", "sde", "vdf", "md5"].map(|name| around.add_named(name));
    let [vda, vdb, vdc, sdd, sde, vdf, md5] = &disks;
    // Skipped by its size; virtual media by model and by label; read-only; a member of an array.
    attribute(&around, "vdc", "size", "12582912");
    attribute(&around, "sdd", "device/model", "Acme Virtual Media");
    attribute(&around, "sde", "removable", "1");
    let mut boot_sector = vec![OLD; 8 * MIB];
    boot_sector[43..54].copy_from_slice(b"ir-vfd-dev ");
    fs::write(sde, &boot_sector).expect("a file in the scratch");
    attribute(&around, "vdb", "ro", "1");
    attribute(&around, "vdf", "holders/md5", "");
    attribute(&around, "md5", "md/level", "raid1");
    let node = r#"{"properties":{"skip_block_devices":[{"size":6}]},"driver_internal_info":{
        "agent_erase_skip_read_only":true,"disk_erasure_concurrency":4,"agent_erase_devices_iterations":2}}"#;
    let entry = run(&mut around, "erase_devices", node);
    assert_eq!(
        text_at(&entry, &["command_status"]),
        "SUCCEEDED",
        "{entry:?}"
    );
    let Value::Object(result) = at(&entry, &["command_result", "clean_result"]) else {
        panic!("a map of disks: {entry:?}")
    };
    let states: Vec<_> = result
        .keys()
        .map(|name| format!("{name} {}", text_at(result, &[name, "state"])))
        .collect();
    assert_eq!(
        states.join(", "),
        "/dev/md5 done, /dev/sdd passed over, /dev/sde passed over, /dev/vda done, /dev/vdb passed over, \
         /dev/vdc passed over, /dev/vdf passed over"
    );
    assert_eq!(
        text_at(result, &["/dev/vda", "method"]),
        "overwriting: 2 × random bytes, zeros"
    );
    assert!(holds(vda, 0) && holds(md5, 0));
    for kept in [vdb, vdc, sdd, vdf] {
        assert!(holds(kept, OLD), "{}", kept.display());
    }
    assert_eq!(fs::read(sde).expect("a file"), boot_sector);
}

#[test]
fn an_array_on_a_disk_that_is_to_be_left_alone_is_left_alone() {
    for step in [
        "erase_devices",
        "erase_devices_express",
        "erase_devices_metadata",
    ] {
        let mut around = Surroundings::new();
        let [vda, vdb, md1, md2, vdz] =
            ["vda", "vdb", "md1", "md2", "vdz"].map(|name| around.add_named(name));
        attribute(&around, "vda", "holders/md1", "");
        attribute(&around, "vdb", "holders/md1", "");
        attribute(&around, "md1", "holders/md2", "");
        attribute(&around, "md1", "md/level", "raid1");
        attribute(&around, "md2", "md/level", "raid0");
        let node = r#"{"properties":{"skip_block_devices":[{"name":"/dev/vdb"}]}}"#;
        let entry = run(&mut around, step, node);
        let result = at(&entry, &["command_result", "clean_result", "/dev/md2"]);
        let said = "is built on /dev/md1, which is built on /dev/vdb, which is to be left alone";
        assert!(print(result).contains(said), "{entry:?}");
        for kept in [&vda, &vdb, &md1, &md2] {
            assert!(holds(kept, OLD), "{step}: {}", kept.display());
        }
        assert!(!holds(&vdz, OLD), "{step}");
    }
}

#[test]
fn what_cannot_be_erased_stops_the_step_before_the_first_disk() {
    for (name, value, step, said) in [
        ("ro", "1", "erase_devices", "/dev/vdz is read-only"),
        (
            "holders/dm-3",
            "",
            "erase_devices",
            "/dev/vdz is held by dm-3",
        ),
        (
            "holders/dm-3",
            "",
            "erase_devices_express",
            "/dev/vdz is held by dm-3",
        ),
        (
            "dev",
            "254:7",
            "erase_devices",
            "/dev/vdz is mounted at /mnt",
        ),
    ] {
        let mut around = Surroundings::new();
        let (vda, vdz) = (around.add_named("vda"), around.add_named("vdz"));
        attribute(&around, "vdz", name, value);
        fs::create_dir_all(around.host.proc("self")).expect("a directory");
        let mounts = "27 1 254:7 / /mnt rw - ext4 /dev/root rw\n";
        fs::write(around.host.proc("self/mountinfo"), mounts).expect("a file in the scratch");
        let entry = run(&mut around, step, "{}");
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            "BlockDeviceEraseError"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(details.contains(said), "{details}");
        assert!(details.contains("no disk was touched"), "{details}");
        assert!(holds(&vda, OLD) && holds(&vdz, OLD), "{said}");
    }
}

#[test]
fn a_switch_or_a_hint_nobody_understands_stops_the_step() {
    for node in [
        r#"{"driver_internal_info":{"agent_erase_devices_zeroize":"no"}}"#,
        r#"{"properties":{"skip_block_devices":[{"colour":"red"}]}}"#,
    ] {
        let mut around = Surroundings::new();
        let vda = around.add_disk();
        let entry = run(&mut around, "erase_devices", node);
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED", "{node}");
        assert!(holds(&vda, OLD), "{node}");
    }
}

#[test]
fn a_cluster_file_system_stops_the_step_before_the_first_disk() {
    for step in ["erase_devices", "erase_devices_express"] {
        let mut around = Surroundings::new();
        let (vda, vdb) = (around.add_named("vda"), around.add_named("vdb"));
        let mut shared = vec![OLD; 8 * MIB];
        shared[446..512].fill(0);
        // One partition of the type that protocol/steps.md §7 has for VMFS, from sector 8 on.
        shared[446..462].copy_from_slice(&[0, 0, 0, 0, 0xfb, 0, 0, 0, 8, 0, 0, 0, 0, 8, 0, 0]);
        shared[510..512].copy_from_slice(&[0x55, 0xaa]);
        fs::write(&vdb, &shared).expect("a file in the scratch");
        let entry = run(&mut around, step, "{}");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            "ProtectedDeviceError"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(details.contains("/dev/vdb"), "{details}");
        assert!(
            holds(&vda, OLD) && fs::read(&vdb).expect("a file") == shared,
            "{step}"
        );

        let off = r#"{"driver_internal_info":{"wipe_special_filesystems":false}}"#;
        let entry = run(&mut around, step, off);
        assert_eq!(
            text_at(&entry, &["command_status"]),
            "SUCCEEDED",
            "{entry:?}"
        );
        let left = fs::read(&vdb).expect("the disk is a file");
        assert!(all(&left[..512], 0), "{step}");
        assert_eq!(all(&left, 0), step == "erase_devices");
    }
}

#[test]
fn a_machine_without_disks_is_clean() {
    for (step, result) in [
        ("erase_devices", "{}"),
        ("erase_devices_express", "{}"),
        ("erase_pstore", "null"),
    ] {
        let mut around = Surroundings::new();
        fs::write(around.host.proc("mounts"), "proc /proc proc rw 0 0\n").expect("a file");
        let entry = run(&mut around, step, "{}");
        assert_eq!(
            text_at(&entry, &["command_status"]),
            "SUCCEEDED",
            "{entry:?}"
        );
        assert_eq!(
            print(at(&entry, &["command_result", "clean_result"])),
            result
        );
    }
}

#[test]
fn records_of_the_kernel_are_removed() {
    let mut around = Surroundings::new();
    let mounts = "proc /proc proc rw 0 0\npstore /sys/fs/pstore pstore rw,nosuid 0 0\n";
    fs::write(around.host.proc("mounts"), mounts).expect("a file in the scratch");
    let pstore = around.host.sys("fs/pstore");
    fs::create_dir_all(pstore.join("directory/deeper")).expect("a directory");
    for record in ["dmesg-efi-1", "console-ramoops-0", "directory/deeper/x"] {
        fs::write(pstore.join(record), "a secret").expect("a file in the scratch");
    }
    let entry = run(&mut around, "erase_pstore", "{}");
    assert_eq!(
        text_at(&entry, &["command_status"]),
        "SUCCEEDED",
        "{entry:?}"
    );
    let left = fs::read_dir(&pstore)
        .expect("the mount point stays")
        .count();
    assert_eq!(left, 0);
}

#[test]
fn what_a_dead_agent_left_unfinished_is_told_disk_by_disk() {
    let mut around = Surroundings::new();
    fs::create_dir_all(around.host.run("")).expect("a directory");
    let mark = r#"{"id":"1","name":"clean.execute_clean_step","reason":null}"#;
    fs::write(around.host.run("command"), mark).expect("a file in the scratch");
    let ledger = around.host.run("erasure");
    fs::write(
        &ledger,
        "/dev/sda done, /dev/sdb unknown, /dev/sdc not started",
    )
    .expect("a file");
    // A second restart must not lose it either.
    for _ in 0..2 {
        let entries = around.engine().list();
        let entry = super::support::fake_agent::json(&entries[0]);
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
        let details = text_at(&entry, &["command_error", "details"]);
        let said = "unfinished (disks: /dev/sda done, /dev/sdb unknown, /dev/sdc not started)";
        assert!(details.contains(said), "{details}");
    }
    let entry = run(&mut around, "erase_devices", "{}");
    assert_eq!(
        text_at(&entry, &["command_status"]),
        "SUCCEEDED",
        "{entry:?}"
    );
    assert!(!ledger.exists(), "it tells of nothing any more");
    fs::write(&ledger, "/dev/sda unknown").expect("a file in the scratch");
    fs::write(around.host.proc("mounts"), "").expect("a file in the scratch");
    run(&mut around, "erase_pstore", "{}");
    assert!(
        !ledger.exists(),
        "another command has nothing to do with it"
    );
}

#[test]
fn an_entry_of_the_skip_list_that_means_no_disk_is_told_to_ironic() {
    for step in ["erase_devices", "erase_devices_metadata"] {
        let mut around = Surroundings::new();
        around.add_named("vda");
        let node = r#"{"properties":{"skip_block_devices":[{"serial":"gone"}]}}"#;
        let entry = run(&mut around, step, node);
        let Value::Array(warnings) = at(&entry, &["command_result", "clean_result", "warnings"])
        else {
            panic!("{step}: {entry:?}")
        };
        let [Value::String(warning)] = &warnings[..] else {
            panic!("{step}: {warnings:?}")
        };
        assert!(warning.contains("serial 'gone'"), "{step}: {warning}");
        fs::remove_file(around.host.dev("vda")).expect("it was there");
        let entry = run(&mut around, step, node);
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(
            details.contains("(warnings: no disk is what"),
            "{step}: {details}"
        );
    }
}

#[test]
fn nothing_is_erased_while_a_disk_may_be_the_one_to_spare() {
    for step in [
        "erase_devices",
        "erase_devices_metadata",
        "erase_devices_express",
    ] {
        let mut around = Surroundings::new();
        let disks = ["vda", "vdb"].map(|name| around.add_named(name));
        // A directory in the place of a file opens, and cannot be read.
        let serial = around.host.sys("block/vdb/serial");
        fs::create_dir_all(serial).expect("a directory");
        let node = r#"{"properties":{"skip_block_devices":[{"serial":"kept"}]}}"#;
        let entry = run(&mut around, step, node);
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED", "{step}");
        let why = text_at(&entry, &["command_error", "details"]);
        for said in ["/dev/vdb", "serial 'kept'", "no disk was touched"] {
            assert!(why.contains(said), "{step}: {said} in {why}");
        }
        for disk in &disks {
            assert!(holds(disk, OLD), "{step} wrote to {}", disk.display());
        }
    }
}
