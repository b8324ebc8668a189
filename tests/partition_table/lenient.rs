//! Tables that the kernel and parted take though they do not follow the book: deployed, and by the book from then
//! on. parted says what it sees before, sgdisk whether anything is wrong after.

use std::fs;
use std::path::Path;

use ironlet::disk::table::Table;

use super::support::partition_tables::{MIB, image, judge, listed, name, old_disk, put, says};
use super::support::scratch::Scratch;
use super::{crc32, header_at};

const HEADER: usize = 512;
/// The last sector of the image.
const END: u64 = 8 * 2048 - 1;

/// Fields of the header by their offset, and the sector its entries are moved to.
type Change = (&'static str, &'static [(usize, u64)], Option<usize>);

const CHANGES: [Change; 11] = [
    (
        "usable from behind the first partition",
        &[(40, 5000)],
        None,
    ),
    ("usable up to before the last", &[(48, 9000)], None),
    ("usable between them alone", &[(40, 6000), (48, 6001)], None),
    ("usable from the table on", &[(40, 2)], None),
    ("usable from the boot record on", &[(40, 0)], None),
    ("usable to the backup", &[(48, END)], None),
    ("usable to the backup's entries", &[(48, END - 1)], None),
    ("no backup named", &[(32, 0)], None),
    ("itself named as the backup", &[(32, 1)], None),
    ("a backup in a partition", &[(32, 3000)], None),
    ("a backup beyond counting", &[(32, u64::MAX)], None),
];
const MOVED: [Change; 4] = [
    (
        "entries in the middle of the first MiB",
        &[(40, 2048)],
        Some(1000),
    ),
    ("entries there, usable before them", &[(40, 34)], Some(1000)),
    (
        "entries at the end of the first MiB",
        &[(40, 2048)],
        Some(2016),
    ),
    ("entries right there, no backup", &[(32, 0)], Some(2016)),
];

fn changed(image: &[u8], (_, fields, entries): &Change) -> Vec<u8> {
    let mut image = image.to_vec();
    for (at, value) in *fields {
        image[HEADER + at..][..8].copy_from_slice(&value.to_le_bytes());
    }
    if let Some(sector) = entries {
        image.copy_within(1024..1024 + 128 * 128, sector * 512);
        image[1024..1024 + 128 * 128].fill(0x5a);
        image[HEADER + 72..][..8].copy_from_slice(&(*sector as u64).to_le_bytes());
    }
    image[HEADER + 16..HEADER + 20].fill(0);
    let sum = crc32(&image[HEADER..HEADER + 92]);
    image[HEADER + 16..HEADER + 20].copy_from_slice(&sum);
    image
}

/// What parted sees on a disk or in an image, the free space and its warnings left out.
fn seen(path: &Path) -> Vec<String> {
    let seen = says(
        "parted",
        &["-s", "-m", name(path), "unit", "s", "print"],
        "",
    );
    let lines = seen.lines().filter(|line| line.ends_with(';'));
    lines.skip(2).map(str::to_owned).collect()
}

fn made(scratch: &Scratch) -> Vec<u8> {
    image(scratch, 8, "label: gpt\nsize=2MiB\nsize=3MiB\n")
}

#[test]
fn a_table_that_the_kernel_takes_is_taken_and_made_right() {
    let scratch = Scratch::new();
    let good = made(&scratch);
    let path = scratch.path("image");
    let (partitions, before) = (listed(&path), seen(&path));
    for change in CHANGES.iter().chain(&MOVED) {
        let what = change.0;
        let image = changed(&good, change);
        fs::write(&path, &image).expect("room");
        // Where there is no such sector parted gives up, and the kernel goes by the first copy.
        if !change.1.contains(&(32, u64::MAX)) {
            assert_eq!(seen(&path), before, "{what}: parted");
        }
        for size in [8, 16] {
            let disk = old_disk(&scratch, size);
            put(&image, &disk, None).unwrap_or_else(|error| panic!("{what}: {error}"));
            judge(&disk);
            assert_eq!(seen(&disk), before, "{what} on {size} MiB");
            assert_eq!(listed(&disk), partitions, "{what} on {size} MiB");
            let bytes = fs::read(&disk).expect("it is a file");
            assert!(header_at(&bytes, size * 2048 - 1), "{what}: the backup");
            assert!(
                bytes[MIB..6 * MIB] == image[MIB..6 * MIB],
                "{what}: the data"
            );
            if change.2.is_some() {
                // What a boot loader may have there instead of the entries.
                assert!(bytes[1024..1024 + 128 * 128] == [0x5a; 128 * 128], "{what}");
            }
            if size > 8 {
                let old = header_at(&bytes, END as usize);
                assert_eq!(
                    old,
                    change.1.iter().any(|(at, _)| *at == 32),
                    "{what}: the old one"
                );
            }
        }
    }
}

