//! What a folder of a FAT file system says of a file: slots of 32 bytes, long names before the short one.

use crate::disk::filesystem::fat::short_name::ShortName;

/// Bytes of a slot.
pub const SLOT: usize = 32;
/// Attributes, at byte 11 of a slot.
pub const VOLUME: u8 = 8;
pub const FOLDER: u8 = 16;
pub const FILE: u8 = 32;
/// All four of read-only, hidden, system and volume: a part of a long name.
const LONG: u8 = 15;
/// The letters of a long name in one slot, two bytes each, are at these.
const LETTERS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// What bytes from 0x80 on mean in short names: code page 437, unless Linux is told another.
const CODE_PAGE: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
                         αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
/// The most letters of a name.
const LONGEST: usize = 255;

pub struct Entry {
    pub name: String,
    pub attributes: u8,
    /// The first cluster; 0 for none, and for the root.
    pub first: u32,
    pub size: u32,
}

impl Entry {
    pub fn is_folder(&self) -> bool {
        self.attributes & FOLDER != 0
    }
}

/// What the slots of a folder say, without `.` and `..`; damaged long names are passed over.
pub struct Entries<'a> {
    slots: std::slice::ChunksExact<'a, u8>,
    long: Vec<u16>,
    /// The part of the long name that was last seen, counted down to 1, and the checksum in all of them.
    part: u8,
    sum: u8,
    /// Does the upper half of a cluster's number count?
    wide: bool,
}

impl<'a> Entries<'a> {
    pub fn new(folder: &'a [u8], wide: bool) -> Self {
        Entries {
            slots: folder.chunks_exact(SLOT),
            long: Vec::new(),
            part: 0,
            sum: 0,
            wide,
        }
    }

    fn take_part(&mut self, slot: &[u8]) {
        let part = slot[0] & 0x1f;
        if slot[0] & 0x40 != 0 {
            self.long.clear();
            self.long.resize(usize::from(part) * LETTERS.len(), 0xffff);
            self.sum = slot[13];
        } else if part == 0 || part + 1 != self.part || self.sum != slot[13] {
            self.part = 0;
            return;
        }
        self.part = part;
        let before = usize::from(part).saturating_sub(1) * LETTERS.len();
        for (letter, at) in self.long.iter_mut().skip(before).zip(LETTERS) {
            *letter = u16::from_le_bytes([slot[at], slot[at + 1]]);
        }
    }

    fn name(&mut self, slot: &[u8]) -> String {
        let whole = std::mem::take(&mut self.part) == 1 && self.sum == checksum(&slot[..11]);
        let mut letters = self.long.split(|letter| *letter == 0);
        match letters
            .next()
            .filter(|letters| whole && letters.len() <= LONGEST)
        {
            Some(letters) => String::from_utf16_lossy(letters),
            None => short_name(slot),
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let slot = self.slots.next().filter(|slot| slot[0] != 0)?;
            match (slot[0], slot[11] & 0x3f) {
                (0xe5, _) => self.part = 0,
                (_, LONG) => self.take_part(slot),
                (b'.', attributes) if attributes & FOLDER != 0 => self.part = 0,
                (_, attributes) => {
                    let name = self.name(slot);
                    // Neither is a name of a file: somebody is out to deceive.
                    if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".."
                    {
                        continue;
                    }
                    let half = |at: usize| u16::from_le_bytes([slot[at], slot[at + 1]]);
                    return Some(Entry {
                        name,
                        attributes,
                        first: u32::from(if self.wide { half(20) } else { 0 }) << 16
                            | u32::from(half(26)),
                        size: u32::from(half(30)) << 16 | u32::from(half(28)),
                    });
                }
            }
        }
    }
}

fn short_name(slot: &[u8]) -> String {
    let part = |bytes: &[u8], lower: bool| {
        let letters = bytes.iter().map(|byte| match byte {
            0x80.. => CODE_PAGE
                .chars()
                .nth(usize::from(byte - 0x80))
                .unwrap_or_default(),
            byte => char::from(*byte),
        });
        let letters = letters.map(|c| {
            if lower {
                c.to_lowercase().next().unwrap_or(c)
            } else {
                c
            }
        });
        letters.collect::<String>().trim_end().to_owned()
    };
    let mut base = [0; 8];
    base.copy_from_slice(&slot[..8]);
    if base[0] == 5 {
        base[0] = 0xe5; // which would say that the slot is free
    }
    // Windows NT and Linux: these bits say that a part is lower-case.
    let base = part(&base, slot[12] & 8 != 0);
    let extension = part(&slot[8..11], slot[12] & 16 != 0);
    match extension.is_empty() {
        true => base,
        false => format!("{base}.{extension}"),
    }
}

/// Has FAT such a name?
pub fn is_name(name: &str) -> bool {
    let bad = |c: char| c < ' ' || "\"*/:<>?\\|\x7f".contains(c);
    let letters = name.encode_utf16().count();
    (1..=LONGEST).contains(&letters) && !name.contains(bad) && !name.ends_with(['.', ' '])
}

/// The slots of a file or folder with this name, and this short one.
pub fn slots(
    name: &str,
    short: &ShortName,
    attributes: u8,
    first: u32,
    size: u32,
) -> Vec<[u8; SLOT]> {
    let letters: Vec<u16> = name.encode_utf16().collect();
    let parts = letters.len().div_ceil(LETTERS.len());
    let mut all = Vec::with_capacity(parts + 1);
    for part in (1..=parts).rev() {
        let mut slot = [0; SLOT];
        slot[0] = part as u8 | if part == parts { 0x40 } else { 0 };
        (slot[11], slot[13]) = (LONG, checksum(short));
        // An end, then nothing.
        let rest = letters[(part - 1) * LETTERS.len()..]
            .iter()
            .chain(&[0])
            .copied();
        for (letter, at) in rest.chain(std::iter::repeat(0xffff)).zip(LETTERS) {
            slot[at..at + 2].copy_from_slice(&letter.to_le_bytes());
        }
        all.push(slot);
    }
    let mut slot = [0; SLOT];
    slot[..11].copy_from_slice(short);
    stamp(&mut slot, attributes, first, size);
    all.push(slot);
    all
}

/// What a slot says beside the name; all files are of the first day there is, as no clock is trusted here.
pub fn stamp(slot: &mut [u8; SLOT], attributes: u8, first: u32, size: u32) {
    const DAY: u8 = 1 << 5 | 1;
    slot[11] = attributes;
    (slot[16], slot[18], slot[24]) = (DAY, DAY, DAY);
    slot[20..22].copy_from_slice(&first.to_le_bytes()[2..]);
    slot[26..28].copy_from_slice(&first.to_le_bytes()[..2]);
    slot[28..].copy_from_slice(&size.to_le_bytes());
}

/// Which short name the parts of a long one belong to.
fn checksum(short: &[u8]) -> u8 {
    short
        .iter()
        .fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
}
