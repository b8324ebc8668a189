//! The header: what the image is, and whether it may be written at all.
//!
//! Numbers and offsets: QEMU, docs/interop/qcow2.txt, "Header". Limits: QEMU, block/qcow2.h.

use crate::error::{Error, Kind, Result};
use crate::units::{Bytes, MIB};

/// How every such image begins.
pub const MAGIC: &[u8] = b"QFI\xfb";

// Incompatible features.
const DIRTY: u64 = 1 << 0;
const CORRUPT: u64 = 1 << 1;
const EXTERNAL_DATA: u64 = 1 << 2;
const COMPRESSION: u64 = 1 << 3;

/// How clusters are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Raw deflate streams.
    Deflate,
    /// One Zstandard frame each.
    Zstd,
}

/// Where a table is; `len` in bytes, as far as it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// In bytes from the start of the image.
    pub at: u64,
    /// In bytes.
    pub len: u64,
}

/// What the header says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the disk inside.
    pub size: u64,
    /// log2 of the bytes in a cluster.
    pub cluster_bits: u32,
    /// How compressed clusters are packed.
    pub packing: Packing,
    /// May entries say "reads as zeros"?
    pub zero_flag: bool,
    /// The level 1 table.
    pub level1: Table,
    /// The table of reference counts; none if they cannot be relied upon.
    pub counts: Option<Table>,
    /// log2 of the bits of a reference count.
    pub count_order: u32,
    /// The writer noticed damage.
    pub corrupt: bool,
}

/// Bytes of the disk inside, by the beginning of an image that nobody has judged yet; none where it is cut before that.
pub fn disk_size(bytes: &[u8]) -> Option<u64> {
    long(bytes, 24).ok()
}

impl Header {
    /// The smallest cluster: the header and what follows it fit.
    pub const LEN: usize = 512;
    /// The largest level 1 table that is taken, far beyond any disk with clusters of 64 KiB.
    const LARGEST_LEVEL1: u64 = 2 * MIB;

    /// In bytes.
    pub fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Bytes of the disk that one level 2 table maps.
    pub fn reach(&self) -> u64 {
        self.cluster() * (self.cluster() / 8)
    }

    /// From the first [`Header::LEN`] bytes of an image, or all of a shorter one.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(MAGIC) {
            return Err(unsafe_image("it is declared qcow2 but is not"));
        }
        let version = word(bytes, 4)?;
        if !matches!(version, 2 | 3) {
            return Err(unsafe_image(format!(
                "qcow2 version {version} is neither 2 nor 3"
            )));
        }
        if long(bytes, 8)? != 0 {
            return Err(unsafe_image("it has a backing file"));
        }
        let newer = version == 3;
        let features = if newer { long(bytes, 72)? } else { 0 };
        if features & EXTERNAL_DATA != 0 {
            return Err(unsafe_image("its data is in another file"));
        }
        let unknown = features & !(DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION);
        if unknown != 0 {
            return Err(unsafe_image(format!(
                "it needs incompatible features that are unknown here: bits {unknown:#x}"
            )));
        }
        if word(bytes, 32)? != 0 {
            return Err(invalid("it is encrypted, and no key can come along"));
        }
        // IPA writes such a disk as it is now and forgets its snapshots. Here nobody loses data unasked.
        let snapshots = word(bytes, 60)?;
        if snapshots != 0 {
            return Err(invalid(format!(
                "it has {snapshots} snapshots: 'qemu-img convert' makes one without"
            )));
        }
        let cluster_bits = word(bytes, 20)?;
        if !(9..=21).contains(&cluster_bits) {
            return Err(invalid(format!(
                "its clusters are 2^{cluster_bits} bytes: 2^9 to 2^21 are allowed"
            )));
        }
        let cluster = 1u64 << cluster_bits;
        let mut header = Header {
            // A disk has whole sectors: QEMU drops a part of one as well.
            size: long(bytes, 24)? / 512 * 512,
            cluster_bits,
            packing: Packing::Deflate,
            zero_flag: newer,
            level1: Table { at: 0, len: 0 },
            counts: None,
            count_order: 4,
            corrupt: features & CORRUPT != 0,
        };
        if newer {
            header.newer_fields(bytes, features & COMPRESSION != 0)?;
        }
        let needed = header.size.div_ceil(header.reach());
        let entries = u64::from(word(bytes, 36)?);
        header.level1 = table(bytes, 40, needed * 8, cluster, "level 1 table")?;
        if entries < needed {
            return Err(invalid(format!(
                "its level 1 table has {entries} entries where {} need {needed}",
                Bytes(header.size)
            )));
        }
        if header.level1.len > Self::LARGEST_LEVEL1 {
            return Err(invalid(format!(
                "its level 1 table is too large: {} in clusters of {}; with larger clusters it would be smaller",
                Bytes(header.level1.len),
                Bytes(cluster)
            )));
        }
        if features & (DIRTY | CORRUPT) == 0 {
            let len = u64::from(word(bytes, 56)?) * cluster;
            header.counts = Some(table(bytes, 48, len, cluster, "reference count table")?);
        }
        Ok(header)
    }

    fn newer_fields(&mut self, bytes: &[u8], other_compression: bool) -> Result<()> {
        self.count_order = word(bytes, 96)?;
        if self.count_order > 6 {
            return Err(invalid("its reference counts are wider than 64 bits"));
        }
        let length = word(bytes, 100)?;
        if length < 104 || u64::from(length) > self.cluster() {
            return Err(invalid(format!("its header is {length} bytes long")));
        }
        let compression = match length {
            104 => 0,
            _ => *bytes.get(104).ok_or_else(short)?,
        };
        self.packing = match (compression, other_compression) {
            (0, false) => Packing::Deflate,
            (1, true) => Packing::Zstd,
            (0 | 1, _) => return Err(invalid("it contradicts itself on its compression")),
            (other, _) => {
                return Err(invalid(format!("its compression {other} is unknown")));
            }
        };
        Ok(())
    }
}

