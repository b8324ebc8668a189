//! What an NVMe controller says of itself, of a namespace and of its last sanitize. Pure: bytes in.
//! Offsets and bits are those of the NVM Express Base Specification 1.4c.

/// Bytes in an answer to Identify.
pub const IDENTIFY: usize = 4096;
/// Bytes in the Sanitize Status log page.
pub const SANITIZE_STATUS: usize = 512;

/// Identify Controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Optional Admin Command Support: bit 1 is Format NVM, bit 3 Namespace Management.
    pub formats: bool,
    /// Optional Admin Command Support, bit 3.
    pub manages_namespaces: bool,
    /// Format NVM Attributes: bit 0, all namespaces are formatted alike and at once; bit 1, all are erased at
    /// once; bit 2, cryptographic erase; bit 3 (2.0), no broadcast.
    pub format_reaches_all: bool,
    /// Format NVM Attributes, bit 1.
    pub erase_reaches_all: bool,
    /// Format NVM Attributes, bit 2.
    pub cryptographic: bool,
    /// Format NVM Attributes, bit 3.
    pub no_broadcast: bool,
    /// Sanitize Capabilities: bit 0 is cryptographic erase, bit 1 block erase, bit 2 overwrite.
    pub sanitizes: u8,
}

impl Controller {
    /// The answer of Identify with CNS 01h.
    pub fn parse(bytes: &[u8; IDENTIFY]) -> Self {
        let (support, format) = (bytes[256], bytes[524]);
        Controller {
            formats: support & 1 << 1 != 0,
            manages_namespaces: support & 1 << 3 != 0,
            format_reaches_all: format & 1 != 0,
            erase_reaches_all: format & 1 << 1 != 0,
            cryptographic: format & 1 << 2 != 0,
            no_broadcast: format & 1 << 3 != 0,
            sanitizes: bytes[328] & 0b111,
        }
    }
}

/// Identify Namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Command dword 10 of a Format NVM that leaves sector size, metadata and protection as they are.
    pub same_format: u32,
    /// Per mille of a format that are done, if it says so.
    pub formatted: Option<u32>,
}

impl Namespace {
    /// The answer of Identify with CNS 00h.
    pub fn parse(bytes: &[u8; IDENTIFY]) -> Self {
        let [formats, format, protection, progress] = [25, 26, 29, 32].map(|at| bytes[at]);
        // NVMe 2.0: bits 5–6 count only where there are more than 16 formats.
        let upper = match formats > 15 {
            true => u32::from(format >> 5 & 0b11),
            false => 0,
        };
        let metadata = u32::from(format >> 4 & 1);
        let (kind, first) = (protection & 0b111, protection >> 3 & 1);
        Namespace {
            same_format: u32::from(format & 0xf)
                | metadata << 4
                | u32::from(kind) << 5
                | u32::from(first) << 8
                | upper << 12,
            // Bit 7 says that the others are the percentage left.
            formatted: (progress & 0x80 != 0)
                .then(|| 1000 - 10 * u32::from(progress & 0x7f).min(100)),
        }
    }
}

/// The identifiers in a namespace list, which ends at a zero.
pub fn namespaces(bytes: &[u8; IDENTIFY]) -> Vec<u32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers.iter().map(|number| u32::from_le_bytes(*number));
    numbers.take_while(|number| *number != 0).collect()
}

/// What came of the last sanitize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitize {
    /// None was ever done.
    Never,
    /// It ended well.
    Good,
    /// Per mille done.
    Busy(u32),
    /// Until one ends well, or this one is given up, the controller does nothing else.
    Failed,
    /// A value no specification had when this was written.
    Other(u8),
}

impl Sanitize {
    /// And its action: bits 0–2 of the command dword 10 that began it.
    pub fn parse(bytes: &[u8; SANITIZE_STATUS]) -> (Self, u8) {
        let done = u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let state = match bytes[2] & 0b111 {
            0 => Sanitize::Never,
            // 4: well, and all blocks were deallocated although that was not asked for.
            1 | 4 => Sanitize::Good,
            2 => Sanitize::Busy(done * 1000 / 65536),
            3 => Sanitize::Failed,
            other => Sanitize::Other(other),
        };
        (state, bytes[4] & 0b111)
    }
}
