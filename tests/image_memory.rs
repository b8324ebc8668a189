//! What an image costs in memory, however large it is.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ironlet::image::pipeline::read_ahead::ReadAhead;
use ironlet::units::MIB;

const SIZE: u64 = 256 * MIB;
/// Above what the belt holds, and far below the image.
const AHEAD: u64 = 4 * MIB;

/// An image that fails if it is read far ahead of who takes it.
struct Image {
    read: u64,
    taken: Arc<AtomicU64>,
}

impl Read for Image {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ahead = self.read - self.taken.load(Ordering::SeqCst);
        if ahead > AHEAD {
            return Err(io::Error::other(format!("{ahead} bytes ahead")));
        }
        let count = (SIZE - self.read).min(into.len() as u64);
        self.read += count;
        Ok(count as usize)
    }
}

#[test]
fn no_more_is_read_ahead_than_fits_into_memory() {
    let taken = Arc::<AtomicU64>::default();
    let image = Image {
        read: 0,
        taken: Arc::clone(&taken),
    };
    let mut ahead = ReadAhead::spawn("image-read", image).expect("a thread starts");
    let mut into = vec![0; 64 << 10];
    loop {
        let count = ahead.read(&mut into).expect("never far ahead");
        if count == 0 {
            break;
        }
        taken.fetch_add(count as u64, Ordering::SeqCst);
    }
    assert_eq!(taken.load(Ordering::SeqCst), SIZE);
}