/// Refused as upstream refuses it: the words are the same for whoever looks for them in a log.
fn unsafe_image(why: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::InvalidImage,
        format!("Security: Image failed safety check: {why}"),
    )
}

/// An image nobody can use.
pub fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidImage, format!("the qcow2 image: {why}"))
}

fn short() -> Error {
    invalid("it ends within its header")
}

fn table(bytes: &[u8], field: usize, len: u64, cluster: u64, name: &str) -> Result<Table> {
    let at = long(bytes, field)?;
    // QEMU, block/qcow2.h, L1E_OFFSET_MASK: offsets have 56 bits.
    let wrong = at % cluster != 0 || at < cluster || at >= 1 << 56;
    if len > 0 && wrong {
        return Err(invalid(format!("its {name} is at byte {at}")));
    }
    Ok(Table { at, len })
}

fn word(bytes: &[u8], at: usize) -> Result<u32> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found
        .map(|bytes| u32::from_be_bytes(*bytes))
        .ok_or_else(short)
}

fn long(bytes: &[u8], at: usize) -> Result<u64> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found
        .map(|bytes| u64::from_be_bytes(*bytes))
        .ok_or_else(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `qemu-img create -f qcow2 x 1G` writes it.
    fn plain() -> Vec<u8> {
        let mut bytes = vec![0; Header::LEN];
        bytes[..4].copy_from_slice(MAGIC);
        for (at, value) in [(4, 3), (20, 16), (36, 2), (56, 1), (96, 4), (100, 112)] {
            bytes[at..at + 4].copy_from_slice(&u32::to_be_bytes(value));
        }
        for (at, value) in [(24, 1u64 << 30), (40, 3 << 16), (48, 1 << 16)] {
            bytes[at..at + 8].copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn a_plain_header() {
        let header = Header::parse(&plain()).expect("as QEMU writes it");
        assert_eq!((header.size, header.cluster()), (1 << 30, 65536));
        assert_eq!(
            header.level1,
            Table {
                at: 3 << 16,
                len: 16
            }
        );
        assert_eq!(
            header.counts,
            Some(Table {
                at: 1 << 16,
                len: 1 << 16
            })
        );
        let mut dirty = plain();
        dirty[79] = 1;
        assert_eq!(Header::parse(&dirty).expect("readable").counts, None);
    }

    #[test]
    fn every_refusal_says_why() {
        // Where, what is there, and a part of the reason.
        #[rustfmt::skip]
        let cases: &[(usize, &[u8], &str)] = &[
            (0, b"KDMV", "Security: "), (0, b"\0", "Security: "), (7, &[1], "Security: "), (7, &[4], "Security: "),
            (15, &[1], "backing file"), (79, &[4], "another file"), (79, &[16], "0x10"), (72, &[128], "0x8000000000000000"),
            (79, &[8], "contradicts"), (104, &[1], "contradicts"), (104, &[2], "compression 2"),
            (35, &[1], "encrypted"), (35, &[2], "encrypted"), (63, &[1], "1 snapshots"),
            (23, &[8], "2^8"), (23, &[22], "2^22"), (20, &[255; 4], "2^4294967295"),
            (24, &[255; 8], "entries where"), (39, &[1], "1 entries"), (47, &[1], "level 1 table is at"), (45, &[0], "at byte 0"),
            (40, &[255], "level 1 table is at"), (55, &[1], "reference count table"), (99, &[7], "wider"), (103, &[103], "103 bytes"),
            (100, &[1], "bytes long"),
        ];
        for (at, bytes, why) in cases {
            let mut image = plain();
            image[*at..*at + bytes.len()].copy_from_slice(bytes);
            let error = Header::parse(&image).expect_err(why);
            assert_eq!(error.kind(), Kind::InvalidImage, "{error}");
            assert!(error.details().contains(why), "byte {at}: {error}");
        }
        for len in 0..105 {
            assert!(Header::parse(&plain()[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_level_1_table_that_would_fill_the_memory_is_refused() {
        let mut image = plain();
        image[23] = 9;
        image[24..32].copy_from_slice(&(1u64 << 34).to_be_bytes());
        image[36..40].copy_from_slice(&(1u32 << 30).to_be_bytes());
        let error = Header::parse(&image).expect_err("4 MiB");
        assert!(
            error.details().contains("4 MiB in clusters of 512 B"),
            "{error}"
        );
    }
}
