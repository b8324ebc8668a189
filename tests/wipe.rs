//! Erasing metadata and the guard before it; wipefs, blkid and the programs that made it say what is left.

#[path = "wipe/choice.rs"]
mod choice;
#[path = "wipe/hostile.rs"]
mod hostile;
#[path = "wipe/libblkid.rs"]
mod libblkid;
#[path = "wipe/order.rs"]
mod order;
#[path = "wipe/step.rs"]
mod step;
mod support;
#[path = "wipe/tools.rs"]
mod tools;
#[path = "wipe/volume.rs"]
mod volume;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ironlet::disk::Disk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::disk::wipe::{Found, metadata};
use ironlet::error::Result;
use ironlet::system_root::SystemRoot;
use ironlet::units::Bytes;
use support::partition_tables::{name, says};
use support::scratch::Scratch;

/// A sparse file that stands for a disk.
fn blank(scratch: &Scratch, size: u64) -> PathBuf {
    let path = scratch.path("disk");
    let file = File::create(&path).expect("the scratch takes files");
    file.set_len(size).expect("a sparse file");
    path
}

fn put(path: &Path, at: u64, bytes: &[u8]) {
    let file = File::options().write(true).open(path).expect("it is there");
    file.write_all_at(bytes, at).expect("room");
}

fn look(path: &Path, at: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let file = File::open(path).expect("it is there");
    file.read_exact_at(&mut bytes, at).expect("so long");
    bytes
}

/// The disk at `path`: a file, or a loop device of so many bytes.
fn disk(path: &Path, size: u64) -> Disk {
    Disk {
        name: name(path).to_owned(),
        path: path.to_owned(),
        size: Bytes(size),
        logical_sector: 512,
        physical_sector: 512,
        ..Disk::default()
    }
}

fn wipe(path: &Path) -> Result<Found> {
    let nowhere = SystemRoot::new("/nonexistent");
    let permit = Permit::new(&nowhere, vec![path.to_owned()]);
    metadata(&disk(path, 0), &permit, &nowhere)
}

/// Panics if wipefs or blkid find anything on a disk, or at these offsets of it.
fn bare(path: &Path, offsets: &[u64]) {
    let found = says("wipefs", &["-n", name(path)], "");
    assert_eq!(found, "", "{path:?}");
    for offset in [0].iter().chain(offsets) {
        let offset = offset.to_string();
        let arguments = ["-p", "-O", &offset, name(path)];
        let output = Command::new("blkid").args(arguments).output();
        let output = output.expect("blkid is there");
        let found = String::from_utf8_lossy(&output.stdout);
        // blkid(8): 2 is nothing found.
        assert_eq!((output.status.code(), &*found), (Some(2), ""), "{offset}");
    }
}
