//! What the bytes of an image are, and how they become the bytes of a disk.

use std::io::Read;

use super::aside::Aside;
use super::qcow2;
use super::sink::Sink;
use crate::error::{Error, Kind, Result};
use crate::units::Bytes;

/// A declared format. It is believed, never guessed: content is not sniffed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Byte for byte what the disk will hold.
    Raw,
    /// QEMU's, version 2 or 3.
    Qcow2,
}

impl Format {
    /// By the name Ironic gives it in `disk_format`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "raw" => Ok(Format::Raw),
            "qcow2" => Ok(Format::Qcow2),
            other => Err(Error::new(
                Kind::InvalidImage,
                format!(
                    "images of format '{other}' are not supported by this build; convert it to raw or qcow2"
                ),
            )),
        }
    }

    /// Reads `image` to its end into `out`; gives the size of what was decoded.
    pub fn decode(self, image: &mut impl Read, out: &mut impl Sink) -> Result<Bytes> {
        self.decode_beside(image, out, None)
    }

    /// The same; what comes too late in `image` may be read `aside`.
    pub fn decode_beside<'a>(
        self,
        image: &'a mut impl Read,
        out: &'a mut impl Sink,
        aside: Option<&'a mut dyn Aside>,
    ) -> Result<Bytes> {
        match self {
            Format::Raw => copy(image, out),
            Format::Qcow2 => qcow2::decode(image, out, aside),
        }
    }
}

fn copy(image: &mut impl Read, out: &mut impl Sink) -> Result<Bytes> {
    let mut at = 0;
    while at < out.capacity() {
        let count = image.read(out.room(at)?)?;
        if count == 0 {
            return Ok(Bytes(at));
        }
        out.filled(count)?;
        at += count as u64;
    }
    match image.read(&mut [0])? {
        0 => Ok(Bytes(at)),
        _ => Err(Error::new(
            Kind::ImageWriteError,
            format!(
                "the image is larger than the disk, which holds {}",
                Bytes(at)
            ),
        )),
    }
}
