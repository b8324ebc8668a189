//! Signatures by the programs that make them, on whole disks and in partitions of every kind of table.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::partition_tables::{Loop, name, says};
use super::support::scratch::Scratch;
use super::{bare, blank, look, put, wipe};

const MIB: u64 = 1 << 20;

/// What makes a signature on a device or a file, whose name comes last, and how blkid calls it.
const MAKERS: &[(&str, &str)] = &[
    ("mkfs.ext4 -q -F", "ext"),
    ("mkfs.vfat -F 32", "vfat"),
    ("mkfs.vfat -F 16", "vfat"),
    ("mkswap", "swap"),
    ("mkfs.minix", "minix"),
    ("mkfs.bfs", "bfs"),
    ("mkfs.xfs -q -f", "xfs"),
    ("mkfs.btrfs -q -f", "btrfs"),
    ("mkfs.f2fs -q -f", "f2fs"),
    ("mkfs.nilfs2 -q -f", "nilfs2"),
    ("mkfs.ntfs -q -F -f", "ntfs"),
    ("mkfs.exfat", "exfat"),
    ("mkfs.udf", "udf"),
    ("mkfs.reiserfs -q -f -f", "reiserfs"),
    ("mkfs.jfs -q", "jfs"),
    ("mkfs.gfs2 -q -O -p lock_nolock -J 8", "gfs2"),
    (
        "mkfs.ocfs2 -q -F --fs-feature-level=max-compat --mount=local",
        "ocfs2",
    ),
    ("make-bcache -B", "bcache"),
    (
        "pvcreate -qq -y --config devices{filter=[\"a|/dev/loop|\",\"r|.*|\"]}backup{archive=0}",
        "LVM2_member",
    ),
    (
        "cryptsetup -q luksFormat --type luks1 --pbkdf-force-iterations 1000",
        "crypto_LUKS",
    ),
    (
        "cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000",
        "crypto_LUKS",
    ),
    ("sgdisk -n 1:0:+8M -n 2:0:0", "gpt"),
    ("parted -s -- @ mklabel gpt mkpart a 1MiB -1MiB", "gpt"),
    (
        "parted -s -- @ mklabel msdos mkpart primary 1MiB -1MiB",
        "boot record",
    ),
    ("parted -s -- @ mklabel sun", "sun"),
    ("parted -s -- @ mklabel mac", "mac"),
    ("parted -s -- @ mklabel dvh", "sgi"),
];

/// Runs one of the lines above; `@` is where the name goes if not to the end.
fn make(line: &str, path: &Path) {
    let mut words: Vec<&str> = line.split(' ').collect();
    match words.iter().position(|word| *word == "@") {
        Some(at) => words[at] = name(path),
        None => words.push(name(path)),
    }
    says(words[0], &words[1..], "secret\n");
}

#[test]
fn nothing_is_left_of_what_was_on_a_whole_disk() {
    for (line, kind) in MAKERS {
        let scratch = Scratch::new();
        let file = blank(&scratch, 512 * MIB);
        let disk = Loop::new(&file, 512);
        // Programs for tables tell the kernel of partitions, which on a loop device outlive it: they get the file.
        let table = line.starts_with("sgdisk") || line.starts_with("parted");
        make(line, if table { &file } else { disk.path() });
        let before = says("wipefs", &["-n", name(disk.path())], "");
        assert!(!before.is_empty(), "{line}");
        let found = wipe(disk.path()).expect(line).what;
        assert!(found.iter().any(|what| what == kind), "{line}: {found:?}");
        bare(disk.path(), &[]);
        // The mirror of btrfs, from which its superblock could be had back.
        assert_eq!(look(&file, 64 * MIB + 0x40, 8), [0; 8], "{line}");
    }
}

#[test]
fn nothing_is_left_of_a_zfs_pool() {
    let scratch = Scratch::new();
    let disk = blank(&scratch, 64 * MIB);
    let packed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/signatures/zfs.gz"
    );
    let labels = Command::new("gzip").args(["-dc", packed]).output();
    let labels = labels.expect("gzip is there").stdout;
    put(&disk, 0, &labels[..512 << 10]);
    put(&disk, 64 * MIB - (512 << 10), &labels[512 << 10..]);
    let before = says("blkid", &["-p", name(&disk)], "");
    assert!(before.contains("zfs_member"), "{before}");
    let found = wipe(&disk).expect("a disk").what;
    assert_eq!(found, ["zfs_member"]);
    bare(&disk, &[]);
}

