//! What becomes of an image's partition table on a larger disk; the judges are sgdisk and sfdisk.

#[path = "partition_table/early.rs"]
mod early;
#[path = "partition_table/lenient.rs"]
mod lenient;
mod support;

use std::fs;

use ironlet::error::Kind;
use support::partition_tables::{
    Loop, MIB, image, judge, listed, name, numbered, old_disk, put, says,
};
use support::scratch::Scratch;

const GPT: &str = "label: gpt\nsize=8MiB, name=\"boot loader\"\nsize=16MiB, type=uefi\n";
const MBR: &str = "label: dos\nsize=8MiB, type=83, bootable\n";

fn header_at(disk: &[u8], sector: usize) -> bool {
    disk[sector * 512..].starts_with(b"EFI PART")
}

#[test]
fn the_backup_moves_to_the_end_of_a_larger_disk() {
    for (what, script, hybrid) in [
        ("as sfdisk makes it", GPT.to_owned(), false),
        (
            "256 entries",
            GPT.replace("gpt\n", "gpt\ntable-length: 256\n"),
            false,
        ),
        (
            "4 entries",
            GPT.replace("gpt\n", "gpt\ntable-length: 4\n"),
            false,
        ),
        ("two tables", GPT.to_owned(), true),
    ] {
        let scratch = Scratch::new();
        let mut image = image(&scratch, 40, &script);
        if hybrid {
            let path = scratch.path("image");
            says("sgdisk", &["-h", "1", name(&path)], "");
            image = fs::read(&path).expect("it is there");
        }
        let disk = old_disk(&scratch, 100);
        put(&image, &disk, None).expect(what);
        if !hybrid {
            judge(&disk);
        }
        assert_eq!(listed(&disk), listed(&scratch.path("image")), "{what}");
        let bytes = fs::read(&disk).expect("the disk is a file");
        let (first, last) = (MIB, image.len() - MIB);
        assert!(bytes[first..last] == image[first..last], "{what}: the data");
        assert!(header_at(&image, 40 * 2048 - 1), "{what}: it had a backup");
        assert!(!header_at(&bytes, 40 * 2048 - 1), "{what}: the old backup");
        assert!(header_at(&bytes, 100 * 2048 - 1), "{what}: the new backup");
        let verdict = says("sgdisk", &["-v", name(&disk)], "");
        assert!(!verdict.contains("doesn't reside"), "{what}: {verdict}");
    }
}

/// The backup alone is enough to restore the table.
#[test]
fn the_backup_is_one() {
    let scratch = Scratch::new();
    let image = image(&scratch, 40, GPT);
    let disk = old_disk(&scratch, 100);
    put(&image, &disk, None).expect("a good image");
    let before = listed(&disk);
    let mut bytes = fs::read(&disk).expect("the disk is a file");
    bytes[512..34 * 512].fill(0);
    fs::write(&disk, bytes).expect("it is a file");
    // Recovery, load the backup, write.
    says("gdisk", &[name(&disk)], "r\nb\ny\nw\ny\n");
    judge(&disk);
    assert_eq!(listed(&disk), before);
}

#[test]
fn a_table_that_fits_stays_as_it_is_byte_for_byte() {
    for (size, script) in [(40, GPT), (40, MBR), (100, MBR)] {
        let scratch = Scratch::new();
        let image = image(&scratch, 40, script);
        let disk = old_disk(&scratch, size);
        put(&image, &disk, None).expect("a good image");
        let bytes = fs::read(&disk).expect("the disk is a file");
        assert!(bytes[..image.len()] == image, "{script} on {size}");
    }
}

#[test]
fn disks_with_large_sectors_have_large_tables() {
    let scratch = Scratch::new();
    let path = scratch.path("image");
    fs::write(&path, numbered(40 * MIB)).expect("room for an image");
    let made = Loop::new(&path, 4096);
    says("sfdisk", &["-q", name(made.path())], GPT);
    let before = listed(made.path());
    drop(made);
    let image = fs::read(&path).expect("it is there");
    let disk = Loop::new(&old_disk(&scratch, 100), 4096);
    put(&image, disk.path(), None).expect("a good image");
    judge(disk.path());
    assert_eq!(listed(disk.path()), before);
}

