//! What an image is by its own first bytes, of the formats that can be told there.
//!
//! Pure. The refusals begin as the reference agent's do (protocol/deploy.md §8), and come before the
//! first write: what is two formats at once, or another than declared, is nobody's honest image.

use crate::error::{Error, Kind, Result};
use crate::image::decode::packing::Packing;

/// As much as has to be looked at: the furthest sign is at byte 32769.
pub const HEAD: usize = 64 << 10;

/// Every format that `head`, the first [`HEAD`] bytes or all there are, has the signs of.
pub fn formats(head: &[u8]) -> Vec<&'static str> {
    let at = |at: usize, sign: &[u8]| head.get(at..).is_some_and(|bytes| bytes.starts_with(sign));
    // protocol/deploy.md §8; `BEA01` is what a bare UDF begins with (ECMA-167, 2/9.1 and 3/9.1).
    let iso = [b"CD001", b"NSR02", b"NSR03", b"BEA01"];
    let signs = [
        ("qcow2", at(0, b"QFI\xfb")),
        ("qed", at(0, b"QED\0")),
        ("vhd", at(0, b"conectix")),
        ("vhdx", at(0, b"vhdxfile")),
        ("vmdk", at(0, b"KDMV") || is_descriptor(head)),
        ("vdi", at(64, &0xbeda_107f_u32.to_le_bytes())),
        ("luks", at(0, b"LUKS\xba\xbe")),
        ("iso", iso.into_iter().any(|sign| at(32769, sign))),
        ("gpt", at(510, &[0x55, 0xaa]) && !is_fat(head)),
    ];
    let found = signs.into_iter().filter(|(_, there)| *there);
    found.map(|(name, _)| name).collect()
}

/// The one format that `head` has the signs of; `raw` for none.
fn format(head: &[u8]) -> Result<&'static str> {
    match formats(head)[..] {
        [] => Ok("raw"),
        [one] => Ok(one),
        ref several => Err(refused(format!(
            "the image matches several formats at once: {}",
            several.join(", ")
        ))),
    }
}

/// Ok if `head` is of the format that was declared, and of no other.
pub fn must_be(head: &[u8], declared: &str) -> Result<()> {
    let found = format(head)?;
    if found == declared {
        return Ok(());
    }
    let found = match Packing::begun_by(head) {
        Some(packing) => format!("packed by {}", packing.name()),
        None => found.to_owned(),
    };
    Err(refused(format!(
        "the image is declared as {declared}, but is {found}"
    )))
}

/// The format of `head`, if it is among those `permitted`.
pub fn permitted(head: &[u8], permitted: &[String]) -> Result<&'static str> {
    let found = format(head)?;
    match permitted.iter().any(|name| name == found) {
        true => Ok(found),
        false => Err(refused(format!(
            "the image is {found} by its content, and only {} are permitted",
            permitted.join(", ")
        ))),
    }
}

fn refused(why: String) -> Error {
    Error::new(Kind::InvalidImage, format!("Security: {why}"))
}

/// A VMDK may be a text that names the files with the data.
fn is_descriptor(head: &[u8]) -> bool {
    let end = head.iter().position(|byte| *byte == 0);
    let text = &head[..end.unwrap_or(head.len())];
    let sign = b"createtype=\"";
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    text.iter().take(512).all(is_text)
        && text
            .windows(sign.len())
            .any(|part| part.eq_ignore_ascii_case(sign))
}

/// A FAT file system begins with the sign of a partition table, but is none. At byte 16 is the number
/// of FATs, at 21 the medium (Microsoft's FAT specification 1.03, "Boot Sector and BPB").
fn is_fat(head: &[u8]) -> bool {
    head.get(16) == Some(&2) && head.get(21) == Some(&0xf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zeros with these signs in them.
    fn head(signs: &[(usize, &[u8])]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        for (at, sign) in signs {
            head[*at..at + sign.len()].copy_from_slice(sign);
        }
        head
    }

    const QCOW2: (usize, &[u8]) = (0, b"QFI\xfb");
    const TABLE: (usize, &[u8]) = (510, &[0x55, 0xaa]);
    const ISO: (usize, &[u8]) = (32769, b"CD001");

    #[test]
    fn each_format_has_its_sign() {
        let text = b"# Disk DescriptorFile\nversion=1\nCreateType=\"monolithicFlat\"\n";
        for (name, signs) in [
            ("qcow2", &[QCOW2][..]),
            ("qed", &[(0, b"QED\0")]),
            ("vhd", &[(0, b"conectix")]),
            ("vhdx", &[(0, b"vhdxfile")]),
            ("vmdk", &[(0, b"KDMV")]),
            ("vmdk", &[(0, text)]),
            ("vdi", &[(64, b"\x7f\x10\xda\xbe")]),
            ("luks", &[(0, b"LUKS\xba\xbe")]),
            ("iso", &[ISO]),
            ("iso", &[(32769, b"BEA01")]),
            ("gpt", &[TABLE]),
            ("raw", &[TABLE, (16, &[2]), (21, &[0xf8])]),
            ("raw", &[(1, b"QFI\xfb")]),
            ("raw", &[(0, b"createType= is what a VMDK has")]),
            ("raw", &[]),
        ] {
            assert_eq!(format(&head(signs)).as_deref(), Ok(name), "{signs:?}");
        }
        for len in [0, 3, 511, 32773] {
            let short = &head(&[TABLE, ISO])[..len];
            assert!(!formats(short).contains(&"iso"), "{len}");
        }
    }

    #[test]
    fn what_was_declared_must_be_there_and_nothing_else() {
        assert_eq!(must_be(&head(&[QCOW2]), "qcow2"), Ok(()));
        for (signs, said) in [
            (&[][..], "is declared as qcow2, but is raw"),
            (&[TABLE], "but is gpt"),
            (&[(0, b"KDMV")], "but is vmdk"),
            (&[(0, b"\x1f\x8b\x08")], "but is packed by gzip"),
            (&[QCOW2, TABLE], "several formats at once: qcow2, gpt"),
            (&[QCOW2, ISO], "qcow2, iso"),
        ] {
            let error = must_be(&head(signs), "qcow2").expect_err(said);
            assert_eq!(error.kind(), Kind::InvalidImage);
            assert!(error.details().starts_with("Security: "), "{error}");
            assert!(error.details().contains(said), "{error}");
        }
    }

    #[test]
    fn what_was_not_declared_must_be_permitted() {
        let names = ["raw", "qcow2", "iso"].map(str::to_owned);
        for (signs, found) in [
            (&[][..], Some("raw")),
            (&[QCOW2], Some("qcow2")),
            (&[ISO], Some("iso")),
            (&[TABLE], None),
            (&[ISO, TABLE], None),
            (&[(0, b"KDMV")], None),
        ] {
            let verdict = permitted(&head(signs), &names);
            assert_eq!(verdict.as_deref().ok(), found, "{verdict:?}");
        }
    }
}
