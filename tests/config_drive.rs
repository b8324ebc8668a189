//! Config drives: where they end, and what is refused before a disk is touched.
//! The drives are genisoimage's and mkfs.vfat's, the judges blkid, sgdisk and sfdisk.

#[path = "config_drive/rebuild.rs"]
mod rebuild;
#[path = "config_drive/source.rs"]
mod source;
mod support;

use std::fs;
use std::path::Path;

use ironlet::error::Kind;
use ironlet::image::layout::config_drive::{LIMIT, Source};
use support::config_drives::{found, iso, packed, vfat};
use support::partition_tables::{MIB, image, judge, listed, name, old_disk, put, says};
use support::scratch::Scratch;

const GPT: &str = "label: gpt\nsize=8MiB\nsize=16MiB, type=uefi\n";
const MBR: &str = "label: dos\nsize=8MiB, type=83, bootable\n";
/// Where the last 64 MiB of a disk of 200 MiB begin: whole MiB before the backup of a GPT, or the end.
const BEFORE_BACKUP: usize = 135 * MIB;
const BEFORE_END: usize = 136 * MIB;

fn inline(text: &str) -> Option<Source> {
    Some(Source::new(text, LIMIT).expect("a good drive"))
}

fn holds(disk: &Path, at: usize, drive: &[u8], end: usize) {
    let bytes = fs::read(disk).expect("the disk is a file");
    assert!(bytes[at..at + drive.len()] == *drive, "the drive");
    let rest = &bytes[at + drive.len()..end];
    assert!(rest.iter().all(|byte| *byte == 0), "old data is left");
}

#[test]
fn a_new_last_partition_holds_the_drive() {
    for (script, at, record) in [
        (
            GPT,
            BEFORE_BACKUP,
            "start=276480,size=131072,type=0FC63DAF-8483-4772-8E79-3D69D8477DE4,",
        ),
        (MBR, BEFORE_END, "start=278528,size=131072,type=c"),
    ] {
        let scratch = Scratch::new();
        let (drive, text) = iso(&scratch);
        let image = image(&scratch, 40, script);
        let disk = old_disk(&scratch, 200);
        put(&image, &disk, inline(&text)).expect("there is room");
        let before = listed(&scratch.path("image"));
        let after = listed(&disk);
        assert_eq!(after[..before.len()], before);
        assert_eq!(after.len(), before.len() + 1);
        assert!(after[before.len()].starts_with(record), "{after:?}");
        holds(&disk, at, &drive, at + 64 * MIB);
        assert_eq!(found(&disk, at), ("config-2".into(), "iso9660".into()));
        match script {
            GPT => judge(&disk),
            _ => assert!(says("sfdisk", &["--verify", name(&disk)], "").contains("No errors")),
        }
    }
}

/// Two disks have two partitions, not one with the same GUID.
#[test]
fn every_new_partition_has_a_guid_of_its_own() {
    let guids = [0, 1].map(|_| {
        let scratch = Scratch::new();
        let image = image(&scratch, 40, GPT);
        let disk = old_disk(&scratch, 200);
        put(&image, &disk, inline(&iso(&scratch).1)).expect("there is room");
        let told = says("sgdisk", &["-i", "3", name(&disk)], "");
        let line = told
            .lines()
            .find(|line| line.starts_with("Partition unique GUID"));
        line.expect("a GUID").to_owned()
    });
    assert_ne!(guids[0], guids[1]);
    // Version 4 and its variant, where the text form has them.
    let groups: Vec<&str> = guids[0].split('-').collect();
    assert!(
        groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'A', 'B']),
        "{groups:?}"
    );
}

