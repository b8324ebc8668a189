//! SCSI vital product data as sysfs hands it out: unit serial number (80h), device identification (83h)
//! and ATA information (89h). Pure: bytes in, text out; anything short or odd is left out.

/// What page 83h says about the logical unit, best designator first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identification {
    /// `0x` and 16 hex digits, from an NAA designator.
    pub wwn: Option<String>,
    /// `0x` and the 16 hex digits after them, from an NAA designator of 16 bytes.
    pub extension: Option<String>,
    /// The designator udev takes for the serial number.
    pub best: Option<Designation>,
    /// The SCSI name string: `naa.5000…`, `iqn.…`, which sg3_utils takes where there is no better one.
    pub name: Option<String>,
}

/// A designator as text or hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Designation {
    /// SPC-4 table 591: 0 is known to its maker alone, 1 has the maker in it, 2 is EUI-64, 3 NAA.
    pub kind: u8,
    /// As sent, blanks in runs of one.
    pub text: String,
    /// The page is of SCSI-2's form: one number, and no word of what it is.
    pub old: bool,
}

/// The identity an ATA drive gives of itself: untruncated, unlike the SCSI inquiry made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ata {
    /// IDENTIFY words 27–46.
    pub model: Option<String>,
    /// IDENTIFY words 10–19.
    pub serial: Option<String>,
    /// IDENTIFY words 108–111, with `0x` before it.
    pub wwn: Option<String>,
}

/// Page 80h: the unit serial number.
pub fn serial(page: &[u8]) -> Option<String> {
    tidy(until_zero(body(page, 0x80)?))
}

/// Page 83h.
pub fn identification(page: &[u8]) -> Identification {
    // SPC-2 has a zero there, reserved; SCSI-2 the middle of a number. udev goes by it.
    if let Some(bytes) = body(page, 0x83).filter(|_| page.get(6).is_some_and(|byte| *byte != 0)) {
        return Identification {
            best: Some(Designation {
                kind: NAA,
                text: hex(bytes),
                old: true,
            }),
            ..Identification::default()
        };
    }
    let mut best: Option<(u8, Designation)> = None;
    let mut found = Identification::default();
    for designator in designators(page) {
        let Some(text) = designator.text() else {
            continue;
        };
        if designator.kind == NAME {
            found.name = found.name.or(Some(text));
            continue;
        }
        let rank = designator.rank();
        if best.as_ref().is_some_and(|(least, _)| *least <= rank) {
            continue;
        }
        // SPC-4 7.8.6.6: NAA designators are 8 or 16 bytes; some disks send them as text.
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if designator.kind == NAA && digits && text.len() >= 16 {
            let (wwn, rest) = text.split_at(16);
            found.wwn = Some(format!("0x{wwn}"));
            found.extension = (!rest.is_empty()).then(|| format!("0x{rest}"));
        }
        let kind = designator.kind;
        let old = false;
        best = Some((rank, Designation { kind, text, old }));
    }
    found.best = best.map(|(_, designation)| designation);
    found
}

/// Page 89h, which carries the answer to IDENTIFY DEVICE.
pub fn ata(page: &[u8]) -> Option<Ata> {
    // SAT-3 12.4.2: the 512 bytes of IDENTIFY DEVICE follow 60 bytes about the translation layer.
    let identify = page.get(60..60 + 512).filter(|_| page[1] == 0x89)?;
    identified(identify)
}

/// The answer to IDENTIFY DEVICE; none if it is not of 512 bytes.
pub fn identified(identify: &[u8]) -> Option<Ata> {
    let identify: &[u8; 512] = identify.try_into().ok()?;
    let word = |at: usize| u16::from_le_bytes([identify[2 * at], identify[2 * at + 1]]);
    // ACS-3 7.12.7: text has its first character in the high byte of each word.
    let text = |words: std::ops::Range<usize>| {
        let bytes: Vec<u8> = words.flat_map(|at| word(at).to_be_bytes()).collect();
        tidy(&bytes)
    };
    // ACS-3 7.12.7.36: word 87 is valid when its top bits are 01; bit 8 says words 108–111 hold a WWN.
    let wwn = (word(87) & 0xC100 == 0x4100).then(|| {
        let digits: String = (108..112).map(|at| format!("{:04x}", word(at))).collect();
        format!("0x{digits}")
    });
    Some(Ata {
        model: text(27..47),
        serial: text(10..20),
        wwn,
    })
}

/// Printable text: ends trimmed, blanks within runs of one; none for nothing.
pub fn tidy(bytes: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<_> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

// SPC-4 table 591: designator types.
const T10_VENDOR: u8 = 1;
const EUI_64: u8 = 2;
const NAA: u8 = 3;
const NAME: u8 = 8;

struct Designator<'a> {
    /// SPC-4 table 590: 1 is binary, 2 ASCII, 3 UTF-8.
    code_set: u8,
    kind: u8,
    bytes: &'a [u8],
}

impl Designator<'_> {
    fn text(&self) -> Option<String> {
        match self.code_set {
            1 if self.kind != NAME => Some(hex(self.bytes)),
            2 => tidy(until_zero(self.bytes)),
            3 if self.kind == NAME => tidy(until_zero(self.bytes)),
            _ => None,
        }
    }

    /// The order in which udev prefers them: the most unique first.
    fn rank(&self) -> u8 {
        // SPC-4 table 596: the first half-byte of an NAA designator.
        let kind = match (self.kind, self.bytes.first().map(|byte| byte >> 4)) {
            (NAA, Some(6)) => 0,
            (NAA, Some(5)) => 1,
            (NAA, _) => 2,
            (EUI_64, _) => 3,
            (T10_VENDOR, _) => 4,
            _ => 5,
        };
        // Of the same kind, numbers before text.
        2 * kind + u8::from(self.code_set != 1)
    }
}

