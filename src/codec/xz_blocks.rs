//! An xz file as a row of blocks, each made a stream of its own that [`crate::codec::xz`] unpacks; and all that is around blocks,
//! checked: headers, index, footer, zeros, and every size that is stated.
//!
//! Numbers without another source are those of xz-file-format 1.2.1.

use std::io;

use crate::codec::gzip::{Crc, crc32};
use crate::codec::packed_units::{Split, Units, invalid as wrong};
use crate::codec::xz_sizes::{Block, Records, number};

/// Takes the packed bytes as they come. Memory does not grow with the file.
pub struct Blocks {
    /// The header of the stream; none before the first.
    stream: Option<[u8; 12]>,
    /// After a stream.
    zeros: u64,
    /// What the bytes in `held` begin.
    part: Part,
    held: Vec<u8>,
    /// Bytes of a block to come that say nothing of sizes; and whether they are its last.
    skip: u64,
    closing: bool,
    /// Behind a block, as the header of its stream has it.
    check: u64,
    block: Block,
    /// Of the stream: what was read, and what its index says of it.
    seen: Records,
    told: Records,
    /// Of the index.
    records: u64,
    index: u64,
    sum: Crc,
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
    /// Zeros and the CRC-32.
    Tail,
    Footer,
}

impl Default for Blocks {
    fn default() -> Self {
        Blocks {
            stream: None,
            zeros: 0,
            part: Part::Stream,
            held: Vec::new(),
            skip: 0,
            closing: false,
            check: 0,
            block: Block::default(),
            seen: Records::default(),
            told: Records::default(),
            records: 0,
            index: 0,
            sum: Crc::new(),
        }
    }
}

impl Split for Blocks {
    fn pass(&mut self, bytes: &mut &[u8], units: &mut dyn Units) -> io::Result<()> {
        loop {
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            let (skipped, rest) = bytes.split_at(skipped as usize);
            units.add(skipped);
            *bytes = rest;
            if self.closing && self.skip == 0 {
                self.closing = false;
                units.add(&self.block.ending(self.check, self.flags()));
                units.end();
            }
            let missing = self.length() - self.held.len();
            if missing == 0 {
                let held = std::mem::take(&mut self.held);
                self.part = self.whole(&held, units)?;
                self.held = held;
                self.held.clear();
                continue;
            }
            let (more, rest) = bytes.split_at(missing.min(bytes.len()));
            if more.is_empty() {
                return Ok(());
            }
            self.held.extend_from_slice(more);
            *bytes = rest;
        }
    }

