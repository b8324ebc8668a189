//! Another kernel in the place of this one, without the firmware: kexec_file_load(2), and memory that is a file.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

use super::checked;

/// The system call's number, for which libc has no name on every processor: arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h.
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: libc::c_long = 320;
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: libc::c_long = 294;
/// linux/kexec.h
const NO_INITRAMFS: libc::c_ulong = 4;

/// Takes in a kernel, its initramfs and its command line: what reboot(2) starts then. Both files are read from their beginnings.
///
/// EPERM where the kernel is locked down and no signature is one it knows, ENOEXEC for what is no kernel of this processor, ENOSYS
/// for a kernel that cannot.
pub fn load(kernel: &File, initrd: Option<&File>, command_line: &str) -> io::Result<()> {
    let line = CString::new(command_line)?;
    let flags = if initrd.is_some() { 0 } else { NO_INITRAMFS };
    // Not looked at under that flag.
    let initrd = initrd.unwrap_or(kernel).as_raw_fd();
    let len = line.as_bytes_with_nul().len() as libc::c_ulong;
    // SAFETY: a string that ends in NUL, its length with that, and two open files; all live until the call returns.
    checked(unsafe {
        let (call, kernel) = (KEXEC_FILE_LOAD, kernel.as_raw_fd());
        libc::syscall(call, kernel, initrd, len, line.as_ptr(), flags)
    })
    .map(drop)
}

/// An empty file in memory, gone with the last who has it open.
pub fn memory_file() -> io::Result<File> {
    // SAFETY: a string that ends in NUL.
    let made = checked(unsafe { libc::memfd_create(c"kexec".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the kernel just made this descriptor, and nobody else has it.
    Ok(unsafe { File::from_raw_fd(made) })
}
