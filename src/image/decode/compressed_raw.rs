//! Unpacks raw images that come as gzip, zstd, xz or bzip2, or as the one file of a tar archive, while they stream.
//!
//! The window each looks back over is bounded in `codec`, what comes out by the disk, and what goes in
//! here: empty members, frames and padding without end are no image either.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use crate::codec::bzip2::Bunzip2;
use crate::codec::gzip::Gunzip;
use crate::codec::packed_units::Split;
use crate::codec::tar_member::Member;
use crate::codec::xz::Unxz;
use crate::codec::xz_blocks::Blocks;
use crate::codec::zstd::Unzstd;
use crate::codec::zstd_frames::Frames;
use crate::error::{Error, Kind, Result};
use crate::image::decode::packing::Packing;
use crate::image::decode::raw::copy;
use crate::image::decode::unpack_threads::{Broken, UnpackThreads, Unpacker};
use crate::image::verify::digest::Copied;
use crate::image::write::sink::Sink;
use crate::units::{Bytes, MIB};

/// What is around a raw image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// Around all of it.
    pub packing: Option<Packing>,
    /// Is it the one file in a tar archive?
    pub archive: bool,
}

impl From<Packing> for Wrapping {
    fn from(packing: Packing) -> Self {
        Wrapping {
            packing: Some(packing),
            archive: false,
        }
    }
}

impl Wrapping {
    /// Reads `packed` to its end and the image that was in it into `out`; gives the size of that.
    pub fn unpack(self, packed: impl BufRead, out: &mut impl Sink) -> Result<Bytes> {
        let notes = Rc::<Notes>::default();
        let packed = Noted {
            inner: packed,
            notes: Rc::clone(&notes),
            most: most(out.capacity()),
        };
        let threaded = |packed, split: Box<dyn Split>, unpacker| Threaded {
            threads: UnpackThreads::new(packed, split, unpacker),
            notes: Rc::clone(&notes),
        };
        let plain: Box<dyn Read + '_> = match self.packing {
            None => Box::new(packed),
            Some(Packing::Gzip) => Box::new(Gunzip::new(packed)),
            Some(Packing::Bzip2) => Box::new(Bunzip2::new(packed)),
            Some(Packing::Zstd) => {
                let unpacker: Unpacker = |frame| Box::new(Unzstd::new(frame));
                Box::new(threaded(packed, Box::<Frames>::default(), unpacker))
            }
            Some(Packing::Xz) => {
                let unpacker: Unpacker = |block| Box::new(Unxz::new(block));
                Box::new(threaded(packed, Box::<Blocks>::default(), unpacker))
            }
        };
        let plain = Unpacked {
            plain,
            packing: self.packing,
            notes,
        };
        match self.archive {
            true => {
                let mut member = Member::new(plain);
                let size = member.size().map_err(told)?;
                // A header has it: what does not fit is refused before the first write.
                if size > out.capacity() {
                    return Err(out.too_small(Some(Bytes(size))));
                }
                copy(&mut Copied(Archive(member)), out)
            }
            false => copy(&mut Copied(plain), out),
        }
    }
}

/// The file in an archive.
struct Archive<R>(Member<R>);

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(told)
    }
}

fn told(error: io::Error) -> io::Error {
    let why = match error.kind() {
        _ if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => return error,
        io::ErrorKind::UnexpectedEof => "the tar archive is cut short".to_owned(),
        _ => format!("the tar archive cannot be taken: {error}"),
    };
    Error::new(Kind::InvalidImage, why).into()
}

/// By several threads, which tell better where the image is broken than how far it was read.
struct Threaded<R> {
    threads: UnpackThreads<R>,
    notes: Rc<Notes>,
}

impl<R: BufRead> Read for Threaded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.threads.next(into).map_err(|Broken { at, error }| {
            let cut = error.kind() == io::ErrorKind::UnexpectedEof;
            self.notes.ended.set(cut && self.notes.ended.get());
            self.notes.at.set(at);
            error
        })
    }
}

/// Bytes that an image for a disk of `capacity` may be packed in. What cannot be packed grows by less
/// than a hundredth; the rest is for headers, frames to skip and padding.
fn most(capacity: u64) -> u64 {
    capacity.saturating_add(capacity / 8 + 4 * MIB)
}

