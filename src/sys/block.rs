//! Block devices: exclusive direct I/O, geometry, flush, punch, and memory the kernel can DMA from.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;

use super::checked;

/// Alignment that satisfies O_DIRECT on every Linux block device (logical sectors are at most a page).
pub const ALIGNMENT: usize = 4096;

/// A FIFO would keep whoever opens it waiting for its other end, and none but these has offsets.
fn open(path: &Path, writable: bool, flags: libc::c_int) -> io::Result<File> {
    let kind = path.metadata()?.file_type();
    if !kind.is_block_device() && !kind.is_file() {
        let what = if kind.is_dir() {
            "a directory"
        } else {
            "a pipe, a socket or a character device"
        };
        let why = format!("it is {what}: a block device or a regular file is needed");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(writable).custom_flags(flags);
    let file = options.open(path)?;
    if flags & libc::O_EXCL != 0 && kind.is_file() {
        lock(&file)?;
    }
    Ok(file)
}

/// Has a file to itself until it is closed, from all who ask: others of ours, and QEMU, which locks images the same way. A file
/// system without locks knows of nobody.
fn lock(file: &File) -> io::Result<()> {
    // SAFETY: numbers alone, for which zeros are values: a lock over all of the file, of this opening of it.
    let mut all: libc::flock = unsafe { std::mem::zeroed() };
    all.l_type = libc::F_WRLCK as libc::c_short;
    all.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the kernel reads the struct, which lives until the call returns.
    match checked(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &all) }) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            let why = "it is in use: another program has locked it, as another ironlet or a virtual machine does; lslocks(8) or fuser(1) name it";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
        _ => Ok(()),
    }
}

/// Opens for reading by way of the page cache, whoever else has it.
pub fn open_reading(path: &Path) -> io::Result<File> {
    open(path, false, 0)
}

/// Opens for reading and writing past the page cache. O_EXCL on a block device means the kernel
/// refuses (EBUSY) one that is mounted, held by another driver or opened exclusively by someone else; a
/// file is locked.
pub fn open_exclusive(path: &Path) -> io::Result<File> {
    open(path, true, libc::O_DIRECT | libc::O_EXCL)
}

/// Opens for reading past the page cache, whoever else has it.
pub fn open_direct(path: &Path) -> io::Result<File> {
    open(path, false, libc::O_DIRECT)
}

/// Opens for reading and writing by way of the page cache, alone as [`open_exclusive`] does.
pub fn open_cached_exclusive(path: &Path) -> io::Result<File> {
    open(path, true, libc::O_EXCL)
}

/// Opens a disk for reading and writing past the page cache whose partitions others have.
pub fn open_beside(path: &Path) -> io::Result<File> {
    open(path, true, libc::O_DIRECT)
}

/// Shows the kernel a partition that others of its disk, which are in use, keep it from finding by itself.
pub fn add_partition(disk: &File, number: u32, start: u64, len: u64) -> io::Result<()> {
    // linux/blkpg.h: BLKPG _IO(0x12, 105), BLKPG_ADD_PARTITION.
    const BLKPG: libc::Ioctl = 0x1269;
    const BLKPG_ADD_PARTITION: i32 = 1;
    #[repr(C)]
    struct Partition {
        start: i64,
        length: i64,
        number: i32,
        names: [u8; 128],
    }
    #[repr(C)]
    struct Argument {
        op: i32,
        flags: i32,
        length: i32,
        data: *const Partition,
    }
    let partition = Partition {
        start: start as i64,
        length: len as i64,
        number: number as i32,
        names: [0; 128],
    };
    let argument = Argument {
        op: BLKPG_ADD_PARTITION,
        flags: 0,
        length: size_of::<Partition>() as i32,
        data: &partition,
    };
    // SAFETY: the kernel reads both structs, which live until the call returns.
    checked(unsafe { libc::ioctl(disk.as_raw_fd(), BLKPG, &argument) }).map(drop)
}

/// A block device, or a file that stands for one?
pub fn is_device(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_block_device())
}

/// Size in bytes of a block device or a regular file.
pub fn size(file: &File) -> io::Result<u64> {
    if !is_device(file)? {
        return Ok(file.metadata()?.len());
    }
    // linux/fs.h: BLKGETSIZE64 _IOR(0x12, 114, size_t)
    const BLKGETSIZE64: libc::Ioctl = 0x8008_1272u32 as libc::Ioctl;
    let mut bytes: u64 = 0;
    // SAFETY: the kernel writes one u64 to the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKGETSIZE64, &mut bytes) })?;
    Ok(bytes)
}

/// Bytes in one logical sector: what an offset and a length of direct I/O must be multiples of.
pub fn sector_size(file: &File) -> io::Result<u64> {
    if !is_device(file)? {
        return Ok(ALIGNMENT as u64);
    }
    // linux/fs.h: BLKSSZGET _IO(0x12, 104)
    const BLKSSZGET: libc::Ioctl = 0x1268;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int to the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKSSZGET, &mut bytes) })?;
    u64::try_from(bytes).map_err(io::Error::other)
}

