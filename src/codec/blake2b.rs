//! BLAKE2b-512 (RFC 7693), what minisign hashes a file with before it signs it. No key, no salt.

/// The first 64 bits of the fractions of the square roots of the first eight primes.
const START: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

/// Which words of a block each round mixes in; the last two of twelve are the first two again.
const ORDER: [[u8; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

const BLOCK: usize = 128;

/// A digest of what comes piece by piece.
pub struct Blake2b {
    state: [u64; 8],
    /// The last that came; only at the end it is known whether more will.
    block: [u8; BLOCK],
    held: usize,
    /// Bytes in all blocks before it.
    seen: u128,
}

impl Blake2b {
    /// Of nothing yet.
    pub fn new() -> Self {
        let mut state = START;
        state[0] ^= 0x0101_0000 ^ 64; // a tree of one node; how long the digest is
        Blake2b {
            state,
            block: [0; BLOCK],
            held: 0,
            seen: 0,
        }
    }

    /// The next of it.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.held == BLOCK {
                self.seen += BLOCK as u128;
                compress(&mut self.state, &self.block, self.seen, false);
                self.held = 0;
                // All but the last one need no copy.
                while let Some((block, rest)) = bytes.split_first_chunk()
                    && !rest.is_empty()
                {
                    self.seen += BLOCK as u128;
                    compress(&mut self.state, block, self.seen, false);
                    bytes = rest;
                }
            }
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.held));
            self.block[self.held..][..now.len()].copy_from_slice(now);
            self.held += now.len();
            bytes = rest;
        }
    }

    /// The digest of all of it.
    pub fn finish(mut self) -> [u8; 64] {
        self.block[self.held..].fill(0);
        let seen = self.seen + self.held as u128;
        compress(&mut self.state, &self.block, seen, true);
        let mut digest = [0; 64];
        for (into, word) in digest.chunks_exact_mut(8).zip(self.state) {
            into.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }
}

impl Default for Blake2b {
    fn default() -> Self {
        Blake2b::new()
    }
}

/// The digest of `message`.
pub fn digest(message: &[u8]) -> [u8; 64] {
    let mut all = Blake2b::new();
    all.update(message);
    all.finish()
}

/// Four words of the state, by their constant places: all sixteen stay in registers, or near them, however this crate is built.
macro_rules! mix {
    ($v:ident, $a:literal $b:literal $c:literal $d:literal, $x:expr, $y:expr) => {
        $v[$a] = $v[$a].wrapping_add($v[$b]).wrapping_add($x);
        $v[$d] = ($v[$d] ^ $v[$a]).rotate_right(32);
        $v[$c] = $v[$c].wrapping_add($v[$d]);
        $v[$b] = ($v[$b] ^ $v[$c]).rotate_right(24);
        $v[$a] = $v[$a].wrapping_add($v[$b]).wrapping_add($y);
        $v[$d] = ($v[$d] ^ $v[$a]).rotate_right(16);
        $v[$c] = $v[$c].wrapping_add($v[$d]);
        $v[$b] = ($v[$b] ^ $v[$c]).rotate_right(63);
    };
}

#[inline(never)]
fn compress(state: &mut [u64; 8], block: &[u8; BLOCK], seen: u128, last: bool) {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let mut v = [0; 16];
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&START);
    v[12] ^= seen as u64; // the low half
    v[13] ^= (seen >> 64) as u64;
    v[14] ^= if last { u64::MAX } else { 0 };
    for round in 0..12 {
        let order = &ORDER[round % 10];
        let word = |at: usize| words[usize::from(order[at] & 15)]; // never out of bounds, which is not asked then
        mix!(v, 0 4 8 12, word(0), word(1));
        mix!(v, 1 5 9 13, word(2), word(3));
        mix!(v, 2 6 10 14, word(4), word(5));
        mix!(v, 3 7 11 15, word(6), word(7));
        mix!(v, 0 5 10 15, word(8), word(9));
        mix!(v, 1 6 11 12, word(10), word(11));
        mix!(v, 2 7 8 13, word(12), word(13));
        mix!(v, 3 4 9 14, word(14), word(15));
    }
    for (at, word) in state.iter_mut().enumerate() {
        *word ^= v[at] ^ v[at + 8];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex;

    #[test]
    fn digests_are_those_of_b2sum() {
        let count = |n: usize| (0..n).map(|at| at as u8).collect::<Vec<_>>();
        for (message, wanted) in [
            // RFC 7693, appendix A
            (
                b"abc".to_vec(),
                "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
            ),
            (
                vec![],
                "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
            ),
            (
                count(127),
                "b6292669ccd38d5f01caae96ba272c76a879a45743afa0725d83b9ebb26665b731f1848c52f11972b6644f554c064fa90780dbbbf3a89d4fc31f67df3e5857ef",
            ),
            (
                count(128),
                "2319e3789c47e2daa5fe807f61bec2a1a6537fa03f19ff32e87eecbfd64b7e0e8ccff439ac333b040f19b0c4ddd11a61e24ac1fe0f10a039806c5dcc0da3d115",
            ),
            (
                count(129),
                "f59711d44a031d5f97a9413c065d1e614c417ede998590325f49bad2fd444d3e4418be19aec4e11449ac1a57207898bc57d76a1bcf3566292c20c683a5c4648f",
            ),
            (
                count(1000),
                "9fe687126e6566313081b43167cbfa0b4f721b45a5afd4076af327765d63a616478ffbd1cd5fbe4033e8638b8bcf8de6b3978b54a30f1d9d8d68fbe66c2b74cf",
            ),
        ] {
            assert_eq!(hex::encode(&digest(&message)), wanted, "{}", message.len());
        }
    }

    #[test]
    fn however_the_bytes_are_cut_the_digest_is_the_same() {
        let bytes: Vec<u8> = (0..600u32).map(|n| n as u8).collect();
        for len in [0, 1, 127, 128, 129, 255, 256, 257, 384, 600] {
            for cut in 0..=len {
                let (start, end) = bytes[..len].split_at(cut);
                let mut all = Blake2b::new();
                all.update(start);
                all.update(end);
                assert_eq!(all.finish(), digest(&bytes[..len]), "{cut} of {len}");
            }
        }
    }
}
