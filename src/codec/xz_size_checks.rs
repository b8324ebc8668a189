//! Sizes an xz file states, held against what is read: in the headers of blocks, the index and the footer.
//!
//! Looks at the packed bytes as they pass and leaves unpacking, every CRC and what must be zero to [`crate::codec::xz`].
//! Numbers without another source are those of xz-file-format 1.2.1.

use std::io::{self, Read};

/// Passes on what it reads; an error where a size is not what it was said to be. Memory does not grow
/// with the file.
pub struct Sized<R> {
    packed: R,
    /// What the bytes in `held` begin.
    part: Part,
    held: Vec<u8>,
    /// Bytes to come that say nothing of sizes.
    skip: u64,
    /// Behind a block, as the header of its stream has it.
    check: u64,
    block: Block,
    /// Of the stream: what was read, and what its index says of it.
    seen: Records,
    told: Records,
    /// Of the index.
    records: u64,
    index: u64,
}

#[derive(Clone, Copy)]
enum Part {
    /// The header of a stream, or zeros before it.
    Stream,
    /// The header of a block, or the first byte of the index.
    Block,
    /// The head of an LZMA2 chunk, or the byte after the last.
    Chunk,
    /// The numbers of the index.
    Count,
    Unpadded,
    Plain {
        unpadded: u64,
    },
    Footer,
}

/// In bytes.
#[derive(Default)]
struct Block {
    header: u64,
    packed: u64,
    plain: u64,
    said_packed: Option<u64>,
    said_plain: Option<u64>,
}

/// The sizes of all blocks of a stream, in order.
#[derive(Default, PartialEq, Eq)]
struct Records {
    count: u64,
    sum: u64,
}

impl Records {
    fn add(&mut self, unpadded: u64, plain: u64) {
        self.count += 1;
        // FNV-1a; whoever makes one on purpose gains nothing.
        for byte in [unpadded, plain].iter().flat_map(|size| size.to_le_bytes()) {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl<R> Sized<R> {
    pub fn new(packed: R) -> Self {
        Sized {
            packed,
            part: Part::Stream,
            held: Vec::new(),
            skip: 0,
            check: 0,
            block: Block::default(),
            seen: Records::default(),
            told: Records::default(),
            records: 0,
            index: 0,
        }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            bytes = &bytes[skipped as usize..];
            let missing = self.part.length(&self.held) - self.held.len();
            if missing == 0 {
                let held = std::mem::take(&mut self.held);
                self.part = self.whole(&held)?;
                self.held = held;
                self.held.clear();
                continue;
            }
            let (more, rest) = bytes.split_at(missing.min(bytes.len()));
            if more.is_empty() {
                return Ok(());
            }
            self.held.extend_from_slice(more);
            bytes = rest;
        }
    }

    /// What `bytes`, all of the current part, say; gives the part that follows.
    fn whole(&mut self, bytes: &[u8]) -> io::Result<Part> {
        Ok(match (self.part, bytes) {
            (Part::Stream, [0]) => Part::Stream,
            (Part::Stream, _) => {
                // 2.1.1.2: the kind of check, and how long each is.
                let kind = usize::from(bytes[7] & 0xf).div_ceil(3);
                self.check = [0, 4, 8, 16, 32, 64][kind];
                self.seen = Records::default();
                Part::Block
            }
            (Part::Block, [0]) => {
                self.index = 1;
                self.told = Records::default();
                Part::Count
            }
            (Part::Block, _) => {
                self.block = Block::said(bytes)?;
                Part::Chunk
            }
            (Part::Chunk, [0]) => {
                self.block.packed += 1;
                self.end_block()?;
                Part::Block
            }
            (Part::Chunk, _) => {
                self.skip = self.block.chunk(bytes);
                Part::Chunk
            }
            (Part::Count, _) => {
                self.records = self.number(bytes)?;
                if self.records != self.seen.count {
                    let (records, blocks) = (self.records, self.seen.count);
                    return Err(wrong(format!(
                        "its index tells of {records} blocks, and there are {blocks}"
                    )));
                }
                self.next_record()?
            }
            (Part::Unpadded, _) => {
                let unpadded = self.number(bytes)?;
                Part::Plain { unpadded }
            }
            (Part::Plain { unpadded }, _) => {
                let plain = self.number(bytes)?;
                self.told.add(unpadded, plain);
                self.next_record()?
            }
            (Part::Footer, _) => {
                // 2.1.2.2: in fours, one less.
                let said =
                    (u64::from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])) + 1)
                        * 4;
                if said != self.index {
                    let index = self.index;
                    return Err(wrong(format!(
                        "its footer tells of an index of {said} bytes, and it has {index}"
                    )));
                }
                Part::Stream
            }
        })
    }

    /// A number of the index.
    fn number(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.index += bytes.len() as u64;
        number(bytes).map(|(value, _)| value)
    }

    fn next_record(&mut self) -> io::Result<Part> {
        if self.told.count < self.records {
            return Ok(Part::Unpadded);
        }
        if self.told != self.seen {
            return Err(wrong(
                "its index tells other sizes than its blocks have".into(),
            ));
        }
        // 4.4, 4.5: zeros to a multiple of four, and a CRC-32.
        let whole = self.index.next_multiple_of(4) + 4;
        self.skip = whole - self.index;
        self.index = whole;
        Ok(Part::Footer)
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = &self.block;
        for (what, said, read) in [
            ("packed", block.said_packed, block.packed),
            ("unpacked", block.said_plain, block.plain),
        ] {
            if let Some(said) = said.filter(|said| *said != read) {
                let number = self.seen.count + 1;
                return Err(wrong(format!(
                    "block {number} says it has {said} bytes {what}, and it has {read}"
                )));
            }
        }
        // 3.3, 4.3: the padding counts for nobody.
        let padding = block.packed.next_multiple_of(4) - block.packed;
        self.skip = padding + self.check;
        (self.seen).add(block.header + block.packed + self.check, block.plain);
        Ok(())
    }
}

