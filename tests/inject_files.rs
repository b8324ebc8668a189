//! Files put into file systems that mke2fs and its like made, mounted by this machine's kernel and looked at by it afterwards.

#[path = "inject_files/items.rs"]
mod items;
mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ironlet::codec::base64;
use ironlet::codec::json::{Value, parse};
use ironlet::error::{Error, Result};
use ironlet::steps::inject_files::{inject, item};
use ironlet::system_root::SystemRoot;
use support::mounted::Mounted;
use support::partition_tables::{Loop, MIB, name, says};
use support::scratch::Scratch;

/// A machine whose only disk, vda, has these partitions: files with a file system each, behind loop devices.
struct Disk {
    scratch: Scratch,
    host: SystemRoot,
    devices: Vec<Loop>,
}

/// The programs that make them, and what of their file systems this machine's kernel may be unable to mount.
const MAKERS: [(&str, &str, &[&str]); 5] = [
    ("ext4", "mkfs.ext4", &["-q", "-L", "root"]),
    ("ext2", "mkfs.ext2", &["-q", "-L", "root"]),
    ("xfs", "mkfs.xfs", &["-q", "-L", "root"]),
    ("btrfs", "mkfs.btrfs", &["-q", "-L", "root"]),
    ("vfat", "mkfs.vfat", &["-n", "ROOT"]),
];

impl Disk {
    fn new(kinds: &[&str]) -> Self {
        let scratch = Scratch::new();
        let (mut devices, block) = (Vec::new(), scratch.path("sys/class/block/vda"));
        fs::create_dir_all(scratch.path("dev")).expect("room");
        for (index, kind) in kinds.iter().enumerate() {
            let (number, path) = (index + 1, scratch.path(&format!("part-{index}")));
            let file = File::create(&path).expect("room");
            file.set_len(320 * MIB as u64).expect("a sparse file");
            if let Some((_, program, options)) = MAKERS.iter().find(|own| own.0 == *kind) {
                says(program, &[options, &[name(&path)][..]].concat(), "");
            }
            let device = Loop::new(&path, 512);
            let own = block.join(format!("vda{number}"));
            fs::create_dir_all(&own).expect("room");
            fs::write(own.join("partition"), format!("{number}\n")).expect("room");
            let event = format!("PARTN={number}\nPARTNAME=part {number}\nPARTUUID=0-{number}\n");
            fs::write(own.join("uevent"), event).expect("room");
            symlink(device.path(), scratch.path(&format!("dev/vda{number}"))).expect("room");
            devices.push(device);
        }
        let host = SystemRoot::new(scratch.path(""));
        Disk {
            scratch,
            host,
            devices,
        }
    }

    /// Looks at, or changes, what is on a partition.
    fn see<T>(&self, number: usize, kind: &str, work: impl FnOnce(&Path) -> T) -> T {
        let tree = self.scratch.path(&format!("tree-{number}"));
        let mounted = Mounted::new(self.devices[number - 1].path(), &tree, kind);
        work(&mounted.path(""))
    }

    fn inject(&self, files: &str) -> Result<()> {
        self.inject_with(files, &|url, _| {
            Err(Error::plain(format!("no server has {url}")))
        })
    }

    fn inject_with(
        &self,
        files: &str,
        fetch: &dyn Fn(&str, &mut File) -> Result<()>,
    ) -> Result<()> {
        let items = item::parse(None, Some(json(files)))?;
        let done = inject(&self.host, Path::new("/dev/vda"), &items, &|_| (), fetch);
        let left = fs::read_dir(self.scratch.path("run/inject"));
        assert_eq!(
            left.map_or(0, |left| left.count()),
            0,
            "something is mounted still"
        );
        done
    }
}

fn json(text: &str) -> Value {
    parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn packed(content: &str) -> String {
    base64::encode(content.as_bytes())
}

/// What this kernel can mount; there must be something.
fn mountable() -> Vec<&'static str> {
    let known = fs::read_to_string("/proc/filesystems").expect("a Linux");
    let known: Vec<_> = known
        .lines()
        .map(|line| line.trim_start_matches("nodev").trim())
        .collect();
    let kinds = MAKERS.iter().map(|own| own.0);
    let kinds: Vec<_> = kinds.filter(|kind| known.contains(kind)).collect();
    assert!(kinds.contains(&"ext4"), "{known:?}");
    kinds
}

