//! What a pass over a disk writes: zeros, or pseudorandom bytes that can be made again for any place of the disk.
//!
//! The stream is SplitMix64, counted by the place: it is faster than any disk, does not compress or repeat,
//! and eight bytes of seed are all there is to remember of a pass. It is no cipher and need not be one:
//! nobody is to be kept from guessing what an erased disk holds.

use crate::error::{Context, Result};
use crate::sys::kernel;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    Zeros,
    Random(u64),
}

impl Filling {
    /// A stream nobody has seen before.
    pub fn random() -> Result<Self> {
        let mut seed = [0; 8];
        kernel::random(&mut seed).context("drawing random bytes")?;
        Ok(Filling::Random(u64::from_le_bytes(seed)))
    }

    /// Fills `bytes` with what belongs at `at`, a multiple of eight.
    pub fn fill(self, bytes: &mut [u8], at: u64) {
        match self {
            Filling::Zeros => bytes.fill(0),
            Filling::Random(seed) => {
                let mut words = words(seed, at);
                let (whole, rest) = bytes.as_chunks_mut::<8>();
                for word in whole {
                    *word = words.next().to_le_bytes();
                }
                rest.copy_from_slice(&words.next().to_le_bytes()[..rest.len()]);
            }
        }
    }

    /// Is it what belongs at `at`?
    pub fn is(self, bytes: &[u8], at: u64) -> bool {
        match self {
            Filling::Zeros => bytes.iter().all(|byte| *byte == 0),
            Filling::Random(seed) => {
                let mut words = words(seed, at);
                let mut chunks = bytes.chunks(8);
                chunks.all(|chunk| words.next().to_le_bytes()[..chunk.len()] == *chunk)
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): a counter in
/// steps of the golden ratio, each value of it mixed. So it can be entered anywhere.
pub struct Words(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The stream of `seed` from byte `at` on.
pub fn words(seed: u64, at: u64) -> Words {
    Words(seed.wrapping_add((at / 8).wrapping_mul(STEP)))
}

impl Words {
    // Without a call per word a core makes 4 to 6 GB a second of them.
    #[inline(always)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one_and_can_be_entered_anywhere() {
        // The first values of seed 1234567 as Rosetta Code, "Pseudo-random numbers/Splitmix64", has them.
        let mut stream = words(1_234_567, 0);
        let first: Vec<u64> = (0..5).map(|_| stream.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
        let filling = Filling::Random(7);
        let (mut whole, mut part) = ([0; 64], [0; 24]);
        filling.fill(&mut whole, 4096);
        filling.fill(&mut part, 4096 + 16);
        assert_eq!(whole[16..40], part);
        assert!(filling.is(&part, 4096 + 16) && !filling.is(&part, 4096));
        assert!(!Filling::Zeros.is(&part, 0) && Filling::Zeros.is(&[0; 9], 3));
        part[23] ^= 1;
        assert!(!filling.is(&part, 4096 + 16));
        assert_ne!(Filling::random(), Filling::random());
    }
}
