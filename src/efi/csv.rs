//! Parses the CSV file beside a shim, which says which loader to start and what to call it: lines of
//! `FILE,LABEL,ARGUMENTS,COMMENT` (rhboot/shim, README.fallback), in UTF-16 with or without a mark.

use crate::efi::load_option::utf16;
use crate::error::{Error, Result};

/// In bytes; it is a line or two.
pub const LONGEST: usize = 64 << 10;
/// Of a name and of a label; FAT has no longer names.
const FIELD: usize = 255;

/// Loader and label of the first line.
pub fn first(bytes: &[u8]) -> Result<(String, String)> {
    let text = decode(bytes);
    let line = text.lines().next().unwrap_or_default();
    let mut fields = line.split(',').map(str::trim);
    let mut field = |name: &str| {
        let field = fields.next().unwrap_or_default();
        let good = (1..=FIELD).contains(&field.len()) && !field.contains(char::is_control);
        match good {
            true => Ok(field.to_owned()),
            false => Err(Error::plain(format!("its first line has no {name}"))),
        }
    };
    Ok((field("loader")?, field("label")?))
}

/// By the mark it begins with; without one, by where the zeros are that ASCII has in UTF-16.
fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest),
        [0xfe, 0xff, rest @ ..] => utf16(&swapped(rest)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [_, 0, ..] => utf16(bytes),
        [0, _, ..] => utf16(&swapped(bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn swapped(bytes: &[u8]) -> Vec<u8> {
    let pairs = bytes.chunks_exact(2);
    pairs.flat_map(|pair| [pair[1], pair[0]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, mark: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(order);
        mark.iter().copied().chain(units).collect()
    }

    #[test]
    fn the_first_line_is_read_however_it_is_written() {
        let text = "shimx64.efi,Fedörå,,This is the boot entry for Fedora\nother.efi,Other,,\n";
        for bytes in [
            utf16_bytes(text, &[0xff, 0xfe], u16::to_le_bytes),
            utf16_bytes(text, &[0xfe, 0xff], u16::to_be_bytes),
            utf16_bytes(text, &[], u16::to_le_bytes),
            utf16_bytes(text, &[], u16::to_be_bytes),
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            text.replace('\n', "\r\n").into_bytes(),
        ] {
            let read = first(&bytes).expect("a good line");
            assert_eq!(read, ("shimx64.efi".to_owned(), "Fedörå".to_owned()));
        }
    }

    #[test]
    fn what_names_no_loader_or_no_label_is_refused() {
        let long = format!("{},label", "a".repeat(256));
        for (text, lacks) in [
            ("", "loader"),
            (",label", "loader"),
            ("shim.efi", "label"),
            ("shim.efi,", "label"),
            ("ab\0c,label", "loader"),
            (&long, "loader"),
        ] {
            let error = first(text.as_bytes()).expect_err(text);
            assert!(error.details().ends_with(lacks), "{error}");
        }
    }
}
