//! The disks of the machine, each once, however many ways lead to it.

pub use crate::disk::block_device::Disk;
use crate::disk::block_device::disk;
use crate::disk::multipath::join::join;
use crate::disk::multipath::ways::ways;
use crate::small_sort;
use crate::system_root::{SystemRoot, names};

/// All disks, in lsblk's order: by device number, as a whole. So `sd` comes before `mmcblk`, that before `vd` and `nvme`,
/// and of several that a hint fits the first is the one that upstream takes.
pub fn list(host: &SystemRoot) -> Vec<Disk> {
    let (mut disks, mut mapped) = (Vec::new(), Vec::new());
    for kernel in names(host.sys("block")) {
        match (disk(host, &kernel), ways(host, &kernel)) {
            (Some(disk), Some(ways)) => mapped.push((disk, ways)),
            (Some(disk), None) => disks.push(disk),
            (None, _) => {}
        }
    }
    small_sort::by_key(&mut disks, Disk::device);
    let mut disks = join(disks, mapped);
    small_sort::by_key(&mut disks, Disk::device);
    disks
}