/// A boot loader's partition before the entries: there is no usable range that has all partitions and not the
/// entries, and they stay where they are.
#[test]
fn a_partition_before_the_entries_keeps_its_place() {
    let scratch = Scratch::new();
    let good = image(
        &scratch,
        8,
        "label: gpt\nfirst-lba: 34\nstart=40, size=600\nstart=2048, size=3MiB\n",
    );
    let image = changed(&good, &("", &[(40, 34)], Some(1000)));
    let disk = old_disk(&scratch, 16);
    put(&image, &disk, None).expect("a good image");
    assert_eq!(seen(&disk).len(), 2);
    let bytes = fs::read(&disk).expect("it is a file");
    assert!(bytes[40 * 512..640 * 512] == image[40 * 512..640 * 512]);
    let verdict = says("sgdisk", &["-v", name(&disk)], "");
    assert!(verdict.contains("Identified 1 problems"), "{verdict}");
    assert!(
        verdict.contains("table extends past the first usable"),
        "{verdict}"
    );
}

/// A damaged or missing backup is nothing the kernel minds, and the disk is as large as the image.
#[test]
fn a_disk_of_the_image_s_own_size_gets_a_backup_too() {
    for (what, at, len) in [
        ("no header", END as usize * 512, 512),
        ("another checksum", END as usize * 512 + 16, 1),
        ("no entries", (END as usize - 32) * 512, 32 * 512),
        ("other entries", (END as usize - 32) * 512 + 40, 1),
    ] {
        let scratch = Scratch::new();
        let mut image = made(&scratch);
        image[at..at + len].fill(0x77);
        let disk = old_disk(&scratch, 8);
        put(&image, &disk, None).expect(what);
        judge(&disk);
        let bytes = fs::read(&disk).expect("it is a file");
        assert!(
            bytes[..(END as usize - 40) * 512] == image[..(END as usize - 40) * 512],
            "{what}"
        );
    }
}

/// The kernel looks for a GPT whatever else a boot record says (block/partitions/efi.c, is_pmbr_valid).
#[test]
fn a_boot_record_that_announces_a_gpt_may_be_odd_otherwise() {
    let scratch = Scratch::new();
    let mut image = made(&scratch);
    image[446] = 0x33;
    let disk = old_disk(&scratch, 16);
    put(&image, &disk, None).expect("a GPT");
    let bytes = fs::read(&disk).expect("it is a file");
    assert!(header_at(&bytes, 16 * 2048 - 1));
}

/// How much of a disk has to be known for the last word on its table.
#[test]
fn a_table_ends_where_its_entries_do() {
    let scratch = Scratch::new();
    let good = made(&scratch);
    let moved = changed(&good, &("", &[], Some(1000)));
    for (what, head, end) in [
        ("a GPT", &good[..MIB], 34 * 512),
        ("its entries elsewhere", &moved[..MIB], 1032 * 512),
        ("nothing", &[0; MIB][..], 8192),
    ] {
        assert_eq!(Table::extent(head, &[512]), end, "{what}");
        assert_eq!(Table::extent(head, &[512, 4096]), end, "{what}");
    }
    assert!(Table::extent(&good[..MIB], &[4096]) == 8192);
}
