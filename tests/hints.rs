//! Root device hints against the disks of recorded machines: which fit, what is wrong, and the choice in words.

use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::codec::json::{Value, parse};
use ironlet::disk::select::hints::Fit;
use ironlet::disk::{Disk, Hints, Wishes, list, wait_for_root};
use ironlet::error::{Kind, Result};

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;
use machine::Machine;

fn hints(json: &str) -> Result<Hints> {
    let Ok(Value::Object(object)) = parse(json) else {
        panic!("an object: {json}")
    };
    Hints::parse(&object)
}

/// What upstream's matcher (device_hints.py 13.0.0) answers for the same hints and disks, ranges aside.
#[rustfmt::skip]
const FITS: [(&str, &str); 39] = [
    (r#"{"name":"/dev/sda"}"#, "sda"),
    (r#"{"name":" /DEV/sdA "}"#, "sda"),
    (r#"{"name":"s!= /dev/sda"}"#, "sdb sdc nvme1n1 nvme0n1"),
    (r#"{"model":"QEMU HARDDISK"}"#, "sdb sdc"),
    (r#"{"model":"qemu harddisk"}"#, "sdb sdc"),
    (r#"{"model":"QEMU"}"#, ""),
    (r#"{"model":"<in> QEMU"}"#, "sdb sdc nvme1n1 nvme0n1"),
    (r#"{"model":"<or> QEMU HARDDISK <or> QEMU NVMe Ctrl"}"#, "sdb sdc nvme1n1 nvme0n1"),
    (r#"{"model":"s== Acme Spinner 6000 long name"}"#, "sda"),
    (r#"{"vendor":"none"}"#, "nvme1n1 nvme0n1"),
    (r#"{"vendor":"s!= ata"}"#, "sdc nvme1n1 nvme0n1"),
    (r#"{"serial":"SATA-0002"}"#, "sdb"),
    (r#"{"serial":"s>= sata-0002"}"#, "sdb sdc"),
    (r#"{"serial":"s> sata-0002"}"#, "sdc"),
    (r#"{"serial":"s< sata-0001"}"#, "sda sdb sdc nvme1n1 nvme0n1"),
    (r#"{"serial":"s<= sata-0001"}"#, "sda sdb sdc nvme1n1 nvme0n1"),
    (r#"{"wwn":"0x5000C500AABBCC01"}"#, "sda"),
    (r#"{"wwn":"s!= 0x5000c500aabbcc01"}"#, "nvme1n1 nvme0n1"),
    (r#"{"wwn_with_extension":"none"}"#, "sdb sdc nvme1n1 nvme0n1"),
    (r#"{"wwn_vendor_extension":"<in> 0x"}"#, ""),
    (r#"{"hctl":"2:0:0:0"}"#, "sdb"),
    (r#"{"by_path":"/dev/disk/by-path/pci-0000:00:03.0-nvme-1"}"#, "nvme0n1"),
    (r#"{"by_path":"/dev/disk/by-path/pci-0000:00:1f.2-ata-1"}"#, "sda"),
    (r#"{"by_path":"/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"}"#, "sda"),
    (r#"{"by_path":"s!= /dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"}"#, "sdb sdc nvme1n1 nvme0n1"),
    (r#"{"tran":"<or> usb <or> nvme"}"#, "sdc nvme1n1 nvme0n1"),
    (r#"{"rotational":true}"#, "sda sdc"),
    (r#"{"rotational":"No"}"#, "sdb nvme1n1 nvme0n1"),
    (r#"{"rotational":1}"#, "sda sdc"),
    (r#"{"size":6}"#, "sda"),
    (r#"{"size":"6"}"#, "sda"),
    (r#"{"size":"= 5"}"#, "sda sdb nvme0n1"),
    (r#"{"size":">=5"}"#, "sda sdb nvme0n1"),
    (r#"{"size":"> 5"}"#, "sda nvme0n1"),
    (r#"{"size":"<= 4"}"#, "sdc nvme1n1"),
    (r#"{"size":"!= 4"}"#, "sda sdb nvme1n1 nvme0n1"),
    (r#"{"size":"> 4","rotational":false}"#, "sdb nvme0n1"),
    (r#"{"size":"<range-in> [ 4 6 )"}"#, "sdb sdc"),
    (r#"{"size":"<range-in> ( 4 6 ]"}"#, "sda sdb"),
];

#[test]
fn hints_fit_the_disks_upstream_would_find() {
    let disks = list(&Machine::recorded("ahci-nvme").host());
    for (json, wanted) in FITS {
        let hints = hints(json).expect(json);
        let fits = |disk: &&Disk| hints.fit(disk) == Fit::Yes;
        let names = disks.iter().filter(fits).map(|disk| &disk.name[5..]);
        assert_eq!(names.collect::<Vec<_>>().join(" "), wanted, "{json}");
    }
}

#[test]
fn a_wwn_is_known_with_its_extension_and_without() {
    let mut disk = list(&Machine::recorded("hba").host()).remove(4);
    disk.identity.wwn = Some("0x600508b1001cabcd0x1".replace("0x1", "0011"));
    disk.identity.wwn_vendor_extension = Some("0x0011".into());
    for wwn in ["0x600508b1001cabcd", "0x600508b1001cabcd0011"] {
        let hints = hints(&format!(r#"{{"wwn":"{wwn}"}}"#)).expect("a hint");
        assert_eq!(hints.fit(&disk), Fit::Yes, "{wwn}");
    }
}

#[test]
fn what_is_wrong_with_a_hint_is_said() {
    for (json, why) in [
        (r#"{}"#, "there is none"),
        (r#"{"colour":"red"}"#, "'colour' is none of size, model"),
        (r#"{"model":7}"#, "'model' must be a string"),
        (r#"{"model":null}"#, "'model' must be a string"),
        (r#"{"model":["a"]}"#, "'model' must be a string"),
        (r#"{"model":" "}"#, "is empty"),
        (r#"{"model":"s=="}"#, "nothing after s=="),
        (r#"{"model":"<all-in> a b"}"#, "these do: <range-in> <or>"),
        (r#"{"serial":"A <or> B"}"#, "has <or> where a value belongs"),
        (r#"{"serial":"<in> A <in> B"}"#, "has <in> where a value"),
        (
            r#"{"serial":"<or> A <or> <in> B"}"#,
            "has <in> where a value",
        ),
        (r#"{"serial":"s== A <or> B"}"#, "has <or> where a value"),
        (r#"{"model":"<or> s== A <or> B"}"#, "has s== where a value"),
        (r#"{"serial":">= x"}"#, "is no number"),
        (r#"{"size":0}"#, "no whole number of GiB"),
        (r#"{"size":"-1"}"#, "no whole number of GiB"),
        (r#"{"size":10.5}"#, "no whole number of GiB"),
        (r#"{"size":"10 GiB"}"#, "no whole number of GiB"),
        (r#"{"size":true}"#, "'size' must be a string"),
        (
            r#"{"size":"s== 10"}"#,
            "these do: <range-in> == != <= >= = < >;",
        ),
        (r#"{"size":"<or> 10 <or> 20"}"#, "these do: <range-in> =="),
        (
            r#"{"size":"<range-in> [ 20 10 ]"}"#,
            "ends before it begins",
        ),
        (r#"{"size":"<range-in> 10 20"}"#, "is no range"),
        (r#"{"rotational":"perhaps"}"#, "neither true nor false"),
    ] {
        let error = hints(json).expect_err(json);
        assert_eq!(error.kind(), Kind::DeviceNotFound);
        assert!(error.details().contains(why), "{json}: {error}");
    }
}

fn choose(machine: &Machine, root: &str, skip: &[&str]) -> Result<Disk> {
    let wishes = Wishes {
        root: (!root.is_empty()).then(|| hints(root).expect(root)),
        skip: skip.iter().map(|json| hints(json).expect(json)).collect(),
        ..Wishes::default()
    };
    let clock = Clock::fake();
    let chosen = wait_for_root(&machine.host(), &clock, 1, Duration::ZERO, &wishes)?;
    Ok(chosen.disk)
}

#[test]
fn hints_beat_the_default_rule_and_the_skip_list_beats_both() {
    let machine = Machine::recorded("ahci-nvme");
    for (root, skip, chosen) in [
        ("", &[][..], "/dev/sdc"),
        (
            "",
            &[r#"{"tran":"usb"}"#, r#"{"serial":"SATA-0002"}"#],
            "/dev/sda",
        ),
        // Smaller than the default rule would take, but meant.
        (r#"{"serial":"NVME-0002"}"#, &[], "/dev/nvme1n1"),
        // Two fit: the first by device number, which is not the first by name.
        (r#"{"tran":"nvme"}"#, &[], "/dev/nvme1n1"),
        (
            r#"{"tran":"nvme"}"#,
            &[r#"{"name":"/dev/nvme1n1"}"#],
            "/dev/nvme0n1",
        ),
        (r#"{"size":">= 1"}"#, &[], "/dev/sda"),
    ] {
        let disk = choose(&machine, root, skip).expect("one fits");
        assert_eq!(disk.name, chosen, "{root} without {skip:?}");
    }
}

#[test]
fn a_disk_that_is_in_use_is_not_taken_because_a_hint_names_it() {
    let mounted =
        "/proc/self/mountinfo =\n\t27 1 8:1 / /mnt rw,relatime shared:1 - ext4 /dev/x rw\n";
    let machine = Machine::recorded("ahci-nvme").with(mounted);
    let error = choose(&machine, r#"{"name":"/dev/sda"}"#, &[]).expect_err("it is mounted");
    assert_eq!(error.kind(), Kind::DeviceNotFound);
    for said in [
        "with name '/dev/sda'",
        "/dev/sda (6 GiB) is mounted at /mnt",
        "/dev/sdb (5 GiB) has name '/dev/sdb', not '/dev/sda'",
    ] {
        assert!(error.details().contains(said), "{said} in {error}");
    }
    let machine = Machine::recorded("hba");
    choose(&machine, r#"{"vendor":"AMI"}"#, &[]).expect_err("virtual media");
    let error =
        choose(&machine, r#"{"serial":"SAS-1"}"#, &[r#"{"tran":"sas"}"#]).expect_err("skipped");
    assert!(
        error.details().contains("is to be left alone: tran 'sas'"),
        "{error}"
    );
}

#[test]
fn every_name_of_a_disk_spares_it() {
    let (sata, sas, stick, flash) = ("/dev/sda", "/dev/sde", "/dev/sdc", "/dev/nvme0n1");
    for (machine, disk, names) in [
        (
            "ahci-nvme",
            sata,
            &[
                r#"{"serial":"SATA-0001"}"#,
                r#"{"serial":"Acme_Spinner_6000_long_name_SATA-0001"}"#,
                r#"{"wwn":"0x5000c500aabbcc01"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:1f.2-ata-1"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"}"#,
                r#"{"hctl":"0:0:0:0"}"#,
            ][..],
        ),
        (
            "ahci-nvme",
            stick,
            &[
                r#"{"serial":"USB-0001"}"#,
                r#"{"serial":"QEMU_QEMU_HARDDISK_USB-0001-0:0"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:05.0-usb-0:1:1.0-scsi-0:0:0:0"}"#,
                r#"{"tran":"usb"}"#,
            ],
        ),
        (
            "ahci-nvme",
            flash,
            &[
                r#"{"serial":"NVME-0001"}"#,
                r#"{"serial":"QEMU_NVMe_Ctrl_NVME-0001_1"}"#,
                r#"{"serial":"QEMU_NVMe_Ctrl_NVME-0001"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:03.0-nvme-1"}"#,
            ],
        ),
        (
            "hba",
            sas,
            &[
                r#"{"serial":"SAS-1"}"#,
                r#"{"serial":"5000c50000000001"}"#,
                r#"{"serial":"35000c50000000001"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:04.0-sas-phy2-lun-0"}"#,
                r#"{"by_path":"/dev/disk/by-path/pci-0000:00:04.0-sas-0x5000c50000000001-lun-0"}"#,
            ],
        ),
    ] {
        let disks = list(&Machine::recorded(machine).host());
        for json in names {
            let entry = hints(json).expect(json);
            let spared = disks.iter().filter(|disk| entry.spare(disk) == Fit::Yes);
            let spared: Vec<_> = spared.map(|disk| disk.name.as_str()).collect();
            assert_eq!(spared, [disk], "{machine}: {json}");
        }
    }
}

#[test]
fn a_disk_without_a_serial_number_is_unlike_one_for_who_spares_and_like_none_for_who_takes() {
    let disks = list(&Machine::recorded("hba").host());
    let bare = disks.iter().find(|disk| disk.name == "/dev/vda");
    let bare = bare.expect("a disk without a serial number");
    for (json, taken, spared) in [
        (r#"{"serial":"x"}"#, false, false),
        (r#"{"serial":"none"}"#, false, true),
        (r#"{"serial":"s!= x"}"#, false, true),
        (r#"{"wwn":"s!= x"}"#, false, true),
        (r#"{"model":"s!= x"}"#, true, true),
        (r#"{"by_path":"s!= x"}"#, true, true),
        (r#"{"tran":"none"}"#, true, true),
        (r#"{"tran":"virtio"}"#, true, true),
        (r#"{"tran":"s!= virtio"}"#, false, false),
    ] {
        let hints = hints(json).expect(json);
        assert_eq!(hints.fit(bare) == Fit::Yes, taken, "{json} as a hint");
        assert_eq!(hints.spare(bare) == Fit::Yes, spared, "{json} as an entry");
    }
    // One of several spellings is unlike, and that is not enough.
    let sas = disks.iter().find(|disk| disk.name == "/dev/sde");
    let unlike = hints(r#"{"serial":"s!= SAS-1"}"#).expect("a hint");
    assert_ne!(unlike.fit(sas.expect("there")), Fit::Yes);
}

/// The machine with SATA disks whose first port does not say its number, which udev's names are made of.
fn silent_port() -> Machine {
    let port = "/sys/devices/pci0000:00/0000:00:1f.2/ata1/ata_port/ata1/port_no";
    Machine::recorded("ahci-nvme")
        .without(port)
        .with(&format!("{port}/\n"))
}

#[test]
fn what_may_be_the_disk_to_spare_stops_everything() {
    let machine = silent_port();
    let path = |name: &str| format!(r#"{{"by_path":"/dev/disk/by-path/{name}"}}"#);
    let [gone, there] = [
        path("pci-0000:00:1f.2-ata-1"),
        path("pci-0000:00:1f.2-ata-3"),
    ];
    // Another disk is what the entry means, or the disk is known not to be by what else is said of it.
    for entry in [&there[..], r#"{"serial":"SATA-0001"}"#] {
        choose(&machine, "", &[entry]).expect(entry);
    }
    let both = gone.replace('}', r#","serial":"SATA-0002"}"#);
    choose(&machine, "", &[&both]).expect("its serial number is another");
    for entry in [&gone, &gone.replace('}', r#","size":6}"#)] {
        let error = choose(&machine, r#"{"name":"/dev/sdb"}"#, &[entry]).expect_err(entry);
        assert_eq!(error.kind(), Kind::DeviceNotFound);
        for said in [
            "/dev/sda may have by_path",
            "ata1/port_no",
            "no disk was touched",
            "skip_block_devices",
        ] {
            assert!(error.details().contains(said), "{said} in {error}");
        }
    }
    // A hint takes no disk of which it is not known whether it is meant.
    let error = choose(&machine, &gone, &[]).expect_err("unknown");
    assert!(error.details().contains("may have by_path"), "{error}");
    let error = choose(&machine, r#"{"by_path":"s!= x","name":"/dev/sda"}"#, &[]);
    error.expect_err("it may be x");
}

#[test]
fn an_entry_that_fits_no_disk_is_told_and_stops_nothing() {
    let machine = Machine::recorded("ahci-nvme");
    let wishes = Wishes {
        skip: vec![
            hints(r#"{"serial":"SATA-0002"}"#).expect("an entry"),
            hints(r#"{"serial":"SATA-0200","size":4}"#).expect("an entry"),
        ],
        ..Wishes::default()
    };
    let choice = ironlet::disk::root(&machine.host(), &wishes).expect("others are left");
    assert_eq!(
        choice.warnings,
        ["no disk is what skip_block_devices is to spare: serial 'SATA-0200', size '4'"]
    );
}

#[test]
fn a_disk_is_meant_by_its_bare_name_too_and_by_that_alone() {
    let disks = list(&Machine::recorded("ahci-nvme").host());
    for (json, wanted) in [
        (r#"{"name":"sda"}"#, "sda"),
        (r#"{"name":"<or> SDA <or> /dev/sdb"}"#, "sda sdb"),
        (r#"{"name":"s!= sda"}"#, "sdb sdc nvme1n1 nvme0n1"),
        (r#"{"name":"sd"}"#, ""),
        (r#"{"name":"s> sda"}"#, ""),
        (r#"{"name":"/dev/md/sda"}"#, ""),
    ] {
        let hints = hints(json).expect(json);
        let fits = |disk: &&Disk| hints.fit(disk) == Fit::Yes;
        let names = disks.iter().filter(fits).map(|disk| &disk.name[5..]);
        assert_eq!(names.collect::<Vec<_>>().join(" "), wanted, "{json}");
        assert!(
            disks
                .iter()
                .all(|disk| hints.fit(disk) == hints.spare(disk)),
            "{json}"
        );
    }
}
