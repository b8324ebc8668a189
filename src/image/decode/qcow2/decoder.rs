//! Decodes the image front to back: what comes next, what it is for, and where it goes.

use std::io::Read;

use crate::error::{Error, Result};
use crate::image::decode::qcow2::awaited_ranges::{PendingRange, PendingRanges, Use};
use crate::image::decode::qcow2::cluster_reader::ClusterReader;
use crate::image::decode::qcow2::cluster_stash::ClusterStash;
use crate::image::decode::qcow2::decompress_threads::Unpack;
use crate::image::decode::qcow2::header::{Header, Table, invalid};
use crate::image::decode::qcow2::prefetched_tables::PrefetchedTables;
use crate::image::decode::qcow2::refcounts::RefCounts;
use crate::image::download::random_access::RandomAccess;
use crate::image::write::sink::Sink;
use crate::units::{MIB, align_up};

/// What lies beyond in the table of reference counts is not looked at: enough for 256 TiB in clusters of
/// 64 KiB.
const LONGEST_COUNT_TABLE: u64 = MIB;

pub struct Decoder<'a, R, S> {
    pub(super) image: ClusterReader<'a, R>,
    out: &'a mut S,
    pub(super) header: Header,
    pub(super) claims: PendingRanges,
    /// Compressed clusters of which a part has passed.
    pub(super) begun: Vec<PendingRange>,
    pub(super) stash: ClusterStash,
    pub(super) counts: RefCounts,
    unpack: Unpack,
    pub(super) aside: Option<&'a mut dyn RandomAccess>,
    pub(super) ahead: PrefetchedTables,
    /// How many bytes of the disk are done, or being unpacked.
    written: u64,
}

impl<'a, R: Read, S: Sink> Decoder<'a, R, S> {
    /// `image` is past the header.
    pub fn new(
        header: Header,
        image: ClusterReader<'a, R>,
        out: &'a mut S,
        aside: Option<&'a mut dyn RandomAccess>,
    ) -> Result<Self> {
        let mut decoder = Decoder {
            image,
            out,
            claims: PendingRanges::default(),
            begun: Vec::new(),
            stash: ClusterStash::new(header.cluster()),
            counts: RefCounts::new(header.count_order),
            unpack: Unpack::new(&header),
            aside,
            ahead: PrefetchedTables::default(),
            header,
            written: 0,
        };
        decoder.first_claims()?;
        Ok(decoder)
    }

    /// Whether the disk is complete, and all that was read aside has passed; what is left of the image does
    /// not matter then.
    pub fn done(&self) -> bool {
        self.written >= self.header.size && self.ahead.have_passed()
    }

    fn first_claims(&mut self) -> Result<()> {
        let cluster = self.header.cluster();
        let mut claim = |table: Table, what| {
            let (at, len) = (table.at, align_up(table.len, cluster));
            self.claims.push(PendingRange { at, len, what })
        };
        claim(self.header.level1, Use::Level1)?;
        match self.header.counts {
            Some(table) if table.len == 0 => Ok(()),
            Some(table) => claim(table, Use::CountTable),
            None => Ok(()),
        }
    }

    /// Goes on to the end of the next claim, or by one cluster that has none.
    pub fn step(&mut self) -> Result<()> {
        let (at, cluster) = (self.image.at(), self.header.cluster());
        match self.claims.peek().copied() {
            Some(claim) if claim.at < at => Err(claimed_twice(claim.at)),
            Some(claim) if self.image.ended() => Err(self
                .image
                .too_short(&format!("what should be at byte {}", claim.at))),
            Some(claim) if claim.at == at && !matches!(claim.what, Use::Packed { .. }) => {
                if !self.begun.is_empty() {
                    return Err(claimed_twice(at));
                }
                self.claims.pop();
                self.pass(claim)
            }
            Some(claim) if claim.at < at + cluster => self.keep(),
            _ => {
                let free = self.ahead.all_known || self.counts.of(at / cluster) == Some(0);
                match free && self.begun.is_empty() && !self.image.ended() {
                    true => self.image.skip(cluster),
                    false => self.keep(),
                }
            }
        }
    }

    /// The claim is for what comes next.
    fn pass(&mut self, claim: PendingRange) -> Result<()> {
        match claim.what {
            Use::Data { to } => self.stream(to, claim.len),
            Use::Nothing => self.image.skip(claim.len),
            Use::Level1 | Use::Level2 { .. } => {
                let needed = self.needed(&claim);
                let table = self.image.table(needed, claim.len)?;
                match self.ahead.passes(claim.at, &table)? {
                    true => Ok(()),
                    false => self.deliver(claim.what, &table),
                }
            }
            Use::CountTable => {
                let needed = claim.len.min(LONGEST_COUNT_TABLE);
                let table = self.image.table(needed, claim.len)?;
                self.count_table(&table)
            }
            what => {
                let bytes = self.image.table(claim.len, claim.len)?;
                self.deliver(what, &bytes)
            }
        }
    }

