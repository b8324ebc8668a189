//! The clusters of a FAT file system: reading and writing them, and the table of which one follows which.

use crate::disk::filesystem::fat::device::{Device, fetch, put};
use crate::disk::filesystem::fat::geometry::Shape;
use crate::error::{Context, Error, Result};

/// Bytes of the table held at once: entries of 12, 16 and 32 bits fill it exactly.
const PAGE: u64 = 12 << 10;

pub(super) struct Clusters<'a> {
    device: &'a mut dyn Device,
    pub shape: Shape,
    page: Vec<u8>,
    page_at: Option<u64>,
    changed: bool,
    /// Nothing below is free.
    free: u32,
}

impl<'a> Clusters<'a> {
    pub fn new(device: &'a mut dyn Device, shape: Shape) -> Self {
        Clusters {
            device,
            shape,
            page: Vec::new(),
            page_at: None,
            changed: false,
            free: 2,
        }
    }

    pub fn read(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        fetch(self.device, at, into)
    }

    pub fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        put(self.device, at, bytes)
    }

    /// The cluster that follows; none after the last one.
    pub fn next(&mut self, cluster: u32) -> Result<Option<u32>> {
        let next = self.entry(cluster)?;
        let last = (1 << self.shape.bits.min(28)) - 8;
        match next {
            end if end >= last => Ok(None),
            next => self.shape.at(next).map(|_| Some(next)),
        }
        .with_context(|| format!("following the chain from cluster {cluster}"))
    }

    /// A cluster that was free, as the last one of a chain that so far ended with `after`.
    pub fn claim(&mut self, after: Option<u32>) -> Result<u32> {
        let end = self.shape.clusters + 2;
        while self.free < end && self.entry(self.free)? != 0 {
            self.free += 1;
        }
        if self.free == end {
            return Err(Error::plain("the file system is full"));
        }
        let claimed = self.free;
        self.link(claimed, 0x0fff_ffff)?;
        if let Some(after) = after {
            self.link(after, claimed)?;
        }
        self.free += 1;
        Ok(claimed)
    }

    /// Returns once everything is with the device. How much is free, nobody counts: that is said, too.
    pub fn flush(&mut self) -> Result<()> {
        self.store()?;
        if self.shape.info > 0 {
            let at = self.shape.info * self.shape.sector + 488;
            self.write(at, &[0xff; 8])?;
        }
        self.device.flush().map_err(Error::from)
    }

    /// The entry of a cluster in the table; the four upper bits of 32 are not part of it.
    fn entry(&mut self, cluster: u32) -> Result<u32> {
        let at = self.turn(cluster)?;
        let byte = |index| u32::from(self.page.get(at + index).copied().unwrap_or_default());
        let two = byte(0) | byte(1) << 8;
        Ok(match self.shape.bits {
            12 if cluster % 2 == 1 => two >> 4,
            12 => two & 0xfff,
            16 => two,
            _ => (two | byte(2) << 16 | byte(3) << 24) & 0x0fff_ffff,
        })
    }

    fn link(&mut self, cluster: u32, next: u32) -> Result<()> {
        let at = self.turn(cluster)?;
        let bytes = next.to_le_bytes();
        let entry = &mut self.page[at..];
        match self.shape.bits {
            12 if cluster % 2 == 1 => {
                entry[0] = entry[0] & 0x0f | bytes[0] << 4;
                entry[1] = bytes[0] >> 4 | bytes[1] << 4;
            }
            12 => {
                entry[0] = bytes[0];
                entry[1] = entry[1] & 0xf0 | bytes[1] & 0x0f;
            }
            16 => entry[..2].copy_from_slice(&bytes[..2]),
            _ => {
                entry[..3].copy_from_slice(&bytes[..3]);
                entry[3] = entry[3] & 0xf0 | bytes[3] & 0x0f;
            }
        }
        self.changed = true;
        Ok(())
    }

    /// Where in the page an entry begins, once the page is the one that has it.
    fn turn(&mut self, cluster: u32) -> Result<usize> {
        self.shape.at(cluster)?;
        let at = u64::from(cluster) * u64::from(self.shape.bits) / 8;
        let page = at / PAGE * PAGE;
        if self.page_at != Some(page) {
            self.store()?;
            self.page_at = None;
            self.page
                .resize(PAGE.min(self.shape.table_len - page) as usize, 0);
            let place = self.shape.table + page;
            fetch(self.device, place, &mut self.page).context("reading the table of clusters")?;
            self.page_at = Some(page);
        }
        Ok((at - page) as usize)
    }

    fn store(&mut self) -> Result<()> {
        let Some(page) = self.page_at.filter(|_| self.changed) else {
            return Ok(());
        };
        for copy in 0..self.shape.tables {
            let place = self.shape.table + copy * self.shape.table_len + page;
            put(self.device, place, &self.page).context("writing the table of clusters")?;
        }
        self.changed = false;
        Ok(())
    }
}
