//! Ethernet link modes: which speed each bit of the kernel's mask stands for. Pure.

/// linux/ethtool.h, enum ethtool_link_mode_bit_indices: (Mbit/s, first bit, last bit). Bits not listed are
/// ports, pause and error correction, which have no speed.
#[rustfmt::skip]
const MODES: &[(u32, usize, usize)] = &[
    (10, 0, 1), (100, 2, 3), (1000, 4, 5),
    (10_000, 12, 12), (2500, 15, 15), (1000, 17, 17), (10_000, 18, 20), (20_000, 21, 22),
    (40_000, 23, 26), (56_000, 27, 30), (25_000, 31, 33), (50_000, 34, 35), (100_000, 36, 39),
    (50_000, 40, 40), (1000, 41, 41), (10_000, 42, 46), (2500, 47, 47), (5000, 48, 48),
    (50_000, 52, 56), (100_000, 57, 61), (200_000, 62, 66), (100, 67, 67), (1000, 68, 68),
    (400_000, 69, 73), (100_000, 75, 79), (200_000, 80, 84), (400_000, 85, 89), (100, 90, 91),
    (10, 92, 92), (800_000, 93, 98), (10, 99, 101),
];

/// The fastest mode in the mask, in Mbit/s; none if it has no speed at all (virtual links).
pub fn fastest(mask: &[u32]) -> Option<u32> {
    let set = |bit: usize| {
        mask.get(bit / 32)
            .is_some_and(|word| word >> (bit % 32) & 1 == 1)
    };
    MODES
        .iter()
        .filter(|(_, first, last)| (*first..=*last).any(set))
        .map(|(speed, ..)| *speed)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_supported_mode_counts() {
        for (bits, speed) in [
            (&[][..], None),
            (&[6, 7, 13], None),
            (&[0, 1, 2, 3, 5, 6, 7], Some(1000)),
            (&[5, 12], Some(10_000)),
            (&[31, 12], Some(25_000)),
            (&[36, 91], Some(100_000)),
            (&[69], Some(400_000)),
            (&[200], None),
        ] {
            let mut mask = [0u32; 4];
            for bit in bits.iter().filter(|bit| **bit < 128) {
                mask[bit / 32] |= 1 << (bit % 32);
            }
            assert_eq!(fastest(&mask), speed, "{bits:?}");
        }
    }

    #[test]
    fn the_table_names_no_bit_twice() {
        let mut next = 0;
        for (_, first, last) in MODES {
            assert!(*first >= next && last >= first, "{first}");
            next = last + 1;
        }
    }
}