    /// The next cluster goes to the stash, and what has come to its end with it, to the disk.
    fn keep(&mut self) -> Result<()> {
        let (start, cluster) = (self.image.at(), self.header.cluster());
        if !self.stash.has_room() && self.relieve()? {
            return Ok(()); // what comes next may have been claimed
        }
        if let Some(bytes) = self.image.next_cluster()? {
            let askers = self.counts.of(start / cluster);
            self.stash.keep(start, bytes, askers)?;
        } else if self.claims.peek().is_none() && self.begun.is_empty() {
            return Err(self.image.too_short("a part of the disk"));
        }
        let end = self.image.at();
        while let Some(claim) = self.claims.peek()
            && claim.at < end
            && matches!(claim.what, Use::Packed { .. })
        {
            self.begun.extend(self.claims.pop());
        }
        for claim in std::mem::take(&mut self.begun) {
            self.unpack_or_wait(claim)?;
        }
        Ok(())
    }

    /// Straight from the image to the disk.
    fn stream(&mut self, to: u64, len: u64) -> Result<()> {
        let (start, wanted) = (self.image.at(), len.min(self.header.size - to));
        let mut done = 0;
        while done < wanted {
            let room = self.out.room(to + done)?;
            let count =
                usize::try_from(wanted - done).map_or(room.len(), |left| left.min(room.len()));
            let count = self.image.read(&mut room[..count])?;
            self.out.filled(count)?;
            done += count as u64;
            if self.image.ended() && done < wanted {
                // QEMU reads zeros where the image ends within a cluster.
                let rest = wanted - done;
                if done % self.header.cluster() == 0 || rest >= self.header.cluster() {
                    return Err(self.image.too_short("a cluster"));
                }
                self.out.zeros(to + done, rest)?;
                done = wanted;
            }
        }
        self.written += wanted;
        self.image.skip(start + len - self.image.at())
    }

    /// Bytes that came through the stash, or a table.
    pub(super) fn deliver(&mut self, what: Use, bytes: &[u8]) -> Result<()> {
        match what {
            Use::Data { to } => {
                self.written += self.header.cluster().min(self.header.size - to);
                put(self.out, self.header.size, to, bytes)
            }
            Use::Level1 => self.level1(bytes),
            Use::Level2 { first } => self.level2(bytes, first),
            Use::RefCounts { first } => {
                let (passed, cluster) = (self.image.at(), self.header.cluster());
                self.counts.learn(first, bytes, passed / cluster);
                let end = first.saturating_add(self.counts.in_block(bytes.len() as u64));
                let places = first.saturating_mul(cluster)..end.saturating_mul(cluster);
                self.stash
                    .learn(places, |place| self.counts.of(place / cluster));
                Ok(())
            }
            Use::CountTable | Use::Packed { .. } | Use::Nothing => Ok(()),
        }
    }

    /// Takes from the stash what has passed and waits for the rest.
    pub(super) fn claim(&mut self, mut claim: PendingRange) -> Result<()> {
        let passed = self.image.at();
        if let Use::Packed { .. } = claim.what
            && claim.at < passed
        {
            return self.unpack_or_wait(claim);
        }
        while claim.at < passed && claim.len > 0 {
            let bytes = self.stash.take(claim.at);
            match (bytes, claim.what) {
                (_, Use::Nothing) => {}
                (None, Use::RefCounts { .. }) if self.ahead.all_known => {}
                (Some(bytes), what) => self.deliver(what, &bytes)?,
                (None, _) => return Err(claimed_twice(claim.at)),
            }
            claim = claim.after(self.header.cluster());
        }
        match claim.len {
            0 => Ok(()),
            _ => self.claims.push(claim),
        }
    }

    /// Unpacks a compressed cluster if all of it has passed.
    fn unpack_or_wait(&mut self, claim: PendingRange) -> Result<()> {
        if claim.end() > self.image.at() && !self.image.ended() {
            self.begun.push(claim);
            return Ok(());
        }
        let Use::Packed { to } = claim.what else {
            return self.claims.push(claim);
        };
        let len = claim.len.min(self.image.at().saturating_sub(claim.at));
        let (out, size) = (&mut *self.out, self.header.size);
        let mut parcel = self
            .unpack
            .parcel(|done| put(out, size, done.to, &done.plain))?;
        (parcel.at, parcel.to) = (claim.at, to);
        if !self.stash.copy(claim.at, len, &mut parcel.packed) {
            return Err(claimed_twice(claim.at));
        }
        self.unpack.send(parcel);
        self.written += self.header.cluster().min(size - to);
        self.stash.served(claim.at, claim.len);
        Ok(())
    }

    /// Waits for what is being unpacked.
    pub fn finish(mut self) -> Result<()> {
        while let Some(parcel) = self.unpack.oldest()? {
            put(self.out, self.header.size, parcel.to, &parcel.plain)?;
        }
        Ok(())
    }

    pub(super) fn zeros(&mut self, range: std::ops::Range<u64>) -> Result<()> {
        let len = range.end - range.start;
        if len > 0 {
            self.out.zeros(range.start, len)?;
            self.written += len;
        }
        Ok(())
    }
}

/// A cluster of the disk, or as much of it as the disk has.
fn put(out: &mut impl Sink, size: u64, to: u64, bytes: &[u8]) -> Result<()> {
    let wanted = usize::try_from(size - to).map_or(bytes.len(), |left| left.min(bytes.len()));
    let mut left = &bytes[..wanted];
    let mut at = to;
    while !left.is_empty() {
        let room = out.room(at)?;
        let count = room.len().min(left.len());
        room[..count].copy_from_slice(&left[..count]);
        out.filled(count)?;
        (at, left) = (at + count as u64, &left[count..]);
    }
    Ok(())
}

fn claimed_twice(at: u64) -> Error {
    invalid(format!(
        "it points at byte {at}, which is in use as something else or marked as free"
    ))
}
