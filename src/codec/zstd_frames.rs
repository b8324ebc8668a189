//! A zstd file as a row of frames (RFC 8878, 3.1), by their headers and those of their blocks; frames to skip are left out.

use std::io;

use crate::codec::packed_units::{Split, Units, invalid};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Takes the packed bytes as they come.
#[derive(Default)]
pub struct Frames {
    part: Part,
    held: Vec<u8>,
    /// Bytes to come that say nothing of sizes.
    skip: u64,
    /// Was there a frame? Does the current one have a checksum?
    begun: bool,
    check: bool,
}

/// What the bytes held begin.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    /// The header of a frame.
    #[default]
    Frame,
    /// That of a block.
    Block,
    /// A frame to skip.
    Skipped,
    /// What follows the last block.
    End,
}

impl Part {
    /// Bytes of this part, as far as what is `held` of it tells.
    fn length(self, held: &[u8]) -> usize {
        match (self, held) {
            (Part::Block, _) => 3,
            (Part::Skipped | Part::End, _) => 0,
            (Part::Frame, [_, 0x2a, 0x4d, 0x18, ..]) => 8,
            (Part::Frame, [_, _, _, _, descriptor, ..]) => {
                let alone = descriptor >> 5 & 1;
                // 3.1.1.1.1.1: a segment of one piece states its size, and no window.
                let size = [alone, 2, 4, 8][usize::from(descriptor >> 6)];
                let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
                usize::from(5 + (1 - alone) + size + dictionary)
            }
            (Part::Frame, _) => 5,
        }
    }
}

impl Split for Frames {
    fn pass(&mut self, bytes: &mut &[u8], units: &mut dyn Units) -> io::Result<()> {
        loop {
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            let (skipped, rest) = bytes.split_at(skipped as usize);
            if self.part != Part::Skipped {
                units.add(skipped);
            }
            *bytes = rest;
            if self.skip > 0 {
                return Ok(());
            }
            match self.part.length(&self.held) - self.held.len() {
                0 => {
                    let held = std::mem::take(&mut self.held);
                    self.part = self.whole(&held, units)?;
                    self.held = held;
                    self.held.clear();
                }
                missing => {
                    let (more, rest) = bytes.split_at(missing.min(bytes.len()));
                    if more.is_empty() {
                        return Ok(());
                    }
                    self.held.extend_from_slice(more);
                    *bytes = rest;
                }
            }
        }
    }

    fn finish(&self) -> io::Result<()> {
        match (self.part, self.begun, &self.held[..]) {
            (Part::Frame, true, []) => Ok(()),
            (Part::Frame, true, rest) if !MAGIC.starts_with(rest) && rest.len() < 4 => {
                Err(self.no_frame())
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Frames {
    /// What `bytes`, all of the current part, say; gives the part that follows.
    fn whole(&mut self, bytes: &[u8], units: &mut dyn Units) -> io::Result<Part> {
        Ok(match (self.part, bytes) {
            (Part::Frame, [0x50..=0x5f, 0x2a, 0x4d, 0x18, length @ ..]) => {
                let length = length.try_into().expect("a magic number and four bytes");
                self.skip = u32::from_le_bytes(length).into();
                Part::Skipped
            }
            (Part::Frame, _) => {
                if !bytes.starts_with(&MAGIC) {
                    return Err(self.no_frame());
                }
                self.begun = true;
                self.check = bytes[4] & 4 != 0;
                units.begin(false);
                units.add(bytes);
                Part::Block
            }
            (Part::Block, _) => {
                units.add(bytes);
                let head = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
                // 3.1.1.2.2: one byte repeated, or as many as are said.
                self.skip = match head >> 1 & 3 {
                    1 => 1,
                    3 => return Err(invalid("a block is of a kind that is reserved")),
                    _ => u64::from(head >> 3),
                };
                match head & 1 {
                    0 => Part::Block,
                    _ => {
                        self.skip += u64::from(self.check) * 4;
                        Part::End
                    }
                }
            }
            (Part::End, _) => {
                units.end();
                Part::Frame
            }
            (Part::Skipped, _) => Part::Frame,
        })
    }

    fn no_frame(&self) -> io::Error {
        invalid(match self.begun {
            true => "something that is not zstd follows the last frame",
            false => "it does not begin as zstd does",
        })
    }
}
