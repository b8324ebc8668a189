//! Disks that are too small, tables that are wrong, and a disk that fails half way.

use std::fs::File;

use ironlet::disk::wipe::partition_ranges::Places;
use ironlet::error::{Error, Kind};

use super::support::partition_tables::{Loop, name, says};
use super::support::scratch::Scratch;
use super::{bare, blank, look, put, wipe};

#[test]
fn a_disk_of_any_size_is_zero_at_both_ends() {
    for (size, sector) in [
        (512, 512),
        (1024, 512),
        (4096, 4096),
        (1 << 20, 512),
        ((1 << 20) + 512, 512),
        ((3 << 20) - 4096, 4096),
        ((3 << 20) + 512, 512),
        ((4 << 20) + 4096, 4096),
    ] {
        let scratch = Scratch::new();
        let file = blank(&scratch, size);
        put(&file, 0, &vec![0x55; size as usize]);
        put(&file, size - 512, b"EFI PART");
        let disk = Loop::new(&file, sector);
        let found = wipe(disk.path()).expect("a disk").what;
        assert!(
            size == 512 || found.contains(&"gpt".to_owned()),
            "{found:?}"
        );
        let ends = size.min(1 << 20) as usize;
        assert!(look(&file, 0, ends).iter().all(|byte| *byte == 0), "{size}");
        let at = size - ends as u64;
        assert!(
            look(&file, at, ends).iter().all(|byte| *byte == 0),
            "{size}"
        );
    }
}

/// The first partition gets these first and last sectors.
fn with_entry(first: u64, last: u64) -> (Scratch, std::path::PathBuf) {
    let scratch = Scratch::new();
    let disk = blank(&scratch, 32 << 20);
    says(
        "sfdisk",
        &["-q", name(&disk)],
        "label: gpt\nsize=8MiB\nsize=8MiB\n",
    );
    put(&disk, 1024 + 32, &first.to_le_bytes());
    put(&disk, 1024 + 40, &last.to_le_bytes());
    (scratch, disk)
}

#[test]
fn a_table_that_is_wrong_stops_nothing() {
    for (first, last) in [
        (40, 1 << 40),
        (u64::MAX, u64::MAX),
        (u64::MAX - 1, 0),
        (1 << 60, 1 << 61),
        (0, u64::MAX),
        (2048, 40000),
        (20000, 20000),
    ] {
        let (_scratch, disk) = with_entry(first, last);
        put(&disk, (9 << 20) + 0x438, &[0x53, 0xef]);
        let found = wipe(&disk).expect("a disk").what;
        let second = "ext in partition 2".to_owned();
        assert!(found.contains(&second), "{first} to {last}: {found:?}");
        bare(&disk, &[9 << 20]);
    }
}

/// Ten million entries; a chain of records that bites its tail; an entry size of nothing.
#[test]
fn what_a_table_claims_costs_no_more_than_it_is() {
    let scratch = Scratch::new();
    let disk = blank(&scratch, 32 << 20);
    let mut header = b"EFI PART".to_vec();
    header.resize(92, 0);
    header[72] = 2;
    for (count, each) in [(10_000_000u32, 128u32), (u32::MAX, 0), (u32::MAX, u32::MAX)] {
        header[80..84].copy_from_slice(&count.to_le_bytes());
        header[84..88].copy_from_slice(&each.to_le_bytes());
        put(&disk, 512, &header);
        put(&disk, 1024, &[0x11; 64 << 10]);
        let mut most = 0;
        let file = File::open(&disk).expect("it is there");
        let places = Places::read(32 << 20, 512, &mut |at, bytes| {
            use std::os::unix::fs::FileExt;
            most = most.max(bytes.len());
            file.read_exact_at(bytes, at).map_err(Error::from)
        });
        assert!(most <= 128 << 10 && places.partitions.len() <= 512);
    }
    let scratch = Scratch::new();
    let disk = blank(&scratch, 32 << 20);
    let script = "label: dos\nsize=20MiB, type=5\nsize=4MiB\nsize=4MiB\n";
    says("sfdisk", &["-q", name(&disk)], script);
    // The second link of the chain leads to the first record.
    put(&disk, (1 << 20) + 462 + 8, &0u32.to_le_bytes());
    wipe(&disk).expect("a disk");
    bare(&disk, &[1 << 20, 2 << 20]);
}

#[test]
fn a_disk_that_goes_away_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    let file = blank(&scratch, 32 << 20);
    let disk = Loop::new(&file, 512);
    // What is beyond the new end of the file cannot be read, and the file system has no room to write it.
    let full = scratch.path("full");
    std::fs::create_dir(&full).expect("a directory");
    says(
        "mount",
        &["-t", "tmpfs", "-o", "size=4m", "tmpfs", name(&full)],
        "",
    );
    let small = full.join("disk");
    let outcome = {
        File::create(&small)
            .and_then(|file| file.set_len(32 << 20))
            .expect("a sparse file");
        put(&small, 1 << 20, &[1; 3 << 20]);
        let failing = Loop::new(&small, 512);
        wipe(failing.path())
    };
    says("umount", &["--lazy", name(&full)], "");
    let error = outcome.expect_err("there is room for 3 MiB");
    assert_eq!(error.kind(), Kind::BlockDeviceEraseError);
    assert!(
        error
            .details()
            .contains("erasing the metadata of /dev/loop"),
        "{error}"
    );
    // A disk somebody else holds is not touched.
    put(&file, 0x438, &[0x53, 0xef]);
    says("mkfs.ext4", &["-q", "-F", name(disk.path())], "");
    std::fs::create_dir_all(&full).expect("a directory");
    says("mount", &[name(disk.path()), name(&full)], "");
    let outcome = wipe(disk.path());
    says("umount", &["--lazy", name(&full)], "");
    let error = outcome.expect_err("it is mounted");
    assert!(error.details().contains("in use"), "{error}");
    says("fsck.ext4", &["-f", "-n", name(disk.path())], "");
}
