//! Software RAID: the calls that put arrays together and take them apart (linux/raid/md_u.h).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use super::checked;

/// mdu_array_info_t: what the kernel asks for to put an array together from superblocks is the version alone.
#[repr(C)]
#[derive(Default)]
struct ArrayInfo {
    major_version: i32,
    minor_version: i32,
    rest: [i32; 16],
}

/// Says which metadata the members of the array have that is about to be put together.
pub fn begin(array: &File, version: (u8, u8)) -> io::Result<()> {
    // SET_ARRAY_INFO _IOW(MD_MAJOR, 0x23, mdu_array_info_t)
    const SET_ARRAY_INFO: libc::Ioctl = 0x4048_0923;
    let info = ArrayInfo {
        major_version: version.0.into(),
        minor_version: version.1.into(),
        ..ArrayInfo::default()
    };
    // SAFETY: the kernel reads one struct, which lives until the call returns.
    checked(unsafe { libc::ioctl(array.as_raw_fd(), SET_ARRAY_INFO, &info) }).map(drop)
}

/// Adds the device of this number, whose superblock says where it belongs. Nothing is written to it.
pub fn add(array: &File, device: (u32, u32)) -> io::Result<()> {
    // ADD_NEW_DISK _IOW(MD_MAJOR, 0x21, mdu_disk_info_t): number, major, minor, raid_disk, state.
    const ADD_NEW_DISK: libc::Ioctl = 0x4014_0921;
    let disk = [0, device.0, device.1, 0, 0];
    // SAFETY: the kernel reads five ints, which live until the call returns.
    checked(unsafe { libc::ioctl(array.as_raw_fd(), ADD_NEW_DISK, disk.as_ptr()) }).map(drop)
}

/// Starts the array with the members it has.
pub fn run(array: &File) -> io::Result<()> {
    // RUN_ARRAY _IOW(MD_MAJOR, 0x30, mdu_param_t): three ints that nobody looks at.
    const RUN_ARRAY: libc::Ioctl = 0x400c_0930;
    let nothing = [0i32; 3];
    // SAFETY: the kernel reads at most three ints, which live until the call returns.
    checked(unsafe { libc::ioctl(array.as_raw_fd(), RUN_ARRAY, nothing.as_ptr()) }).map(drop)
}

/// Has an array that waits for its first write synchronise now.
pub fn read_write(array: &File) -> io::Result<()> {
    // RESTART_ARRAY_RW _IO(MD_MAJOR, 0x34)
    const RESTART_ARRAY_RW: libc::Ioctl = 0x0934;
    // SAFETY: takes no argument.
    checked(unsafe { libc::ioctl(array.as_raw_fd(), RESTART_ARRAY_RW) }).map(drop)
}

/// Takes the array apart; EBUSY while anybody else has it open.
pub fn stop(array: &File) -> io::Result<()> {
    // STOP_ARRAY _IO(MD_MAJOR, 0x32)
    const STOP_ARRAY: libc::Ioctl = 0x0932;
    // SAFETY: takes no argument.
    checked(unsafe { libc::ioctl(array.as_raw_fd(), STOP_ARRAY) }).map(drop)
}
