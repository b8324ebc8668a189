//! A file system in memory of a few MiB, gone when dropped; needs root.

use std::fs;
use std::path::{Path, PathBuf};

use super::partition_tables::says;

pub struct Small(pub PathBuf);

impl Small {
    pub fn at(path: PathBuf, size: usize) -> Self {
        fs::create_dir(&path).expect("room for a directory");
        let small = Small(path);
        let options = format!("size={size}");
        let mount = ["-t", "tmpfs", "-o", &options, "tmpfs", text(&small.0)];
        says("mount", &mount, "");
        small
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        says("umount", &["--lazy", text(&self.0)], "");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("scratch paths are text")
}
