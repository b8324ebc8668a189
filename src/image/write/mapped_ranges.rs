//! Holds an image to its block map on its way to the disk: each stretch of data has its digest, and zeros stand where there is none.

use std::io;

use crate::error::{Error, Kind, Result};
use crate::image::pipeline::stage_times::{Stage, StageTimes};
use crate::image::verify::algorithm::Hasher;
use crate::image::verify::block_map::BlockMap;
use crate::image::verify::digest::is_page;
use crate::image::write::sink::{Sink, left};
use crate::image::write::zero_runs::all_zeros;
use crate::sys::block::Aligned;
use crate::units::Bytes;

/// A sink that sees what goes to another one, where there is a map.
pub struct MappedRanges<'a, S> {
    inner: S,
    check: Option<Check<'a>>,
    /// By an earlier attempt.
    touched: bool,
    meter: &'a StageTimes,
}

/// How far the image is what its map says.
struct Check<'a> {
    map: &'a BlockMap,
    /// In bytes: all before it was seen.
    at: u64,
    /// The first range that does not end before `at`.
    next: usize,
    /// Of what is seen of that.
    hasher: Hasher,
    /// Does it begin like one in HTML?
    page: bool,
}

impl<'a, S: Sink> MappedRanges<'a, S> {
    /// Without a `map` all passes. Was the disk `touched` before? The digests' time is charged to `meter`.
    ///
    /// # Errors
    /// The map tells that its image does not fit.
    pub fn new(
        inner: S,
        map: Option<&'a BlockMap>,
        touched: bool,
        meter: &'a StageTimes,
    ) -> Result<Self> {
        if let Some(map) = map
            && map.size().0 > inner.capacity()
        {
            return Err(inner.too_small(Some(map.size())));
        }
        let check = map.map(|map| Check {
            map,
            at: 0,
            next: 0,
            hasher: Hasher::new(map.algorithm()),
            page: false,
        });
        Ok(MappedRanges {
            inner,
            check,
            touched,
            meter,
        })
    }

    /// Ok once all of the image went by.
    pub fn finish(self) -> Result<()> {
        match &self.check {
            Some(check) if check.at != check.map.size().0 => {
                let (found, size) = (Bytes(check.at), check.map.size());
                let what = format!("has {found}, and its block map is of one of {size}");
                Err(self.unlike(what))
            }
            _ => Ok(()),
        }
    }

    fn unlike(&self, what: String) -> Error {
        let left = left(self.is_touched());
        let hint = match &self.check {
            Some(check) if check.page => {
                "; what came is a page in HTML: is there a proxy or a login in between?"
            }
            _ => "",
        };
        let why = format!("the image {what}; {left}{hint}");
        Error::new(Kind::ImageChecksumError, why)
    }
}

impl Check<'_> {
    /// The next bytes; what no range has becomes zeros. If not, how the image is another one.
    fn pass(&mut self, mut bytes: &mut [u8]) -> Result<(), String> {
        self.page |= self.at == 0 && is_page(bytes);
        while !bytes.is_empty() {
            let range = self.map.ranges().get(self.next);
            let (start, end) = range.map_or((u64::MAX, u64::MAX), |range| {
                (range.bytes.start, range.bytes.end)
            });
            let is_data = self.at >= start;
            let left = if is_data { end } else { start } - self.at;
            let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let (these, rest) = bytes.split_at_mut(count);
            match is_data {
                true => self.hasher.update(these),
                false if all_zeros(these) => {}
                false => these.fill(0),
            }
            (self.at, bytes) = (self.at + count as u64, rest);
            if self.at == end
                && let Some(range) = range
            {
                let hasher = Hasher::new(self.map.algorithm());
                if std::mem::replace(&mut self.hasher, hasher).finish() != range.digest {
                    return Err(format!(
                        "is not what its block map says from byte {start} to {end}"
                    ));
                }
                self.next += 1;
            }
        }
        let size = self.map.size();
        match self.at > size.0 {
            true => Err(format!("goes on after the {size} that its block map is of")),
            false => Ok(()),
        }
    }
}

/// Only decoders of what is no raw image leave the order of its bytes.
fn out_of_order() -> io::Error {
    let why = "a block map is of a raw image, packed or not, and this one is qcow2: give a digest of its file";
    Error::new(Kind::InvalidImage, why).into()
}

impl<S: Sink> Sink for MappedRanges<'_, S> {
    fn capacity(&self) -> u64 {
        self.inner.capacity()
    }

    fn too_small(&self, image: Option<Bytes>) -> Error {
        self.inner.too_small(image)
    }

    fn is_touched(&self) -> bool {
        self.touched || self.inner.is_touched()
    }

    fn room(&mut self, at: u64) -> io::Result<&mut [u8]> {
        match &self.check {
            Some(check) if check.at != at => Err(out_of_order()),
            _ => self.inner.room(at),
        }
    }

    fn block(&mut self, at: u64) -> io::Result<Option<&mut Aligned>> {
        match self.check {
            Some(_) => Ok(None),
            None => self.inner.block(at),
        }
    }

    fn filled(&mut self, count: usize) -> io::Result<()> {
        if let Some(check) = &mut self.check {
            // The same room once more: it is another one only after it was filled.
            let bytes = &mut self.inner.room(check.at)?[..count];
            let passed = self.meter.charge(Stage::Hash, || check.pass(bytes));
            passed.map_err(|what| self.unlike(what))?;
        }
        self.inner.filled(count)
    }

    fn zeros(&mut self, at: u64, len: u64) -> io::Result<()> {
        match self.check {
            Some(_) => Err(out_of_order()),
            None => self.inner.zeros(at, len),
        }
    }
}
