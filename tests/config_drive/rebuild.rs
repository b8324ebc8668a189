//! Drives that a disk with large sectors could not hold, or that are wanted anew: vfat with the same files.
//! genisoimage, xorriso and mtools make the drives; mtools, fsck.vfat, blkid and sgdisk judge the disks.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ironlet::disk::filesystem::fat::{self, Volume};
use ironlet::image::layout::config_drive::{ConfigDrive, LIMIT, Source};

use super::support::config_drives::{found, packed, vfat};
use super::support::partition_tables::{
    Loop, MIB, image, judge, listed, name, old_disk, put, says,
};
use super::support::scratch::Scratch;
use super::{BEFORE_BACKUP, GPT, holds};

const FILES: [(&str, usize); 6] = [
    ("openstack/latest/meta_data.json", 900),
    ("openstack/latest/user_data", 70_000),
    ("openstack/2012-08-10/meta_data.json", 0),
    ("openstack/content/0000", 4096),
    ("ec2/latest/Meta-Data with a long name, größe.JSON", 5000),
    ("many/levels/of/folders/for/one/file.tar.gz", 100_000),
];

/// A folder with the files of a drive.
fn tree(scratch: &Scratch) -> PathBuf {
    let tree = scratch.path("files");
    for (path, size) in FILES {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let bytes: Vec<u8> = (0..size).map(|at| (at % 249) as u8).collect();
        fs::write(path, bytes).expect("a file");
    }
    tree
}

/// A drive by a program that makes ISO 9660.
fn by(program: &[&str], scratch: &Scratch, tree: &Path) -> Vec<u8> {
    let path = scratch.path("made.iso");
    let _ = fs::remove_file(&path);
    let rest = ["-quiet", "-V", "config-2", "-o", name(&path), name(tree)];
    let utf8 = ["LC_ALL=C.UTF-8"];
    says("env", &[&utf8[..], program, &rest].concat(), "");
    fs::read(path).expect("it was made")
}

fn fat(scratch: &Scratch, tree: &Path, mib: usize, options: &[&str]) -> Vec<u8> {
    let path = scratch.path("made.vfat");
    fs::write(&path, vec![0; mib * MIB]).expect("room");
    says(
        "mkfs.vfat",
        &[options, &["-n", "config-2", name(&path)]].concat(),
        "",
    );
    for entry in fs::read_dir(tree).expect("a folder").flatten() {
        let copy = ["LC_ALL=C.UTF-8", "mcopy", "-s", "-i", name(&path)];
        says(
            "env",
            &[&copy[..], &[name(&entry.path()), "::/"]].concat(),
            "",
        );
    }
    fs::read(path).expect("it was made")
}

/// Panics unless a file begins with a vfat that those who know are content with, and that has these files.
fn is_vfat(scratch: &Scratch, drive: &[u8], sector: u16, tree: &Path) {
    let path = scratch.path("taken");
    fs::write(&path, drive).expect("room");
    assert_eq!(found(&path, 0), ("CONFIG-2".into(), "vfat".into()));
    assert_eq!(u16::from_le_bytes([drive[11], drive[12]]), sector);
    let verdict = says("fsck.vfat", &["-n", name(&path)], "");
    assert_eq!(verdict.lines().count(), 2, "{verdict}");
    let back = scratch.path("back");
    let _ = fs::remove_dir_all(&back);
    fs::create_dir(&back).expect("a folder");
    let copy = ["LC_ALL=C.UTF-8", "mcopy", "-s", "-i", name(&path), "::/*"];
    says("env", &[&copy[..], &[name(&back)]].concat(), "");
    says("diff", &["-r", name(tree), name(&back)], "");
}

/// The drive as it goes to a disk with sectors of 4096 bytes.
fn fitted(drive: &[u8]) -> Vec<u8> {
    let drive = ConfigDrive::read(drive, LIMIT)
        .expect("a good drive")
        .fit(4096);
    let mut bytes = Vec::new();
    let mut take = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    drive.each_piece(MIB, &mut take).expect("it was whole");
    assert_eq!(drive.size().0, bytes.len() as u64);
    bytes
}

