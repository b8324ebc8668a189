//! Which disks may be written at all.
//!
//! In a ramdisk every disk is fair game: erasing machines is the job. Anywhere else the disk must have
//! been named with `--allow-disk`, so that a try-out on a workstation can never eat the workstation.

use std::path::{Path, PathBuf};

use crate::disk::list::Disk;
use crate::error::{Error, Kind, Result};
use crate::system_root::{SystemRoot, attribute, names};

/// Which disks may be written: all in a ramdisk, else those named.
#[derive(Clone, Debug)]
pub struct Permit {
    ramdisk: bool,
    named: Vec<PathBuf>,
    /// Does what has no name stay as it is, instead of being in the way?
    by_name: bool,
    /// Disks that were looked at and chosen, and the sequence of each.
    chosen: Vec<(PathBuf, u64)>,
    /// Loop devices, and the file of each.
    loops: Vec<(String, PathBuf)>,
}

impl Permit {
    /// Whatever this machine is; outside a ramdisk only the disks in `named`.
    pub fn new(host: &SystemRoot, named: Vec<PathBuf>) -> Self {
        Permit {
            ramdisk: host.is_ramdisk(),
            named,
            by_name: false,
            chosen: Vec::new(),
            loops: loops(host),
        }
    }

    /// The same for a person: once disks are named, those alone, whatever this machine is.
    pub fn of_person(self) -> Self {
        Permit {
            ramdisk: self.ramdisk && self.named.is_empty(),
            by_name: true,
            ..self
        }
    }

    /// Which of `disks` a person did not name and so does not mean; an error if a name is none of theirs, or there is no name.
    pub fn unmeant<'a>(&self, disks: &'a [Disk]) -> Result<Vec<&'a Disk>> {
        if self.ramdisk || !self.by_name {
            return Ok(Vec::new());
        }
        let wrong = |why: String| Err(Error::new(Kind::BlockDeviceError, why));
        let named = |disk: &Disk| self.named.iter().any(|name| real(name) == real(&disk.path));
        if self.named.is_empty() {
            return wrong("this is not a ramdisk, where all disks are meant: name those that are with --allow-disk, each".to_owned());
        }
        let is_disk = |name: &&PathBuf| disks.iter().any(|disk| real(name) == real(&disk.path));
        if let Some(other) = self.named.iter().find(|name| !is_disk(name)) {
            let names: Vec<_> = disks.iter().map(|disk| disk.name.as_str()).collect();
            return wrong(format!(
                "--allow-disk {} is none of the disks here: {}",
                other.display(),
                names.join(", ")
            ));
        }
        Ok(disks.iter().filter(|disk| !named(disk)).collect())
    }

    /// The same, and behind the names of `disks` there must still be those very disks: between choosing one and
    /// opening it hours may pass, and a cable may be moved.
    pub fn of_chosen(&self, disks: &[Disk]) -> Self {
        let chosen = disks.iter();
        Permit {
            chosen: chosen
                .filter_map(|disk| Some((disk.path.clone(), disk.sequence?)))
                .collect(),
            ..self.clone()
        }
    }

    /// An error if the disk opened as `disk`, which has this sequence, is not the one that was chosen.
    pub fn confirm(&self, disk: &Path, sequence: Option<u64>) -> Result<()> {
        let chosen = self.chosen.iter().find(|(path, _)| path == disk);
        match chosen.filter(|(_, own)| Some(*own) != sequence) {
            None => Ok(()),
            Some(_) => Err(Error::new(
                Kind::BlockDeviceError,
                format!(
                    "refusing to write {disk}: another disk has got that name since the disks were looked at; start \
                     the operation again",
                    disk = disk.display()
                ),
            )),
        }
    }

    /// Ok if `disk` may be written.
    pub fn check(&self, disk: &Path) -> Result<()> {
        self.check_name(disk)?;
        // A loop device has no lock on its file, and a file system on it would be written over.
        match self.loops.iter().find(|(_, file)| *file == real(disk)) {
            None => Ok(()),
            Some((name, _)) => Err(Error::new(
                Kind::BlockDeviceError,
                format!(
                    "refusing to write {disk}: /dev/{name} is made of it; take that away first: losetup -d /dev/{name}",
                    disk = disk.display()
                ),
            )),
        }
    }

    fn check_name(&self, disk: &Path) -> Result<()> {
        if self.ramdisk || self.named.iter().any(|named| real(named) == real(disk)) {
            return Ok(());
        }
        Err(Error::new(
            Kind::BlockDeviceError,
            format!(
                "refusing to write {disk}: {why} name it with --allow-disk {disk} if it really may be overwritten",
                why = match self.by_name && !self.named.is_empty() {
                    true => "other disks are named;",
                    false => "this is not a ramdisk;",
                },
                disk = disk.display()
            ),
        ))
    }
}

/// As the kernel has them now (drivers/block/loop.c, `backing_file`).
fn loops(host: &SystemRoot) -> Vec<(String, PathBuf)> {
    let folder = host.sys("block");
    let file = |name: String| {
        let file = attribute(folder.join(&name).join("loop/backing_file"))?;
        Some((name, real(Path::new(&file))))
    };
    names(&folder).into_iter().filter_map(file).collect()
}

/// Names are compared after following links: /dev/disk/by-id/… and /dev/sda are one disk.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_ramdisk_only_named_disks_pass() {
        let nowhere = SystemRoot::new("/nonexistent");
        let permit = Permit::new(&nowhere, vec!["/tmp".into()]);
        assert!(permit.check(Path::new("/tmp/../tmp")).is_ok());
        let refusal = permit
            .check(Path::new("/dev/sda"))
            .expect_err("never named");
        assert!(
            refusal.details().contains("--allow-disk /dev/sda"),
            "{refusal}"
        );
    }

    #[test]
    fn a_file_that_a_loop_device_has_is_in_use() {
        let root = std::env::temp_dir().join(format!("ironlet-loops-{}", std::process::id()));
        let place = root.join("sys/block/loop3/loop");
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::write(place.join("backing_file"), "/tmp/../tmp\n").expect("a file");
        let permit = Permit::new(&SystemRoot::new(&root), vec!["/tmp".into()]);
        let refusal = permit.check(Path::new("/tmp")).expect_err("it has it");
        assert!(
            refusal.details().contains("losetup -d /dev/loop3"),
            "{refusal}"
        );
        std::fs::remove_dir_all(root).expect("it was made here");
    }
}
