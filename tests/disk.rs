//! Disks of recorded machines: which are listed, who they are, and which one an image goes to.

use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::disk::{self, Disk, Wishes, list, wait_for_root};
use ironlet::error::{Kind, Result};
use ironlet::system_root::SystemRoot;

#[path = "support/machine.rs"]
mod machine;
use machine::Machine;

fn default_root(host: &SystemRoot) -> Result<Disk> {
    disk::root(host, &Wishes::default()).map(|choice| choice.disk)
}

/// name, MiB, model, vendor, serial number, WWN, SCSI address, path, transport; `-` for none.
type Row<'a> = [&'a str; 9];

fn rows(machine: &Machine) -> Vec<Vec<String>> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let all = list(&machine.host()).into_iter().map(|disk| {
        let who = disk.identity;
        let serial = who.serial().map(str::to_owned);
        let path = disk
            .by_path
            .first()
            .map(|path| path.replace("/dev/disk/by-path/", ""));
        vec![
            disk.name,
            (disk.size.0 >> 20).to_string(),
            or_dash(who.model),
            or_dash(who.vendor),
            or_dash(serial),
            or_dash(who.wwn),
            or_dash(disk.hctl),
            or_dash(path),
            or_dash(disk.transport),
        ]
    });
    all.collect()
}

#[test]
fn whether_a_disk_discards_is_what_its_queue_says() {
    let found = list(&Machine::recorded("ahci-nvme").host());
    let answers: Vec<_> = found.iter().map(|disk| disk.discards).collect();
    let yes = Some(true);
    assert_eq!(
        answers,
        [yes, yes, Some(false), yes, yes],
        "the third on USB"
    );
}

