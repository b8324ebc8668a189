//! Bytes as lower-case hexadecimal digits, and back.

/// Two digits a byte.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The bytes; none where a digit is missing or none.
pub fn decode(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_is_two_digits() {
        assert_eq!(super::encode(&[0, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(super::decode("000ff0ff"), Some(vec![0, 0x0f, 0xf0, 0xff]));
        for wrong in ["0", "0g", "+1", "é"] {
            assert_eq!(super::decode(wrong), None, "{wrong}");
        }
    }
}