/// The designators of page 83h that name the logical unit itself, not its port or target.
fn designators(page: &[u8]) -> impl Iterator<Item = Designator<'_>> {
    let mut rest = body(page, 0x83).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            // SPC-4 7.8.6.1: four bytes of header, the last one the length.
            let (head, after) = rest.split_at_checked(4)?;
            let (bytes, after) = after.split_at_checked(usize::from(head[3]))?;
            rest = after;
            let kind = head[1] & 0x0f;
            // SPC-4 table 592: bits 4–5 are the association, 0 the logical unit.
            if head[1] & 0x30 == 0 && (kind <= NAA || kind == NAME) && !bytes.is_empty() {
                let code_set = head[0] & 0x0f;
                return Some(Designator {
                    code_set,
                    kind,
                    bytes,
                });
            }
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text ends at the first zero: what follows is nothing udev has ever seen.
fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

/// What follows the header of a page, as far as it is there.
fn body(page: &[u8], code: u8) -> Option<&[u8]> {
    // SPC-4 7.8.1: peripheral, page code, length in two bytes.
    let (head, body) = page
        .split_at_checked(4)
        .filter(|(head, _)| head[1] == code)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    Some(&body[..length.min(body.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page83(designators: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (code_set, kind, bytes) in designators {
            body.extend([*code_set, *kind, 0, bytes.len() as u8]);
            body.extend(*bytes);
        }
        [&[0, 0x83, 0, body.len() as u8][..], &body].concat()
    }

    fn named(kind: u8, text: &str) -> Option<Designation> {
        let (text, old) = (text.to_owned(), false);
        Some(Designation { kind, text, old })
    }

    #[test]
    fn the_most_unique_designator_of_the_unit_wins() {
        let naa5 = [0x50, 0, 0xc5, 0, 0, 0, 0, 1];
        let naa6 = [0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let port = [0x51, 0, 0, 0, 0, 0, 0, 2];
        let page = page83(&[
            (2, 1, b"ACME  x "),
            (1, 3, &naa5),
            (1, 3, &naa6),
            (1, 0x13, &port),
        ]);
        assert_eq!(
            identification(&page),
            Identification {
                wwn: Some("0x6001020304050607".into()),
                extension: Some("0x08090a0b0c0d0e0f".into()),
                best: named(3, "600102030405060708090a0b0c0d0e0f"),
                name: None,
            }
        );
        let page = page83(&[(1, 3, &naa5), (2, 0, b"only for its maker")]);
        let five = identification(&page);
        assert_eq!(five.wwn.as_deref(), Some("0x5000c50000000001"));
        assert_eq!(five.extension, None);
    }

    #[test]
    fn a_name_that_is_no_number_is_no_wwn() {
        for (text, wwn) in [
            ("5000c50000000001", true),
            ("5000c5000000000é", false),
            ("5000c50000000 01", false),
            ("5000c5000000000", false),
        ] {
            let named = identification(&page83(&[(2, 3, text.as_bytes())]));
            assert_eq!(named.wwn.is_some(), wwn, "{text}");
            assert_eq!(named.best, super::tests::named(3, text));
        }
    }

    #[test]
    fn what_udev_passes_over_is_no_serial_number() {
        let eui = [0, 1, 2, 3, 4, 5, 6, 7];
        for (designators, best, name) in [
            // UTF-8 is for names, which are the last resort of others.
            (&[(3, 1, &b"ACME x"[..])][..], None, None),
            (&[(3, 8, b"iqn.x\0\0")], None, Some("iqn.x")),
            (
                &[(2, 1, b"ACME  x\0y"), (2, 0, b"z")],
                named(1, "ACME x"),
                None,
            ),
            (
                &[(2, 3, b"5000c50000000001"), (1, 2, &eui)],
                named(3, "5000c50000000001"),
                None,
            ),
            (&[(2, 1, b"text"), (1, 1, b"\x01")], named(1, "01"), None),
        ] {
            let found = identification(&page83(designators));
            assert_eq!(found.best, best, "{designators:?}");
            assert_eq!(found.name.as_deref(), name, "{designators:?}");
        }
        // SCSI-2's form, of old EMC arrays: 00 60 48 is their number.
        let old = identification(&[0, 0x83, 0, 6, 0x60, 0x06, 0x04, 0x80, 1, 2]);
        let best = old.best.expect("a number");
        assert_eq!((best.text.as_str(), best.old), ("600604800102", true));
        assert_eq!(old.wwn, None);
    }

    #[test]
    fn cut_pages_say_what_they_can_and_never_panic() {
        let whole = page83(&[(2, 1, b"ACME x"), (1, 3, &[0x50; 8])]);
        for length in 0..whole.len() {
            let part = identification(&whole[..length]);
            assert_eq!(part.wwn, None, "{length}");
            assert_eq!(part.best.is_some(), length >= 4 + 4 + 6, "{length}");
        }
        for length in 0..60 + 512 {
            assert_eq!(ata(&vec![0x89; length]), None);
        }
        assert_eq!(
            serial(&[0, 0x80, 0xff, 0xff, b' ', b'a', 0]),
            Some("a".into())
        );
        assert_eq!(serial(&[0, 0x83, 0, 1, b'a']), None);
        assert_eq!(serial(&[0, 0x80, 0, 2, b' ', b' ']), None);
    }
}