/// Does the kernel refuse to write it? Opening a block device for writing does not tell.
pub fn read_only(file: &File) -> io::Result<bool> {
    if !is_device(file)? {
        return Ok(false);
    }
    // linux/fs.h: BLKROGET _IO(0x12, 94)
    const BLKROGET: libc::Ioctl = 0x125e;
    let mut read_only: libc::c_int = 0;
    // SAFETY: the kernel writes one int to the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKROGET, &mut read_only) })?;
    Ok(read_only != 0)
}

/// What tells the disk apart from every other that has or had its name since the machine started; none where
/// the kernel, one before Linux 5.15, does not count them.
pub fn sequence(file: &File) -> Option<u64> {
    // linux/fs.h: BLKGETDISKSEQ _IOR(0x12, 128, __u64)
    const BLKGETDISKSEQ: libc::Ioctl = 0x8008_1280u32 as libc::Ioctl;
    let mut sequence: u64 = 0;
    // SAFETY: the kernel writes one u64 to the pointer, which lives until the call returns.
    let asked = checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKGETDISKSEQ, &mut sequence) });
    asked.is_ok().then_some(sequence)
}

/// Has the kernel read the partition table again; EBUSY while a partition is in use.
pub fn reread_partitions(file: &File) -> io::Result<()> {
    // linux/fs.h: BLKRRPART _IO(0x12, 95)
    const BLKRRPART: libc::Ioctl = 0x125f;
    // SAFETY: takes no argument.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKRRPART) }).map(drop)
}

/// Has the kernel forget what it read of the disk.
pub fn drop_cache(file: &File) -> io::Result<()> {
    // linux/fs.h: BLKFLSBUF _IO(0x12, 97)
    const BLKFLSBUF: libc::Ioctl = 0x1261;
    // SAFETY: takes no argument.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), BLKFLSBUF) }).map(drop)
}

/// Makes `len` bytes from `at` read as zeros without sending any. On a block device the kernel turns this
/// into write-zeroes commands and fails (EOPNOTSUPP) rather than fall back to writing:
/// block/fops.c, blkdev_fallocate, BLKDEV_ZERO_NOFALLBACK. A discard would promise no zeros.
pub fn punch(file: &File, at: u64, len: u64) -> io::Result<()> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let at = libc::off_t::try_from(at).map_err(io::Error::other)?;
    let len = libc::off_t::try_from(len).map_err(io::Error::other)?;
    // SAFETY: takes no pointer.
    checked(unsafe { libc::fallocate(file.as_raw_fd(), mode, at, len) }).map(drop)
}

/// Has a device forget what it holds in a range of whole sectors; `secure` has it make sure that the bytes
/// cannot be had back, which few devices can. What the range reads as afterwards nobody promises.
pub fn discard(file: &File, at: u64, len: u64, secure: bool) -> io::Result<()> {
    // linux/fs.h: BLKDISCARD _IO(0x12, 119), BLKSECDISCARD _IO(0x12, 125)
    const BLKDISCARD: libc::Ioctl = 0x1277;
    const BLKSECDISCARD: libc::Ioctl = 0x127d;
    let request = if secure { BLKSECDISCARD } else { BLKDISCARD };
    let range: [u64; 2] = [at, len];
    // SAFETY: the kernel reads two u64 from the pointer, which lives until the call returns.
    checked(unsafe { libc::ioctl(file.as_raw_fd(), request, &range) }).map(drop)
}

/// Page-aligned, zero-filled memory, freed on drop.
pub struct Aligned {
    start: NonNull<u8>,
    layout: Layout,
}

impl Aligned {
    /// `len` must be a positive multiple of [`ALIGNMENT`].
    pub fn new(len: usize) -> Self {
        assert!(
            len > 0 && len.is_multiple_of(ALIGNMENT),
            "aligned memory comes in whole pages"
        );
        let layout = Layout::from_size_align(len, ALIGNMENT)
            .unwrap_or_else(|_| panic!("{len} bytes is no size"));
        // SAFETY: the layout has a non-zero size, checked above.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
        Aligned { start, layout }
    }
}

impl Deref for Aligned {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `layout.size()` initialised bytes owned by self.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout, freed once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: plain owned memory; nothing refers to the thread that made it.
unsafe impl Send for Aligned {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_memory_is_aligned_and_zero() {
        let mut memory = Aligned::new(2 * ALIGNMENT);
        assert_eq!(memory.as_ptr() as usize % ALIGNMENT, 0);
        assert!(memory.iter().all(|byte| *byte == 0));
        memory[ALIGNMENT] = 1;
        assert_eq!(memory.len(), 2 * ALIGNMENT);
    }
}
