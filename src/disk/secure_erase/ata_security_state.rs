//! What an ATA disk says of erasing itself, in its answer to IDENTIFY DEVICE. Pure: bytes in.

/// Bytes in an answer to IDENTIFY DEVICE.
pub const IDENTIFY: usize = 512;

/// IDENTIFY word 128: what the drive says of its security feature set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// Does it have one at all?
    pub supported: bool,
    /// A user password is set.
    pub enabled: bool,
    /// It wants the password before it does anything.
    pub locked: bool,
    /// Until it is powered off, its security cannot be changed.
    pub frozen: bool,
    /// Too many wrong passwords since it was powered on.
    pub expired: bool,
    /// Can it also erase what it keeps out of use?
    pub enhanced: bool,
    /// Minutes a normal and an enhanced erase take, if it says so.
    pub minutes: [Option<u32>; 2],
    /// Word 59, bits 12–15: sanitize at all, crypto scramble, overwrite, block erase.
    pub sanitizes: u16,
}

impl Security {
    /// None for what no ATA disk sends.
    pub fn parse(bytes: &[u8; IDENTIFY]) -> Option<Self> {
        let word = |at: usize| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
        // ACS-4, IDENTIFY DEVICE: bit 15 of word 0 is clear, words 82 and 83 count if 83 begins with 01, and
        // where the last word says it holds a checksum, all bytes add up to 0.
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        let disk = word(0) & 1 << 15 == 0 && word(83) >> 14 == 0b01;
        if !disk || (bytes[510] == 0xa5 && sum != 0) {
            return None;
        }
        let status = |bit: u16| word(128) & 1 << bit != 0;
        let supported = word(82) & 1 << 1 != 0 && status(0);
        Some(Security {
            supported,
            enabled: supported && status(1),
            locked: supported && status(2),
            frozen: supported && status(3),
            expired: supported && status(4),
            enhanced: supported && status(5),
            minutes: [minutes(word(89)), minutes(word(90))],
            sanitizes: match word(59) & 1 << 12 {
                0 => 0,
                _ => word(59) & 0xf000,
            },
        })
    }
}

/// Words 89 and 90: in units of two minutes, in 15 bits where the top bit says so, else in 8; 0 is unknown, and the
/// greatest number means that or more.
fn minutes(word: u16) -> Option<u32> {
    let (count, greatest) = match word >> 15 {
        1 => (word & 0x7fff, 0x7fff),
        _ => (word & 0xff, 0xff),
    };
    (count != 0 && count != greatest).then(|| u32::from(count) * 2)
}
