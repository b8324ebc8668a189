//! The step as the conductor asks for it: which disks it takes, what it answers, and what the guard holds back.

use std::fs;
use std::path::PathBuf;

use ironlet::codec::json::{Object, print};

use super::support::fake_agent::{Surroundings, at, post_and_wait, text_at};
use super::support::partition_tables::{name, says};
use super::{bare, look, put};

const SIZE: u64 = 64 << 20;
const NODE: &str = r#"{"uuid":"u"}"#;

/// A disk of 64 MiB, full of something, with a file system in its one partition; with further lines for sysfs.
pub fn add(surroundings: &Surroundings, kernel: &str, more: &[(&str, &str)]) -> PathBuf {
    let path = surroundings.host.dev(kernel);
    fs::write(&path, vec![0xaa; SIZE as usize]).expect("room for a disk");
    says(
        "sfdisk",
        &["-q", "--wipe=never", name(&path)],
        "label: gpt\nstart=4MiB, size=48MiB\n",
    );
    put(&path, (4 << 20) + 0x438, &[0x53, 0xef]);
    let block = surroundings.host.sys("block").join(kernel);
    let sectors = (SIZE / 512).to_string();
    let files = [("size", sectors.as_str()), ("ro", "0"), ("removable", "0")];
    for (file, value) in files.iter().chain(more) {
        let place = block.join(file);
        fs::create_dir_all(place.parent().expect("it is in a directory")).expect("a directory");
        fs::write(place, value).expect("a file");
    }
    path
}

