//! One entry of a table: where a part of the disk is in the image.
//!
//! QEMU, docs/interop/qcow2.txt, "Cluster mapping".

use crate::error::Result;
use crate::image::decode::qcow2::header::{Header, invalid};

/// Bits 9 to 55: an offset; the others are flags or reserved, and QEMU ignores the reserved.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const PACKED: u64 = 1 << 62;
const ZEROS: u64 = 1 << 0;

/// What a level 2 entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Reads as zeros; a cluster may be set aside for it all the same.
    Zeros {
        /// A cluster the image keeps for it, which nobody needs.
        aside: Option<u64>,
    },
    /// A whole cluster as it is.
    Data {
        /// In bytes from the start of the image.
        at: u64,
    },
    /// Compressed in at most `len` bytes.
    Packed {
        /// In bytes from the start of the image.
        at: u64,
        /// In bytes, to the end of its last sector of 512.
        len: u64,
    },
}

impl Entry {
    /// From the 64 bits in the table; an error if they make no sense for this image.
    pub fn parse(word: u64, header: &Header) -> Result<Self> {
        if word & PACKED != 0 {
            let len_bits = header.cluster_bits - 8;
            let at_bits = 62 - len_bits;
            let at = word & ((1 << at_bits) - 1);
            let sectors = (word >> at_bits & ((1 << len_bits) - 1)) + 1;
            if at >= 1 << 56 {
                return Err(invalid(format!("a compressed cluster is at byte {at}")));
            }
            return Ok(Entry::Packed {
                at,
                len: sectors * 512 - at % 512,
            });
        }
        let at = table(word, header)?;
        match word & ZEROS {
            0 => Ok(at.map_or(Entry::Zeros { aside: None }, |at| Entry::Data { at })),
            _ if !header.zero_flag => Err(invalid("a version 2 image has no zero clusters")),
            _ => Ok(Entry::Zeros { aside: at }),
        }
    }
}

/// What an entry of a table of tables says: where one is, if there is one.
pub fn table(word: u64, header: &Header) -> Result<Option<u64>> {
    let at = word & OFFSET;
    if !at.is_multiple_of(header.cluster()) {
        return Err(invalid(format!("a cluster begins at byte {at}")));
    }
    Ok((at != 0).then_some(at))
}

/// The big-endian words of a table.
pub fn words(table: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let (words, _) = table.as_chunks::<8>();
    words.iter().map(|word| u64::from_be_bytes(*word))
}
