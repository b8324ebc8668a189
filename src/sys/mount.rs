//! File systems on block devices: mounted, asked for their room, and let go of again.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::checked;

/// Mounts the file system of the type `kind` on `device`; nothing on it can be run, and no device in it is one.
pub fn attach(
    device: &Path,
    target: &Path,
    kind: &str,
    options: &str,
    read_only: bool,
) -> io::Result<()> {
    let (device, target) = (c_path(device)?, c_path(target)?);
    let (kind, options) = (CString::new(kind)?, CString::new(options)?);
    let mut flags = libc::MS_NOSUID | libc::MS_NOEXEC | libc::MS_NODEV | libc::MS_NOATIME;
    if read_only {
        flags |= libc::MS_RDONLY;
    }
    // SAFETY: the four strings end in NUL and live until the call returns.
    checked(unsafe {
        let (device, target) = (device.as_ptr(), target.as_ptr());
        libc::mount(
            device,
            target,
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    })
    .map(drop)
}

/// Unmounts what is there; what it held back is on the disk when it returns. EBUSY while a file of it is open.
pub fn detach(target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // umount2(8): a link is not followed.
    // SAFETY: a string that ends in NUL and lives until the call returns.
    checked(unsafe { libc::umount2(target.as_ptr(), libc::UMOUNT_NOFOLLOW) }).map(drop)
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
