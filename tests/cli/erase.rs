//! `ironlet erase` on a host: the disks that were named, and no other.

use std::fs;
use std::path::{Path, PathBuf};

use super::said;
use super::support::partition_tables::{name, says};
use super::support::scratch::Scratch;

const SIZE: usize = 16 << 20;

/// A disk with a partition, of this device number.
fn add(root: &Path, kernel: &str, number: &str) -> PathBuf {
    let (path, block) = (
        root.join("dev").join(kernel),
        root.join("sys/block").join(kernel),
    );
    fs::create_dir_all(&block).expect("a folder");
    fs::create_dir_all(root.join("dev")).expect("a folder");
    fs::write(&path, vec![0xaa; SIZE]).expect("a disk");
    let script = "label: dos\nstart=2048, size=2048\n";
    says("sfdisk", &["-q", "--wipe=never", name(&path)], script);
    let sectors = (SIZE / 512).to_string();
    for (file, value) in [
        ("size", &sectors[..]),
        ("ro", "0"),
        ("removable", "0"),
        ("dev", number),
    ] {
        fs::write(block.join(file), value).expect("a file");
    }
    path
}

#[test]
fn a_host_loses_the_disks_that_were_named_and_no_other() {
    let scratch = Scratch::new();
    let root = scratch.path("root");
    let disks = [("vda", "254:0"), ("vdb", "254:16"), ("vdc", "254:32")];
    let disks = disks.map(|(kernel, number)| add(&root, kernel, number));
    let proc = root.join("proc/self");
    fs::create_dir_all(&proc).expect("a folder");
    let mounts = "1 0 254:0 / / rw - ext4 /dev/vda rw\n";
    fs::write(proc.join("mountinfo"), mounts).expect("a file");
    let before = disks.each_ref().map(|path| fs::read(path).expect("a disk"));
    let erase = |what: &str, names: &[&str], more: &[&str]| {
        let mut words = vec!["erase", what, "--cmdline", "", "--root", name(&root)];
        for name in names {
            words.extend(["--allow-disk", name]);
        }
        words.extend(more);
        said(&words)
    };
    let [vda, vdb, vdc] = disks.each_ref().map(|path| name(path));
    let spared = r#"{"properties":{"skip_block_devices":[{"name":"/dev/vdb"}]}}"#;
    let file = name(&scratch.disk(SIZE, 0)).to_owned();
    for (names, more, why) in [
        (&[][..], &[][..], "name those that are with --allow-disk"),
        (&[vda], &[], "/dev/vda is mounted at /; no disk was touched"),
        (
            &[vdb, vda],
            &[],
            "/dev/vda is mounted at /; no disk was touched",
        ),
        (
            &[vdb, &file],
            &[],
            "is none of the disks here: /dev/vda, /dev/vdb, /dev/vdc",
        ),
        (
            &[vdb],
            &["--node", spared],
            "no disk was touched: /dev/vdb is to be left alone",
        ),
    ] {
        for what in ["metadata", "all"] {
            let (code, all) = erase(what, names, more);
            assert_eq!(code, Some(1), "{names:?}: {all}");
            assert!(all.contains(why), "{names:?}: {all}");
            let now = disks.each_ref().map(|path| fs::read(path).expect("a disk"));
            assert!(now == before, "{names:?}: {all}");
        }
    }
    let (code, all) = erase("metadata", &[vdb], &[]);
    assert_eq!(code, Some(0), "{all}");
    for untouched in ["/dev/vda", "/dev/vdc"] {
        let skipped =
            format!("\"{untouched}\":{{\"skipped\":\"was not named with --allow-disk\"}}");
        assert!(all.contains(&skipped), "{all}");
    }
    assert!(
        fs::read(vda).expect("a disk") == before[0] && fs::read(vdc).expect("a disk") == before[2]
    );
    let erased = fs::read(vdb).expect("a disk");
    assert!(erased[..1 << 20].iter().all(|byte| *byte == 0), "{all}");
}
