//! A file system mounted by this machine's kernel, gone with its handle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::partition_tables::{name, says};

pub struct Mounted(PathBuf);

impl Mounted {
    /// `device` at `folder`, which is made.
    pub fn new(device: &Path, folder: &Path, kind: &str) -> Self {
        fs::create_dir_all(folder).expect("room for a directory");
        says("mount", &["-t", kind, name(device), name(folder)], "");
        Mounted(folder.to_owned())
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
