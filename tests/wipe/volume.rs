//! Software RAID volumes on the skip list: whoever is a member stays as it is, wherever its superblock lies.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::put;
use super::step::{add, run, status};
use super::support::fake_agent::Surroundings;
use super::support::partition_tables::name;

/// Of the one partition of a disk of the step's tests.
const PARTITION: (u64, u64) = (4 << 20, 48 << 20);

/// linux/raid/md_p.h, struct mdp_superblock_1, of an array of no devices; `at` is where in the member it lies.
fn superblock(name: &str, at: u64) -> Vec<u8> {
    let mut block = vec![0; 256];
    block[..4].copy_from_slice(&0xa92b_4efc_u32.to_le_bytes());
    block[4] = 1;
    block[16..32].fill(7); // set_uuid
    block[32..32 + name.len()].copy_from_slice(name.as_bytes());
    block[144..152].copy_from_slice(&(at / 512).to_le_bytes());
    let words = block.chunks_exact(4).map(|word| {
        let word = [word[0], word[1], word[2], word[3]];
        u64::from(u32::from_le_bytes(word))
    });
    let sum: u64 = words.sum();
    let sum = ((sum & 0xffff_ffff) + (sum >> 32)) as u32;
    block[216..220].copy_from_slice(&sum.to_le_bytes());
    block
}

/// What blkid says of the member at `start`: as much a judge of the superblocks made here as of their name.
fn volume(path: &Path, (start, size): (u64, u64)) -> String {
    let (start, size) = (start.to_string(), size.to_string());
    let arguments = [
        "-p",
        "-O",
        &start,
        "-S",
        &size,
        "-s",
        "LABEL",
        "-o",
        "value",
        name(path),
    ];
    let output = Command::new("blkid").args(arguments).output();
    let output = output.expect("blkid is there");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_volume_that_is_to_be_left_alone_survives() {
    for word in [
        "big",
        "metal:big",
        "METAL:Big",
        "/dev/md/big",
        "/dev/md/metal:big",
    ] {
        survives(word);
    }
}

fn survives(word: &str) {
    let mut surroundings = Surroundings::new();
    // drivers/md/md.c, super_1_load: versions 1.0, 1.1 and 1.2; of the whole disk and of its partition.
    let (whole, (start, part)) = (64 << 20, PARTITION);
    let end = |size: u64| (size / 512 - 16) / 8 * 8 * 512;
    let mut kept = Vec::new();
    for (kernel, start, size, at) in [
        ("vda", 0, whole, end(whole)),
        ("vdb", start, part, end(part)),
        ("vdc", start, part, 0),
        ("vdd", start, part, 4096),
    ] {
        let path = add(&surroundings, kernel, &[]);
        // Two file systems in one place are ambivalent to blkid.
        put(&path, start + 0x438, &[0, 0]);
        put(&path, start + at, &superblock("metal:big", at));
        assert_eq!(volume(&path, (start, size)), "metal:big", "{kernel}");
        kept.push((fs::read(&path).expect("a disk"), path));
    }
    let other = add(&surroundings, "vde", &[]);
    put(&other, start + 4096, &superblock("metal:bigger", 4096));
    let stray = add(&surroundings, "vdf", &[]);
    put(&stray, start + 8192, &superblock("metal:big", 4096));

    let node = format!(r#"{{"properties":{{"skip_block_devices":[{{"volume_name":"{word}"}}]}}}}"#);
    let entry = run(&mut surroundings, &node);
    assert_eq!(status(&entry), "SUCCEEDED");
    for (before, path) in kept {
        assert!(fs::read(&path).expect("a disk") == before, "{path:?}");
    }
    for path in [other, stray] {
        assert_eq!(super::look(&path, 0, 512), [0; 512], "{path:?}");
    }
}
