//! Why a disk must not be written: it is mounted, held, read-only or handed in, or what is on it protects it.

use crate::disk::list::Disk;
use crate::disk::raid::apart;
use crate::disk::select::cluster_filesystem;
use crate::disk::select::parameter_drive::holds_parameters;

/// Why what is on the disk protects it; none if nothing does. One that is gone meanwhile holds nothing.
pub(super) fn protected(disk: &Disk) -> Option<String> {
    let protected = match cluster_filesystem::file_system(disk) {
        Ok(None) => apart::objection(&disk.path).map(|found| {
            Some(format!(
                "{} (erase_devices_metadata or delete_configuration removes it, wipe_special_filesystems=false has it overwritten)",
                found?
            ))
        }),
        Ok(Some(found)) => Ok(Some(format!(
            "holds {found}, which other machines may be using (wipe_special_filesystems=false allows it)"
        ))),
        Err(error) => Err(error),
    };
    match protected {
        Ok(why) => why,
        Err(_) if !disk.path.exists() => None,
        Err(error) => Some(format!("cannot be read: {}", error.details())),
    }
}

/// Is it a drive with what an operator or Ironic put in, and not one of the machine's own?
pub(super) fn is_handed_in(disk: &Disk) -> bool {
    disk.is_virtual_media() || holds_parameters(disk)
}

/// Why the disk must not be written; none if it may be.
pub(super) fn unsafe_to_write(disk: &Disk, mounts: &str) -> Option<String> {
    if is_handed_in(disk) {
        return Some("is virtual media".to_owned());
    }
    if disk.read_only {
        return Some("is read-only".to_owned());
    }
    if let Some(place) = mounted(disk, mounts) {
        return Some(format!("is mounted at {place}"));
    }
    (!disk.holders.is_empty()).then(|| format!("is held by {}", disk.holders.join(", ")))
}

/// Where the disk or one of its partitions is mounted. `mounts` is /proc/self/mountinfo.
pub(super) fn mounted(disk: &Disk, mounts: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        // proc_pid_mountinfo(5): id, parent, number, root, mount point, options, tags…, "-", type, source.
        let fields: Vec<_> = line.split(' ').collect();
        let source = fields.iter().position(|field| *field == "-");
        let source = source.and_then(|dash| fields.get(dash + 2));
        // File systems over several disks (btrfs) have a number of their own: there the source tells.
        let hit = |(number, name): &(String, String)| {
            fields.get(2) == Some(&number.as_str())
                || source.and_then(|source| source.rsplit('/').next()) == Some(name)
        };
        let place = fields.get(4)?;
        disk.numbers.iter().any(hit).then(|| (*place).to_owned())
    })
}