pub fn run(surroundings: &mut Surroundings, node: &str) -> Object {
    let step = r#"{"step":"erase_devices_metadata","interface":"deploy","priority":99}"#;
    let params = format!(r#"{{"node":{node},"ports":[],"step":{step}}}"#);
    let body = format!(r#"{{"name":"clean.execute_clean_step","params":{params}}}"#);
    let engine = surroundings.engine();
    let entry = post_and_wait(&engine, &body);
    engine.join();
    entry
}

pub fn status(entry: &Object) -> &str {
    text_at(entry, &["command_status"])
}

#[test]
fn no_disk_is_no_failure() {
    let entry = run(&mut Surroundings::new(), NODE);
    let result = at(&entry, &["command_result", "clean_result"]);
    assert_eq!(
        (status(&entry), print(result).as_str()),
        ("SUCCEEDED", "{}")
    );
}

#[test]
fn every_disk_is_erased_but_those_that_are_not_to_be() {
    let mut surroundings = Surroundings::new();
    let gone = [
        "vda", "vdb", "vdc", "vdd", "vde", "vdf", "vdg", "vdh", "vdi", "md127",
    ];
    let raid = [("md/level", "raid1")];
    let erased = gone.map(|kernel| match kernel {
        "md127" => add(&surroundings, kernel, &raid),
        _ => add(&surroundings, kernel, &[]),
    });
    let member = [
        ("sdd1/partition", "1"),
        ("sdd1/start", "8192"),
        ("sdd1/holders/md127", ""),
    ];
    let kept = [
        add(&surroundings, "sda", &[("serial", "KEEP")]),
        add(
            &surroundings,
            "sdb",
            &[("device/model", "Acme Virtual Media")],
        ),
        add(&surroundings, "sdc", &[("ro", "1")]),
        add(&surroundings, "sdd", &member),
    ];
    let before: Vec<_> = kept
        .iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect();
    let node = r#"{"properties":{"skip_block_devices":[{"name":"/dev/sda"}]}}"#;
    let entry = run(&mut surroundings, node);
    assert_eq!(
        status(&entry),
        "SUCCEEDED",
        "{}",
        print(at(&entry, &["command_error"]))
    );
    for path in &erased {
        bare(path, &[4 << 20]);
        assert_eq!(look(path, 8 << 20, 4), [0xaa; 4], "the data stays");
    }
    for (path, before) in kept.iter().zip(before) {
        assert!(fs::read(path).expect("a file") == before, "{path:?}");
    }
    let result =
        |disk: &str, what| print(at(&entry, &["command_result", "clean_result", disk, what]));
    let found = result("/dev/vdh", "found");
    assert_eq!(found, r#"["gpt","boot record","ext in partition 1"]"#);
    for (disk, why) in [
        ("/dev/sda", "is to be left alone: name '/dev/sda'"),
        ("/dev/sdb", "is virtual media"),
        ("/dev/sdc", "is read-only"),
        ("/dev/sdd", "is part of md127, which stands for it"),
    ] {
        assert_eq!(result(disk, "skipped"), format!("\"{why}\""));
    }
}

#[test]
fn one_disk_that_fails_does_not_keep_the_others() {
    let mut surroundings = Surroundings::new();
    let erased = ["vda", "vdc"].map(|kernel| add(&surroundings, kernel, &[]));
    let broken = add(&surroundings, "vdb", &[]);
    fs::remove_file(&broken).expect("it was there");
    fs::create_dir(&broken).expect("a directory is no disk");
    // Without the guard, which has to read every disk before.
    surroundings.settings.guard = false;
    let entry = run(&mut surroundings, NODE);
    assert_eq!(
        text_at(&entry, &["command_error", "type"]),
        "BlockDeviceEraseError"
    );
    let details = text_at(&entry, &["command_error", "details"]);
    let words = "Failed to erase the metadata on the device(s): \"/dev/vdb\": ";
    assert!(details.starts_with(words), "{details}");
    for path in erased {
        bare(&path, &[4 << 20]);
    }
}

#[test]
fn a_disk_in_use_or_out_of_sight_protects_all() {
    for (guard, held) in [(false, true), (true, false)] {
        let mut surroundings = Surroundings::new();
        surroundings.settings.guard = guard;
        let more = [("holders/dm-0", "")];
        let kept = add(&surroundings, "vda", &[]);
        let before = fs::read(&kept).expect("a file");
        let other = add(&surroundings, "vdb", if held { &more } else { &[] });
        if !held {
            fs::remove_file(&other).expect("it was there");
            fs::create_dir(&other).expect("a directory is no disk");
        }
        let entry = run(&mut surroundings, NODE);
        let kind = text_at(&entry, &["command_error", "type"]);
        assert_eq!(kind, "BlockDeviceEraseError");
        let details = text_at(&entry, &["command_error", "details"]);
        let why = if held {
            "is held by dm-0"
        } else {
            "looking for cluster file systems"
        };
        assert!(details.contains(why), "{details}");
        assert!(fs::read(&kept).expect("a file") == before);
    }
}

#[test]
fn partitions_that_only_the_kernel_knows_are_erased_too() {
    let mut surroundings = Surroundings::new();
    // Sectors of 512 bytes, and one partition that cannot be.
    let shown = [
        ("vda3/partition", "3"),
        ("vda3/start", "32768"),
        ("vda3/size", "16384"),
        ("vda4/partition", "4"),
        ("vda4/start", "18446744073709551615"),
        ("vda4/size", "2"),
    ];
    let disk = add(&surroundings, "vda", &shown);
    let places = [(16 << 20) + 0x438, (24 << 20) - 65536];
    put(&disk, places[0], &[0x53, 0xef]);
    put(&disk, places[1], &[0xfc, 0x4e, 0x2b, 0xa9]);
    let entry = run(&mut surroundings, NODE);
    let found = at(
        &entry,
        &["command_result", "clean_result", "/dev/vda", "found"],
    );
    let found = print(found);
    for what in [
        "ext in partition 3",
        "linux_raid_member in partition 3",
        "ext in partition 1",
    ] {
        assert!(found.contains(&format!("\"{what}\"")), "{found}");
    }
    for at in places {
        assert_eq!(look(&disk, at, 2), [0; 2]);
    }
}

/// Whoever uses a file system together with other machines, and how blkid or a table tells.
const SHARED: &[(&str, u64, &[u8])] = &[
    ("VMFS", 0x10_0000, b"\x0d\xd0\x01\xc0"),
    ("VMFS", 0x130_0000, b"\x5e\xf1\xab\x2f"),
    ("GFS2", 0x1_0000, b"\x01\x16\x19\x70"),
    ("OCFS2", 0x800, b"OCFSV2"),
    ("OCFS2", 0x2000, b"OCFSV2"),
];

/// Makes the last of three disks a shared one.
type Sharing = (String, Box<dyn Fn(&PathBuf)>);

fn sharings() -> Vec<Sharing> {
    let mut all: Vec<Sharing> = Vec::new();
    for (kind, offset, magic) in SHARED {
        all.push((
            format!("{kind} located"),
            Box::new(|path| put(path, *offset, magic)),
        ));
        let inside = (4 << 20) + offset;
        let located = format!("{kind} in partition 1 located");
        all.push((located, Box::new(move |path| put(path, inside, magic))));
    }
    for (kind, script) in [
        (
            "VMFS in partition 2",
            "label: gpt\nsize=1MiB\nsize=4MiB, type=AA31E02A-400F-11DB-9590-000C2911D1B8\n",
        ),
        (
            "GPFS in partition 1",
            "label: gpt\nsize=4MiB, type=37AFFC90-EF7D-4E96-91C3-2D7AE055B174\n",
        ),
        ("VMFS in partition 1", "label: dos\nsize=4MiB, type=fb\n"),
        (
            "VMFS in partition 5",
            "label: dos\nsize=8MiB, type=5\nd5: size=4MiB, type=fb\n",
        ),
    ] {
        let make = |path: &PathBuf| drop(says("sfdisk", &["-q", name(path)], script));
        all.push((format!("{kind} located"), Box::new(make)));
        if script.contains("gpt") {
            // The backup alone.
            let damaged = move |path: &PathBuf| {
                make(path);
                put(path, 512, &[0; 4096]);
            };
            all.push((format!("{kind} located"), Box::new(damaged)));
        }
    }
    all
}

#[test]
fn a_cluster_file_system_on_one_disk_protects_all() {
    for (kind, make) in sharings() {
        let mut surroundings = Surroundings::new();
        let disks = ["vda", "vdb", "vdc"].map(|kernel| add(&surroundings, kernel, &[]));
        make(&disks[2]);
        let before = disks.each_ref().map(|path| fs::read(path).expect("a file"));
        let entry = run(&mut surroundings, NODE);
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            "ProtectedDeviceError",
            "{kind}"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        let words = format!("{kind} on device /dev/vdc: ");
        assert!(details.contains(&words), "{kind}: {details}");
        for said in [
            "wipe_special_filesystems=false",
            "ipa-guard-special-filesystems=false",
        ] {
            assert!(details.contains(said), "{details}");
        }
        for (path, before) in disks.iter().zip(&before) {
            assert!(
                fs::read(path).expect("a file") == *before,
                "{kind}: {path:?}"
            );
        }
    }
}

#[test]
fn the_operator_may_give_up_what_is_shared() {
    for (node, guard) in [
        (
            r#"{"driver_internal_info":{"wipe_special_filesystems":false}}"#,
            true,
        ),
        (NODE, false),
        (
            r#"{"properties":{"skip_block_devices":[{"name":"/dev/vda"}]}}"#,
            true,
        ),
    ] {
        let mut surroundings = Surroundings::new();
        surroundings.settings.guard = guard;
        let disks = ["vda", "vdb"].map(|kernel| add(&surroundings, kernel, &[]));
        put(&disks[0], 0x1_0000, SHARED[2].2);
        let entry = run(&mut surroundings, node);
        assert_eq!(status(&entry), "SUCCEEDED", "{node}");
        bare(&disks[1], &[4 << 20]);
        let kept = look(&disks[0], 0x1_0000, 4) == SHARED[2].2;
        assert_eq!(kept, node.contains("skip"), "{node}");
    }
}
