//! What is refused before anything is changed, and what is taken back.

use std::fs;
use std::fs::File;
use std::io::Write;

use ironlet::error::{Error, Result};

use super::support::partition_tables::{MIB, name, says};
use super::{Disk, mountable, packed};

/// All faults at once, and not one change: the file system is the same to the byte.
#[test]
fn every_fault_is_told_before_anything_is_changed() {
    let disk = Disk::new(&["ext4", "ext4"]);
    disk.see(1, "ext4", |tree| {
        fs::create_dir_all(tree.join("etc/folder")).expect("room");
        says("fallocate", &["-l", "270M", name(&tree.join("much"))], "");
    });
    let image = disk.scratch.path("part-0");
    let before = fs::read(&image).expect("it is there");
    let huge = packed(&"x".repeat(12 * MIB));
    let files = format!(
        r#"[{{"path":"/etc/good","content":""}},{{"path":"/etc/folder","content":""}},{{"path":"/nowhere/x","content":""}},{{"path":"/etc/huge","content":"{huge}"}}]"#
    );
    let error = disk.inject(&files).expect_err("there are three faults");
    for said in [
        "/etc/folder on partition 1",
        "/nowhere/x: no partition",
        "free, and the files for it are 12 MiB",
        "no file was touched",
    ] {
        assert!(error.details().contains(said), "{said}: {error}");
    }
    assert!(
        fs::read(&image).expect("it is there") == before,
        "something was changed"
    );
}

/// A server that fails, and a file system that is full: what was there is there, and nothing else.
#[test]
fn what_cannot_be_finished_is_taken_back() {
    let disk = Disk::new(&["ext4"]);
    disk.see(1, "ext4", |tree| {
        fs::create_dir(tree.join("etc")).expect("room");
        fs::write(tree.join("etc/first"), "before").expect("room");
    });
    let files = |second: &str| {
        format!(
            r#"[{{"path":"/etc/first","content":"{}"}},{second}]"#,
            packed("after")
        )
    };
    let cut = |_: &str, file: &mut File| {
        file.write_all(b"half of it")?;
        Err(Error::plain("the server hung up"))
    };
    let endless = |_: &str, file: &mut File| {
        let block = vec![7; MIB];
        loop {
            file.write_all(&block)?;
        }
    };
    let second = r#"{"path":"/etc/new/second","content":"http://x/y"}"#;
    for (fetch, said) in [
        (
            &cut as &dyn Fn(&str, &mut File) -> Result<()>,
            "the server hung up",
        ),
        (&endless, "No space left on device"),
    ] {
        let error = disk.inject_with(&files(second), fetch).expect_err(said);
        for said in [said, "/etc/new/second", "nothing was changed"] {
            assert!(error.details().contains(said), "{error}");
        }
        disk.see(1, "ext4", |tree| {
            assert_eq!(
                fs::read_to_string(tree.join("etc/first")).expect("it is there"),
                "before"
            );
            assert_eq!(fs::read_dir(tree.join("etc")).expect("a folder").count(), 1);
        });
    }
    says("e2fsck", &["-f", "-n", name(disk.devices[0].path())], "");
}

/// A file system that is damaged is passed over, or told to be; the kernel says no, and nobody is harmed.
#[test]
fn a_damaged_file_system_is_an_error_that_says_so() {
    for kind in mountable() {
        let disk = Disk::new(&[kind]);
        let file = File::options()
            .write(true)
            .open(disk.devices[0].path())
            .expect("root may");
        // Behind the part that tells what it is, and before much else.
        let junk = vec![0xff; 200 << 10];
        let at = match kind {
            "ext4" | "ext2" => 2048,
            "btrfs" => (64 << 10) + 300,
            _ => 512,
        };
        std::os::unix::fs::FileExt::write_all_at(&file, &junk, at).expect("room");
        file.sync_all().expect("room");
        drop(file);
        for partition in [r#","partition":1"#, ""] {
            let files = format!(r#"[{{"path":"/etc/x","content":""{partition}}}]"#);
            let error = disk.inject(&files).expect_err(kind);
            assert!(
                error.details().contains("partition 1 (")
                    && error.details().contains("no file was touched"),
                "{kind}: {error}"
            );
        }
    }
}

/// The power was cut while an operating system wrote: what its journal holds is there before anything is put beside it, and stays.
#[test]
fn what_a_journal_still_holds_is_there() {
    for kind in mountable() {
        // A vfat has no journal, an ext2 neither.
        if kind == "vfat" || kind == "ext2" {
            continue;
        }
        let disk = Disk::new(&[kind]);
        let image = disk.scratch.path("part-0");
        let cut = disk.scratch.path("cut");
        disk.see(1, kind, |tree| {
            fs::create_dir(tree.join("etc")).expect("room");
            let mut file = File::create(tree.join("etc/kept")).expect("room");
            file.write_all(b"synced").expect("room");
            file.sync_all().expect("room");
            let folder = File::open(tree.join("etc")).expect("it is there");
            folder.sync_all().expect("room");
            says("sync", &["-d", name(disk.devices[0].path())], "");
            says("cp", &["--sparse=always", name(&image), name(&cut)], "");
        });
        says("cp", &["--sparse=always", name(&cut), name(&image)], "");
        says(
            "blockdev",
            &["--flushbufs", name(disk.devices[0].path())],
            "",
        );
        let files = format!(r#"[{{"path":"/etc/new","content":"{}"}}]"#, packed("after"));
        disk.inject(&files)
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        disk.see(1, kind, |tree| {
            for (file, content) in [("kept", "synced"), ("new", "after")] {
                let found = fs::read_to_string(tree.join("etc").join(file));
                assert_eq!(found.expect(file), content, "{kind}");
            }
        });
        let device = name(disk.devices[0].path());
        match kind {
            "ext4" => says("e2fsck", &["-f", "-n", device], ""),
            "xfs" => says("xfs_repair", &["-n", device], ""),
            _ => says("btrfs", &["check", device], ""),
        };
    }
}

/// Of items for the same file the last one counts, as it is with whoever does one after the other: of a file that comes and goes,
/// nothing is left.
#[test]
fn of_items_for_the_same_file_the_last_counts() {
    let disk = Disk::new(&["ext4"]);
    disk.see(1, "ext4", |tree| {
        fs::create_dir(tree.join("etc")).expect("room");
        fs::write(tree.join("etc/old"), "before").expect("room");
    });
    let [one, two] = ["one", "two"].map(packed);
    let files = format!(
        r#"[{{"path":"/etc/a","content":"{one}","mode":448}},{{"path":"etc//./a","content":"{two}"}},
            {{"path":"/etc/b","content":"{one}"}},{{"path":"/etc/b","deleted":true}},
            {{"path":"/etc/old","deleted":true}},{{"path":"/etc/old","content":"{two}"}},
            {{"path":"/etc/a","content":"{one}","partition":1}}]"#
    );
    disk.inject(&files).expect("all can be done");
    disk.see(1, "ext4", |tree| {
        let read = |file: &str| fs::read_to_string(tree.join("etc").join(file)).ok();
        assert_eq!(
            read("a").as_deref(),
            Some("one"),
            "in the order of the list"
        );
        assert_eq!(read("b"), None);
        assert_eq!(read("old").as_deref(), Some("two"));
        assert_eq!(fs::read_dir(tree.join("etc")).expect("a folder").count(), 2);
    });
}
