//! Bytes as hexadecimal digits, two a byte.

/// Lower-case digits.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// None unless `text` is an even number of digits, of either case.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect())
}

fn digit(letter: char) -> Option<u8> {
    u8::try_from(letter.to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for (bytes, text) in [(&[][..], ""), (&[0, 0x9f, 0xff], "009fff"), (&[0x0a], "0a")] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        assert_eq!(decode("AbCd"), Some(vec![0xab, 0xcd]));
    }

    #[test]
    fn anything_else_is_no_hex() {
        for text in ["0", "0g", " 00", "+0", "é0"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