#[test]
fn an_image_for_other_sectors_than_the_disk_has_is_refused() {
    for (script, said) in [
        (GPT, "sectors of 512 bytes, and the disk has 4096"),
        (MBR, "ends at 72 MiB, and the disk at 50 MiB"),
    ] {
        let scratch = Scratch::new();
        let image = image(&scratch, 40, script);
        let disk = Loop::new(&old_disk(&scratch, 50), 4096);
        let error = put(&image, disk.path(), None).expect_err("it would not boot");
        assert_eq!(error.kind(), Kind::DeploymentError);
        assert!(error.details().contains(said), "{error}");
    }
}

/// Without a partition there is nothing to boot: the command fails, and the disk holds what it held.
#[test]
fn a_disk_without_a_partition_never_boots() {
    for (what, script, said) in [
        ("nothing", None, "no partition table"),
        (
            "an empty GPT",
            Some("label: gpt\n"),
            "the GPT of the image has no partition",
        ),
        (
            "an empty MBR",
            Some("label: dos\n"),
            "the MBR of the image has no partition",
        ),
    ] {
        let scratch = Scratch::new();
        let image = match script {
            Some(script) => image(&scratch, 8, script),
            None => numbered(8 * MIB),
        };
        let disk = old_disk(&scratch, 20);
        let before = fs::read(&disk).expect("the disk is a file");
        let error = put(&image, &disk, None).expect_err(what);
        assert_eq!(error.kind(), Kind::DeploymentError, "{what}");
        assert!(error.details().contains(said), "{what}: {error}");
        let after = fs::read(&disk).expect("the disk is a file");
        assert!(after == before, "{what}: touched");
    }
}

/// A change to a good image: bytes at an offset, and whether checksums are made right again.
struct Lie(&'static str, usize, Vec<u8>, bool, &'static str);

#[test]
#[rustfmt::skip]
fn every_lie_of_a_gpt_is_named() {
    const HEADER: usize = 512;
    const ENTRY: usize = 1024;
    let eight = |number: u64| number.to_le_bytes().to_vec();
    let four = |number: u32| number.to_le_bytes().to_vec();
    let lies = [
        Lie("no signature", HEADER, b"EFI TRAP".to_vec(), true, "no header in the sector"),
        Lie("a header that changed", HEADER + 56, vec![1], false, "checksum of its header"),
        Lie("a short header", HEADER + 12, four(91), true, "its header has 91 bytes"),
        Lie("a long header", HEADER + 12, four(513), true, "its header has 513 bytes"),
        Lie("an endless header", HEADER + 12, four(u32::MAX), true, "its header has 4294967295 bytes"),
        Lie("elsewhere", HEADER + 24, eight(2), true, "it is in sector 2"),
        Lie("upside down", HEADER + 40, eight(70_000_000), true, "partitions may use sectors 70000000"),
        Lie("everything usable", HEADER + 48, eight(u64::MAX), true, "partitions may use sectors"),
        Lie("entries in the boot record", HEADER + 72, eight(0), true, "its entries begin in sector 0"),
        Lie("entries in the header", HEADER + 72, eight(1), true, "its entries begin in sector 1"),
        Lie("entries far away", HEADER + 72, eight(5000), true, "only those within the first 1 MiB"),
        Lie("entries beyond counting", HEADER + 72, eight(u64::MAX), true, "its entries begin in sector"),
        Lie("entries at the edge of counting", HEADER + 72, eight(u64::MAX / 512), true, "begin in sector"),
        Lie("too many entries", HEADER + 80, four(u32::MAX), true, "only those within the first 1 MiB"),
        Lie("more entries than are there", HEADER + 80, four(129), false, "checksum of its header"),
        Lie("half the entries", HEADER + 80, four(64), true, "checksum of its entries"),
        Lie("small entries", HEADER + 84, four(64), true, "its entries have 64 bytes"),
        Lie("odd entries", HEADER + 84, four(192), true, "its entries have 192 bytes"),
        Lie("entries of nothing", HEADER + 84, four(0), true, "its entries have 0 bytes"),
        Lie("huge entries", HEADER + 84, four(1 << 31), true, "only those within the first 1 MiB"),
        Lie("an entry that changed", ENTRY + 40, vec![1], false, "checksum of its entries"),
        Lie("a partition backwards", ENTRY + 32, eight(60_000), true, "partition 1 has sectors 60000"),
        Lie("a partition on the table", ENTRY + 32, eight(2), true, "partition 1 has sectors 2 to 6143, where the table is"),
        Lie("a partition off the disk", ENTRY + 40, eight(u64::MAX), true, "partition 1 has sectors"),
        Lie("partitions that overlap", ENTRY + 40, eight(7_000), true, "partitions 1 and 2 overlap"),
    ];
    let scratch = Scratch::new();
    let good = image(&scratch, 8, "label: gpt\nsize=2MiB\nsize=3MiB\n");
    for Lie(what, at, bytes, right_sums, said) in lies {
        let mut image = good.clone();
        image[at..at + bytes.len()].copy_from_slice(&bytes);
        if right_sums {
            if at >= ENTRY {
                let sum = crc32(&image[1024..1024 + 128 * 128]);
                image[HEADER + 88..HEADER + 92].copy_from_slice(&sum);
            }
            image[HEADER + 16..HEADER + 20].fill(0);
            let length = u32::from_le_bytes(image[HEADER + 12..HEADER + 16].try_into().expect("four bytes"));
            let sum = crc32(&image[HEADER..][..length.clamp(92, 512) as usize]);
            image[HEADER + 16..HEADER + 20].copy_from_slice(&sum);
        }
        let disk = old_disk(&scratch, 16);
        let before = fs::read(&disk).expect("the disk is a file");
        let error = put(&image, &disk, None).expect_err(what);
        assert_eq!(error.kind(), Kind::DeploymentError, "{what}: {error}");
        assert!(error.details().contains(said), "{what}: {error}");
        assert!(fs::read(&disk).expect("the disk is a file") == before, "{what}: touched");
    }
}