fn python(line: &str) -> String {
    says("python3", &["-c", &format!("import os; {line}")], "")
}

fn mode(path: PathBuf) -> u32 {
    let found = fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.permissions().mode() & 0o7777
}

#[test]
fn files_appear_with_content_mode_and_owner_in_every_file_system() {
    for kind in mountable() {
        let disk = Disk::new(&["none", kind]);
        disk.see(2, kind, |tree| {
            fs::create_dir_all(tree.join("etc/old")).expect("room");
            fs::write(tree.join("etc/old/kept"), "before").expect("room");
            fs::write(tree.join("etc/gone"), "before").expect("room");
        });
        let files = if kind == "vfat" {
            r#"[{"path":"/etc/new/deep/file","content":"A"},{"path":"etc/old/kept","content":"A"},{"path":"/etc/gone","deleted":true},{"path":"/etc/never","deleted":true}]"#
        } else {
            r#"[{"path":"/etc/new/deep/file","content":"A","mode":416,"dirmode":448,"owner":7,"group":8},
                {"path":"etc//./old/kept","content":"A"},{"path":"/etc/gone","deleted":true},{"path":"/etc/never","deleted":true}]"#
        };
        disk.inject(&files.replace("\"A\"", &format!("{:?}", packed("after"))))
            .expect(kind);
        disk.see(2, kind, |tree| {
            for file in ["etc/new/deep/file", "etc/old/kept"] {
                assert_eq!(fs::read_to_string(tree.join(file)).expect(file), "after");
            }
            assert!(!tree.join("etc/gone").exists());
            assert_eq!(
                fs::read_dir(tree.join("etc")).expect("a folder").count(),
                2,
                "{kind}"
            );
            if kind != "vfat" {
                let found = fs::metadata(tree.join("etc/new/deep/file")).expect("it is there");
                assert_eq!((found.uid(), found.gid()), (7, 8));
                assert_eq!(mode(tree.join("etc/new/deep/file")), 0o640);
                assert_eq!(
                    (mode(tree.join("etc/new")), mode(tree.join("etc/new/deep"))),
                    (0o755, 0o700)
                );
            }
        });
        if kind.starts_with("ext") {
            says("e2fsck", &["-f", "-n", name(disk.devices[1].path())], "");
        }
    }
}

/// What it is not told to change, a file keeps: mode, owner, attributes.
#[test]
fn a_file_that_is_replaced_keeps_what_it_was() {
    let disk = Disk::new(&["ext4"]);
    disk.see(1, "ext4", |tree| {
        fs::create_dir(tree.join("etc")).expect("room");
        let path = tree.join("etc/file");
        fs::write(&path, "before").expect("room");
        std::os::unix::fs::chown(&path, Some(12), Some(13)).expect("root may");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4751)).expect("it is ours");
        python(&format!("os.setxattr({path:?}, 'user.colour', b'red')"));
        fs::write(tree.join("etc/plain"), "before").expect("room");
    });
    let content = packed("after");
    let files = format!(
        r#"[{{"path":"/etc/file","content":"{content}"}},{{"path":"/etc/plain","content":"{content}","owner":-1,"mode":0}}]"#
    );
    disk.inject(&files).expect("it is there");
    disk.see(1, "ext4", |tree| {
        let (path, found) = (tree.join("etc/file"), fs::metadata(tree.join("etc/file")));
        let found = found.expect("it is there");
        assert_eq!((found.uid(), found.gid()), (12, 13));
        assert_eq!(mode(path.clone()), 0o4751);
        let colour = python(&format!("print(os.getxattr({path:?}, 'user.colour'))"));
        assert!(colour.contains("b'red'"), "{colour}");
        assert_eq!(
            fs::read_to_string(tree.join("etc/plain")).expect("it is there"),
            "after"
        );
        assert_eq!(mode(tree.join("etc/plain")), 0o644);
    });
}

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
