//! CRC-32C, Castagnoli's: what ext4 sums its metadata with.

/// RFC 3720, appendix B.4: the polynomial 0x1EDC6F41, its bits turned round.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Goes on from `sum` over `bytes`; begins with all ones, and is not inverted in the end.
pub fn update(mut sum: u32, bytes: &[u8]) -> u32 {
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ ((sum & 1) * POLYNOMIAL);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_is_that_of_everybody() {
        // RFC 3720, appendix B.4: 32 bytes of zeros; and the usual "123456789".
        assert_eq!(!super::update(!0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(!super::update(!0, b"123456789"), 0xe306_9283);
    }
}
