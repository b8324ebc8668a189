//! Where a file goes: the partition that is meant, and no way out of it.

use std::fs;
use std::os::unix::fs::symlink;

use super::support::partition_tables::{name, says};
use super::{Disk, packed};

#[test]
fn the_partition_is_found_as_it_is_asked_for() {
    let disk = Disk::new(&["ext4", "ext4", "none"]);
    disk.see(1, "ext4", |tree| {
        fs::create_dir(tree.join("grub")).expect("room")
    });
    disk.see(2, "ext4", |tree| {
        fs::create_dir(tree.join("etc")).expect("room")
    });
    says("e2label", &[name(disk.devices[0].path()), "boot"], "");
    let uuid = says(
        "blkid",
        &[
            "-p",
            "-s",
            "UUID",
            "-o",
            "value",
            name(disk.devices[1].path()),
        ],
        "",
    );
    let uuid = uuid.trim();
    let cases = [
        (r#""path":"/etc/a""#.to_owned(), 2, "etc/a"),
        (r#""path":"/grub/b""#.to_owned(), 1, "grub/b"),
        (r#""path":"/c","partition":1"#.to_owned(), 1, "c"),
        (r#""path":"/d","partition":"2""#.to_owned(), 2, "d"),
        (r#""path":"/e","partition":"/dev/vda2""#.to_owned(), 2, "e"),
        (r#""path":"/f","partition":"LABEL=boot""#.to_owned(), 1, "f"),
        (
            r#""path":"/g","partition":"/dev/disk/by-label/root""#.to_owned(),
            2,
            "g",
        ),
        (format!(r#""path":"/h","partition":"UUID={uuid}""#), 2, "h"),
        (
            format!(r#""path":"/i","partition":"/dev/disk/by-uuid/{uuid}""#),
            2,
            "i",
        ),
        (
            r#""path":"/j","partition":"/dev/disk/by-partlabel/part 1""#.to_owned(),
            1,
            "j",
        ),
        (
            r#""path":"/k","partition":"PARTUUID=0-2""#.to_owned(),
            2,
            "k",
        ),
        (r#""path":"/new/l","partition":1"#.to_owned(), 1, "new/l"),
    ];
    let files: Vec<_> = cases
        .iter()
        .map(|(item, ..)| format!(r#"{{{item},"content":""}}"#))
        .collect();
    disk.inject(&format!("[{}]", files.join(",")))
        .expect("all are there");
    for number in [1, 2] {
        disk.see(number, "ext4", |tree| {
            for (item, of, path) in &cases {
                assert_eq!(tree.join(path).is_file(), *of == number, "{item}");
            }
        });
    }
    for (item, said) in [
        (
            r#""path":"/usr/a""#,
            "no partition of /dev/vda has the folder it begins with: partition 1",
        ),
        (
            r#""path":"/etc/a","partition":4"#,
            "partition 4 of /dev/vda: partition 1",
        ),
        (
            r#""path":"/etc/a","partition":3"#,
            "holds none of the file systems files are put into: ext4, xfs, btrfs, vfat",
        ),
        (
            r#""path":"/etc/a","partition":"/dev/vdb1""#,
            "is no partition of /dev/vda, the root disk, which alone is written to",
        ),
        (
            r#""path":"/etc/a","partition":"LABEL=""#,
            "is no partition of /dev/vda",
        ),
    ] {
        let error = disk
            .inject(&format!(r#"[{{{item},"content":""}}]"#))
            .expect_err(said);
        assert!(error.details().contains(said), "{error}");
    }
}

/// Links lead nowhere but within their file system, and what they lead to there is written.
#[test]
fn nothing_leads_out_of_the_file_system() {
    let disk = Disk::new(&["ext4"]);
    let outside = disk.scratch.path("outside");
    fs::create_dir(&outside).expect("room");
    disk.see(1, "ext4", |tree| {
        fs::create_dir_all(tree.join("etc")).expect("room");
        fs::create_dir_all(tree.join(name(&outside).trim_start_matches('/'))).expect("room");
        fs::create_dir_all(tree.join("usr/lib")).expect("room");
        fs::write(tree.join("usr/lib/real"), "before").expect("room");
        for (from, to) in [
            (name(&outside), "etc/absolute"),
            (
                &*format!("{}{}", "../".repeat(20), name(&outside)),
                "etc/relative",
            ),
            ("/usr/lib/real", "etc/link"),
            ("../usr/lib/real", "etc/near"),
            ("../run/systemd/resolv.conf", "etc/dangling"),
            ("round", "etc/round"),
            ("/usr/lib", "etc/folder"),
            ("/proc/self/root", "etc/magic"),
            ("nowhere", "etc/lost"),
        ] {
            symlink(from, tree.join(to)).expect("room");
        }
        says(
            "mknod",
            &[name(&tree.join("etc/device")), "b", "7", "0"],
            "",
        );
        says("mkfifo", &[name(&tree.join("etc/fifo"))], "");
    });
    let files: Vec<_> = ["absolute/a", "relative/b", "link", "dangling"]
        .iter()
        .map(|path| {
            format!(
                r#"{{"path":"/etc/{path}","content":"{}"}}"#,
                packed("after")
            )
        })
        .collect();
    disk.inject(&format!("[{}]", files.join(",")))
        .expect("they stay inside");
    assert_eq!(
        fs::read_dir(&outside).expect("a folder").count(),
        0,
        "it got out"
    );
    disk.see(1, "ext4", |tree| {
        let inside = tree.join(name(&outside).trim_start_matches('/'));
        for path in [
            inside.join("a"),
            inside.join("b"),
            tree.join("usr/lib/real"),
            tree.join("etc/dangling"),
        ] {
            assert_eq!(fs::read_to_string(path).expect("it is there"), "after");
        }
        let kind = |path: &str| {
            fs::symlink_metadata(tree.join(path))
                .expect(path)
                .file_type()
        };
        assert!(kind("etc/link").is_symlink() && kind("etc/dangling").is_file());
    });
    for (path, said) in [
        ("etc/round", "links in it go round in circles"),
        ("etc/folder", "it is a folder"),
        ("etc/device", "it is a device, a FIFO or a socket"),
        ("etc/fifo", "it is a device, a FIFO or a socket"),
        (
            "etc/magic/x",
            "a link that leads nowhere where there should be a folder",
        ),
        (
            "etc/lost/x",
            "a link that leads nowhere where there should be a folder",
        ),
        ("usr/lib/real/x", "looking for /usr/lib/real"),
    ] {
        let error = disk
            .inject(&format!(r#"[{{"path":"/{path}","content":""}}]"#))
            .expect_err(path);
        assert!(error.details().contains(said), "{path}: {error}");
    }
    let error = disk
        .inject(r#"[{"path":"/usr/lib","deleted":true}]"#)
        .expect_err("a folder");
    assert!(
        error.details().contains("only files are deleted"),
        "{error}"
    );
    disk.inject(r#"[{"path":"/etc/near","deleted":true},{"path":"/etc/fifo","deleted":true}]"#)
        .expect("it is a link");
    disk.see(1, "ext4", |tree| {
        assert!(
            tree.join("usr/lib/real").exists(),
            "a link is removed, not what it leads to"
        );
        assert!(fs::symlink_metadata(tree.join("etc/near")).is_err());
    });
}
