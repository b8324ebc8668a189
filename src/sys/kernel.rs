//! The kernel as a whole: mounts, modules, processes, power, time and random bytes.

use std::io;

use super::checked;

/// Fills `bytes` from the kernel's random source.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    for chunk in bytes.chunks_mut(256) {
        // getrandom(2): requests of up to 256 bytes are never cut short once the source is seeded.
        // SAFETY: the kernel writes at most `chunk.len()` bytes to the chunk.
        checked(unsafe { libc::getrandom(chunk.as_mut_ptr().cast(), chunk.len(), 0) })?;
    }
    Ok(())
}