#[test]
fn a_partition_that_waits_for_it_takes_it() {
    let wait = |script: &'static str, label, at| (script, label, at);
    for (script, label, at) in [
        wait(GPT, "CONFIG-2", 9 * MIB),
        wait(GPT, "Config-2", 9 * MIB),
        wait("label: dos\nsize=8MiB\nsize=16MiB\n", "config-2", 9 * MIB),
        wait(
            "label: gpt\nsize=8MiB\nsize=16MiB, name=\"config-2\"\n",
            "other",
            9 * MIB,
        ),
        // The first logical partition, a MiB behind the start of the extended one.
        wait(
            "label: dos\n1: size=8MiB\n2: size=24MiB, type=f\n5: size=8MiB\n6: size=8MiB\n",
            "CONFIG-2",
            10 * MIB,
        ),
    ] {
        let scratch = Scratch::new();
        let mut image = image(&scratch, 40, script);
        let (waiting, _) = vfat(&scratch, label, "512");
        image[at..at + waiting.len()].copy_from_slice(&waiting);
        let (drive, text) = iso(&scratch);
        let disk = old_disk(&scratch, 200);
        put(&image, &disk, inline(&text)).expect(script);
        assert_eq!(listed(&disk), listed(&scratch.path("image")), "{script}");
        holds(&disk, at, &drive, at + drive.len());
    }
}

#[test]
fn where_there_is_no_place_nothing_boots() {
    let four = "label: dos\nsize=2MiB\nsize=2MiB\nsize=2MiB\nsize=2MiB\n";
    let extended = "label: dos\nsize=2MiB\nsize=2MiB\nsize=2MiB\nsize=8MiB, type=5\nsize=2MiB\n";
    let full = "label: gpt\ntable-length: 2\nsize=2MiB\nsize=2MiB\n";
    let two = "label: gpt\nsize=8MiB\nsize=8MiB\nsize=8MiB\n";
    for (script, mib, labelled, said) in [
        (four, 200, &[][..], "already has 4 primary partitions"),
        (extended, 200, &[], "already has 4 primary partitions"),
        (full, 200, &[], "all 2 entries of the GPT are in use"),
        (GPT, 80, &[], "no 64 MiB free at the end of the disk"),
        (GPT, 40, &[], "no 64 MiB free at the end of the disk"),
        (MBR, 70, &[], "no 64 MiB free before the end"),
        (
            two,
            200,
            &[1, 17],
            "partitions 1 and 3 of the image both have the label",
        ),
    ] {
        let scratch = Scratch::new();
        let mut image = image(&scratch, 40, script);
        let (waiting, _) = vfat(&scratch, "CONFIG-2", "512");
        for at in labelled.iter().map(|mib| mib * MIB) {
            image[at..at + waiting.len()].copy_from_slice(&waiting);
        }
        let disk = old_disk(&scratch, mib);
        let error = put(&image, &disk, inline(&iso(&scratch).1)).expect_err(script);
        assert_eq!(error.kind(), Kind::DeploymentError, "{error}");
        assert!(error.details().contains(said), "{error}");
        let bytes = fs::read(&disk).expect("the disk is a file");
        assert!(bytes[..MIB].iter().all(|byte| *byte == 0), "it could boot");
    }
}

#[test]
fn a_drive_larger_than_the_partition_that_waits_is_refused() {
    let scratch = Scratch::new();
    let script = "label: gpt\nsize=8MiB\nsize=2MiB, name=config-2\n";
    let image = image(&scratch, 40, script);
    let (_, text) = packed(vec![7; 2 * MIB + 1]);
    let disk = old_disk(&scratch, 100);
    let error = put(&image, &disk, inline(&text)).expect_err("2 MiB only");
    assert!(error.details().contains("which waits for it"), "{error}");
}

/// An MBR counts to 2 TiB: the drive stays below, where the reference agent has it.
#[test]
fn on_a_disk_beyond_the_reach_of_an_mbr_it_stays_within() {
    let scratch = Scratch::new();
    let image = image(&scratch, 40, MBR);
    let disk = old_disk(&scratch, 200);
    let size = 3 << 40;
    let file = fs::OpenOptions::new().write(true).open(&disk);
    file.and_then(|file| file.set_len(size))
        .expect("a sparse file");
    let (_, text) = iso(&scratch);
    put(&image, &disk, inline(&text)).expect("there is room");
    let start = (2_097_152 - 65) * 2048u64;
    let after = listed(&disk);
    assert_eq!(after[1], format!("start={start},size=131072,type=c"));
    let at = start as usize * 512;
    assert_eq!(found(&disk, at), ("config-2".into(), "iso9660".into()));
}
