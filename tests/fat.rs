//! FAT file systems: those made here are judged by fsck.vfat, mtools and blkid, those made by others are read here.

#[path = "fat/damage.rs"]
mod damage;
mod support;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use ironlet::disk::filesystem::fat::{Volume, format};
use support::partition_tables::{MIB, name, says};
use support::scratch::Scratch;

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

/// A file system by mkfs.vfat with files by mcopy.
fn by_others(scratch: &Scratch, mib: usize, options: &[&str]) -> PathBuf {
    let path = blank(scratch, mib * MIB);
    let whole = [options, &["-i", "0badcafe", "-n", "ESP", name(&path)]].concat();
    says("mkfs.vfat", &whole, "");
    let tree = scratch.path("tree");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(tree.join("EFI/a folder with a long name")).expect("folders");
    for (file, size) in [
        ("shell.efi", 5),
        ("EFI/a folder with a long name/größe.efi", 100_000),
        ("EFI/BOOTX64.CSV", 513),
    ] {
        fs::write(tree.join(file), vec![7; size]).expect("a file");
    }
    for entry in ["EFI", "shell.efi"] {
        let copy = ["LC_ALL=C.UTF-8", "mcopy", "-s", "-i", name(&path)];
        let places = [name(&tree.join(entry)).to_owned(), "::/".to_owned()];
        let places: Vec<&str> = places.iter().map(|place| &**place).collect();
        says("env", &[&copy[..], &places].concat(), "");
    }
    path
}

fn listed(volume: &Volume) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut each = |path: &str, size: u64| {
        found.push((path.to_owned(), size));
        Ok(())
    };
    volume.files(&mut each).expect("they are there");
    found
}

#[test]
fn files_others_put_there_are_found() {
    for (mib, options) in [
        (4, &["-F", "12"][..]),
        (33, &["-F", "16"]),
        (40, &["-F", "32", "-s", "1"]),
        (40, &["-F", "32", "-s", "1", "-f", "1"]),
        (64, &["-S", "4096"]),
        (9, &["-S", "1024"]),
        (9, &["-r", "16", "-R", "9"]),
    ] {
        let scratch = Scratch::new();
        let path = by_others(&scratch, mib, options);
        let mut file = device(&path);
        let volume = Volume::open(&mut file).expect("a volume");
        assert_eq!(volume.id(), 0x0bad_cafe);
        assert_eq!(volume.label().expect("a root folder"), "ESP");
        let mut found = listed(&volume);
        assert_eq!(found[0], ("shell.efi".into(), 5), "a folder's own first");
        found.sort();
        let expected = [
            ("EFI/BOOTX64.CSV".into(), 513),
            ("EFI/a folder with a long name/größe.efi".into(), 100_000),
            ("shell.efi".into(), 5),
        ];
        assert_eq!(found, expected, "{options:?}");
        for (path, size) in found {
            let any_case = path.to_ascii_uppercase();
            let bytes = volume.read(&any_case, size as usize).expect(&any_case);
            assert!(bytes == vec![7; size as usize], "{path}");
            assert!(volume.read(&path, size as usize - 1).is_err(), "{path}");
        }
        for path in ["EFI", "EFI/none", "none/BOOTX64.CSV", "shell.efi/x", ""] {
            assert!(volume.read(path, 1000).is_err(), "{path}");
        }
        // What another made can be added to.
        let content = [9; 70_000];
        volume
            .add("efi/ironlet/x.efi", &mut &content[..])
            .expect("room");
        let again = volume.add("EFI/ironlet/X.EFI", &mut &content[..]);
        assert!(again.expect_err("a second").details().contains("already"));
        drop(volume);
        let told = says("mdir", &["-i", name(&path), "-b", "-/", "::"], "");
        assert!(told.contains("ironlet/x.efi"), "{told}");
        judge(&path);
    }
}

#[test]
fn what_has_no_room_or_no_name_is_refused() {
    let scratch = Scratch::new();
    let path = made(&scratch, MIB, 512);
    let mut file = device(&path);
    let volume = Volume::open(&mut file).expect("it was made");
    for (name, said) in [
        ("a:b", "no name like"),
        ("a/b?/c", "no name like"),
        ("dot.", "no name like"),
        ("bell\u{7}", "no name like"),
        ("", "no name like"),
        (&"x".repeat(256), "no name like"),
    ] {
        let error = volume.add(name, &mut &b"x"[..]).expect_err(name);
        assert!(error.details().contains(said), "{error}");
    }
    let large = vec![1; 2 * MIB];
    let error = volume
        .add("large", &mut &large[..])
        .expect_err("1 MiB only");
    assert!(error.details().contains("full"), "{error}");
    for (size, sector, label, said) in [
        (4096, 512, "X", "no FAT file system has 8 sectors"),
        (4 << 40, 512, "X", "no FAT file system has"),
        (MIB as u64, 512, "twelve-chars", "is no label"),
        (MIB as u64, 512, "größe", "is no label"),
        (MIB as u64, 512, "", "is no label"),
    ] {
        let error = format(&mut device(&path), size, sector, label, 1).expect_err(label);
        assert!(error.details().contains(said), "{error}");
    }
}

/// The root folder of 12 and 16 bits has 512 places, and each name takes two here.
#[test]
fn a_full_root_folder_is_said_to_be_full() {
    let scratch = Scratch::new();
    let path = made(&scratch, 5 * MIB, 512);
    let mut file = device(&path);
    let volume = Volume::open(&mut file).expect("it was made");
    let names = (0..).map(|number| format!("file {number}"));
    let mut tried = names.map(|name| volume.add(&name, &mut &b"x"[..]));
    let good = tried.by_ref().take_while(Result::is_ok).count();
    assert_eq!(good, 255); // the label takes one place, and one is left
    drop(tried);
    drop(volume);
    judge(&path);
}