/// Bit by bit, so that nothing is shared with what is tested.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    (!crc).to_le_bytes()
}

#[test]
fn lies_of_an_mbr_are_named() {
    let scratch = Scratch::new();
    let good = image(&scratch, 8, "label: dos\nsize=2MiB\nsize=3MiB\n");
    for (what, at, bytes, said) in [
        (
            "a boot sector of a file system",
            446,
            &[0x33][..],
            "no partition table",
        ),
        ("no signature", 510, &[0, 0], "no partition table"),
        (
            "off the disk",
            458,
            &[0xff, 0xff, 0xff, 0xff],
            "partition 1 ends at",
        ),
        (
            "over each other",
            458,
            &[0, 0x18, 0, 0],
            "partitions 1 and 2 overlap",
        ),
        (
            "on the record",
            454,
            &[0, 0, 0, 0],
            "partition 1 begins with the table",
        ),
        (
            "a GPT that is not there",
            450,
            &[0xee, 0, 0, 0, 1, 0, 0, 0],
            "announces a GPT",
        ),
    ] {
        let mut image = good.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        let disk = old_disk(&scratch, 16);
        let error = put(&image, &disk, None).expect_err(what);
        assert!(error.details().contains(said), "{what}: {error}");
    }
}

/// An image cut short behind its last partition, which ends at 25 MiB: the backup needs 33 sectors.
#[test]
fn a_partition_where_the_backup_belongs_is_refused() {
    let scratch = Scratch::new();
    let image = image(&scratch, 40, "label: gpt\nsize=8MiB\nsize=16MiB\n");
    let reaches = Some("partition 2 reaches into the last sectors");
    for (size, said) in [
        (
            24 * MIB,
            Some("partition 2 ends at 25 MiB, and the disk at 24 MiB"),
        ),
        (25 * MIB, reaches),
        (25 * MIB + 16384, reaches),
        (25 * MIB + 20480, None),
    ] {
        let disk = old_disk(&scratch, 26);
        let file = fs::OpenOptions::new().write(true).open(&disk);
        file.and_then(|file| file.set_len(size as u64))
            .expect("it is a file");
        match (put(&image[..size], &disk, None), said) {
            (Err(error), Some(said)) => assert!(error.details().contains(said), "{error}"),
            (Ok(_), None) => judge(&disk),
            (result, said) => panic!("{size} bytes: {result:?}, {said:?}"),
        }
    }
}
