//! Rock Ridge: names and links as they were where the files came from.

use crate::disk::filesystem::iso::directory_records::{Image, Record, SECTOR, too_much, wide};
use crate::error::{Error, Result};

/// What Rock Ridge says of a file.
#[derive(Default)]
pub(super) struct Rock {
    pub name: Vec<u8>,
    pub is_link: bool,
    pub link: Vec<u8>,
    /// Does the last part of the link go on?
    goes_on: bool,
}

impl Rock {
    pub fn read(&mut self, iso: &Image, area: &[u8]) -> Result<()> {
        /// Areas that follow one another.
        const LONGEST: usize = 16;
        let mut bytes = area.to_vec();
        for _ in 0..LONGEST {
            let (mut area, mut next) = (&bytes[..], None);
            while let [kind @ .., len, _] = area.get(..4).unwrap_or_default() {
                let Some(entry) = area.get(4..usize::from(*len)) else {
                    break;
                };
                match (kind, entry) {
                    // P1282, 4.1.4: the first byte says whether it goes on, or is one of the folder itself.
                    ([b'N', b'M'], [_, name @ ..]) => self.name.extend_from_slice(name),
                    ([b'S', b'L'], [_, parts @ ..]) => self.follow(parts),
                    // A folder that lies elsewhere, and files that are packed.
                    ([b'C', b'L'] | [b'R', b'E'] | [b'Z', b'F'], _) => {
                        return Err(Error::plain(
                            "it uses Rock Ridge for more than names and links",
                        ));
                    }
                    // SUSP, 5.1: block, offset and length, each in both byte orders.
                    ([b'C', b'E'], entry) if entry.len() >= 24 => {
                        next = Some([0, 8, 16].map(|at| wide(entry, at) as usize));
                    }
                    ([b'S', b'T'], _) => break,
                    _ => {}
                }
                area = &area[usize::from(*len)..];
            }
            let Some([start, offset, len]) = next else {
                return Ok(());
            };
            // SUSP, 5.1: it lies in one sector.
            if len > SECTOR || self.name.len() + self.link.len() > 2 * SECTOR {
                return Err(too_much());
            }
            let whole = Record {
                start,
                len: offset.saturating_add(len),
                flags: 0,
                name: &[],
                area: &[],
            };
            bytes = iso.content(&whole, offset, SECTOR)?;
        }
        Err(too_much())
    }

    /// P1282, 4.1.3.1: parts of a path, each with flags and a length.
    fn follow(&mut self, mut parts: &[u8]) {
        self.is_link = true;
        while let [flags, len, rest @ ..] = parts {
            let (part, later) = rest.split_at(rest.len().min((*len).into()));
            if !self.goes_on && !self.link.is_empty() {
                self.link.push(b'/');
            }
            self.link.extend_from_slice(match flags & 0xe {
                2 => b".",
                4 => b"..",
                8 => b"/",
                _ => part,
            });
            (self.goes_on, parts) = (flags & 1 != 0, later);
        }
    }
}