    fn finish(&self) -> io::Result<()> {
        match (self.part, self.stream) {
            (Part::Stream, Some(_)) if self.held.is_empty() => self.zeros_in_fours(),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Blocks {
    /// Bytes of the current part, as far as it is known.
    fn length(&self) -> usize {
        match self.part {
            // 4.4, 4.5: zeros to a multiple of four, and a CRC-32.
            Part::Tail => (self.index.next_multiple_of(4) + 4 - self.index) as usize,
            part => part.length(&self.held),
        }
    }

    fn zeros_in_fours(&self) -> io::Result<()> {
        match self.zeros % 4 {
            0 => Ok(()),
            _ => Err(wrong("the zeros after a stream are no multiple of 4 bytes")),
        }
    }

    /// 2.1.1.2, of this stream.
    fn flags(&self) -> [u8; 2] {
        self.stream.map_or([0; 2], |header| [header[6], header[7]])
    }

    /// 2.1.1, after which a stream's blocks follow.
    fn begin_stream(&mut self, header: &[u8; 12]) -> io::Result<()> {
        self.zeros_in_fours()?;
        let (magic, rest) = header.split_at(6);
        let (flags, sum) = rest.split_at(2);
        if magic != b"\xfd7zXZ\0" {
            return Err(self.no_stream());
        }
        if crc32(flags).to_le_bytes() != sum {
            return Err(wrong("the CRC-32 of a stream's header is wrong"));
        }
        self.check = match flags {
            [0, 0] => 0,
            [0, 1] => 4,
            [0, 4] => 8,
            [0, 10] => 32,
            _ => return Err(wrong("its blocks are checked in a way not known here")),
        };
        self.stream = Some(*header);
        self.zeros = 0;
        self.seen = Records::default();
        Ok(())
    }

    fn no_stream(&self) -> io::Error {
        wrong(match self.stream {
            None => "it does not begin as xz does",
            Some(_) => "something that is not xz follows the last stream",
        })
    }

    /// What `bytes`, all of the current part, say; gives the part that follows.
    fn whole(&mut self, bytes: &[u8], units: &mut dyn Units) -> io::Result<Part> {
        Ok(match (self.part, bytes) {
            (Part::Stream, [0]) if self.stream.is_some() => {
                self.zeros += 1;
                Part::Stream
            }
            (Part::Stream, _) => {
                let header = bytes.try_into().map_err(|_| self.no_stream())?;
                self.begin_stream(header)?;
                Part::Block
            }
            (Part::Block, [0]) => {
                self.index = 1;
                self.sum.reset();
                self.sum.update(&[0]);
                self.told = Records::default();
                Part::Count
            }
            (Part::Block, _) => {
                self.block = Block::said(bytes)?;
                // Only whoever packs in several threads knows the sizes of a block before its end.
                units.begin(self.block.said_packed.is_some());
                units.add(&self.stream.unwrap_or_default());
                units.add(bytes);
                Part::Chunk
            }
            (Part::Chunk, [0]) => {
                units.add(bytes);
                self.block.packed += 1;
                self.end_block()?;
                Part::Block
            }
            (Part::Chunk, _) => {
                units.add(bytes);
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
            (Part::Tail, _) => {
                let (zeros, sum) = bytes.split_at(bytes.len() - 4);
                self.sum.update(zeros);
                if zeros.iter().any(|zero| *zero != 0) || self.sum.sum().to_le_bytes() != sum {
                    return Err(wrong("the CRC-32 of its index is wrong"));
                }
                self.index += bytes.len() as u64;
                Part::Footer
            }
            (Part::Footer, _) => {
                let (sum, rest) = bytes.split_at(4);
                let (told, magic) = rest.split_at(6);
                if crc32(told).to_le_bytes() != sum || magic != b"YZ" || told[4..] != self.flags() {
                    return Err(wrong("its footer is damaged"));
                }
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
        self.sum.update(bytes);
        number(bytes).map(|(value, _)| value)
    }

    fn next_record(&mut self) -> io::Result<Part> {
        if self.told.count < self.records {
            return Ok(Part::Unpadded);
        }
        if self.told != self.seen {
            return Err(wrong("its index tells other sizes than its blocks have"));
        }
        Ok(Part::Tail)
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
        self.closing = true;
        (self.seen).add(block.header + block.packed + self.check, block.plain);
        Ok(())
    }
}

impl Part {
    /// Bytes of this part, as far as what is `held` of it tells.
    fn length(self, held: &[u8]) -> usize {
        match (self, held) {
            (Part::Stream, [] | [..=0xfc | 0xfe..]) | (Part::Block | Part::Chunk, [] | [0]) => 1,
            // 3.1.1
            (Part::Block, [size, ..]) => (usize::from(*size) + 1) * 4,
            // linux/Documentation/staging/xz.rst leaves it to the code: lib/xz/xz_dec_lzma2.c, xz_dec_lzma2_run.
            (Part::Chunk, [..0x80, ..]) => 3,
            (Part::Chunk, _) => 5,
            (Part::Stream | Part::Footer, _) => 12,
            // Only the index as a whole tells.
            (Part::Tail, _) => 4,
            // 1.2
            (Part::Count | Part::Unpadded | Part::Plain { .. }, [.., ..0x80]) => held.len(),
            (Part::Count | Part::Unpadded | Part::Plain { .. }, _) => 9.min(held.len() + 1),
        }
    }
}
