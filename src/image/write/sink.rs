//! What decoders write to.

use std::io;

use crate::error::{Error, Kind};
use crate::sys::block::Aligned;
use crate::units::Bytes;

/// Where decoded bytes go; offsets are bytes from the start of the disk.
pub trait Sink {
    /// How many bytes there is room for in all.
    fn capacity(&self) -> u64;
    /// What an image of so many bytes, or of nobody knows how many, is refused with where that is too little.
    fn too_small(&self, image: Option<Bytes>) -> Error {
        too_small(image, Bytes(self.capacity()))
    }
    /// Is what is written to another one than it was?
    fn is_touched(&self) -> bool {
        true
    }
    /// Room for bytes that belong at `at`, never empty: decoders read straight into it.
    fn room(&mut self, at: u64) -> io::Result<&mut [u8]>;
    /// Room as a whole block, whose memory may be exchanged for another; none where there is no whole one.
    fn block(&mut self, _at: u64) -> io::Result<Option<&mut Aligned>> {
        Ok(None)
    }
    /// The first `count` bytes of the last room are filled.
    fn filled(&mut self, count: usize) -> io::Result<()>;
    /// `len` bytes from `at` must read as zeros, whatever the disk held.
    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()>;
}

/// What is on the disk if no more comes, for who has to say that.
pub fn left(touched: bool) -> &'static str {
    match touched {
        false => "the disk holds what it held",
        true => "nothing bootable was left on the disk",
    }
}

/// The answer to an image of so many bytes, or of nobody knows how many, for a disk of `room`.
pub(super) fn too_small(image: Option<Bytes>, room: Bytes) -> Error {
    let why = match image {
        Some(image) => {
            format!("the image does not fit: it is a disk of {image}, this one holds {room}")
        }
        None => format!("the image is larger than the disk, which holds {room}"),
    };
    Error::new(Kind::ImageWriteError, why)
}
