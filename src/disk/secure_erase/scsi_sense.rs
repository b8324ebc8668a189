//! Sense data: why a SCSI command ended as it did, and how far a background operation is. Pure: bytes in.

use std::fmt;

/// SPC-4 4.5, fixed (70h, 71h) or descriptor (72h, 73h) format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// What kind of thing it is: SPC-4, sense keys.
    pub key: u8,
    /// Additional sense code and its qualifier (annex F), as one number.
    pub code: u16,
    /// Per mille done.
    pub progress: Option<u32>,
}

/// What an ATA command left in the registers: the ATA status return descriptor of SAT-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// ATA ERROR field.
    pub error: u8,
    /// ATA COUNT field.
    pub count: u16,
    /// ATA LBA field.
    pub block: u64,
    /// ATA STATUS field.
    pub status: u8,
}

/// Sense key: nothing to report.
pub const NO_SENSE: u8 = 0x0;
/// Sense key: done, with effort.
pub const RECOVERED: u8 = 0x1;
const NOT_READY: u8 = 0x2;
/// Sense key: it does not know this command or field.
pub const ILLEGAL_REQUEST: u8 = 0x5;
/// Sense key: something changed since the last command.
pub const UNIT_ATTENTION: u8 = 0x6;
/// Sense key: it must not be written.
pub const DATA_PROTECT: u8 = 0x7;
/// Sense key: it gave up the command.
pub const ABORTED: u8 = 0xb;

/// 04h 1Bh: logical unit not ready, sanitize in progress.
pub const SANITIZING: u16 = 0x041b;
/// 31h 03h: sanitize command failed.
pub const SANITIZE_FAILED: u16 = 0x3103;

impl Sense {
    /// Fixed or descriptor format (SPC-4 §4.5); none if it is neither.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (key, code, specific) = match bytes.first()? & 0x7f {
            0x70 | 0x71 => (bytes.get(2)?, bytes.get(12..14), bytes.get(15..18)),
            0x72 | 0x73 => {
                let specific = descriptor(bytes, 0x02).and_then(|bytes| bytes.get(2..5));
                (bytes.get(1)?, bytes.get(2..4), specific)
            }
            _ => return None,
        };
        let key = key & 0xf;
        // Disks that send no more than the key are allowed to.
        let code = code.map_or(0, |code| u16::from_be_bytes([code[0], code[1]]));
        // SPC-4, progress indication: under these two keys, and if the top bit is set, two bytes count in 65536ths.
        let progress = specific
            .filter(|bytes| bytes[0] & 0x80 != 0 && matches!(key, NO_SENSE | NOT_READY))
            .map(|bytes| u32::from(u16::from_be_bytes([bytes[1], bytes[2]])) * 1000 / 65536);
        Some(Sense {
            key,
            code,
            progress,
        })
    }
}

impl Registers {
    /// From sense data in descriptor format; none if there is no such descriptor.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        // In fixed format there is no room for the upper halves, and libata before Linux 6.11 puts the others
        // where no standard has them.
        if !matches!(bytes.first()? & 0x7f, 0x72 | 0x73) {
            return None;
        }
        // The descriptor without its two bytes of header; without bit 0 the upper halves mean nothing.
        let b = descriptor(bytes, 0x09).filter(|bytes| bytes.len() >= 12)?;
        let upper = |at: usize| if b[0] & 1 != 0 { b[at] } else { 0 };
        let block = [b[5], b[7], b[9], upper(4), upper(6), upper(8), 0, 0];
        Some(Registers {
            error: b[1],
            count: u16::from_be_bytes([upper(2), b[3]]),
            block: u64::from_le_bytes(block),
            status: b[11],
        })
    }
}

/// What follows the header of the first descriptor of `kind`, as long as it says it is.
fn descriptor(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    // SPC-4 4.5.2: eight bytes of header, then descriptors of a type, a length and as many bytes.
    let mut rest = bytes.get(8..)?;
    loop {
        let (head, after) = rest.split_at_checked(2)?;
        let (body, after) = after.split_at_checked(usize::from(head[1]))?;
        if head[0] == kind {
            return Some(body);
        }
        rest = after;
    }
}

impl fmt::Display for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SPC-4, sense keys.
        #[rustfmt::skip]
        const KEYS: [&str; 16] = [
            "no sense", "recovered error", "not ready", "medium error", "hardware error", "illegal request",
            "unit attention", "data protect", "blank check", "vendor specific", "copy aborted", "aborted command",
            "reserved", "volume overflow", "miscompare", "completed",
        ];
        // SPC-4 annex F: those a disk that is asked to erase itself may give.
        #[rustfmt::skip]
        const CODES: &[(u16, &str)] = &[
            (0x0404, "format in progress"),
            (SANITIZING, "sanitize in progress"),
            (0x1a00, "parameter list length error"),
            (0x2000, "invalid command"),
            (0x2002, "access denied"),
            (0x2400, "invalid field in the command"),
            (0x2600, "invalid field in the parameters"),
            (0x2700, "write protected"),
            (SANITIZE_FAILED, "sanitize failed"),
            (0x4400, "internal failure"),
            (0x7471, "access not authorized: is it locked by a TCG policy? Revert it with the PSID on its label"),
        ];
        let (key, code) = (KEYS[usize::from(self.key & 0xf)], self.code);
        write!(
            f,
            "{key} (sense {:x}/{:02x}/{:02x}",
            self.key,
            code >> 8,
            code & 0xff
        )?;
        match CODES.iter().find(|(number, _)| *number == code) {
            Some((_, words)) => write!(f, ", {words})"),
            None => write!(f, ")"),
        }
    }
}
