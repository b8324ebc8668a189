//! What an image must hash to: given outright, or found in a checksum file.

use super::source::{Algorithm, Digest};
use crate::error::{Error, Kind, Result};
use crate::net::url;

/// The expected digest, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    Digest(Digest),
    /// In the file at `url`.
    At {
        url: String,
        wanted: Wanted,
    },
}

/// Which digest of a checksum file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Only(Algorithm),
    /// The strongest there is, MD5 too.
    Any,
    AnyButMd5,
}

impl Wanted {
    fn accepts(self, algorithm: Algorithm) -> bool {
        match self {
            Wanted::Only(only) => algorithm == only,
            Wanted::Any => true,
            Wanted::AnyButMd5 => algorithm != Algorithm::Md5,
        }
    }
}

impl Checksum {
    /// `text` is digits or the http(s) URL of a checksum file.
    pub fn new(text: &str, algorithm: Option<Algorithm>) -> Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
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
/// (`digest  name`, `digest *name`), BSD (`ALGO (name) = digest`) or OpenSSL (`ALGO(name)= digest`) lines,
/// or a lone digest, maybe as `algo:digest`. Names may carry `./` or directories.
pub fn find(file: &str, image: &str, wanted: Wanted) -> Result<Digest> {
    let digest = |digits: &str| {
        let algorithm = Algorithm::of_length(digits.len())?;
        let digest = Digest::new(algorithm, digits).ok()?;
        wanted.accepts(algorithm).then_some(digest)
    };
    let lines = || {
        file.trim_start_matches('\u{feff}')
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let mut lone = lines();
    if let (Some(only), None) = (lone.next(), lone.next())
        && let Some(digest) = digest(bare(only))
    {
        return Ok(digest);
    }
    let plain = url::unescape(image);
    let named = lines().filter_map(|line| {
        let (digits, name) = parts(line)?;
        let name = name.rsplit('/').next()?;
        let is_it = name == image || name.as_bytes() == plain;
        is_it.then(|| digest(digits)).flatten()
    });
    named
        .max_by_key(|digest| digest.algorithm().digits())
        .ok_or_else(|| {
            let kinds = match wanted {
                Wanted::Only(algorithm) => algorithm.name(),
                Wanted::Any => "usable",
                Wanted::AnyButMd5 => "usable (MD5 is not allowed)",
            };
            let why = format!("the checksum file has no {kinds} digest for '{image:.200}'");
            Error::new(Kind::ImageDownloadError, why)
        })
}

/// Without the algorithm's name before it.
fn bare(line: &str) -> &str {
    match line.split_once(':') {
        Some((name, digits)) if Algorithm::named(name).is_some() => digits.trim_start(),
        _ => line,
    }
}

/// The digits and the name of one line.
fn parts(line: &str) -> Option<(&str, &str)> {
    if let Some((before, digits)) = line.rsplit_once(")= ").or(line.rsplit_once(") = ")) {
        return Some((digits.trim(), before.split_once('(')?.1));
    }
    let (digits, name) = line.split_once(char::is_whitespace)?;
    let name = name.trim_start();
    Some((digits, name.strip_prefix('*').unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363";
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn every_layout_users_publish() {
        for file in [
            SHA.to_owned(),
            format!("{}\n", SHA.to_uppercase()),
            format!("{SHA}  disk.raw\n"),
            format!("{MD5}  other.raw\n{SHA} *disk.raw\n"),
            format!("# made today\n\nSHA256 (disk.raw) = {SHA}\n"),
            format!("{SHA}\t./images/disk.raw\r\n"),
            format!("{MD5}  disk.raw.sig\n{SHA}  disk.raw\n"),
            format!("{MD5}  disk.raw\n{SHA}  disk.raw\n"),
            format!("MD5 (disk.raw) = {MD5}\nSHA256 (disk.raw) = {SHA}\n"),
            format!("SHA2-256(disk.raw)= {SHA}\n"),
            format!("sha256:{SHA}\n"),
            format!("\u{feff}{SHA} disk.raw\r\n"),
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
        ] {
            let error = find(file, "disk.raw", wanted).expect_err(file);
            assert!(error.details().contains("'disk.raw'"), "{error}");
        }
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
