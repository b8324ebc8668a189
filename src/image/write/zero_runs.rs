//! Finds runs of zeros in a block: a disk can be told of one in a single command.

use std::ops::Range;

/// The shortest run worth a command of its own, and the step in which they are looked for: below it
/// the command costs more than sending the zeros.
pub const GRAIN: usize = 64 << 10;

/// A part of a block: are its bytes all zeros?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Nothing else in it?
    pub zeros: bool,
    /// Of the block.
    pub bytes: Range<usize>,
}

/// `bytes` cut where data ends and zeros begin, in whole grains; a last part of a grain is data.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    let grain = |at: usize| bytes.get(at..at + GRAIN).is_some_and(all_zeros);
    let mut at = 0;
    std::iter::from_fn(move || {
        let (start, zeros) = (at, grain(at));
        while at < bytes.len() && grain(at) == zeros {
            at = bytes.len().min(at + GRAIN);
        }
        let bytes = start..at;
        (!bytes.is_empty()).then_some(Run { zeros, bytes })
    })
}

/// Ends at the first 64 bytes of data, so that data costs next to nothing.
pub fn all_zeros(bytes: &[u8]) -> bool {
    let (lines, rest) = bytes.as_chunks::<64>();
    let word = |bytes: &[u8; 16]| u128::from_ne_bytes(*bytes);
    lines.iter().all(|line| {
        let (words, _) = line.as_chunks::<16>();
        words.iter().fold(0, |all, bytes| all | word(bytes)) == 0
    }) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_one_run_and_only_whole_grains_are_zeros() {
        let mut bytes = vec![0; 10 * GRAIN + 100];
        bytes[0] = 1;
        bytes[2 * GRAIN - 1] = 1;
        bytes[5 * GRAIN + 4711] = 1;
        let run = |zeros, from: usize, to: usize| Run {
            zeros,
            bytes: from * GRAIN..to * GRAIN,
        };
        let last = Run {
            zeros: false,
            bytes: 10 * GRAIN..bytes.len(),
        };
        let expected = [
            run(false, 0, 2),
            run(true, 2, 5),
            run(false, 5, 6),
            run(true, 6, 10),
            last,
        ];
        assert_eq!(runs(&bytes).collect::<Vec<_>>(), expected);
        assert_eq!(runs(&[]).next(), None);
    }

    #[test]
    fn one_bit_anywhere_is_data() {
        let mut bytes = vec![0; 200];
        assert!(all_zeros(&bytes));
        for at in 0..bytes.len() {
            bytes[at] = 0x80;
            assert!(!all_zeros(&bytes), "byte {at}");
            bytes[at] = 0;
        }
    }
}
