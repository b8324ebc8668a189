//! SCSI vital product data as sysfs hands it out: unit serial number (80h), device identification (83h)
//! and ATA information (89h). Pure: bytes in, text out; anything short or odd is left out.

/// What page 83h says about the logical unit, best designator first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identification {
    /// `0x` and 16 hex digits, from an NAA designator.
    pub wwn: Option<String>,
    /// `0x` and the 16 hex digits after them, from an NAA designator of 16 bytes.
    pub extension: Option<String>,
    /// The best designator as text or hex digits: the serial number of a disk without page 80h.
    pub serial: Option<String>,
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
    tidy(body(page, 0x80)?)
}

/// Page 83h.
pub fn identification(page: &[u8]) -> Identification {
    let mut best: Option<(u8, String)> = None;
    let mut found = Identification::default();
    for designator in designators(page) {
        let Some(text) = designator.text() else {
            continue;
        };
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
        best = Some((rank, text));
    }
    found.serial = best.map(|(_, text)| text);
    found
}

/// Page 89h, which carries the answer to IDENTIFY DEVICE.
pub fn ata(page: &[u8]) -> Option<Ata> {
    // SAT-3 12.4.2: the 512 bytes of IDENTIFY DEVICE follow 60 bytes about the translation layer.
    let identify = page.get(60..60 + 512).filter(|_| page[1] == 0x89)?;
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

struct Designator<'a> {
    /// SPC-4 table 590: 1 is binary, 2 ASCII, 3 UTF-8.
    code_set: u8,
    kind: u8,
    bytes: &'a [u8],
}

impl Designator<'_> {
    fn text(&self) -> Option<String> {
        match self.code_set {
            1 => Some(
                self.bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            ),
            2 | 3 => tidy(self.bytes),
            _ => None,
        }
    }

    /// The order in which udev prefers them: the most unique first.
    fn rank(&self) -> u8 {
        // SPC-4 table 596: the first half-byte of an NAA designator.
        match (self.kind, self.bytes.first().map(|byte| byte >> 4)) {
            (NAA, Some(6)) => 0,
            (NAA, Some(5)) => 1,
            (NAA, _) => 2,
            (EUI_64, _) => 3,
            (T10_VENDOR, _) => 4,
            _ => 5,
        }
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
            // SPC-4 table 592: bits 4–5 are the association, 0 the logical unit; 4–7 the name spaces known.
            if head[1] & 0x30 == 0 && head[1] & 0x0f <= NAA && !bytes.is_empty() {
                return Some(Designator {
                    code_set: head[0] & 0x0f,
                    kind: head[1] & 0x0f,
                    bytes,
                });
            }
        }
    })
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
                serial: Some("600102030405060708090a0b0c0d0e0f".into()),
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
            assert_eq!(named.serial.as_deref(), Some(text));
        }
    }

    #[test]
    fn cut_pages_say_what_they_can_and_never_panic() {
        let whole = page83(&[(2, 1, b"ACME x"), (1, 3, &[0x50; 8])]);
        for length in 0..whole.len() {
            let part = identification(&whole[..length]);
            assert_eq!(part.wwn, None, "{length}");
            assert_eq!(part.serial.is_some(), length >= 4 + 4 + 6, "{length}");
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
