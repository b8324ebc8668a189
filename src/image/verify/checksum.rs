//! What an image must hash to: given outright, or to be found in a checksum file.

use crate::error::{Error, Kind, Result};
use crate::image::verify::digest::{Algorithm, Digest};
use crate::net::http::url;

/// The expected digest, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Given outright.
    Digest(Digest),
    /// In the file at `url`.
    At {
        /// Of the checksum file.
        url: String,
        /// Which digests in it count.
        wanted: Wanted,
    },
}

/// Which digest of a checksum file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of this algorithm.
    Only(Algorithm),
    /// The strongest there is, MD5 too.
    Any,
    /// All but MD5.
    AnyButMd5,
}

impl Wanted {
    /// Does what this algorithm makes count? SHA-1 where it is asked for by its name alone.
    pub fn counts(self, algorithm: Algorithm) -> bool {
        match self {
            Wanted::Only(only) => only == algorithm,
            Wanted::Any => algorithm != Algorithm::Sha1,
            Wanted::AnyButMd5 => !matches!(algorithm, Algorithm::Sha1 | Algorithm::Md5),
        }
    }

    /// What these digits are, if they count.
    pub(super) fn digest(self, digits: &str) -> Option<Digest> {
        let algorithm = match self {
            Wanted::Only(only) => only,
            Wanted::Any | Wanted::AnyButMd5 => Algorithm::of_length(digits.len())?,
        };
        let counts = self.counts(algorithm);
        Digest::new(algorithm, digits).ok().filter(|_| counts)
    }
}

impl Checksum {
    /// `text` is digits or the http(s) URL of a checksum file.
    pub fn new(text: &str, algorithm: Option<Algorithm>) -> Result<Self> {
        if url::is_http(text) {
            return Ok(Checksum::At {
                url: text.to_owned(),
                wanted: algorithm.map_or(Wanted::Any, Wanted::Only),
            });
        }
        let algorithm = algorithm
            .or_else(|| Algorithm::of_length(text.len()))
            .ok_or_else(|| {
                let why = format!(
                    "a checksum of {} characters is none of {}",
                    text.len(),
                    Algorithm::NAMES
                );
                Error::new(Kind::InvalidCommandParamsError, why)
            })?;
        Digest::new(algorithm, text).map(Checksum::Digest)
    }

    /// Is it MD5 that is to vouch for the image?
    pub fn is_md5(&self) -> bool {
        match self {
            Checksum::Digest(digest) => digest.algorithm() == Algorithm::Md5,
            Checksum::At { wanted, .. } => *wanted == Wanted::Only(Algorithm::Md5),
        }
    }

    /// A checksum file may offer what it likes, but MD5 does not count.
    pub fn without_md5(self) -> Self {
        match self {
            Checksum::At {
                url,
                wanted: Wanted::Any,
            } => Checksum::At {
                url,
                wanted: Wanted::AnyButMd5,
            },
            other => other,
        }
    }

    /// `sha256:…`, the form of the kernel command line; bare digits and URLs as well.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((name, digits)) if !digits.starts_with("//") => {
                let algorithm = Algorithm::named(name).ok_or_else(|| {
                    let why = format!(
                        "unknown checksum algorithm '{name:.40}': {} are known",
                        Algorithm::NAMES
                    );
                    Error::new(Kind::InvalidCommandParamsError, why)
                })?;
                Checksum::new(digits, Some(algorithm))
            }
            _ => Checksum::new(text, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363";

    #[test]
    fn the_command_line_form() {
        let sha = Checksum::Digest(Digest::new(Algorithm::Sha256, SHA).expect("64 digits"));
        assert_eq!(Checksum::parse(&format!("sha256:{SHA}")).as_ref(), Ok(&sha));
        assert_eq!(Checksum::parse(SHA).as_ref(), Ok(&sha));
        let at = |wanted| Checksum::At {
            url: "http://h/SUMS".into(),
            wanted,
        };
        assert_eq!(Checksum::parse("http://h/SUMS"), Ok(at(Wanted::Any)));
        assert_eq!(at(Wanted::Any).without_md5(), at(Wanted::AnyButMd5));
        let md5 = at(Wanted::Only(Algorithm::Md5));
        assert_eq!(
            md5.clone().without_md5(),
            md5,
            "who asks for it by name gets it"
        );
        assert_eq!(
            Checksum::parse("sha512:http://h/SUMS"),
            Ok(at(Wanted::Only(Algorithm::Sha512)))
        );
        assert!(Checksum::parse(&format!("sha1:{}", "0".repeat(40))).is_ok());
        assert!(Checksum::parse(&"0".repeat(40)).is_err(), "not guessed");
        for bad in ["", "sha256:", "sha1:abc", &format!("md5:{SHA}"), "abc"] {
            assert!(Checksum::parse(bad).is_err(), "{bad}");
        }
    }
}
