//! What an image must hash to: given outright, or found in a checksum file.

use super::source::{Algorithm, Digest};
use crate::error::{Error, Kind, Result};

/// The expected digest, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    Digest(Digest),
    /// In the file at `url`; of `algorithm` if that was said, else whatever the file has.
    At {
        url: String,
        algorithm: Option<Algorithm>,
    },
}

impl Checksum {
    /// `text` is digits or the http(s) URL of a checksum file.
    pub fn new(text: &str, algorithm: Option<Algorithm>) -> Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Checksum::At {
                url: text.to_owned(),
                algorithm,
            });
        }
        let algorithm = algorithm
            .or_else(|| Algorithm::of_length(text.len()))
            .ok_or_else(|| {
                let why = format!(
                    "a checksum of {} characters is neither md5, sha256 nor sha512",
                    text.len()
                );
                Error::new(Kind::InvalidCommandParamsError, why)
            })?;
        Digest::new(algorithm, text).map(Checksum::Digest)
    }

    /// `sha256:…`, the form of the kernel command line; bare digits and URLs as well.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((name, digits)) if !digits.starts_with("//") => {
                let algorithm = Algorithm::named(name).ok_or_else(|| {
                    let why = format!(
                        "unknown checksum algorithm '{name:.40}': md5, sha256 and sha512 are known"
                    );
                    Error::new(Kind::InvalidCommandParamsError, why)
                })?;
                Checksum::new(digits, Some(algorithm))
            }
            _ => Checksum::new(text, None),
        }
    }
}

/// The digest of `image` (a file name) in a checksum file: GNU (`digest  name`, `digest *name`) or
/// BSD (`ALGO (name) = digest`) lines, or a lone digest. Names may carry `./` or directories.
pub fn find(file: &str, image: &str, algorithm: Option<Algorithm>) -> Result<Digest> {
    let digest = |digits: &str| {
        let found = algorithm.or_else(|| Algorithm::of_length(digits.len()))?;
        Digest::new(found, digits).ok()
    };
    let lines = || {
        file.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let mut lone = lines();
    if let (Some(only), None) = (lone.next(), lone.next())
        && let Some(digest) = digest(only)
    {
        return Ok(digest);
    }
    let named = lines().find_map(|line| {
        let (digits, name) = parts(line)?;
        (name.rsplit('/').next() == Some(image))
            .then(|| digest(digits))
            .flatten()
    });
    named.ok_or_else(|| {
        let wanted = algorithm.map_or("md5, sha256 or sha512", Algorithm::name);
        Error::new(
            Kind::ImageDownloadError,
            format!("the checksum file has no {wanted} digest for '{image}'"),
        )
    })
}

/// The digits and the name of one line.
fn parts(line: &str) -> Option<(&str, &str)> {
    if let Some((before, digits)) = line.rsplit_once(") = ") {
        return Some((digits.trim(), before.split_once(" (")?.1));
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
        ] {
            let found = find(&file, "disk.raw", None).expect(&file);
            assert_eq!(
                found,
                Digest::new(Algorithm::Sha256, SHA).expect("64 digits"),
                "{file}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (file, algorithm) in [
            ("", None),
            ("<html>not found</html>", None),
            (&format!("{SHA}  disk.raw.xz\n{MD5}  xdisk.raw")[..], None),
            (&format!("{MD5}  disk.raw"), Some(Algorithm::Sha256)),
            ("sha256:", None),
        ] {
            let error = find(file, "disk.raw", algorithm).expect_err(file);
            assert!(error.details().contains("'disk.raw'"), "{error}");
        }
    }

    #[test]
    fn the_command_line_form() {
        let sha = Checksum::Digest(Digest::new(Algorithm::Sha256, SHA).expect("64 digits"));
        assert_eq!(Checksum::parse(&format!("sha256:{SHA}")).as_ref(), Ok(&sha));
        assert_eq!(Checksum::parse(SHA).as_ref(), Ok(&sha));
        let at = |algorithm| Checksum::At {
            url: "http://h/SUMS".into(),
            algorithm,
        };
        assert_eq!(Checksum::parse("http://h/SUMS"), Ok(at(None)));
        assert_eq!(
            Checksum::parse("sha512:http://h/SUMS"),
            Ok(at(Some(Algorithm::Sha512)))
        );
        for bad in ["", "sha256:", "sha1:abc", &format!("md5:{SHA}"), "abc"] {
            assert!(Checksum::parse(bad).is_err(), "{bad}");
        }
    }
}
