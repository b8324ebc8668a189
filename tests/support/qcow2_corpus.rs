//! Images of every kind qemu-img writes.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::corpus::{self, read};

/// The folder with NAME.qcow2 and NAME.raw.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| corpus::folder("qcow2"))
}

/// Every image by name.
pub fn names() -> Vec<String> {
    corpus::names(folder(), ".qcow2")
}

pub fn image(name: &str) -> Vec<u8> {
    read(&folder().join(format!("{name}.qcow2")))
}

/// What qemu-img makes of it.
pub fn disk(name: &str) -> Vec<u8> {
    read(&folder().join(format!("{name}.raw")))
}
