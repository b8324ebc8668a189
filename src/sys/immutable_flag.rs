//! File flags: efivarfs makes variables it does not know immutable, lest an `rm -r` breaks the machine.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use crate::sys::checked;

// linux/fs.h
const FS_IMMUTABLE_FL: libc::c_int = 0x10;

/// Makes a file that nobody may change or remove one that root may; one that is no such file stays as it is.
pub fn clear_immutable(file: &File) -> io::Result<()> {
    // The numbers say long, the kernel reads and writes an int (fs/ioctl.c, ioctl_getflags).
    let mut flags: libc::c_int = 0;
    // SAFETY: the kernel writes one int to the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_GETFLAGS, &mut flags) })?;
    if flags & FS_IMMUTABLE_FL == 0 {
        return Ok(());
    }
    flags &= !FS_IMMUTABLE_FL;
    // SAFETY: the kernel reads one int from the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), libc::FS_IOC_SETFLAGS, &flags) }).map(drop)
}
