//! Config drives made by the programs everybody uses, as they are and as Ironic sends them.

use std::fs;
use std::path::Path;

use ironlet::codec::{base64, gzip};

use super::partition_tables::{MIB, name, says};
use super::scratch::Scratch;

/// An ISO 9660 drive as Ironic makes it, and how it sends it.
pub fn iso(scratch: &Scratch) -> (Vec<u8>, String) {
    let (tree, path) = (scratch.path("tree"), scratch.path("drive.iso"));
    let latest = tree.join("openstack/latest");
    fs::create_dir_all(&latest).expect("a directory");
    fs::write(latest.join("meta_data.json"), r#"{"uuid":"u"}"#).expect("a file");
    let arguments = ["-quiet", "-J", "-r", "-V", "config-2", "-o"];
    says(
        "genisoimage",
        &[&arguments[..], &[name(&path), name(&tree)]].concat(),
        "",
    );
    packed(fs::read(path).expect("it was made"))
}

pub fn vfat(scratch: &Scratch, label: &str, sector: &str) -> (Vec<u8>, String) {
    let path = scratch.path("drive.vfat");
    fs::write(&path, vec![0; 4 * MIB]).expect("room");
    says("mkfs.vfat", &["-n", label, "-S", sector, name(&path)], "");
    packed(fs::read(path).expect("it was made"))
}

pub fn packed(drive: Vec<u8>) -> (Vec<u8>, String) {
    let text = base64::encode(&gzip::pack(&drive).expect("memory takes every write"));
    (drive, text)
}

/// What blkid finds at a byte of a disk: `LABEL` and `TYPE`.
pub fn found(disk: &Path, at: usize) -> (String, String) {
    let offset = at.to_string();
    let told = says(
        "blkid",
        &["-p", "-o", "export", "-O", &offset, name(disk)],
        "",
    );
    let value = |key: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().to_owned()
    };
    (value("LABEL="), value("TYPE="))
}
