//! The kernel's volumes over several ways to one disk.

use crate::system_root::{SystemRoot, attribute, names};

/// So multipath-tools mark theirs, and whoever reads the mark (lsblk, udev) knows what it is.
pub const MARK: &str = "mpath-";
/// The kernel's names of the ways that its volume `kernel` is made of; none if it is no such volume.
pub fn ways(host: &SystemRoot, kernel: &str) -> Option<Vec<String>> {
    if !kernel.starts_with("dm-") {
        return None;
    }
    let block = host.sys("block").join(kernel);
    let mark = attribute(block.join("dm/uuid"))?;
    mark.starts_with(MARK).then(|| names(block.join("slaves")))
}
