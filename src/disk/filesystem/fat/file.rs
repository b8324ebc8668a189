//! The content of one file of a FAT file system.

use std::io::{self, Read};

use crate::disk::filesystem::fat::Volume;
use crate::disk::filesystem::fat::allocation_table::Clusters;
use crate::error::{Error, Result};

/// Bytes that a new file takes from its source at once; whole clusters, as the largest is half of it.
const STEP: u64 = 1 << 20;

/// A file of a volume, open for reading.
pub struct File<'v, 'a> {
    volume: &'v Volume<'a>,
    cluster: u32,
    within: u64,
    size: u64,
    left: u64,
}

impl<'v, 'a> File<'v, 'a> {
    pub(super) fn new(volume: &'v Volume<'a>, cluster: u32, size: u32) -> Self {
        let size = size.into();
        File {
            volume,
            cluster,
            within: 0,
            size,
            left: size,
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn some(&mut self, into: &mut [u8]) -> Result<usize> {
        let shape = &self.volume.shape;
        let mut clusters = self.volume.clusters.borrow_mut();
        if self.within == shape.cluster {
            let next = clusters.next(self.cluster)?;
            self.cluster = next.ok_or_else(|| Error::plain("its clusters end before it does"))?;
            self.within = 0;
        }
        let most = self.left.min(shape.cluster - self.within);
        let count = into.len().min(most as usize);
        let at = shape.at(self.cluster)? + self.within;
        clusters.read(at, &mut into[..count])?;
        (self.within, self.left) = (self.within + count as u64, self.left - count as u64);
        Ok(count)
    }
}

impl Read for File<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.left {
            0 => Ok(0),
            _ => Ok(self.some(into)?),
        }
    }
}

/// Writes `content` to free clusters; tells the first one, 0 for none, and the size.
pub(super) fn pour(clusters: &mut Clusters, content: &mut dyn Read) -> Result<(u32, u32)> {
    let length = clusters.shape.cluster as usize;
    let (mut first, mut last, mut size) = (0, None, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        content.take(STEP).read_to_end(&mut bytes)?;
        size += bytes.len() as u64;
        let total =
            u32::try_from(size).map_err(|_| Error::plain("FAT has no file of 4 GiB or more"))?;
        if bytes.is_empty() {
            return Ok((first, total));
        }
        bytes.resize(bytes.len().next_multiple_of(length), 0);
        let mut claimed = Vec::new();
        for _ in 0..bytes.len() / length {
            last = Some(clusters.claim(last)?);
            claimed.extend(last);
        }
        if first == 0 {
            first = claimed[0];
        }
        // Neighbours are written at once.
        let mut rest = &bytes[..];
        for run in claimed.chunk_by(|one, next| one + 1 == *next) {
            let (now, later) = rest.split_at(run.len() * length);
            clusters.write(clusters.shape.at(run[0])?, now)?;
            rest = later;
        }
    }
}
