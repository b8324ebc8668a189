//! Memory that stays where it is: mapped, filled and locked at once, for trying it out; and which processor a thread runs on.

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::NonNull;

use super::checked;
use super::kernel::page_size;

/// Words of locked memory, given back on drop.
pub struct Locked {
    start: NonNull<u64>,
    words: usize,
}

impl Locked {
    /// `bytes`, in whole pages, that the kernel neither moves out nor may still refuse later; an error if there is no room.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let bytes = bytes.next_multiple_of(page_size());
        // SAFETY: a mapping of nobody's, at an address of the kernel's choice.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(start) = NonNull::new(start.cast()) else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        // Made first, so that what follows gives it back if it fails.
        let locked = Locked {
            start,
            words: bytes / size_of::<u64>(),
        };
        // SAFETY: the range is the mapping that was just made.
        checked(unsafe { libc::mlock(start.as_ptr().cast(), bytes) })?;
        Ok(locked)
    }

    /// Where the machine has word `at`, by the kernel's table (Documentation/admin-guide/mm/pagemap.rst); none where it
    /// does not tell. `pagemap` is that of this process.
    pub fn physical(&self, at: usize, pagemap: &Path) -> Option<u64> {
        let word: *const u64 = self.get(at)?;
        let (address, page) = (word as u64, page_size() as u64);
        let mut entry = [0; 8];
        let file = File::open(pagemap).ok()?;
        file.read_exact_at(&mut entry, address / page * 8).ok()?;
        // Bits 0 to 54 are the frame, 63 says that there is one; without the right to know it is 0.
        let entry = u64::from_ne_bytes(entry);
        let frame = entry & ((1 << 55) - 1);
        (entry >> 63 == 1 && frame != 0).then(|| frame * page + address % page)
    }
}

impl Deref for Locked {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        // SAFETY: the mapping has so many words, zeros at first, and lives as long as self.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`, given back once; nothing refers to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.words * size_of::<u64>()) };
    }
}

// SAFETY: plain owned memory; nothing refers to the thread that made it.
unsafe impl Send for Locked {}

/// Has this thread run on one processor alone, by the kernel's number.
pub fn stay_on_processor(number: usize) -> io::Result<()> {
    let mut mask = [0u64; 128];
    let word = mask
        .get_mut(number / 64)
        .ok_or(io::ErrorKind::InvalidInput)?;
    *word |= 1 << (number % 64);
    // SAFETY: the kernel reads so many bytes from the mask, which lives until the call returns; 0 is this thread.
    checked(unsafe { libc::sched_setaffinity(0, size_of_val(&mask), mask.as_ptr().cast()) })
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_large_as_asked_for_and_zero() {
        let mut memory = Locked::new(10_000).expect("two or three pages");
        assert!(memory.len() * 8 >= 10_000 && memory.iter().all(|word| *word == 0));
        memory[1] = 7;
        assert_eq!(memory[1], 7);
        // Ordinary users are told nothing, and neither is anybody of a file that is none.
        assert_eq!(memory.physical(1, Path::new("nonexistent")), None);
        assert_eq!(memory.physical(1 << 40, Path::new("nonexistent")), None);
    }

    #[test]
    fn a_processor_that_is_not_there_is_refused() {
        assert!(stay_on_processor(8191).is_err() && stay_on_processor(8192).is_err());
    }
}
