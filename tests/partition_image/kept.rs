//! `preserve_ephemeral`: the table and the ephemeral partition stay to the byte, the rest is new.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ironlet::disk::table::partition_plan::{Role, Scheme};
use ironlet::error::Kind;
use ironlet::image::layout::Partitions;

use super::support::config_drives::packed;
use super::support::partition_tables::{MIB, name, old_disk, says};
use super::support::scratch::Scratch;
use super::{held, partition, put, root_image, wanted};

const DISK: usize = 64;

fn kept(wanted: Partitions) -> Partitions {
    Partitions {
        preserve: true,
        ..wanted
    }
}

/// Its first MiB and its last sectors: the table.
fn table(disk: &Path) -> Vec<u8> {
    let bytes = fs::read(disk).expect("a file");
    [&bytes[..MIB], &bytes[bytes.len() - 33 * 512..]].concat()
}

fn first_deploy(scratch: &Scratch, wanted: Partitions) -> PathBuf {
    let disk = old_disk(scratch, DISK);
    let drive = packed(vec![7; 2 * MIB]).1;
    put(&root_image(scratch, 12), &disk, wanted, Some(&drive)).expect("there is room");
    disk
}

#[test]
fn the_next_deploy_keeps_the_table_and_the_ephemeral_partition() {
    for (scheme, ephemeral_at) in [(Scheme::BiosGpt, 2), (Scheme::Mbr, 1)] {
        let scratch = Scratch::new();
        let wanted = wanted(scheme, 16, 2, 10);
        let disk = first_deploy(&scratch, wanted);
        let file = OpenOptions::new().write(true).open(&disk).expect("a file");
        let place = ((ephemeral_at + 4) * MIB) as u64;
        file.write_all_at(&[0x5a; 4096], place).expect("room");
        let ephemeral = |disk: &Path| {
            let bytes = fs::read(disk).expect("a file");
            bytes[ephemeral_at * MIB..(ephemeral_at + 10) * MIB].to_vec()
        };
        let before = (table(&disk), ephemeral(&disk));
        let image = root_image(&scratch, 14);
        // Not larger than the one it takes the place of.
        let (drive, text) = packed(vec![9; MIB]);
        let parts = put(&image, &disk, kept(wanted), Some(&text)).expect("it is the same");
        assert!((table(&disk), ephemeral(&disk)) == before, "{scheme:?}");
        let mut at = 1;
        for part in &parts {
            let size = match part.role {
                Role::BiosBoot => 1,
                Role::Ephemeral => 10,
                Role::Root => 16,
                Role::Swap | Role::Drive | Role::Efi => 2,
            };
            let path = partition(&scratch, &disk, at, size);
            held(&path, part, &image, &drive);
            at += size;
        }
    }
}

/// The same order made by parted, as the reference agent makes it.
#[test]
fn a_table_of_parted_is_as_good() {
    let scratch = Scratch::new();
    let disk = old_disk(&scratch, DISK);
    let script = "mklabel gpt mkpart primary 1 2 set 1 bios_grub on mkpart primary 2 12 \
                  mkpart primary linux-swap 12 14 mkpart primary 14 30";
    let arguments = ["-a", "optimal", "-s", name(&disk), "--", "unit", "MiB"];
    let arguments = [
        &arguments[..],
        &script.split_whitespace().collect::<Vec<_>>(),
    ]
    .concat();
    says("parted", &arguments, "");
    let before = table(&disk);
    let wanted = kept(wanted(Scheme::BiosGpt, 16, 2, 10));
    put(&root_image(&scratch, 12), &disk, wanted, None).expect("it is the same");
    assert!(table(&disk) == before);
}

#[test]
fn another_table_is_refused_and_nothing_is_written() {
    let own = wanted(Scheme::BiosGpt, 16, 2, 10);
    let two = || Some(packed(vec![7; 2 * MIB]).1);
    let cases = [
        (
            own,
            None,
            "root, belongs at 14 MiB to 30 MiB of the disk, and lies at 14 MiB to 16 MiB there",
        ),
        (
            own,
            Some(packed(vec![7; 3 * MIB]).1),
            "partition 4, configdrive, belongs at 14 MiB to 17 MiB",
        ),
        (
            wanted(Scheme::BiosGpt, 17, 2, 10),
            two(),
            "partition 5, root, belongs at",
        ),
        (
            wanted(Scheme::BiosGpt, 16, 0, 10),
            two(),
            "partition 4, root, belongs at",
        ),
        (
            wanted(Scheme::BiosGpt, 16, 2, 9),
            two(),
            "partition 2, ephemeral, belongs at",
        ),
        (
            wanted(Scheme::Mbr, 16, 2, 10),
            two(),
            "wants a MBR, and the disk has a GPT",
        ),
    ];
    let scratch = Scratch::new();
    let disk = first_deploy(&scratch, own);
    let before = fs::read(&disk).expect("a file");
    let refuse = |wanted, drive: Option<&str>, said: &str| {
        let error = put(&[7; MIB], &disk, kept(wanted), drive).expect_err(said);
        assert_eq!(error.kind(), Kind::DeploymentError, "{error}");
        for part in [said, "preserve_ephemeral is true", "nothing was written"] {
            assert!(error.details().contains(part), "{part}: {error}");
        }
    };
    for (wanted, drive, said) in cases {
        refuse(wanted, drive.as_deref(), said);
        assert!(fs::read(&disk).expect("a file") == before, "{said}");
    }
    says("sgdisk", &["-n", "0:0:0", name(&disk)], "");
    refuse(
        own,
        two().as_deref(),
        "the disk has 6 partitions, this deploy 5",
    );
    let file = OpenOptions::new().write(true).open(&disk).expect("a file");
    file.write_all_at(&[0xff; 8], 520).expect("room");
    refuse(own, two().as_deref(), "the GPT is corrupt");
    file.write_all_at(&[0; 512], 0).expect("room");
    refuse(own, two().as_deref(), "there is no partition table on it");
}
