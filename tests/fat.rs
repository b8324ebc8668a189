//! FAT file systems: those made here are judged by fsck.vfat, mtools and blkid, those made by others are read here.

mod support;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use ironlet::disk::fat::{Volume, format};
use support::scratch::Scratch;
use support::tables::{MIB, name, says};

const KIB: usize = 1 << 10;

fn blank(scratch: &Scratch, size: usize) -> PathBuf {
    let path = scratch.path("volume");
    let file = File::create(&path).expect("the scratch takes files");
    file.set_len(size as u64).expect("a sparse file");
    path
}

fn device(path: &Path) -> File {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.expect("it was made")
}

fn made(scratch: &Scratch, size: usize, sector: u16) -> PathBuf {
    let path = blank(scratch, size);
    format(
        &mut device(&path),
        size as u64,
        sector,
        "CONFIG-2",
        0x1234_abcd,
    )
    .expect("it is large enough");
    path
}

/// Panics unless fsck.vfat has nothing to say but the number of files and clusters.
fn judge(path: &Path) {
    let verdict = says("fsck.vfat", &["-n", "-v", name(path)], "");
    for word in [
        "Bad",
        "differences",
        "Expected",
        "rong",
        "share",
        "Renam",
        "Leaving",
    ] {
        assert!(!verdict.contains(word), "{verdict}");
    }
    assert!(verdict.contains(" files, "), "{verdict}");
}

#[test]
fn a_new_one_is_what_the_size_demands() {
    for (size, sector, kind) in [
        (128 * KIB, 512, "FAT12"),
        (MIB, 512, "FAT12"),
        (2 * MIB, 4096, "FAT12"),
        (5 * MIB, 512, "FAT16"),
        (15 * MIB, 4096, "FAT12"),
        (17 * MIB, 4096, "FAT16"),
        (64 * MIB, 512, "FAT16"),
        (64 * MIB, 4096, "FAT16"),
        (64 * MIB + 512, 512, "FAT16"),
        (511 * MIB, 512, "FAT16"),
        (512 * MIB, 512, "FAT32"),
        (550 * MIB, 512, "FAT32"),
        (550 * MIB, 4096, "FAT32"),
        (9 << 30, 512, "FAT32"),
        (40 << 30, 4096, "FAT32"),
    ] {
        let what = format!("{size} bytes, sectors of {sector}");
        let scratch = Scratch::new();
        let path = made(&scratch, size, sector);
        judge(&path);
        let told = says("blkid", &["-p", "-o", "export", name(&path)], "");
        for fact in [
            format!("VERSION={kind}"),
            "LABEL=CONFIG-2".into(),
            "LABEL_FATBOOT=CONFIG-2".into(),
            "UUID=1234-ABCD".into(),
            format!("BLOCK_SIZE={sector}"),
        ] {
            assert!(
                told.lines().any(|line| line == fact),
                "{what}: {fact} is not in {told}"
            );
        }
        let mut file = device(&path);
        let volume = Volume::open(&mut file).expect(&what);
        assert_eq!(volume.id(), 0x1234_abcd);
        assert_eq!(volume.label().expect(&what), "CONFIG-2");
        drop(volume);
    }
}

#[test]
fn files_put_there_are_found_by_others() {
    for (size, sector) in [
        (2 * MIB, 512),
        (5 * MIB, 512),
        (64 * MIB, 4096),
        (3 * MIB, 4096),
        (550 * MIB, 512),
    ] {
        let scratch = Scratch::new();
        let path = made(&scratch, size, sector);
        let tree = scratch.path("tree");
        let mut file = device(&path);
        let volume = Volume::open(&mut file).expect("it was made");
        let mut names = vec![
            ("EFI/BOOT/BOOTX64.EFI".to_owned(), 300_000),
            ("openstack/latest/meta_data.json".to_owned(), 4096),
            ("openstack/latest/user_data".to_owned(), 0),
            ("openstack/content/0000".to_owned(), 1),
            ("openstack/größe.tar.gz".to_owned(), 511),
            (format!("a/b/c/d/e/{}", "long".repeat(63)), 513),
            ("exactly13lett/thirteen.char".to_owned(), 70_000),
        ];
        names.extend(
            (0..200).map(|number| (format!("many/name with a number {number}.txt"), number)),
        );
        for (name, size) in &names {
            let bytes: Vec<u8> = (0..*size).map(|at| (at % 251) as u8).collect();
            let place = tree.join(name);
            fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            fs::write(&place, &bytes).expect("a file");
            assert_eq!(volume.add(name, &mut &bytes[..]).expect(name), *size as u64);
            assert!(volume.read(name, *size).expect(name) == bytes, "{name}");
        }
        let mut found = Vec::new();
        let mut each = |path: &str, size: u64| {
            found.push((path.to_owned(), size as usize));
            Ok(())
        };
        volume.files(&mut each).expect("they are there");
        drop(volume);
        found.sort();
        names.sort();
        assert_eq!(found, names);
        judge(&path);
        let back = scratch.path("back");
        fs::create_dir(&back).expect("a folder");
        let copy = ["LC_ALL=C.UTF-8", "mcopy", "-s", "-i"];
        let places = [name(&path), "::/*", name(&back)];
        says("env", &[&copy[..], &places].concat(), "");
        says("diff", &["-r", name(&tree), name(&back)], "");
    }
}