impl Part {
    /// Bytes of this part, as far as what is `held` of it tells.
    fn length(self, held: &[u8]) -> usize {
        match (self, held) {
            (Part::Stream, [] | [0]) | (Part::Block | Part::Chunk, [] | [0]) => 1,
            // 3.1.1
            (Part::Block, [size, ..]) => (usize::from(*size) + 1) * 4,
            // linux/Documentation/staging/xz.rst leaves it to the code: lib/xz/xz_dec_lzma2.c, xz_dec_lzma2_run.
            (Part::Chunk, [..0x80, ..]) => 3,
            (Part::Chunk, _) => 5,
            (Part::Stream | Part::Footer, _) => 12,
            // 1.2
            (Part::Count | Part::Unpadded | Part::Plain { .. }, [.., ..0x80]) => held.len(),
            (Part::Count | Part::Unpadded | Part::Plain { .. }, _) => 9.min(held.len() + 1),
        }
    }
}

impl Block {
    /// 3.1: the header of a block, all of it.
    fn said(header: &[u8]) -> io::Result<Self> {
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
                .ok_or_else(|| wrong("a block's header is too short for its filters".into()))?;
        }
        Ok(block)
    }

    /// Counts the chunk that begins with `head`; gives the bytes that follow.
    fn chunk(&mut self, head: &[u8]) -> u64 {
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

impl<R: Read> Read for Sized<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.packed.read(into)?;
        self.pass(&into[..count])?;
        Ok(count)
    }
}

/// 1.2: a number of up to nine bytes, seven bits in each, as short as can be; and what follows it.
fn number(bytes: &[u8]) -> io::Result<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return match (at, byte) {
                (1.., 0) => Err(wrong("a number is longer than it has to be".into())),
                _ => Ok((value, &bytes[at + 1..])),
            };
        }
    }
    Err(wrong("a number has no end".into()))
}

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
