//! Files put into file systems that mke2fs and its like made, mounted by this machine's kernel and looked at by it afterwards.

#[path = "inject_files/fetched.rs"]
mod fetched;
#[path = "inject_files/items.rs"]
mod items;
#[path = "inject_files/places.rs"]
mod places;
mod support;
#[path = "inject_files/undone.rs"]
mod undone;

use std::fs::{self, File};
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
        let left = fs::read_dir(self.host.run("inject"));
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
