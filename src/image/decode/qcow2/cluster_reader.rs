//! Reads the image cluster by cluster, and knows where it is.

use std::io::Read;

use crate::error::Result;
use crate::image::decode::qcow2::header::invalid;
use crate::image::pipeline::read_ahead::read_full;
use crate::units::align_up;

/// Read at once where nobody wants the bytes.
const SKIP: usize = 4 << 10;

pub struct ClusterReader<'a, R> {
    image: &'a mut R,
    cluster: u64,
    /// The next byte of the image; at a boundary of clusters between calls.
    at: u64,
    /// Nothing comes any more.
    ended: bool,
}

impl<'a, R: Read> ClusterReader<'a, R> {
    /// `image` has been read up to the byte `at`.
    pub fn new(image: &'a mut R, at: u64, cluster: u64) -> Result<Self> {
        let mut passage = ClusterReader {
            image,
            cluster,
            at,
            ended: false,
        };
        passage.skip(align_up(at, cluster) - at)?;
        Ok(passage)
    }

    pub fn at(&self) -> u64 {
        self.at
    }

    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Some bytes of the next cluster; none when the image has ended.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let count = read_full(self.image, into)?;
        self.at += count as u64;
        self.ended |= count < into.len();
        Ok(count)
    }

    /// Lets pass what nobody wants, be it there or not.
    pub fn skip(&mut self, len: u64) -> Result<()> {
        let end = self.at + len;
        let mut nowhere = [0; SKIP];
        while self.at < end && !self.ended {
            let step = usize::try_from(end - self.at).map_or(SKIP, |left| left.min(SKIP));
            self.read(&mut nowhere[..step])?;
        }
        self.at = end;
        Ok(())
    }

    /// The next cluster, filled up with zeros if the image ends within it; none if it ended before.
    pub fn next_cluster(&mut self) -> Result<Option<Vec<u8>>> {
        let start = self.at;
        let mut bytes = vec![0; self.cluster as usize];
        let count = self.read(&mut bytes)?;
        self.at = start + self.cluster;
        Ok((count > 0).then_some(bytes))
    }

    /// The first `needed` bytes of a table; all `len` of it pass.
    pub fn table(&mut self, needed: u64, len: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; needed as usize];
        let end = self.at + len;
        if self.read(&mut bytes)? < bytes.len() {
            return Err(self.too_short("a table"));
        }
        self.skip(end - self.at)?;
        Ok(bytes)
    }

    /// The image ended and somebody still waits.
    pub fn too_short(&self, what: &str) -> crate::error::Error {
        invalid(format!("{what} lies beyond its end, byte {}", self.at))
    }
}
