//! The tables: what each entry has the decoder claim or zero.

use std::io::Read;

use crate::error::Result;
use crate::image::decode::qcow2::awaited_ranges::{PendingRange, Use};
use crate::image::decode::qcow2::decoder::Decoder;
use crate::image::decode::qcow2::table_entry::{Entry, table, words};
use crate::image::write::sink::Sink;

impl<R: Read, S: Sink> Decoder<'_, R, S> {
    pub(super) fn level1(&mut self, bytes: &[u8]) -> Result<()> {
        let (reach, cluster, size) = (self.header.reach(), self.header.cluster(), self.header.size);
        let mut zeros = 0..0;
        for (first, word) in (0..size).step_by(reach as usize).zip(words(bytes)) {
            match table(word, &self.header)? {
                None if zeros.end == first => zeros.end = size.min(first + reach),
                None => {
                    self.zeros(zeros)?;
                    zeros = first..size.min(first + reach);
                }
                Some(at) => self.claim(PendingRange {
                    at,
                    len: cluster,
                    what: Use::Level2 { first },
                })?,
            }
        }
        self.zeros(zeros)
    }

    pub(super) fn level2(&mut self, bytes: &[u8], first: u64) -> Result<()> {
        let (cluster, size) = (self.header.cluster(), self.header.size);
        let mut zeros = first..first;
        let mut waiting: Option<PendingRange> = None;
        for (to, word) in (first..size).step_by(cluster as usize).zip(words(bytes)) {
            let entry = Entry::parse(word, &self.header)?;
            if let Entry::Zeros { .. } = entry {
                if zeros.end != to {
                    self.zeros(std::mem::replace(&mut zeros, to..to))?;
                }
                zeros.end = size.min(to + cluster);
            }
            let (at, len, what) = match entry {
                Entry::Zeros { aside: None } => continue,
                Entry::Zeros { aside: Some(at) } => (at, cluster, Use::Nothing),
                Entry::Data { at } => (at, cluster, Use::Data { to }),
                Entry::Packed { at, len } => (at, len, Use::Packed { to }),
            };
            let claim = PendingRange { at, len, what };
            match &mut waiting {
                Some(last) if last.joins(&claim) => last.len += cluster,
                _ => {
                    if let Some(last) = waiting.replace(claim) {
                        self.claim(last)?;
                    }
                }
            }
        }
        self.zeros(zeros)?;
        waiting.map_or(Ok(()), |last| self.claim(last))
    }

    pub(super) fn count_table(&mut self, bytes: &[u8]) -> Result<()> {
        let cluster = self.header.cluster();
        let step = self.counts.in_block(cluster);
        for (index, word) in (0..).zip(words(bytes)) {
            if let Some(at) = table(word, &self.header)? {
                let what = Use::RefCounts {
                    first: index * step,
                };
                self.claim(PendingRange {
                    at,
                    len: cluster,
                    what,
                })?;
            }
        }
        Ok(())
    }
}
