//! Arrays of which nobody can tell what is on them: those that cannot be put together, and those that are part of another one. Where
//! something is to be spared, it may be on them.

use crate::disk::list::Disk;
use crate::disk::raid::members::{Array, arrays, is_array, read};
use crate::system_root::SystemRoot;

/// Why each of `disks` may hold a part of what is to be spared, by the kernel's names; ironic-python-agent erases no member of any array.
pub fn parts(host: &SystemRoot, disks: &[Disk]) -> Vec<(String, String)> {
    let apart = arrays(host, disks)
        .into_iter()
        .filter(|array| array.running.is_none());
    let of_apart = apart.flat_map(|array: Array| {
        let why = format!(
            "is part of an array that is not put together, and skip_block_devices is not empty: {}",
            array.describe()
        );
        let members = array.members.into_iter();
        members
            .map(move |member| (member.disk, why.clone()))
            .collect::<Vec<_>>()
    });
    let nested = disks
        .iter()
        .filter(|disk| is_array(host, disk.kernel()) && is_member(disk));
    let nested = nested.map(|disk| {
        let why = "is an array that is part of another one, and skip_block_devices is not empty";
        (disk.kernel().to_owned(), why.to_owned())
    });
    of_apart.chain(nested).collect()
}

/// Is there a superblock on it, as of a member?
pub fn is_member(disk: &Disk) -> bool {
    read(&disk.path).is_ok_and(|found| found.is_some())
}
