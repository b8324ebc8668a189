//! Units with a type of their own, so that bytes and sectors cannot be mixed up.

use std::io::{self, SeekFrom};
use std::{fmt, time::Duration};

/// A number of bytes; prints in binary units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// No download is held to less.
pub const LEAST_RATE: Bytes = Bytes(64 * KIB);
/// 1024.
pub const KIB: u64 = 1 << 10;
/// 1024².
pub const MIB: u64 = 1 << 20;
/// 1024³.
pub const GIB: u64 = 1 << 30;

impl Bytes {
    /// So many MiB.
    pub const fn mib(count: u64) -> Self {
        Bytes(count * MIB)
    }

    /// Bytes a second as people write them: digits, and K, M or G for their binary multiples behind them, perhaps with iB. None of what
    /// is something else, or less than [`LEAST_RATE`]: then another unit was meant.
    pub fn parse_rate(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
        let unit = match &*unit.trim_start().to_ascii_lowercase() {
            "" | "b" => Some(1),
            "k" | "kib" => Some(KIB),
            "m" | "mib" => Some(MIB),
            "g" | "gib" => Some(GIB),
            _ => None,
        };
        let count: u64 = digits.parse().ok()?;
        let bytes = Bytes(count.checked_mul(unit?)?);
        (bytes >= LEAST_RATE).then_some(bytes)
    }

    /// MiB per second over `time`; nothing per no time is nothing.
    pub fn rate(self, time: Duration) -> f64 {
        match time.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.0 as f64 / MIB as f64 / seconds,
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            GIB.. => (GIB, "GiB"),
            MIB.. => (MIB, "MiB"),
            KIB.. => (KIB, "KiB"),
            bytes => return write!(f, "{bytes} B"),
        };
        match self.0 % unit {
            0 => write!(f, "{} {name}", self.0 / unit),
            _ => write!(f, "{:.1} {name}", self.0 as f64 / unit as f64),
        }
    }
}

/// The next multiple of `step` at or above `n`; `step` is a power of two.
pub const fn align_up(n: u64, step: u64) -> u64 {
    n.next_multiple_of(step)
}

/// Where a seek from `at` leads in a file of `len` bytes; an error before its start or behind its end.
pub fn sought(to: SeekFrom, at: u64, len: u64) -> io::Result<u64> {
    let to = match to {
        SeekFrom::Start(to) => Some(to),
        SeekFrom::Current(by) => at.checked_add_signed(by),
        SeekFrom::End(by) => len.checked_add_signed(by),
    };
    let within = to.filter(|to| *to <= len);
    within.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_print_in_the_unit_a_person_would_pick() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (MIB, "1 MiB"),
            (2 * GIB + GIB / 2, "2.5 GiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }

    #[test]
    fn a_rate_is_what_people_write() {
        for (text, bytes) in [
            ("65536", Some(65536)),
            ("64K", Some(65536)),
            (" 20 MiB", Some(20 * MIB)),
            ("20m", Some(20 * MIB)),
            ("1G", Some(GIB)),
            ("20", None),
            ("63K", None),
            ("0", None),
            ("1.5M", None),
            ("-1M", None),
            ("20Mbit", None),
            ("20M/s", None),
            ("99999999999G", None),
            ("M", None),
            ("", None),
        ] {
            assert_eq!(Bytes::parse_rate(text), bytes.map(Bytes), "{text}");
        }
    }
}
