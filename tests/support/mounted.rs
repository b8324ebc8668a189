//! A file system mounted by this machine's kernel, gone with its handle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
        // A test beside this one that starts a program holds every open file for a moment.
        for _ in 0..40 {
            let done = Command::new("umount").arg(&self.0).status();
            if done.is_ok_and(|done| done.success()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
