//! CHAP as iSCSI has it (RFC 1994; RFC 7143, 12.1.3): what is answered to a target's challenge, and how large values are written. Pure.

use crate::codec;
use crate::image::verify::digest::Algorithm;
use crate::secret::Secret;

/// The algorithm every target knows, by its number: MD5.
pub const MD5: &str = "5";
/// RFC 7143, 12.1.3: no challenge is longer.
const LONGEST: usize = 1024;

/// What proves that one knows the secret.
pub fn response(id: u8, secret: &Secret, challenge: &[u8]) -> String {
    let bytes = [&[id], secret.expose().as_bytes(), challenge].concat();
    written(&Algorithm::Md5.of(&bytes))
}

/// As a large value stands in a text.
pub fn written(bytes: &[u8]) -> String {
    format!("0x{}", codec::hex::encode(bytes))
}

/// A large value, in hexadecimal or base64.
pub fn read(text: &str) -> Option<Vec<u8>> {
    let (kind, digits) = text.split_at_checked(2)?;
    let bytes = match kind {
        "0x" | "0X" => codec::hex::decode(digits)?,
        "0b" | "0B" => codec::base64::decode(digits)?,
        _ => return None,
    };
    (!bytes.is_empty() && bytes.len() <= LONGEST).then_some(bytes)
}