/// What a file system program makes in 16 MiB.
fn content(line: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let path = blank(&scratch, 16 * MIB);
    make(line, &path);
    fs::read(path).expect("it was made")
}

#[test]
fn nothing_is_left_in_the_partitions_of_any_table() {
    let inner = [
        "mkfs.ext4 -q -F",
        "mkswap",
        MAKERS[20].0,
        "mkfs.ntfs -q -F -f",
        "mkfs.vfat -F 16",
    ]
    .map(content);
    let gpt = "label: gpt\n".to_owned() + &"size=16MiB\n".repeat(5);
    let mbr = "label: dos\nsize=16MiB, type=83\nsize=140MiB, type=5\nsize=16MiB\nsize=16MiB\nsize=16MiB\nsize=16MiB\n";
    for (what, script, sector, damage) in [
        ("gpt", gpt.as_str(), 512, &[][..]),
        ("gpt, its header damaged", &gpt, 512, &[512 + 16]),
        ("gpt, its header gone", &gpt, 512, &[512]),
        ("gpt, no boot record", &gpt, 512, &[511]),
        ("gpt, its backup gone", &gpt, 512, &[200 * MIB - 512]),
        ("gpt of large sectors", &gpt, 4096, &[]),
        ("mbr", mbr, 512, &[]),
    ] {
        let scratch = Scratch::new();
        let file = blank(&scratch, 200 * MIB);
        let disk = Loop::new(&file, sector);
        let path = name(disk.path());
        says("sfdisk", &["-q", "--no-tell-kernel", path], script);
        let listed = says("sfdisk", &["--dump", path], "");
        let starts = listed
            .lines()
            .filter(|line| line.contains("start=") && !line.contains("type=5"));
        let starts = starts.map(|line| {
            let field = line
                .split("start=")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            let start: u64 = field
                .and_then(|start| start.trim().parse().ok())
                .expect(line);
            start * u64::from(sector)
        });
        let starts: Vec<u64> = starts.collect();
        assert_eq!(starts.len(), 5, "{listed}");
        for (start, bytes) in starts.iter().zip(&inner) {
            put(disk.path(), *start, bytes);
        }
        for at in damage {
            let byte = look(disk.path(), *at, 1)[0];
            put(disk.path(), *at, &[!byte]);
        }
        // A logical partition has a record of its own, a MiB before it.
        let chained =
            |start: &u64| *start > MIB && look(disk.path(), start - MIB + 510, 2) == [0x55, 0xaa];
        let records: Vec<u64> = starts.iter().copied().filter(chained).collect();
        assert_eq!(records.len(), if script == mbr { 2 } else { 0 }, "{listed}");
        let found = wipe(disk.path()).expect(what).what;
        for record in records {
            assert_eq!(look(&file, record - MIB, 512), [0; 512], "{what}");
        }
        for kind in ["ext", "swap", "crypto_LUKS", "ntfs", "vfat"] {
            let named = found
                .iter()
                .any(|what| what.starts_with(&format!("{kind} in partition ")));
            assert!(named, "{what}: {kind} in {found:?}");
        }
        bare(disk.path(), &starts);
        let (first, last) = (
            look(&file, 0, MIB as usize),
            look(&file, 199 * MIB, MIB as usize),
        );
        assert!(
            [first, last].concat().iter().all(|byte| *byte == 0),
            "{what}"
        );
        for start in starts {
            // The last sector of NTFS is its boot sector again; the second header of LUKS is at 16 KiB.
            for at in [start, start + 0x4000, start + 16 * MIB - 512] {
                assert_eq!(look(&file, at, 512), [0; 512], "{what}: byte {at}");
            }
        }
    }
}

#[test]
fn what_is_between_the_ends_stays() {
    let scratch = Scratch::new();
    let disk = blank(&scratch, 8 * MIB);
    put(&disk, MIB, &[0xaa; 5 << 20]);
    let found = wipe(&disk).expect("a disk");
    // The first sector is written twice: so early that nothing starts it any more.
    assert_eq!((found.what.len(), found.written.0), (0, 3 * MIB + 4096));
    assert!(look(&disk, MIB, 5 << 20).iter().all(|byte| *byte == 0xaa));
}
