//! Digests the image as served, while it passes, and compares the result with what was ordered.

use std::fmt;
use std::io::{self, Chain, Read};

use crate::codec::hex;
use crate::error::{Error, Kind, Result};
use crate::image::pipeline::stage_times::{Stage, StageTimes};
pub use crate::image::verify::algorithm::Algorithm;
use crate::image::verify::algorithm::Hasher;
use crate::sys::block::Aligned;

/// A reader that may hold its bytes in memory of the same kind as a sink's.
pub trait Source: Read {
    /// As `read`; but `into` may come back as another memory of the same size.
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        self.read(into)
    }
}

impl<S: Source> Source for &mut S {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        S::read_block(self, into)
    }
}

/// What was read to find out what it is, and then the rest.
impl<S: Source> Source for Chain<&[u8], S> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        match self.get_mut() {
            ([], rest) => rest.read_block(into),
            _ => self.read(into),
        }
    }
}

/// A reader of any other kind.
pub struct Copied<R>(pub R);

impl<R: Read> Read for Copied<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl<R: Read> Source for Copied<R> {}

/// What a body must hash to; the digits are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    algorithm: Algorithm,
    digits: String,
}

impl Digest {
    /// `digits` in any letter case; an error if they are not a digest of this algorithm.
    pub fn new(algorithm: Algorithm, digits: &str) -> Result<Self> {
        if digits.len() != algorithm.digits()
            || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            let (name, wanted) = (algorithm.name(), algorithm.digits());
            let why =
                format!("a {name} checksum is {wanted} hexadecimal digits, not '{digits:.140}'");
            return Err(Error::new(Kind::InvalidCommandParamsError, why));
        }
        Ok(Digest {
            algorithm,
            digits: digits.to_ascii_lowercase(),
        })
    }

    /// As bytes.
    pub fn bytes(&self) -> Vec<u8> {
        hex::decode(&self.digits).unwrap_or_default() // digits are all there are
    }

    /// What made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm.name(), self.digits)
    }
}

/// What was found of one body, each digest of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests(pub Vec<Digest>);

impl Digests {
    /// The one of that kind.
    pub fn of(&self, algorithm: Algorithm) -> Option<&Digest> {
        self.0.iter().find(|digest| digest.algorithm == algorithm)
    }
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digest) in self.0.iter().enumerate() {
            write!(f, "{}{digest}", if at == 0 { "" } else { " and " })?;
        }
        Ok(())
    }
}

/// How a page begins, in lower case, and how much of a beginning is kept.
const PAGES: [&[u8]; 2] = [b"<!doctype html", b"<html"];
const HEAD: usize = 64;

/// Does what `head` begins look like a page in HTML?
pub fn is_page(head: &[u8]) -> bool {
    let head = head[..head.len().min(HEAD)].to_ascii_lowercase();
    let head = head.trim_ascii_start();
    PAGES.iter().any(|page| head.starts_with(page))
}

/// Digests every byte that passes: the image as served, before it is decoded.
pub struct Hashing<R> {
    inner: R,
    passed: Passed,
}

/// What is kept of the bytes that passed, whoever they are read from.
struct Passed {
    /// The first of them.
    head: Vec<u8>,
    hashers: Vec<(Algorithm, Hasher)>,
    meter: Option<StageTimes>,
}

impl<R: Read> Hashing<R> {
    /// Nothing is read yet.
    pub fn new(inner: R, algorithm: Algorithm) -> Self {
        Hashing::each(inner, &[algorithm])
    }

    /// Nothing is read yet, and several digests are wanted.
    pub fn each(inner: R, algorithms: &[Algorithm]) -> Self {
        Hashing {
            inner,
            passed: Passed::new(algorithms),
        }
    }

    /// The account its time is charged to, if it has one.
    pub fn meter(&self) -> Option<StageTimes> {
        self.passed.meter.clone()
    }

    /// Charges the hashing to `meter`.
    pub fn metered(mut self, meter: StageTimes) -> Self {
        self.passed.meter = Some(meter);
        self
    }

    /// Does it begin like a page in HTML? Proxies and portals like to answer with one of their own, and say so with status 200.
    pub fn is_page(&self) -> bool {
        is_page(&self.passed.head)
    }

    /// Reads what the decoder left, then gives the digest of everything, where one alone is wanted.
    pub fn finish(self) -> Result<Digest> {
        let (digests, _) = self.finish_with_inner()?;
        let first = digests.0.into_iter().next();
        first.ok_or_else(|| Error::plain("no digest was asked for"))
    }

    /// The same of each that is wanted, and the reader at its end.
    pub fn finish_with_inner(mut self) -> Result<(Digests, R)> {
        let mut rest = [0; 4096];
        while self.read(&mut rest)? > 0 {}
        Ok((self.passed.digests(), self.inner))
    }
}

impl Passed {
    fn new(algorithms: &[Algorithm]) -> Self {
        let each = algorithms.iter();
        Passed {
            head: Vec::new(),
            hashers: each.map(|one| (*one, Hasher::new(*one))).collect(),
            meter: None,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        let mut update = || {
            for (_, hasher) in &mut self.hashers {
                hasher.update(bytes);
            }
        };
        match &self.meter {
            Some(meter) => meter.charge(Stage::Hash, update),
            None => update(),
        }
    }

    fn digests(self) -> Digests {
        let digest = |(algorithm, hasher): (Algorithm, Hasher)| Digest {
            algorithm,
            digits: hex::encode(&hasher.finish()),
        };
        Digests(self.hashers.into_iter().map(digest).collect())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.passed.add(&into[..count]);
        Ok(count)
    }
}

impl<S: Source> Source for Hashing<S> {
    fn read_block(&mut self, into: &mut Aligned) -> io::Result<usize> {
        let count = self.inner.read_block(into)?;
        self.passed.add(&into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4 and RFC 1321 give these for "abc".
    #[test]
    fn known_digests() {
        for (algorithm, start) in [
            (Algorithm::Md5, "900150983cd24fb0"),
            (Algorithm::Sha1, "a9993e364706816a"),
            (Algorithm::Sha224, "23097d223405d822"),
            (Algorithm::Sha256, "ba7816bf8f01cfea"),
            (Algorithm::Sha384, "cb00753f45a35e8b"),
            (Algorithm::Sha512, "ddaf35a193617aba"),
        ] {
            let digest = Hashing::new(&b"abc"[..], algorithm)
                .finish()
                .expect("memory can be read");
            assert!(digest.digits.starts_with(start), "{digest}");
            let upper =
                Digest::new(algorithm, &digest.digits.to_uppercase()).expect("its own digits");
            assert_eq!(digest, upper);
        }
    }

    #[test]
    fn digits_of_another_length_are_refused() {
        for digits in ["", "abc", &"g".repeat(64), &"0".repeat(63)] {
            assert!(Digest::new(Algorithm::Sha256, digits).is_err(), "{digits}");
        }
    }
}
