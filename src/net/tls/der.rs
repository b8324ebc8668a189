//! DER: values of a tag and a length, as far as certificates need it. Pure.

/// The tag of a SEQUENCE.
pub const SEQUENCE: u8 = 0x30;

/// Tag and content of the first value, and what follows it. None if it is cut, has a tag of several bytes, or a
/// length that needs none of its bytes (ITU-T X.690 §10.1).
pub fn first(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        // Four bytes are four gigabytes.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            let length = digits
                .iter()
                .fold(0usize, |sum, digit| sum << 8 | usize::from(*digit));
            let shortest = digits[0] != 0 && length >= 0x80;
            (shortest.then_some(length)?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Tag and content of a value that nothing follows.
pub fn only(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, content, rest) = first(bytes)?;
    rest.is_empty().then_some((tag, content))
}

/// The whole first value with its tag and length, and what follows it.
pub fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (.., rest) = first(bytes)?;
    Some(bytes.split_at(bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_apart_or_is_none() {
        let long = [&[4, 0x82, 1, 0][..], &[7; 256], &[5, 0]].concat();
        assert_eq!(first(&long), Some((4, &[7; 256][..], &[5, 0][..])));
        assert_eq!(split_first(&long), Some((&long[..260], &[5, 0][..])));
        assert_eq!(first(&[5, 0]), Some((5, &[][..], &[][..])));
        assert_eq!(only(&[2, 1, 9]), Some((2, &[9][..])));
        assert_eq!(only(&[2, 1, 9, 9]), None);
        for bad in [
            &[][..],
            &[2],
            &[2, 2, 1],
            &[2, 0x80, 0, 0],
            &[2, 0x81],
            &[2, 0x81, 1, 9],
            &[2, 0x82, 0, 0x80],
            &[2, 0x85, 0, 0, 0, 0, 1, 9],
            &[2, 0xff],
            &[0x1f, 1, 9],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(first(bad), None, "{bad:?}");
        }
    }
}
