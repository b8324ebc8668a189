//! Base64 with the usual alphabet and padding.

use base64::engine::general_purpose::STANDARD;
use base64::prelude::Engine;

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// None unless `text` is whole, padded base64; line ends are let through, as Python does.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.contains(['\n', '\r']) {
        return STANDARD.decode(text).ok();
    }
    STANDARD.decode(text.replace(['\n', '\r'], "")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        // RFC 4648 §10.
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode("Zm9v\nYmFy\n").as_deref(), Some(&b"foobar"[..]));
    }

    #[test]
    fn anything_else_is_no_base64() {
        for text in ["Zg", "Zg=", "Z g==", "Zm9v-_=="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
