//! The header that makes a partition swap space.

use crate::error::{Error, Result};
use crate::units::Bytes;

// include/linux/swap.h, union swap_header: the version at 1024, then last_page, nr_badpages, sws_uuid and
// sws_volume; the magic in the last ten bytes of the page.
const INFO: usize = 1024;
const VERSION: u32 = 1;
const MAGIC: &[u8] = b"SWAPSPACE2";
const LABEL: usize = 16;
/// What mkswap wants at least (util-linux, disk-utils/mkswap.c, MIN_GOODPAGES).
const FEWEST: u64 = 10;

/// The first page of swap space of `size` bytes, in pages as the kernel has them.
pub fn header(size: u64, page: usize, uuid: [u8; 16], label: &str) -> Result<Vec<u8>> {
    let pages = size / page as u64;
    if pages < FEWEST {
        let (size, least) = (Bytes(size), Bytes(FEWEST * page as u64));
        let why = format!("swap space of {size} is too small: it takes {least} at least");
        return Err(Error::plain(why));
    }
    // The kernel counts in 32 bits and leaves the rest unused.
    let last = u32::try_from(pages - 1).unwrap_or(u32::MAX);
    let mut header = vec![0; page];
    header[INFO..INFO + 4].copy_from_slice(&VERSION.to_le_bytes());
    header[INFO + 4..INFO + 8].copy_from_slice(&last.to_le_bytes());
    header[INFO + 12..INFO + 28].copy_from_slice(&uuid);
    let label = &label.as_bytes()[..label.len().min(LABEL)];
    header[INFO + 28..][..label.len()].copy_from_slice(label);
    header[page - MAGIC.len()..].copy_from_slice(MAGIC);
    Ok(header)
}
