//! Raw images: bytes as they come, to where they belong.

use crate::error::Result;
use crate::image::verify::digest::Source;
use crate::image::write::sink::Sink;
use crate::units::Bytes;

/// Reads `image` to its end into `out` as it is.
pub fn copy(image: &mut impl Source, out: &mut impl Sink) -> Result<Bytes> {
    let mut at = 0;
    while at < out.capacity() {
        let count = match out.block(at)? {
            Some(memory) => image.read_block(memory)?,
            None => image.read(out.room(at)?)?,
        };
        if count == 0 {
            return Ok(Bytes(at));
        }
        out.filled(count)?;
        at += count as u64;
    }
    match image.read(&mut [0])? {
        0 => Ok(Bytes(at)),
        _ => Err(out.too_small(None)),
    }
}
