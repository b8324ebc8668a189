//! Makes of the kernel's disks what they stand for, before anybody looks at them: one volume of several ways to a disk, and arrays of
//! their members. Nothing is written to any of them.

use crate::disk::multipath::map::map_all;
use crate::disk::raid::kernel_array;
use crate::system_root::SystemRoot;

/// What was there before stays as it is; what cannot be put together is told. In a ramdisk alone.
pub fn assemble_all(host: &SystemRoot) {
    map_all(host);
    kernel_array::assemble_all(host);
}