/// What became of the packed bytes: decoders have words of their own for errors, or none.
#[derive(Default)]
struct Notes {
    at: Cell<u64>,
    ended: Cell<bool>,
    failure: Cell<Option<io::Error>>,
}

/// The packed image, and notes on it.
struct Noted<R> {
    inner: R,
    notes: Rc<Notes>,
    most: u64,
}

impl<R: BufRead> BufRead for Noted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let notes = &self.notes;
        if notes.at.get() > self.most {
            let why = format!(
                "{} of a packed image hold less than the disk does: this is none",
                Bytes(notes.at.get())
            );
            notes
                .failure
                .set(Some(Error::new(Kind::InvalidImage, why).into()));
            return Err(io::ErrorKind::InvalidData.into());
        }
        match self.inner.fill_buf() {
            Ok(bytes) => {
                notes.ended.set(bytes.is_empty());
                Ok(bytes)
            }
            Err(error) => {
                notes.failure.set(Some(error));
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.notes.at.set(self.notes.at.get() + count as u64);
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Noted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// The image inside.
struct Unpacked<P> {
    plain: P,
    packing: Option<Packing>,
    notes: Rc<Notes>,
}

impl<P: Read> Read for Unpacked<P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.plain.read(into).map_err(|error| {
            if let Some(failure) = self.notes.failure.take() {
                return failure;
            }
            let packing = self.packing.map_or("tar", Packing::name);
            let at = self.notes.at.get();
            let why = match self.notes.ended.get() {
                true => {
                    format!("the {packing} image is cut short: it ends after {at} bytes ({error})")
                }
                false => format!("the {packing} image cannot be unpacked, at byte {at}: {error}"),
            };
            Error::new(Kind::InvalidImage, why).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_said_is_said() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(Error::new(Kind::ImageDownloadError, "the cable was pulled").into())
            }
        }
        for (packing, head) in [
            (Packing::Gzip, &b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..]),
            (Packing::Bzip2, b"BZh91AY&SY"),
            (Packing::Zstd, b"\x28\xb5\x2f\xfd\x20"),
            (Packing::Xz, b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02"),
        ] {
            let packed = io::BufReader::new(head.chain(Broken));
            let mut plain = [0; 4096];
            let error = Wrapping::from(packing).unpack(packed, &mut Disk(&mut plain));
            let error = error.expect_err("the cable");
            assert_eq!(error.kind(), Kind::ImageDownloadError, "{error}");
        }
    }

    #[test]
    fn packed_nothing_without_end_is_no_image() {
        struct Endless<'a>(&'a [u8], usize);
        impl Read for Endless<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let rest = &self.0[self.1 % self.0.len()..];
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                self.1 += count;
                Ok(count)
            }
        }
        // A member of nothing with a long extra field (RFC 1952, 2.3.1).
        let member = [
            &b"\x1f\x8b\x08\x04\0\0\0\0\0\0\xff\x7f"[..],
            &[7; 0x7fff],
            b"\x03\0\0\0\0\0\0\0\0\0",
        ];
        for (packing, nothing) in [
            (Packing::Gzip, &member.concat()[..]),
            (Packing::Bzip2, b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0"),
            (Packing::Zstd, b"\x50\x2a\x4d\x18\x02\0\0\0ab"),
            (Packing::Zstd, b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"),
            (
                Packing::Xz,
                b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\0\0\0\0\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04YZ",
            ),
        ] {
            let packed = io::BufReader::with_capacity(1 << 16, Endless(nothing, 0));
            let error = Wrapping::from(packing).unpack(packed, &mut Disk(&mut [0; 4096]));
            let error = error.expect_err("there is no end");
            assert!(error.details().contains("this is none"), "{error}");
        }
    }

    struct Disk<'a>(&'a mut [u8]);
    impl Sink for Disk<'_> {
        fn capacity(&self) -> u64 {
            self.0.len() as u64
        }
        fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
            Ok(&mut self.0[at as usize..])
        }
        fn filled(&mut self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn zeros(&mut self, _: u64, _: u64) -> io::Result<()> {
            Ok(())
        }
    }
}
