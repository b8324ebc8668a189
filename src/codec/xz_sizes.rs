//! Sizes in an xz file: what a block's header and its chunks say of them, and the index that tells of a block.
//!
//! Numbers without another source are those of xz-file-format 1.2.1.

use std::io;

use crate::codec::gzip::crc32;
use crate::codec::packed_units::invalid as wrong;

/// In bytes.
#[derive(Default)]
pub struct Block {
    pub header: u64,
    pub packed: u64,
    pub plain: u64,
    pub said_packed: Option<u64>,
    pub said_plain: Option<u64>,
}

/// The sizes of all blocks of a stream, in order.
#[derive(Default, PartialEq, Eq)]
pub struct Records {
    pub count: u64,
    sum: u64,
}

impl Records {
    /// The next block's.
    pub fn add(&mut self, unpadded: u64, plain: u64) {
        self.count += 1;
        // FNV-1a; whoever makes one on purpose gains nothing.
        for byte in [unpadded, plain].iter().flat_map(|size| size.to_le_bytes()) {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl Block {
    /// 3.1: the header of a block, all of it.
    pub fn said(header: &[u8]) -> io::Result<Self> {
        let mut block = Block {
            header: header.len() as u64,
            ..Block::default()
        };
        // Behind its size and flags, before its CRC-32.
        let (flags, mut rest) = (header[1], &header[2..header.len() - 4]);
        let mut next = || -> io::Result<u64> {
            let (value, after) = number(rest)?;
            rest = after;
            Ok(value)
        };
        if flags & 0x40 != 0 {
            block.said_packed = Some(next()?);
        }
        if flags & 0x80 != 0 {
            block.said_plain = Some(next()?);
        }
        for _ in 0..=flags & 3 {
            let (_, after) = number(rest)?;
            let (properties, after) = number(after)?;
            let end = usize::try_from(properties).ok();
            rest = end
                .and_then(|end| after.get(end..))
                .ok_or_else(|| wrong("a block's header is too short for its filters"))?;
        }
        Ok(block)
    }

    /// What makes a stream of a header with these `flags` and this block: an index of it, and a footer.
    pub fn ending(&self, check: u64, flags: [u8; 2]) -> Vec<u8> {
        let mut index = vec![0, 1];
        for mut size in [self.header + self.packed + check, self.plain] {
            while size >= 0x80 {
                index.push(size as u8 | 0x80);
                size >>= 7;
            }
            index.push(size as u8);
        }
        index.resize(index.len().next_multiple_of(4), 0);
        let sum = crc32(&index).to_le_bytes();
        let fours = (index.len() / 4) as u32;
        let footer = [&fours.to_le_bytes()[..], &flags].concat();
        [
            &index,
            &sum[..],
            &crc32(&footer).to_le_bytes(),
            &footer,
            b"YZ",
        ]
        .concat()
    }

    /// Counts the chunk that begins with `head`; gives the bytes that follow.
    pub fn chunk(&mut self, head: &[u8]) -> u64 {
        let size = |at: usize| u64::from(u16::from_be_bytes([head[at], head[at + 1]])) + 1;
        let control = u64::from(head[0]);
        let (plain, rest) = match control {
            ..0x80 => (size(1), size(1)),
            // The fifth bit up are the size's; with the two above both set, properties come first.
            _ => {
                let plain = ((control & 0x1f) << 16) + size(1);
                (plain, size(3) + u64::from(control >= 0xc0))
            }
        };
        self.packed += head.len() as u64 + rest;
        self.plain += plain;
        rest
    }
}

/// 1.2: a number of up to nine bytes, seven bits in each, as short as can be; and what follows it.
pub fn number(bytes: &[u8]) -> io::Result<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return match (at, byte) {
                (1.., 0) => Err(wrong("a number is longer than it has to be")),
                _ => Ok((value, &bytes[at + 1..])),
            };
        }
    }
    Err(wrong("a number has no end"))
}
