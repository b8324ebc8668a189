//! What an image must hash to: given outright, or found in a checksum file.

use std::cmp::Reverse;

use crate::error::{Error, Kind, Result};
use crate::image::verify::digest::{Algorithm, Digest};
use crate::net::http::url;
use crate::small_sort;

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
    fn digest(self, digits: &str) -> Option<Digest> {
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

/// The strongest wanted digest of `image` (a file name, maybe percent-encoded) in a checksum file: GNU
/// (`digest  name`, `digest *name`), with a size between (`digest size name`), BSD (`ALGO (name) = digest`) or OpenSSL (`ALGO(name)= digest`) lines,
/// or a lone digest; a digest may be `algo:digest`. Names may carry `./` or directories, but of several
/// files that differ in nothing else none is chosen.
pub fn find(file: &str, image: &str, wanted: Wanted) -> Result<Digest> {
    let lines = || {
        file.trim_start_matches('\u{feff}')
            .split(['\n', '\r', '\0']) // sha256sum -z ends its lines by a zero
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let mut lone = lines();
    if let (Some(only), None) = (lone.next(), lone.next())
        && let Some(digest) = wanted.digest(bare(only))
    {
        return Ok(digest);
    }
    let plain = url::unescape(image);
    let named = lines().filter_map(|line| {
        let (kind, digits, path) = parts(line)?;
        let digest = wanted.digest(bare(digits))?;
        // Others have as many digits: BLAKE2, SHA-3, SHA-512/256.
        if kind.is_some_and(|kind| !is_called(digest.algorithm(), kind)) {
            return None;
        }
        let paths = [Some(path), after_size(path)].into_iter().flatten();
        let at_top = paths.filter_map(|path| {
            let path = path.strip_prefix("./").unwrap_or(path);
            let name = path.rsplit('/').next()?;
            let is_it = name == image || name.as_bytes() == plain;
            is_it.then_some(name == path)
        });
        Some((digest.algorithm().digits(), at_top.max()?, digest))
    });
    let mut named: Vec<_> = named.collect();
    // The strongest first, and of those the ones in no directory.
    small_sort::by_key(&mut named, |(digits, at_top, _)| {
        (Reverse(*digits), !at_top)
    });
    let missing = |why: String| Error::new(Kind::ImageDownloadError, why);
    match &named[..] {
        [] => {
            let kinds = match wanted {
                Wanted::Only(algorithm) => algorithm.name(),
                Wanted::Any => "usable",
                Wanted::AnyButMd5 => "usable (MD5 is not allowed)",
            };
            let hint = match lines().next() {
                Some(first) if first.starts_with('<') => "; it looks like a web page",
                _ => "",
            };
            Err(missing(format!(
                "the checksum file has no {kinds} digest for '{image:.200}'{hint}"
            )))
        }
        [one, other, ..] if (one.0, one.1) == (other.0, other.1) && one.2 != other.2 => {
            Err(missing(format!(
                "the checksum file has several digests for '{image:.200}': {} and {}",
                one.2, other.2
            )))
        }
        [(_, _, digest), ..] => Ok(digest.clone()),
    }
}

/// Without the algorithm's name before it.
fn bare(line: &str) -> &str {
    match line.split_once(':') {
        Some((name, digits)) if Algorithm::named(name).is_some() => digits.trim_start(),
        _ => line,
    }
}

/// The name in `digest size name`, where a number stands before it.
fn after_size(name: &str) -> Option<&str> {
    let (size, name) = name.split_once(char::is_whitespace)?;
    let is_size = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    is_size.then(|| name.trim_start())
}

/// Is this the algorithm's name as it stands before a file's: `SHA256`, `SHA2-256`, `SHA-256`?
fn is_called(algorithm: Algorithm, kind: &str) -> bool {
    let plain = kind.trim().to_ascii_lowercase();
    let size = plain.strip_prefix("sha2-").or(plain.strip_prefix("sha-"));
    let name = algorithm.name();
    plain == name || size.is_some_and(|size| name.strip_prefix("sha") == Some(size))
}

/// What kind of digest it is, where one line says that; its digits, and the name.
fn parts(line: &str) -> Option<(Option<&str>, &str, &str)> {
    if let Some((before, digits)) = line.rsplit_once(")= ").or(line.rsplit_once(") = ")) {
        let (kind, name) = before.split_once('(')?;
        return Some((Some(kind), digits.trim(), name));
    }
    let (digits, name) = line.split_once(char::is_whitespace)?;
    let name = name.trim_start();
    Some((None, digits, name.strip_prefix('*').unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363";
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn every_layout_users_publish() {
        let other = "0".repeat(64);
        for file in [
            SHA.to_owned(),
            format!("{}\n", SHA.to_uppercase()),
            format!("{SHA}  disk.raw\n"),
            format!("{MD5}  other.raw\n{SHA} *disk.raw\n"),
            format!("# made today\n\nSHA256 (disk.raw) = {SHA}\n"),
            format!("{SHA}\t./images/disk.raw\r\n"),
            format!("{MD5}  other.raw\r{SHA}  disk.raw\r"),
            format!("{MD5}  other.raw\0{SHA}  disk.raw\0"),
            format!("{MD5}  disk.raw.sig\n{SHA}  disk.raw\n"),
            format!("{MD5}  disk.raw\n{SHA}  disk.raw\n"),
            format!("MD5 (disk.raw) = {MD5}\nSHA256 (disk.raw) = {SHA}\n"),
            format!("SHA2-256(disk.raw)= {SHA}\n"),
            format!("SHA-256 (disk.raw) = {SHA}\n"),
            format!(
                "SHA3-256 (disk.raw) = {other}\nBLAKE2s (disk.raw) = {other}\nSHA256 (disk.raw) = {SHA}\n"
            ),
            format!("BLAKE2b (disk.raw) = {other}{other}\nsha256 (disk.raw) = {SHA}\n"),
            format!("sha256:{SHA}\n"),
            format!("\u{feff}{SHA} disk.raw\r\n"),
            format!("{SHA} 1073741824 disk.raw\n"),
            format!(" {SHA}        42 images/disk.raw\n {MD5}  42 disk.raw\n"),
            format!("sha256:{SHA}  disk.raw\n{SHA}  other.raw\n"),
            format!("{}  old/disk.raw\n{SHA}  ./disk.raw\n", "0".repeat(64)),
            format!("{SHA}  a/disk.raw\n{SHA}  b/disk.raw\n"),
            format!(
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{SHA}  disk.raw\n-----BEGIN"
            ),
        ] {
            let found = find(&file, "disk.raw", Wanted::Any).expect(&file);
            assert_eq!(
                found,
                Digest::new(Algorithm::Sha256, SHA).expect("64 digits"),
                "{file}"
            );
        }
    }

    #[test]
    fn a_name_of_the_url_may_be_percent_encoded() {
        for (file, image) in [
            (format!("{SHA}  my disk.raw"), "my%20disk.raw"),
            (format!("{SHA}  my%20disk.raw"), "my%20disk.raw"),
            (format!("SHA256 (disk (1).raw) = {SHA}"), "disk%20(1).raw"),
            (format!("{SHA}  42 disk.raw"), "42%20disk.raw"),
        ] {
            assert!(find(&file, image, Wanted::Any).is_ok(), "{file}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (file, wanted) in [
            ("", Wanted::Any),
            ("<html>not found</html>", Wanted::Any),
            (
                &format!("{SHA}  disk.raw.xz\n{MD5}  xdisk.raw")[..],
                Wanted::Any,
            ),
            (&format!("{MD5}  disk.raw"), Wanted::Only(Algorithm::Sha256)),
            (&format!("{MD5}  disk.raw"), Wanted::AnyButMd5),
            (MD5, Wanted::AnyButMd5),
            ("sha256:", Wanted::Any),
            (
                &format!("{SHA}  a/disk.raw\n{}  b/disk.raw", "0".repeat(64)),
                Wanted::Any,
            ),
            (&format!("{SHA1}  disk.raw"), Wanted::Any),
            (&format!("{SHA}  4x2 disk.raw"), Wanted::Any),
            (&format!("SHA3-256 (disk.raw) = {SHA}"), Wanted::Any),
            (&format!("SHA512/256(disk.raw)= {SHA}"), Wanted::Any),
            (
                &format!("BLAKE2s (disk.raw) = {SHA}"),
                Wanted::Only(Algorithm::Sha256),
            ),
        ] {
            let error = find(file, "disk.raw", wanted).expect_err(file);
            assert!(error.details().contains("'disk.raw'"), "{error}");
        }
    }

    #[test]
    fn sha1_is_found_by_who_asks_for_it() {
        let file = format!("{SHA}  disk.raw\n{SHA1}  disk.raw");
        let found = find(&file, "disk.raw", Wanted::Only(Algorithm::Sha1)).expect("it is there");
        assert_eq!(found.to_string(), format!("sha1 {SHA1}"));
        assert!(Checksum::parse(SHA1).is_err(), "not guessed");
        assert!(Checksum::parse(&format!("sha1:{SHA1}")).is_ok());
    }

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
        for bad in ["", "sha256:", "sha1:abc", &format!("md5:{SHA}"), "abc"] {
            assert!(Checksum::parse(bad).is_err(), "{bad}");
        }
    }
}
