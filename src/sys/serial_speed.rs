//! The speed of a serial port that no `console=` has set.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use crate::sys::checked;

/// 115200 bits a second, which firmware and BMCs have; the rest as it is.
pub fn set_usual(port: &File) -> io::Result<()> {
    let mut settings = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the descriptor is open, and the kernel fills in all of it.
    checked(unsafe { libc::tcgetattr(port.as_raw_fd(), settings.as_mut_ptr()) })?;
    // SAFETY: it was filled in.
    let mut settings = unsafe { settings.assume_init() };
    // SAFETY: both are ours, and outlive the calls.
    checked(unsafe {
        libc::cfsetspeed(&mut settings, libc::B115200);
        libc::tcsetattr(port.as_raw_fd(), libc::TCSANOW, &settings)
    })
    .map(drop)
}
