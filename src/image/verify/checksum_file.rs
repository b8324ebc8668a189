//! The digest of an image in a checksum file, as people publish them, or why it has none.

use std::cmp::Reverse;

use crate::error::{Error, Kind, Result};
use crate::image::verify::checksum::Wanted;
use crate::image::verify::digest::{Algorithm, Digest};
use crate::net::http::url;
use crate::small_sort;

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
            is_called_so(name, image, &plain).then_some(name == path)
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
        [] => Err(missing(lack(lines(), image, &plain, wanted))),
        [one, other, ..] if (one.0, one.1) == (other.0, other.1) && one.2 != other.2 => {
            Err(missing(format!(
                "the checksum file has several digests for '{image:.200}': {} and {}",
                one.2, other.2
            )))
        }
        [(_, _, digest), ..] => Ok(digest.clone()),
    }
}

/// Why there is none: what the file has instead.
fn lack<'a>(
    lines: impl Iterator<Item = &'a str>,
    image: &str,
    plain: &[u8],
    wanted: Wanted,
) -> String {
    /// Names told of a file; it may have thousands.
    const TOLD: usize = 5;
    let mut names: Vec<&str> = Vec::new();
    let (mut first, mut count, mut is_there) = (None, 0, false);
    for line in lines {
        first = first.or(Some(line));
        let Some((_, digits, path)) = parts(line) else {
            continue;
        };
        let digits = bare(digits);
        if digits.len() < 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let name = after_size(path).unwrap_or(path);
        is_there |= [path, name]
            .into_iter()
            .filter_map(|path| path.rsplit('/').next())
            .any(|name| is_called_so(name, image, plain));
        count += 1;
        if names.len() < TOLD {
            names.push(name);
        }
    }
    let kinds = match wanted {
        Wanted::Only(algorithm) => algorithm.name(),
        Wanted::Any => "usable",
        Wanted::AnyButMd5 => "usable (MD5 is not allowed)",
    };
    let none = format!("no {kinds} digest for '{image:.200}'");
    match (first, names.is_empty()) {
        (None, _) => format!("the checksum file is empty, and has {none}"),
        (Some(line), _) if line.starts_with('<') => {
            format!("what was to be a checksum file looks like a web page, and has {none}")
        }
        _ if is_there => format!("the checksum file names it, and has {none}"),
        (_, true) => format!("the checksum file has {none}, and no line `DIGEST  NAME` at all"),
        (_, false) => {
            let names = names.iter().map(|name| format!("{name:.60}"));
            let more = match count {
                count if count > TOLD => format!(" and {} more", count - TOLD),
                _ => String::new(),
            };
            let names = names.collect::<Vec<_>>().join(", ");
            format!(
                "the checksum file does not name '{image:.200}', but {}{more}",
                names.escape_debug()
            )
        }
    }
}

/// Is a file of that name the image, whose name may be percent-encoded, or is `plain`?
fn is_called_so(name: &str, image: &str, plain: &[u8]) -> bool {
    name == image || name.as_bytes() == plain
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
    }

    #[test]
    fn what_there_is_instead_is_told() {
        let others: String = (0..9).map(|n| format!("{SHA}  {n}.raw\n")).collect();
        for (file, wanted, words) in [
            (
                others,
                Wanted::AnyButMd5,
                "does not name 'disk.raw', but 0.raw, 1.raw, 2.raw, 3.raw, 4.raw and 4 more",
            ),
            (
                format!("{SHA}  disk.raw.xz"),
                Wanted::Any,
                "does not name 'disk.raw', but disk.raw.xz",
            ),
            (
                format!("{MD5}  disk.raw"),
                Wanted::AnyButMd5,
                "names it, and has no usable (MD5 is not allowed) digest",
            ),
            (
                format!("{MD5}  ./disk.raw"),
                Wanted::Only(Algorithm::Sha256),
                "names it, and has no sha256 digest",
            ),
            (String::new(), Wanted::Any, "is empty"),
            ("<html>".to_owned(), Wanted::Any, "web page"),
            ("what is\nthis".to_owned(), Wanted::Any, "no line"),
        ] {
            let error = find(&file, "disk.raw", wanted).expect_err(words);
            assert!(error.details().contains(words), "{error}");
        }
    }
}
