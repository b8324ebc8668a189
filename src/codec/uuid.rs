//! UUIDs made of random bytes.

use super::hex;

/// The text form of the version 4 UUID that `random` makes.
pub fn from_random(mut random: [u8; 16]) -> String {
    // RFC 9562 §5.4: the version, 4, is the high half of octet 6; the variant, 0b10, the top of octet 8.
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let digits = hex::encode(&random);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
    groups.map(|range| &digits[range]).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

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
