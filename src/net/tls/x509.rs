//! What of a certificate rustls does not tell: its dates, and the name of whom it is for. Pure.

use crate::calendar;
use crate::net::tls::der::{self, SEQUENCE};

/// Fields of one certificate (RFC 5280 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Valid from this second since 1970 on.
    pub from: u64,
    /// Valid to this second since 1970.
    pub to: u64,
    /// The subject's common name; empty if it has none.
    pub name: String,
}

impl Fields {
    /// Of the certificate in this DER; none if it is none, or its dates are in no form that RFC 5280 knows.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (SEQUENCE, certificate) = der::only(certificate)? else {
            return None;
        };
        let (SEQUENCE, mut rest, _) = der::first(certificate)? else {
            return None;
        };
        // [0] version, where it is not 1.
        if let (0xa0, _, after) = der::first(rest)? {
            rest = after;
        }
        // Serial number, signature, issuer.
        for _ in 0..3 {
            (.., rest) = der::first(rest)?;
        }
        let (SEQUENCE, dates, rest) = der::first(rest)? else {
            return None;
        };
        let (SEQUENCE, subject, _) = der::first(rest)? else {
            return None;
        };
        let (from, text, rest) = der::first(dates)?;
        let from = seconds(from, text)?;
        let (to, text) = der::only(rest)?;
        Some(Fields {
            from,
            to: seconds(to, text)?,
            name: common_name(subject).unwrap_or_default(),
        })
    }
}

impl Fields {
    /// At this second since 1970? As OpenSSL has it, no longer in the last one.
    pub fn is_valid(&self, now: u64) -> bool {
        (self.from..self.to).contains(&now)
    }
}

/// The last id-at-commonName of a name: SEQUENCE OF SET OF SEQUENCE { OBJECT, string }.
fn common_name(mut sets: &[u8]) -> Option<String> {
    const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    let mut name = None;
    while let Some((_, set, after)) = der::first(sets) {
        if let Some((_, pair)) = der::only(set)
            && let Some((_, COMMON_NAME, value)) = der::first(pair)
            && let Some((_, text)) = der::only(value)
        {
            name = Some(String::from_utf8_lossy(text).into_owned());
        }
        sets = after;
    }
    name
}

/// UTCTime `YYMMDDHHMMSSZ` or GeneralizedTime `YYYYMMDDHHMMSSZ`, the only forms of RFC 5280 §4.1.2.5.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    let (year, rest) = match (tag, digits.len()) {
        (0x17, 12) => {
            let year: u64 = digits[..2].parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &digits[2..],
            )
        }
        (0x18, 14) => (digits[..4].parse().ok()?, &digits[4..]),
        _ => return None,
    };
    let two = |at: usize| rest[at..at + 2].parse::<u64>().ok();
    let (month, day) = (two(0)?, two(2)?);
    let (hour, minute, second) = (two(4)?, two(6)?, two(8)?);
    // Before 1970 is before any clock.
    Some(calendar::seconds([year, month, day], [hour, minute, second])?.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        for (tag, text, expected) in [
            (0x17, "700101000000Z", Some(0)),
            (0x17, "260228235959Z", Some(1_772_323_199)),
            (0x17, "491231235959Z", Some(2_524_607_999)),
            (0x17, "500101000000Z", Some(0)),
            (0x18, "20240229120000Z", Some(1_709_208_000)),
            (0x18, "20000301000000Z", Some(951_868_800)),
            (0x18, "99991231235959Z", Some(253_402_300_799)),
            (0x18, "00000101000000Z", Some(0)),
            (0x18, "20241301000000Z", None),
            (0x18, "20240229120000", None),
            (0x18, "20240229120000.5Z", None),
            (0x18, "240229120000Z", None),
            (0x17, "2402291200Z", None),
            (0x17, "24022912000 Z", None),
            (0x17, "240229120000+0100", None),
            (0x17, "", None),
            (0x04, "700101000000Z", None),
        ] {
            assert_eq!(seconds(tag, text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_fields() {
        for bad in [&[][..], &[0x30, 0], &[0x30, 2, 0x30, 0], &[4, 2, 0x30, 0]] {
            assert_eq!(Fields::of(bad), None);
        }
    }
}
