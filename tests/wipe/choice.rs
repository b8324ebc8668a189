//! The disk an image goes to is none that other machines use, and to see that takes little time.

use std::fs;
use std::path::Path;

use ironlet::clock::Clock;
use ironlet::disk::select::cluster_filesystem;
use ironlet::disk::select::write_permit::Permit;
use ironlet::disk::wipe::metadata;
use ironlet::disk::{self, Disk, Wishes, wait_for_root};
use ironlet::error::{Kind, Result};
use ironlet::system_root::SystemRoot;

use super::support::partition_tables::Loop;
use super::support::scratch::Scratch;
use super::{disk, put};

fn default_root(host: &SystemRoot) -> Result<Disk> {
    disk::root(host, &Wishes::default()).map(|choice| choice.disk)
}

/// So many disks of 8 GiB and a bit more each, as sparse files.
fn machine(scratch: &Scratch, count: u64) -> SystemRoot {
    let host = SystemRoot::new(scratch.path("root"));
    fs::create_dir_all(host.dev("")).expect("a directory");
    for number in 0..count {
        let kernel = format!("nvme{number}n1");
        let (sectors, block) = ((8 << 21) + number * 2048, host.sys("block").join(&kernel));
        fs::create_dir_all(block.join("queue")).expect("a directory");
        for (file, value) in [
            ("size", sectors.to_string()),
            ("ro", "0".into()),
            ("removable", "0".into()),
            ("wwid", format!("eui.{number:016x}")),
            ("queue/rotational", "0".into()),
            ("queue/logical_block_size", "512".into()),
            ("queue/physical_block_size", "4096".into()),
        ] {
            fs::write(block.join(file), value).expect("a file");
        }
        let file = fs::File::create(host.dev(&kernel)).expect("a file");
        file.set_len(sectors * 512).expect("a sparse file");
    }
    host
}

#[test]
fn a_disk_that_others_use_is_passed_over_unless_the_operator_says_so() {
    let scratch = Scratch::new();
    let host = machine(&scratch, 3);
    put(&host.dev("nvme0n1"), 0x10_0000, b"\x0d\xd0\x01\xc0");
    assert_eq!(
        default_root(&host).expect("two are left").name,
        "/dev/nvme1n1"
    );
    let wishes = Wishes {
        unguarded: true,
        ..Wishes::default()
    };
    let clock = Clock::fake();
    let chosen = wait_for_root(&host, &clock, 1, Default::default(), &wishes);
    assert_eq!(chosen.expect("the smallest").disk.name, "/dev/nvme0n1");
    for kernel in ["nvme1n1", "nvme2n1"] {
        put(&host.dev(kernel), 0x1_0000, b"\x01\x16\x19\x70");
    }
    let error = default_root(&host).expect_err("all are in use");
    assert_eq!(error.kind(), Kind::DeviceNotFound);
    for said in [
        "/dev/nvme0n1 (8 GiB) holds VMFS",
        "holds GFS2",
        "wipe_special_filesystems=false",
    ] {
        assert!(error.details().contains(said), "{said} in {error}");
    }
}

#[test]
fn a_disk_that_got_the_name_of_the_chosen_one_is_not_written() {
    let scratch = Scratch::new();
    let file = scratch.disk(8 << 20, 0xaa);
    let device = Loop::new(&file, 512);
    let kernel = device.path().file_name().expect("a device has a name");
    let counted = Path::new("/sys/block").join(kernel).join("diskseq");
    let counted = fs::read_to_string(counted).expect("Linux 5.15 counts disks");
    let counted: u64 = counted.trim().parse().expect("a number");
    let nowhere = SystemRoot::new("/nonexistent");
    let permit = Permit::new(&nowhere, vec![device.path().to_owned()]);
    let mut disk = disk(device.path(), 8 << 20);
    // The one before is what had the name when the disks were listed.
    disk.sequence = Some(counted - 1);
    let chosen = permit.of_chosen(std::slice::from_ref(&disk));
    let error = metadata(&disk, &chosen, &nowhere).expect_err("it is another one");
    assert!(
        error.details().contains("another disk has got that name"),
        "{error}"
    );
    assert!(
        fs::read(&file)
            .expect("a file")
            .iter()
            .all(|byte| *byte == 0xaa)
    );
    disk.sequence = Some(counted);
    let chosen = permit.of_chosen(std::slice::from_ref(&disk));
    metadata(&disk, &chosen, &nowhere).expect("it is the very one");
}

#[test]
fn the_only_disk_nobody_else_uses_is_found_behind_all_others() {
    let scratch = Scratch::new();
    let host = machine(&scratch, 20);
    for number in 0..19 {
        let disk = host.dev(format!("nvme{number}n1"));
        put(&disk, 0x1_0000, b"\x01\x16\x19\x70");
    }
    let disk = default_root(&host).expect("one will do");
    assert_eq!(disk.name, "/dev/nvme19n1");
}

#[test]
fn what_a_table_says_counts_on_a_disk_that_is_unreadable_elsewhere() {
    let scratch = Scratch::new();
    let file = scratch.disk(8 << 20, 0);
    // One partition of VMware's, from sector 2048 on.
    let entry = [0, 0, 0, 0, 0xfb, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0];
    put(&file, 446, &entry);
    put(&file, 510, b"\x55\xaa");
    let device = Loop::new(&file, 512);
    let disk = disk(device.path(), 8 << 20);
    let cut = fs::File::options().write(true).open(&file);
    cut.expect("a file")
        .set_len(4096)
        .expect("it becomes shorter");
    let found = cluster_filesystem::file_system(&disk);
    assert_eq!(found, Ok(Some("VMFS in partition 1".to_owned())));
}
