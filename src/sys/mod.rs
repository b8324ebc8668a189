//! The only `unsafe` and the only `libc`: thin, safe doors to the kernel, one file per kind of thing.

#![allow(unsafe_code)]

pub mod block;
pub mod child_signals;
pub mod device_mapper;
pub mod ethernet_frames;
pub mod immutable_flag;
pub mod ipmi;
pub mod kernel;
pub mod kexec;
pub mod locked_memory;
pub mod md;
pub mod mount;
pub mod network_interface;
pub mod nvme;
pub mod rooted;
pub mod scsi;
pub mod serial_speed;
pub mod socket;
pub mod terminal;
#[cfg(all(target_env = "musl", not(debug_assertions)))]
mod unwinder;

use std::io;

/// The usual C convention: negative is an error in errno.
fn checked<T: PartialOrd + From<i8>>(result: T) -> io::Result<T> {
    if result < T::from(0) {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
