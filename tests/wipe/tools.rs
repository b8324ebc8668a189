//! Signatures by the programs that make them.

use std::fs::File;

use super::support::scratch::Scratch;
use super::support::tables::{name, says};
use super::{bare, wipe};

/// What mkfs and its like make on a whole disk, and how blkid calls it.
const MAKERS: &[(&str, &[&str], &str)] = &[
    ("mkfs.ext4", &["-q", "-F"], "ext"),
    ("mkfs.vfat", &["-F", "32"], "vfat"),
    ("mkfs.vfat", &["-F", "16"], "vfat"),
    ("mkswap", &[], "swap"),
    ("mkfs.minix", &[], "minix"),
    ("mkfs.xfs", &["-q", "-f"], "xfs"),
    ("mkfs.btrfs", &["-q", "-f"], "btrfs"),
    ("mkfs.f2fs", &["-q", "-f"], "f2fs"),
    ("mkfs.nilfs2", &["-q", "-f"], "nilfs2"),
    ("mkfs.ntfs", &["-q", "-F", "-f"], "ntfs"),
    ("mkfs.exfat", &[], "exfat"),
    ("mkfs.udf", &[], "udf"),
    ("mkfs.reiserfs", &["-q", "-f", "-f"], "reiserfs"),
    ("mkfs.jfs", &["-q"], "jfs"),
    (
        "mkfs.gfs2",
        &["-q", "-O", "-p", "lock_nolock", "-J", "8"],
        "gfs2",
    ),
    ("mkfs.bfs", &[], "bfs"),
];

#[test]
fn nothing_is_left_of_a_file_system_on_a_whole_disk() {
    for (program, arguments, kind) in MAKERS {
        let scratch = Scratch::new();
        let path = scratch.path("disk");
        let file = File::create(&path).expect("the scratch takes files");
        file.set_len(512 << 20).expect("a sparse file");
        let mut arguments = arguments.to_vec();
        arguments.push(name(&path));
        says(program, &arguments, "y\n");
        let before = says("wipefs", &["-n", name(&path)], "");
        assert!(before.contains(kind), "{program}: {before}");
        let found = wipe(&path).expect(program);
        assert!(
            found.what.iter().any(|what| what == kind),
            "{program}: {found:?}"
        );
        bare(&path, &[]);
    }
}