#[test]
#[rustfmt::skip]
fn disks_have_the_identity_udev_would_give_them() {
    let machines: &[(&str, &[Row])] = &[
        ("lab-uefi", &[
            ["/dev/sda", "8192", "LABDISK", "LABVEND", "LABDISK-SDA-0001", "0x5000c50015ea71aa", "0:0:0:0", "pci-0000:02:00.0-scsi-0:0:0:0", "-"],
            ["/dev/vda", "1024", "-", "0x1af4", "LABDISK-VDA-0002", "-", "-", "virtio-pci-0000:04:00.0", "-"],
        ]),
        ("ahci-nvme", &[
            ["/dev/sda", "6144", "Acme Spinner 6000 long name", "ATA", "SATA-0001", "0x5000c500aabbcc01", "0:0:0:0", "pci-0000:00:1f.2-ata-1.0", "sata"],
            ["/dev/sdb", "5120", "QEMU HARDDISK", "ATA", "SATA-0002", "-", "2:0:0:0", "pci-0000:00:1f.2-ata-3.0", "sata"],
            ["/dev/sdc", "4096", "QEMU HARDDISK", "QEMU", "USB-0001", "-", "6:0:0:0", "pci-0000:00:05.0-usb-0:1:1.0-scsi-0:0:0:0", "usb"],
            ["/dev/nvme1n1", "3072", "QEMU NVMe Ctrl", "-", "NVME-0002", "nvme.1b36-4e564d452d30303032-51454d55204e564d65204374726c-00000002", "-", "pci-0000:00:04.0-nvme-2", "nvme"],
            ["/dev/nvme0n1", "8192", "QEMU NVMe Ctrl", "-", "NVME-0001", "nvme.1b36-4e564d452d30303031-51454d55204e564d65204374726c-00000001", "-", "pci-0000:00:03.0-nvme-1", "nvme"],
        ]),
        ("hba", &[
            ["/dev/sda", "4096", "QEMU HARDDISK", "QEMU", "RO-1", "-", "0:0:0:0", "pci-0000:00:05.0-scsi-0:0:0:0", "-"],
            ["/dev/sdb", "4096", "Virtual Media", "AMI", "VM-1", "-", "0:0:3:0", "pci-0000:00:05.0-scsi-0:0:3:0", "-"],
            ["/dev/sdc", "5120", "QEMU HARDDISK", "QEMU", "only-a-vendor-id", "-", "0:0:4:5", "pci-0000:00:05.0-scsi-0:0:4:5", "-"],
            ["/dev/sdd", "9216", "QEMU HARDDISK", "QEMU", "VOL-1", "-", "1:2:1:0", "pci-0000:00:03.0-scsi-0:2:1:0", "-"],
            ["/dev/sde", "7168", "QEMU HARDDISK", "QEMU", "SAS-1", "0x5000c50000000001", "2:0:0:0", "pci-0000:00:04.0-sas-phy2-lun-0", "sas"],
            ["/dev/vda", "2048", "-", "0x1af4", "-", "-", "-", "virtio-pci-0000:00:06.0", "-"],
            ["/dev/vdb", "6144", "-", "0x1af4", "RO-2", "-", "-", "virtio-pci-0000:00:07.0", "-"],
        ]),
    ];
    for (name, expected) in machines {
        let found = rows(&Machine::recorded(name));
        assert_eq!(found.len(), expected.len(), "{name}: {found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn sectors_rotation_and_flags_are_read() {
    let disks = list(&Machine::recorded("ahci-nvme").host());
    let disk = |name: &str| disks.iter().find(|disk| disk.name == name).expect("listed");
    let nvme = disk("/dev/nvme0n1");
    assert_eq!((nvme.logical_sector, nvme.physical_sector), (4096, 4096));
    assert!(!nvme.rotational && disk("/dev/sda").rotational && !disk("/dev/sdb").rotational);
    assert!(disk("/dev/sdc").removable && !nvme.removable);
    let numbers = &disk("/dev/sda").numbers;
    let expected = [("8:0", "sda"), ("8:1", "sda1")];
    assert_eq!(*numbers, expected.map(|(a, b)| (a.into(), b.into())));

    let disks = list(&Machine::recorded("hba").host());
    let locked: Vec<_> = disks.iter().filter(|disk| disk.read_only).collect();
    let locked: Vec<_> = locked.iter().map(|disk| disk.name.as_str()).collect();
    assert_eq!(locked, ["/dev/sda", "/dev/vdb"]);
}

/// An SCSI-less disk of `gib` GiB, with more lines about it.
fn plain(kernel: &str, gib: u64, more: &str) -> String {
    let sectors = gib << 21;
    let number = kernel.bytes().map(u32::from).sum::<u32>();
    format!(
        "/sys/block/{kernel} -> ../devices/virtual/block/{kernel}\n\
         /sys/devices/virtual/block/{kernel}/size = {sectors}\n\
         /sys/devices/virtual/block/{kernel}/dev = 259:{number}\n{more}"
    )
}

#[test]
fn only_whole_disks_and_raid_arrays_are_disks() {
    let at = |kernel: &str, rest: &str| format!("/sys/devices/virtual/block/{kernel}/{rest}\n");
    for (kernel, more, listed) in [
        ("vdb", String::new(), true),
        ("mmcblk0", String::new(), true),
        ("sdaa", String::new(), true),
        ("md127", at("md127", "md/level = raid1"), true),
        ("md126", at("md126", "md/level = linear"), false),
        ("nvme0c0n1", at("nvme0c0n1", "hidden = 1"), false),
        ("loop0", String::new(), false),
        ("ram3", String::new(), false),
        ("zram0", String::new(), false),
        ("fd0", String::new(), false),
        ("sr0", String::new(), false),
        ("dm-3", String::new(), false),
    ] {
        let machine = Machine::empty().with(&plain(kernel, 8, &more));
        assert_eq!(list(&machine.host()).len(), usize::from(listed), "{kernel}");
    }
    let host = Machine::recorded("host");
    assert_eq!(rows(&host).len(), 1, "{:?}", rows(&host));
    let empty = Machine::empty().with(&plain("sdb", 0, ""));
    assert_eq!(list(&empty.host()), []);
    let absurd = plain(
        "sdb",
        1,
        "/sys/devices/virtual/block/sdb/size = 18446744073709551615\n",
    );
    assert_eq!(list(&Machine::empty().with(&absurd).host()), []);
}

#[test]
fn a_disk_that_is_no_disk_by_scsi_type_is_left_out() {
    let type_of = "/sys/devices/pci0000:00/0000:00:05.0/virtio0/host0/target0:0:4/0:0:4:5/type";
    let machine = Machine::recorded("hba").with(&format!("{type_of} = 13\n"));
    let names: Vec<_> = list(&machine.host())
        .into_iter()
        .map(|disk| disk.name)
        .collect();
    assert!(!names.contains(&"/dev/sdc".to_owned()), "{names:?}");
}

#[test]
fn the_smallest_disk_that_is_safe_and_big_enough_is_chosen() {
    let sda = "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda";
    let mounted =
        "/proc/self/mountinfo =\n\t27 1 8:1 / /mnt rw,relatime shared:1 - ext4 /dev/x rw\n";
    let btrfs = "/proc/self/mountinfo =\n\t27 1 0:33 / /mnt rw,relatime - btrfs /dev/sdb rw\n";
    let stick = "/sys/devices/pci0000:00/0000:00:05.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0";
    let no_stick = format!("{stick}/model = Acme Virtual Media\n");
    for (name, changes, chosen) in [
        ("lab-uefi", String::new(), "/dev/sda"),
        ("ahci-nvme", String::new(), "/dev/sdc"),
        ("ahci-nvme", no_stick.clone(), "/dev/sdb"),
        ("ahci-nvme", no_stick.clone() + btrfs, "/dev/sda"),
        ("ahci-nvme", no_stick.clone() + mounted, "/dev/sdb"),
        (
            "ahci-nvme",
            format!("{no_stick}{btrfs}{sda}/sda1/holders/md127/\n"),
            "/dev/nvme0n1",
        ),
        ("hba", String::new(), "/dev/sdc"),
    ] {
        let machine = Machine::recorded(name).with(&changes);
        let disk = default_root(&machine.host()).expect("one will do");
        assert_eq!(disk.name, chosen, "{name} with {changes}");
        assert_eq!(
            disk.path,
            machine.place(chosen),
            "the path is on the host's side"
        );
    }
}

#[test]
fn equals_are_chosen_by_name() {
    let two = plain("vdb", 8, "") + &plain("vda", 8, "") + &plain("vdc", 9, "");
    let disk = default_root(&Machine::empty().with(&two).host()).expect("three will do");
    assert_eq!(disk.name, "/dev/vda");
    // Exactly 4 GiB is enough; a byte less is not to be had in sectors.
    let edge = plain("vda", 4, "") + &plain("vdb", 5, "");
    let edge = Machine::empty().with(&edge);
    assert_eq!(
        default_root(&edge.host()).expect("it is enough").name,
        "/dev/vda"
    );
    let edge = edge.with("/sys/devices/virtual/block/vda/size = 8388607\n");
    assert_eq!(
        default_root(&edge.host()).expect("the other").name,
        "/dev/vdb"
    );
}

#[test]
fn parameters_on_a_removable_drive_are_never_overwritten() {
    let machine = Machine::recorded("ahci-nvme").with("/dev/sdc =\n");
    let mut boot_sector = vec![0; 512];
    boot_sector[43..54].copy_from_slice(b"ir-vfd-dev ");
    std::fs::write(machine.place("/dev/sdc"), &boot_sector).expect("writable");
    assert_eq!(
        default_root(&machine.host()).expect("others").name,
        "/dev/sdb"
    );
    boot_sector[43] = b'x';
    std::fs::write(machine.place("/dev/sdc"), &boot_sector).expect("writable");
    assert_eq!(
        default_root(&machine.host()).expect("itself").name,
        "/dev/sdc"
    );
}

#[test]
fn the_error_says_why_each_disk_was_passed_over() {
    let error = default_root(&Machine::recorded("host").host()).expect_err("it is mounted");
    assert_eq!(error.kind(), Kind::DeviceNotFound);
    assert!(error.details().contains("is mounted at /"), "{error}");

    let small = Machine::recorded("hba")
        .without("/sys/block/sdc")
        .without("/sys/block/sdd")
        .with("/sys/devices/pci0000:00/0000:00:04.0/host2/port-2:0/end_device-2:0/target2:0:0/2:0:0:0/block/sde/holders/md0/\n");
    let error = default_root(&small.host()).expect_err("none will do");
    for said in [
        "/dev/sda (4 GiB) is read-only",
        "/dev/sdb (4 GiB) is virtual media",
        "/dev/sde (7 GiB) is held by md0",
        "/dev/vda (2 GiB) is smaller than 4 GiB",
        "/dev/vdb (6 GiB) is read-only",
    ] {
        assert!(error.details().contains(said), "{said} in {error}");
    }
    let nothing = default_root(&Machine::empty().host()).expect_err("no disk at all");
    assert!(nothing.details().contains("shows no disk"), "{nothing}");
}

#[test]
fn disks_that_are_late_are_waited_for() {
    let (clock, pause) = (Clock::fake(), Duration::from_secs(3));
    let machine = Machine::empty();
    let error = wait_for_root(&machine.host(), &clock, 10, pause, &Wishes::default())
        .expect_err("none ever comes");
    assert_eq!(error.kind(), Kind::DeviceNotFound);
    assert_eq!(clock.elapsed(), 9 * pause, "ten looks, nine pauses");

    let machine = machine.with(&plain("vda", 8, ""));
    let chosen =
        wait_for_root(&machine.host(), &clock, 10, pause, &Wishes::default()).expect("there now");
    assert_eq!(
        (chosen.disk.name.as_str(), clock.elapsed()),
        ("/dev/vda", 9 * pause + Duration::from_secs(2)),
        "and a second look"
    );
    // No attempts is one look.
    let clock = Clock::fake();
    wait_for_root(
        &Machine::empty().host(),
        &clock,
        0,
        pause,
        &Wishes::default(),
    )
    .expect_err("none");
    assert_eq!(clock.elapsed(), Duration::ZERO);
}
