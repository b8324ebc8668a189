//! Disks whose EFI system partition mkfs.vfat and mtools made.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::support::partition_tables::{MIB, name, says};
use super::support::scratch::Scratch;

/// A disk of 16 MiB by an sfdisk script that leaves MiB 1 to 9 to the first partition; in that a FAT with
/// these files.
pub fn with_esp(script: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let scratch = Scratch::new();
    let (path, esp) = (scratch.path("disk"), scratch.path("esp"));
    fs::write(&path, vec![0; 16 * MIB]).expect("room for a disk");
    says("sfdisk", &["-q", name(&path)], script);
    let mut disk = fs::read(&path).expect("it was made");
    disk[MIB..9 * MIB].copy_from_slice(&vfat(&esp, &scratch, files));
    disk
}

fn vfat(esp: &Path, scratch: &Scratch, files: &[(&str, &[u8])]) -> Vec<u8> {
    fs::write(esp, vec![0; 8 * MIB]).expect("room for a partition");
    says(
        "mkfs.vfat",
        &[
            "-F",
            "16",
            "-s",
            "1",
            "-n",
            "EFI PART",
            "-i",
            "7B7795E7",
            name(esp),
        ],
        "",
    );
    let mut made = BTreeSet::new();
    for (path, content) in files {
        let mut folder = String::from("::");
        let (folders, _) = path.rsplit_once('/').unwrap_or_default();
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            folder = format!("{folder}/{part}");
            if made.insert(folder.clone()) {
                says("mmd", &["-i", name(esp), &folder], "");
            }
        }
        let file = scratch.path("file");
        fs::write(&file, content).expect("room for a file");
        says(
            "mcopy",
            &["-i", name(esp), name(&file), &format!("::/{path}")],
            "",
        );
    }
    fs::read(esp).expect("it was made")
}

/// UTF-16 as shim's makers write it: without a mark.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