/// A stretch of a disk.
fn partition(disk: &Path, at: usize) -> Vec<u8> {
    let bytes = fs::read(disk).expect("the disk is a file");
    bytes[at..at + 64 * MIB].to_vec()
}

/// An image for a disk with sectors of 4096 bytes.
fn image_4k(scratch: &Scratch) -> Vec<u8> {
    let path = scratch.path("image");
    fs::write(&path, vec![1; 40 * MIB]).expect("room");
    let made = Loop::new(&path, 4096);
    says("sfdisk", &["-q", "--wipe=never", name(made.path())], GPT);
    drop(made);
    fs::read(&path).expect("it is there")
}

fn source(drive: Vec<u8>) -> Option<Source> {
    Some(Source::new(&packed(drive).1, LIMIT).expect("a good drive"))
}

#[test]
fn a_disk_with_large_sectors_gets_one_it_can_hold() {
    let scratch = Scratch::new();
    let (image, tree) = (image_4k(&scratch), tree(&scratch));
    let drive = by(&["genisoimage", "-J", "-r"], &scratch, &tree);
    let file = old_disk(&scratch, 200);
    let disk = Loop::new(&file, 4096);
    put(&image, disk.path(), source(drive)).expect("there is room");
    judge(disk.path());
    assert_eq!(listed(disk.path()).len(), 3);
    drop(disk);
    is_vfat(&scratch, &partition(&file, BEFORE_BACKUP), 4096, &tree);
}

#[test]
fn whoever_made_it_its_files_are_found() {
    let scratch = Scratch::new();
    let tree = tree(&scratch);
    let xorriso = ["xorriso", "-as", "mkisofs"];
    let joliet = ["genisoimage", "-J", "-joliet-long"];
    for (what, drive) in [
        ("Rock Ridge", by(&["genisoimage", "-R"], &scratch, &tree)),
        ("Joliet", by(&joliet, &scratch, &tree)),
        (
            "xorriso",
            by(&[&xorriso[..], &["-J", "-r"]].concat(), &scratch, &tree),
        ),
        ("vfat", fat(&scratch, &tree, 4, &["-S", "512"])),
        ("vfat of 12 bits", fat(&scratch, &tree, 4, &["-F", "12"])),
        (
            "vfat of 32 bits",
            fat(&scratch, &tree, 40, &["-F", "32", "-s", "1"]),
        ),
        ("vfat in 2048", fat(&scratch, &tree, 9, &["-S", "2048"])),
    ] {
        println!("{what}");
        is_vfat(&scratch, &fitted(&drive), 4096, &tree);
    }
}

/// Names of ISO 9660 alone are upper-case and short: Linux shows them lower-case.
#[test]
fn names_of_iso_9660_alone_become_lower_case() {
    let scratch = Scratch::new();
    let files = scratch.path("files");
    fs::create_dir_all(files.join("ec2/latest")).expect("a folder");
    fs::write(files.join("ec2/latest/meta.jso"), "{}").expect("a file");
    fs::write(files.join("ec2/latest/userdata"), "#!").expect("a file");
    let drive = by(&["genisoimage"], &scratch, &files);
    is_vfat(&scratch, &fitted(&drive), 4096, &files);
}

/// Linux follows a link on the old drive; vfat has none.
#[test]
fn a_symbolic_link_is_what_it_leads_to() {
    let scratch = Scratch::new();
    let files = tree(&scratch);
    let links = [
        ("openstack/newest", "latest"),
        ("openstack/content/0001", "../latest/user_data"),
        ("openstack/nowhere", "gone"),
        ("openstack/above", "../../../../etc"),
        ("openstack/host", "/etc/hostname"),
    ];
    for (path, to) in links {
        std::os::unix::fs::symlink(to, files.join(path)).expect("a link");
    }
    let drive = by(&["genisoimage", "-r"], &scratch, &files);
    for (path, _) in &links[2..] {
        fs::remove_file(files.join(path)).expect("it was made");
    }
    is_vfat(&scratch, &fitted(&drive), 4096, &files);
}

