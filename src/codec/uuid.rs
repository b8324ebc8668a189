//! UUIDs: made of random bytes, and their text.

use super::hex;

/// The text form of the version 4 UUID that `random` makes.
pub fn from_random(random: [u8; 16]) -> String {
    text(&version_4(random))
}

/// The version 4 UUID that `random` makes.
pub fn version_4(mut random: [u8; 16]) -> [u8; 16] {
    // RFC 9562 §5.4: the version, 4, is the high half of octet 6; the variant, 0b10, the top of octet 8.
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    random
}

/// The usual text form.
pub fn text(bytes: &[u8; 16]) -> String {
    let digits = hex::encode(bytes);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups.map(|range| &digits[range]).join("-")
}

/// The bytes of the usual text form, in either letter case.
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let groups: Vec<_> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12]).then_some(())?;
    let digits = groups.concat();
    let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
    let mut bytes = [0; 16];
    for (at, place) in bytes.iter_mut().enumerate() {
        *place = byte(at)?;
    }
    Some(bytes)
}

/// The same UUID in the other byte order, that of UEFI 2.10, appendix A: the first three groups turned round.
pub fn swapped(mut bytes: [u8; 16]) -> [u8; 16] {
    for group in [0..4, 4..6, 6..8] {
        bytes[group].reverse();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_text_says_is_what_is_said_of_it() {
        let bytes: [u8; 16] = std::array::from_fn(|at| at as u8 * 17);
        assert_eq!(parse(&text(&bytes)), Some(bytes));
        assert_eq!(parse(&text(&bytes).to_uppercase()), Some(bytes));
        let told = text(&bytes);
        for wrong in [
            "",
            "-",
            &told[1..],
            &told.replace('-', ""),
            &told.replace('1', "g"),
            &told.replace("00", "é"),
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn version_and_variant_are_set_and_the_rest_is_kept() {
        assert_eq!(
            from_random([0xff; 16]),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            from_random([0x00; 16]),
            "00000000-0000-4000-8000-000000000000"
        );
    }
}
