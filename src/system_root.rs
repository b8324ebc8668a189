//! Where the machine's files are: /sys, /proc, /dev, /run and /etc, below any directory.
//!
//! Passed by reference. A test builds the same tree in a directory of its own; there is no other mock.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};
use crate::small_sort;

/// The machine's files, below any directory.
#[derive(Clone, Debug)]
pub struct SystemRoot {
    root: PathBuf,
}

impl SystemRoot {
    /// The machine whose `/` is `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        SystemRoot { root: root.into() }
    }

    /// Is this the machine the program runs on? Only then may the kernel be asked by system calls,
    /// which know nothing of `root`.
    pub fn is_here(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Below /sys.
    pub fn sys(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join("sys").join(path)
    }

    /// Below /proc.
    pub fn proc(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join("proc").join(path)
    }

    /// Below /dev.
    pub fn dev(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join("dev").join(path)
    }

    /// State of this boot: the session, the marker of a running command.
    pub fn run(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join("run/ironlet").join(path)
    }

    /// What virtual media set, in words as on the kernel command line; not there without.
    pub fn parameters_from_media(&self) -> PathBuf {
        self.run("parameters.txt")
    }

    /// Below /etc.
    pub fn etc(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join("etc").join(path)
    }

    /// What the machine itself calls `path`.
    pub fn seen(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Kernel modules of the release `release`.
    pub fn modules(&self, release: &str) -> PathBuf {
        self.root.join("lib/modules").join(release)
    }

    /// The kernel command line; empty where a tree that stands for a machine has none.
    pub fn command_line(&self) -> Result<String> {
        let path = self.proc("cmdline");
        if !self.is_here() && !path.exists() {
            return Ok(String::new());
        }
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Is this the machine itself, and its `/` a ramdisk (tmpfs or the kernel's rootfs)? Only there may
    /// disks be written unasked and the power be switched; never from a tree that merely says so.
    pub fn is_ramdisk(&self) -> bool {
        if self.root != Path::new("/") {
            return false;
        }
        let mounts = fs::read_to_string(self.proc("mounts")).unwrap_or_default();
        // The last mount on / is the one that is seen.
        let root = mounts
            .lines()
            .rev()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|f| f.get(1) == Some(&"/"));
        root.is_some_and(|fields| matches!(fields.get(2), Some(&("rootfs" | "tmpfs" | "ramfs"))))
    }

    /// An error on the machine the program runs on, unless that runs as a ramdisk: else `what` is its owner's.
    pub fn must_not_be_owned(&self, what: &str) -> Result<()> {
        match self.is_here() && !self.is_ramdisk() {
            false => Ok(()),
            true => Err(Error::plain(format!(
                "refusing to touch this machine's {what}: this is not a ramdisk"
            ))),
        }
    }
}

/// What the machine itself calls the device `path`, wherever its files are seen from here.
pub fn device_name(path: &str) -> String {
    format!("/dev/{path}")
}

/// One attribute file, trimmed; none if it is not there, not readable or empty.
pub fn attribute(path: impl AsRef<Path>) -> Option<String> {
    read_attribute(path).ok()?
}

/// One attribute file, trimmed; none if it is not there, empty, or the kernel says that there is nothing to tell.
/// The error is one that hides what there is.
pub fn read_attribute(path: impl AsRef<Path>) -> io::Result<Option<String>> {
    let Some(bytes) = read_bytes(path, u64::MAX)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// That of [`read_attribute`], as bytes and no more than `most` of them.
pub fn read_bytes(path: impl AsRef<Path>, most: u64) -> io::Result<Option<Vec<u8>>> {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound, Unsupported};
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        // sysfs: a driver answers EINVAL or EOPNOTSUPP for what its device does not have.
        Err(error) => match error.kind() {
            NotFound | NotADirectory | InvalidInput | Unsupported => Ok(None),
            _ => Err(error),
        },
    }
}

/// Names in a directory, sorted; empty if it is not there.
pub fn names(path: impl AsRef<Path>) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    small_sort::by(&mut names, |one, other| one < other);
    names
}

/// The last component of what a symbolic link points at.
pub fn link_name(path: impl AsRef<Path>) -> Option<String> {
    fs::read_link(path)
        .ok()?
        .file_name()?
        .to_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_read() {
        let folder = std::env::temp_dir().join(format!("attribute-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder of our own");
        fs::write(folder.join("model"), " a disk \0\n").expect("writable");
        fs::write(folder.join("empty"), "\n").expect("writable");
        for (name, expected) in [
            ("model", Some(Some("a disk"))),
            ("empty", Some(None)),
            ("absent", Some(None)),
            ("model/below", Some(None)),
            // A directory opens and cannot be read: EISDIR.
            ("", None),
        ] {
            let read = read_attribute(folder.join(name)).ok();
            let read = read.as_ref().map(Option::as_deref);
            assert_eq!(read, expected, "{name}");
        }
        fs::remove_dir_all(&folder).expect("ours");
    }

    #[test]
    fn a_machine_that_is_no_ramdisk_is_its_owners() {
        let here = SystemRoot::new("/");
        let refused = here.must_not_be_owned("crash logs").is_err();
        assert_eq!(refused, !here.is_ramdisk());
        assert!(
            SystemRoot::new("/nonexistent")
                .must_not_be_owned("x")
                .is_ok()
        );
    }
}