#[test]
fn it_can_be_wanted_on_any_disk() {
    let scratch = Scratch::new();
    let tree = tree(&scratch);
    let drive = by(&["genisoimage", "-J", "-r"], &scratch, &tree);
    let image = image(&scratch, 40, GPT);
    for anew in [false, true] {
        let disk = old_disk(&scratch, 200);
        let source = source(drive.clone()).map(|source| source.anew(anew));
        put(&image, &disk, source).expect("there is room");
        match anew {
            true => is_vfat(&scratch, &partition(&disk, BEFORE_BACKUP), 512, &tree),
            false => holds(&disk, BEFORE_BACKUP, &drive, BEFORE_BACKUP + 64 * MIB),
        }
    }
}

/// As upstream has it: better a drive nobody expected than none, and the log says so.
#[test]
fn what_cannot_be_read_is_written_as_it_is() {
    let scratch = Scratch::new();
    let tree = tree(&scratch);
    let mut broken = by(&["genisoimage", "-J", "-r"], &scratch, &tree);
    // ECMA-119, 8.4.18: where the root folder is, in the primary descriptor and in that of Joliet.
    for sector in [16, 17] {
        broken[sector * 2048 + 156 + 2..][..4].fill(0xff);
    }
    let ext = scratch.path("ext");
    fs::write(&ext, vec![0; 2 * MIB]).expect("room");
    says(
        "mkfs.ext4",
        &["-q", "-b", "1024", "-L", "config-2", name(&ext)],
        "",
    );
    let large = vec![1; 63 * MIB];
    fs::write(tree.join("large"), large).expect("room");
    for (what, drive) in [
        ("a broken ISO", broken),
        ("ext", fs::read(&ext).expect("a file")),
        (
            "too large for a vfat",
            by(&["genisoimage", "-r"], &scratch, &tree),
        ),
        (
            "vfat that needs nothing",
            vfat(&scratch, "CONFIG-2", "4096").0,
        ),
        ("nothing known", vec![7; 100_000]),
    ] {
        assert!(fitted(&drive) == drive, "{what}");
    }
}

/// A drive of many files, made by the volume under test; nobody else is as quick.
fn crowded(folders: usize, files: usize, name: &dyn Fn(usize) -> String) -> Vec<u8> {
    let size = 60 * MIB;
    let mut drive = std::io::Cursor::new(vec![0; size]);
    fat::format(&mut drive, size as u64, 512, "CONFIG-2", 1).expect("it is large enough");
    let volume = Volume::open(&mut drive).expect("it was made");
    for folder in 0..folders {
        for file in 0..files {
            let path = format!("folder{folder}/{}", name(file));
            volume.add(&path, &mut &b""[..]).expect("room");
        }
    }
    drop(volume);
    drive.into_inner()
}

/// What took minutes: a look at the whole folder for each file, and at all short names that begin alike.
#[test]
fn many_files_are_made_anew_in_no_time_and_too_many_refused() {
    let plain: &dyn Fn(usize) -> String = &|number| format!("f{number}");
    let alike: &dyn Fn(usize) -> String = &|number| format!("begins like all others {number}.dat");
    for (what, folders, files, name, anew) in [
        ("short names", 1, 8000, plain, true),
        ("names that begin alike", 2, 3000, alike, true),
        ("several folders", 5, 1900, plain, true),
        ("too many", 5, 8000, plain, false),
    ] {
        let drive = crowded(folders, files, name);
        let began = processor();
        let made = fitted(&drive);
        let took = processor() - began;
        println!("{what}: {folders} x {files} files, {} ms", took.as_millis());
        assert_eq!(made != drive, anew, "{what}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        if anew {
            let mut made = std::io::Cursor::new(made);
            let volume = Volume::open(&mut made).expect(what);
            let mut count = 0;
            let mut each = |_: &str, _| {
                count += 1;
                Ok(())
            };
            volume.files(&mut each).expect(what);
            assert_eq!(count, folders * files);
        }
    }
}

/// What this thread has had of the processor, whoever else wants it.
fn processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
