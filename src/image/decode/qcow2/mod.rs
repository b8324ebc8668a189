//! qcow2, decoded front to back while it streams.
//!
//! The header says where the level 1 table is, that one where the level 2 tables are, and those where
//! the disk's clusters are: each [`Claim`] is a stretch of the image still to come. What nobody has
//! claimed when it passes waits in the [`Stash`], unless its reference count says that nobody will.
//!
//! When the stash is full, tables still to come are read out of turn (`relief`), and compared when they pass.
//!
//! Every byte of the disk is written or zeroed once. A stretch of the image claimed twice, or one that
//! never comes, is an error: tables that loop, overlap or point past the end are all of that kind.

pub mod awaited_ranges;
mod cluster_reader;
pub mod cluster_stash;
mod decoder;
mod decompress_threads;
pub mod header;
mod l1_l2_tables;
mod prefetched_tables;
pub mod refcounts;
pub mod table_entry;
mod table_prefetch;

use std::io::Read;

use log::warn;

use crate::error::Result;
use crate::image::decode::qcow2::cluster_reader::ClusterReader;
use crate::image::decode::qcow2::decoder::Decoder;
use crate::image::decode::qcow2::header::Header;
use crate::image::download::random_access::RandomAccess;
use crate::image::pipeline::read_ahead::read_full;
use crate::image::write::sink::Sink;
use crate::units::Bytes;

/// Reads a qcow2 `image` into `out` until the disk inside is complete; gives the size of that.
/// What the header is refused for is refused before `out` sees a byte. Tables that come too late are read
/// `aside`; without it they are an error.
pub fn decode<'a>(
    image: &'a mut impl Read,
    out: &'a mut impl Sink,
    aside: Option<&'a mut dyn RandomAccess>,
) -> Result<Bytes> {
    let mut bytes = [0; Header::LEN];
    let count = read_full(image, &mut bytes)?;
    let header = Header::parse(&bytes[..count])?;
    if header.size > out.capacity() {
        return Err(out.too_small(Some(Bytes(header.size))));
    }
    if header.corrupt {
        warn!("the qcow2 image is marked as corrupt by the program that wrote it");
    }
    let size = header.size;
    let image = ClusterReader::new(image, count as u64, header.cluster())?;
    let mut decoder = Decoder::new(header, image, out, aside)?;
    while !decoder.done() {
        decoder.step()?;
    }
    decoder.finish()?;
    Ok(Bytes(size))
}
