//! The kinds of digests there are, and whoever makes each.

use ring::digest;
use sha2::digest::DynDigest;

use crate::codec::blake2b::Blake2b;

/// The digests Ironic may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4, 160 bits.
    Sha1,
    /// FIPS 180-4, 224 bits.
    Sha224,
    /// FIPS 180-4, 256 bits.
    Sha256,
    /// FIPS 180-4, 384 bits.
    Sha384,
    /// FIPS 180-4, 512 bits.
    Sha512,
    /// RFC 7693, 512 bits: what minisign signs. No checksum.
    Blake2b,
}

impl Algorithm {
    /// Every one that a checksum may be of, shortest digest first.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha224,
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
    ];
    /// For messages.
    pub const NAMES: &str = "md5, sha1, sha224, sha256, sha384 and sha512";

    /// By the name hashlib and Ironic use, in any letter case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| name.eq_ignore_ascii_case(algorithm.name()))
    }

    /// By the number of hexadecimal digits. SHA-1 is not guessed: too weak to be taken unasked.
    pub fn of_length(digits: usize) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.digits() == digits && *algorithm != Algorithm::Sha1)
    }

    /// As Ironic and Glance spell it: `sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha224 => "sha224",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha384 => "sha384",
            Algorithm::Sha512 => "sha512",
            Algorithm::Blake2b => "blake2b",
        }
    }

    /// Hexadecimal digits of a digest.
    pub fn digits(self) -> usize {
        match self {
            Algorithm::Md5 => 32,
            Algorithm::Sha1 => 40,
            Algorithm::Sha224 => 56,
            Algorithm::Sha256 => 64,
            Algorithm::Sha384 => 96,
            Algorithm::Sha512 | Algorithm::Blake2b => 128,
        }
    }

    /// The digest of `bytes`.
    pub fn of(self, bytes: &[u8]) -> Box<[u8]> {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Whoever is fast. Seen on one EPYC: with SHA extensions ring and sha2 take the same for SHA-256, 1,720 and 1,730 MiB/s; without them,
/// as on older Xeons, ring's code for SSSE3 490 where sha2's takes 370. For SHA-384 and SHA-512 sha2 is not behind: 590 and 580.
pub enum Hasher {
    /// SHA-256.
    Ring(Box<digest::Context>),
    /// BLAKE2b.
    Own(Box<Blake2b>),
    /// All others.
    Other(Box<dyn DynDigest + Send>),
}

impl Hasher {
    /// Of nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Hasher::Other(match algorithm {
            Algorithm::Md5 => Box::<md5::Md5>::default(),
            Algorithm::Sha1 => Box::<sha1::Sha1>::default(),
            Algorithm::Sha224 => Box::<sha2::Sha224>::default(),
            Algorithm::Sha256 => {
                return Hasher::Ring(Box::new(digest::Context::new(&digest::SHA256)));
            }
            Algorithm::Blake2b => return Hasher::Own(Box::default()),
            Algorithm::Sha384 => Box::<sha2::Sha384>::default(),
            Algorithm::Sha512 => Box::<sha2::Sha512>::default(),
        })
    }

    /// The next of it.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Ring(context) => context.update(bytes),
            Hasher::Own(own) => own.update(bytes),
            Hasher::Other(other) => other.update(bytes),
        }
    }

    /// The digest of all of it.
    pub fn finish(self) -> Box<[u8]> {
        match self {
            Hasher::Ring(context) => context.finish().as_ref().into(),
            Hasher::Own(own) => own.finish().into(),
            Hasher::Other(other) => other.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two implementations of SHA-256 agree, however the bytes are cut.
    #[test]
    fn sha256_is_that_of_everybody() {
        let bytes: Vec<u8> = (0..1000u32).map(|n| n as u8).collect();
        for len in 0..bytes.len() {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            let (start, end) = bytes[..len].split_at(len * len % (len + 1));
            hasher.update(start);
            hasher.update(end);
            let mut other = <sha2::Sha256 as sha2::Digest>::new();
            sha2::Digest::update(&mut other, &bytes[..len]);
            assert_eq!(
                hasher.finish()[..],
                sha2::Digest::finalize(other)[..],
                "{len}"
            );
        }
    }
}
