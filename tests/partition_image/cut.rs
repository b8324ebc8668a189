//! A disk that stops taking data, and a power cut: the whole table or none.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use ironlet::disk::table::partition_plan::{Plan, Scheme, Sizes};

use super::support::config_drives::packed;
use super::support::partition_tables::{Loop, MIB, judge, listed, name, says};
use super::support::scratch::Scratch;
use super::{put, wanted};

/// What blkid sees: the kind of the table, and the number of partitions.
fn seen(disk: &Path) -> (String, usize) {
    let say = |program, arguments: &[&str]| {
        // Both fail where they find nothing.
        let output = Command::new(program).args(arguments).arg(disk).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let kind = say("blkid", &["-p", "-s", "PTTYPE", "-o", "value"]);
    let partitions = say("partx", &["--show", "-g", "-o", "NR"]);
    (kind, partitions.lines().count())
}

/// The writes of a table in their order, cut off after each: only the last one makes it one.
#[test]
fn a_table_is_there_as_a_whole_or_not_at_all() {
    let sizes = Sizes {
        root: 8,
        swap: 1,
        ephemeral: 2,
        drive: 1,
        firmware: None,
    };
    for (scheme, kind, partitions) in [(Scheme::BiosGpt, "gpt", 5), (Scheme::Mbr, "dos", 4)] {
        let scratch = Scratch::new();
        let path = scratch.path("disk");
        let file = File::create(&path).expect("a file");
        file.set_len(32 * MIB as u64).expect("sparse");
        let plan = Plan::new(scheme, &sizes, 512, 32 * MIB as u64).expect("there is room");
        let mut count = 0;
        let pieces = plan.pieces(|| {
            count += 1;
            Ok([count; 16])
        });
        let pieces = pieces.expect("nothing can fail");
        for (done, (at, bytes)) in pieces.iter().enumerate() {
            assert_eq!(seen(&path), (String::new(), 0), "{scheme:?} after {done}");
            file.write_all_at(bytes, *at).expect("room");
        }
        assert_eq!(seen(&path), (kind.to_owned(), partitions));
        assert_eq!(listed(&path).len(), partitions);
        if scheme != Scheme::Mbr {
            judge(&path);
        }
    }
}

/// A file system in memory, gone with this.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn at(path: &'a Path, size: usize) -> Self {
        fs::create_dir(path).expect("room for a directory");
        let size = format!("size={size}");
        says(
            "mount",
            &["-t", "tmpfs", "-o", &size, "tmpfs", name(path)],
            "",
        );
        Small(path)
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// A thin disk that is full after so many bytes, from the first step of a deploy to the last.
#[test]
fn a_disk_that_fails_at_any_moment_has_no_table() {
    let image: Vec<u8> = (0..8 * MIB).map(|at| (at / 512 % 251) as u8 + 1).collect();
    let drive = packed(vec![9; 3 * MIB]).1;
    let (mut failures, mut successes) = (0, 0);
    for scheme in [Scheme::BiosGpt, Scheme::Mbr] {
        for mib in (2..32).step_by(2) {
            let scratch = Scratch::new();
            let folder = scratch.path("small");
            let _small = Small::at(&folder, mib * MIB);
            let file = folder.join("disk");
            let made = OpenOptions::new().create_new(true).write(true).open(&file);
            made.and_then(|file| file.set_len(64 * MIB as u64))
                .expect("a sparse file takes no room");
            let disk = Loop::new(&file, 512);
            let outcome = put(&image, disk.path(), wanted(scheme, 8, 4, 30), Some(&drive));
            drop(disk);
            let (kind, partitions) = seen(&file);
            match outcome {
                Ok(parts) => {
                    successes += 1;
                    assert_eq!(partitions, parts.len(), "{mib}");
                }
                Err(error) => {
                    failures += 1;
                    assert_eq!((&*kind, partitions), ("", 0), "{mib}: {error}");
                }
            }
        }
    }
    assert!(failures > 4 && successes > 4, "{failures}, {successes}");
}
