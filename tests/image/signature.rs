//! Images that Debian's minisign signed, and what only looks like that: nothing that is not the key's owner's ever boots, and what can be
//! told before the first write is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ironlet::codec::gzip;
use ironlet::error::Kind;
use ironlet::image::verify::checksum::{Checksum, Wanted};
use ironlet::image::verify::image_signature::{ImageSignature, Place};
use ironlet::image::{Request, deploy};

use crate::support::image_requests::tools;
use crate::support::image_server::Behaviour::*;
use crate::support::image_server::{ImageServer, Until};
use crate::support::scratch::Scratch;
use crate::web::{Answer, Web};
use crate::{MIB, OLD, digest, image, request};

const DISK: usize = 4 * MIB;

/// A person with two keys, whose images it signs as anybody does.
pub struct Signer(Scratch);

impl Signer {
    pub fn new() -> Self {
        let signer = Signer(Scratch::new());
        for name in ["own", "other"] {
            let (public, secret) = (signer.path(name, "pub"), signer.path(name, "key"));
            minisign(&["-G", "-W", "-p", &public, "-s", &secret]);
        }
        signer
    }

    fn path(&self, name: &str, ending: &str) -> String {
        let path: PathBuf = self.0.path(&format!("{name}.{ending}"));
        path.to_str().expect("ASCII").to_owned()
    }

    fn key(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path(name, "pub")).expect("it was made");
        text.lines().last().expect("two lines").to_owned()
    }

    /// What minisign writes beside a file with these bytes.
    pub fn signs(&self, name: &str, bytes: &[u8], more: &[&str]) -> Vec<u8> {
        let (file, beside) = (self.path("file", "raw"), self.path("file", "minisig"));
        std::fs::write(&file, bytes).expect("a scratch directory");
        let secret = self.path(name, "key");
        minisign(&[&["-S", "-s", &secret, "-x", &beside, "-m", &file], more].concat());
        std::fs::read(&beside).expect("it was made")
    }

    pub fn wants(&self, place: Place) -> ImageSignature {
        let word = match &place {
            Place::At(url) => url,
            Place::Beside => "1",
            Place::BesideChecksum => "checksum",
        };
        let signature = ImageSignature::parse(&[self.key("own")], Some(word)).expect("fine");
        let signature = signature.expect("it is asked for");
        assert_eq!(signature.place, place);
        signature
    }

    /// An image that is signed, at its URL or others, and needs no checksum.
    fn order(&self, urls: Vec<String>, place: Place) -> Request {
        Request {
            checksum: None,
            signature: Some(self.wants(place)),
            ..request(urls, Checksum::Digest(digest(b"")))
        }
    }
}

fn minisign(arguments: &[&str]) {
    let mut minisign = Command::new("minisign");
    minisign.args(arguments).stdin(Stdio::null());
    let out = minisign.output().expect("Debian's minisign is installed");
    assert!(out.status.success(), "{arguments:?}: {out:?}");
}

/// What is left on a disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Left {
    TheImage,
    /// Nothing was written.
    Untouched,
    /// Something was, and both ends of the disk are cleared.
    Unbootable,
}

/// Deploys and says how it went and what is left; `Err` with the words.
pub fn left(request: &Request, image: &[u8]) -> (Left, Result<(), (Kind, String)>) {
    let scratch = Scratch::new();
    let path = scratch.disk(DISK, OLD);
    let outcome = deploy(request, &path, &tools(&path, 2)).map(drop);
    (
        judged(&path, image),
        outcome.map_err(|error| (error.kind(), error.details().to_owned())),
    )
}

pub fn judged(path: &Path, image: &[u8]) -> Left {
    let disk = std::fs::read(path).expect("the disk is a file");
    let mut ends = disk[..MIB].iter().chain(&disk[DISK - MIB..]);
    match () {
        _ if disk[..image.len()] == *image => Left::TheImage,
        _ if disk.iter().all(|byte| *byte == OLD) => Left::Untouched,
        _ if ends.all(|byte| *byte == 0) => Left::Unbootable,
        _ => panic!("it could boot, and is not the image"),
    }
}

#[test]
fn an_image_boots_with_its_own_signature_alone() {
    let (signer, image) = (Signer::new(), image(2 * MIB + 777));
    let mut changed = image.clone();
    changed[MIB + 5] ^= 1;
    let right = signer.signs("own", &image, &["-H", "-t", "release 7\tof may"]);
    let text = String::from_utf8(right.clone()).expect("text");
    let lines: Vec<_> = text.lines().collect();
    let recommented = text.replace("release 7", "release 8").into_bytes();
    // signify's, of the same two lines and no others.
    let legacy = signer.signs("own", &image, &["-l"]);
    let legacy_lines = String::from_utf8(legacy.clone()).expect("text");
    let signify: Vec<&str> = legacy_lines.lines().take(2).collect();
    let signify = format!("{}\n", signify.join("\n")).into_bytes();
    let cut = format!("{}\n{}\n", lines[0], lines[1]).into_bytes();
    let ok = |body: &[u8]| -> Answer { (200, "", body.to_vec()) };
    const SUM: Kind = Kind::ImageChecksumError;
    const GET: Kind = Kind::ImageDownloadError;
    for (name, answer, served, outcome, words) in [
        ("right", ok(&right), &image, None, ""),
        (
            "a changed byte",
            ok(&right),
            &changed,
            Some((SUM, Left::Unbootable)),
            "signature of another file (release 7\\tof may)",
        ),
        (
            "of another file",
            ok(&signer.signs("own", b"another", &["-H"])),
            &image,
            Some((SUM, Left::Unbootable)),
            "signature of another file",
        ),
        (
            "by another key",
            ok(&signer.signs("other", &image, &["-H"])),
            &image,
            Some((SUM, Left::Untouched)),
            "is signed by key",
        ),
        (
            "another comment",
            ok(&recommented),
            &image,
            Some((SUM, Left::Untouched)),
            "comment was changed",
        ),
        (
            "of the old kind",
            ok(&legacy),
            &image,
            Some((SUM, Left::Untouched)),
            "sign it anew by `minisign -S -H`",
        ),
        (
            "signify's",
            ok(&signify),
            &image,
            Some((SUM, Left::Untouched)),
            "sign it anew by `minisign -S -H`",
        ),
        (
            "cut",
            ok(&cut),
            &image,
            Some((SUM, Left::Untouched)),
            "third line is no trusted comment",
        ),
        (
            "half a line",
            ok(&right[..100]),
            &image,
            Some((SUM, Left::Untouched)),
            "second line is no signature",
        ),
        (
            "nothing",
            ok(b""),
            &image,
            Some((SUM, Left::Untouched)),
            "untrusted comment",
        ),
        (
            "a page",
            ok(b"<!DOCTYPE html><html>log in"),
            &image,
            Some((SUM, Left::Untouched)),
            "looks like a web page",
        ),
        (
            "a megabyte",
            ok(&vec![b'A'; 1 << 20]),
            &image,
            Some((GET, Left::Untouched)),
            "over 32 KiB is not a signature",
        ),
        (
            "none",
            (404, "", vec![]),
            &image,
            Some((GET, Left::Untouched)),
            "minisign -S -H -m FILE",
        ),
        (
            "a busy server",
            (503, "", vec![]),
            &image,
            Some((GET, Left::Untouched)),
            "HTTP status 503",
        ),
        (
            "a page as the image",
            ok(&right),
            &b"<html>log in".to_vec(),
            Some((SUM, Left::Untouched)),
            "a page in HTML",
        ),
    ] {
        let web = Web::start();
        web.put_text("/image.raw?secret=1", served);
        web.put("/image.raw.minisig?secret=1", answer);
        let order = signer.order(vec![web.url("/image.raw?secret=1")], Place::Beside);
        let (left, result) = left(&order, &image);
        match (outcome, result) {
            (None, Ok(())) => assert_eq!(left, Left::TheImage, "{name}"),
            (Some((kind, expected)), Err((found, said))) => {
                assert_eq!((found, left), (kind, expected), "{name}: {said}");
                assert!(said.contains(words), "{name}: {said}");
                assert!(!said.contains("secret"), "{name}: {said}");
                if left == Left::Untouched && served.len() == image.len() {
                    let asked = web.asked();
                    let image = asked.iter().any(|path| path.starts_with("/image.raw?"));
                    assert!(!image, "{name}: the image was asked for");
                }
            }
            (expected, result) => panic!("{name}: {result:?}, expected {expected:?}"),
        }
    }
}

/// No prefix of a signature file is one, nor one with a byte of what is signed changed.
#[test]
fn a_cut_signature_is_none() {
    let (signer, image) = (Signer::new(), image(MIB));
    let right = signer.signs("own", &image, &["-H"]);
    let web = Web::start();
    web.put_text("/i", &image);
    let order = signer.order(vec![web.url("/i")], Place::Beside);
    for len in (0..right.len() - 1).step_by(7).chain([right.len() - 2]) {
        web.put_text("/i.minisig", &right[..len]);
        let (left, result) = left(&order, &image);
        assert_eq!(left, Left::Untouched, "{len} bytes: {result:?}");
        assert!(result.is_err(), "{len} bytes");
    }
    // As editors of Windows leave it, and without its last end of a line.
    let windows = String::from_utf8_lossy(&right).replace('\n', "\r\n");
    for whole in [windows.as_bytes(), right.trim_ascii_end()] {
        web.put_text("/i.minisig", whole);
        assert_eq!(left(&order, &image), (Left::TheImage, Ok(())));
    }
}

#[test]
fn both_are_checked_where_both_are_given() {
    let (signer, image) = (Signer::new(), image(MIB));
    let mut other = image.clone();
    other[MIB / 2] ^= 0x80;
    let right = signer.signs("own", &image, &["-H"]);
    for (name, served, sum, words) in [
        ("both are right", &image, Some(&image), None),
        ("the signature alone", &image, None, None),
        (
            "a wrong digest",
            &image,
            Some(&other),
            Some("expected sha256"),
        ),
        (
            "a wrong signature",
            &other,
            Some(&other),
            Some("signature of another file"),
        ),
        (
            "both are wrong",
            &other,
            Some(&image),
            Some("expected sha256"),
        ),
    ] {
        let web = Web::start();
        web.put_text("/i", served);
        web.put_text("/signatures/7", &right);
        let mut order = signer.order(vec![web.url("/i")], Place::At(web.url("/signatures/7")));
        order.checksum = sum.map(|bytes| Checksum::Digest(digest(bytes)));
        match (words, left(&order, &image)) {
            (None, outcome) => assert_eq!(outcome, (Left::TheImage, Ok(())), "{name}"),
            (Some(words), (left, Err((kind, said)))) => {
                assert_eq!((kind, left), (Kind::ImageChecksumError, Left::Unbootable));
                assert!(said.contains(words), "{name}: {said}");
            }
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
    }
    let web = Web::start();
    web.put_text("/i", &image);
    let mut neither = signer.order(vec![web.url("/i")], Place::Beside);
    neither.signature = None;
    let (left, outcome) = left(&neither, &image);
    let (kind, said) = outcome.expect_err("nobody can verify it");
    assert_eq!(
        (left, kind),
        (Left::Untouched, Kind::InvalidCommandParamsError)
    );
    assert!(
        said.contains("neither a checksum nor a signature"),
        "{said}"
    );
}

#[test]
fn a_resumed_download_of_several_places_is_signed_as_well() {
    let (signer, image) = (Signer::new(), image(3 * MIB + 100));
    let right = signer.signs("own", &image, &["-H"]);
    let script = vec![Parts("\"a\"", Until::Cut(MIB + 3)), Status(503)];
    let first = ImageServer::start(image.clone(), script);
    let second = ImageServer::start(image.clone(), vec![Parts("\"x\"", Until::End)]);
    let web = Web::start();
    web.put_text("/sig", &right);
    let urls = vec![first.url("/i"), second.url("/i")];
    let order = signer.order(urls, Place::At(web.url("/sig")));
    assert_eq!(left(&order, &image), (Left::TheImage, Ok(())));
    assert!(second.requests()[0].contains("range: bytes=1048579-\r\n"));
    assert!(second.served() < 3 * MIB, "it went on");
    // Beside the image: at the first of its places that has one by the right key.
    let (gone, own) = (Web::start(), Web::start());
    gone.put_text("/i.minisig", signer.signs("other", &image, &["-H"]));
    own.put_text("/i", &image);
    own.put_text("/i.minisig", &right);
    let order = signer.order(vec![gone.url("/i"), own.url("/i")], Place::Beside);
    assert_eq!(left(&order, &image), (Left::TheImage, Ok(())));
    assert_eq!(gone.asked(), ["/i.minisig", "/i"]);
    assert_eq!(own.asked(), ["/i.minisig", "/i"]);
}

/// What is signed is what was meant: the file as it lies there, or what its server packed on the way.
#[test]
fn a_body_that_its_server_packed_is_signed_either_way() {
    let (signer, image) = (Signer::new(), image(2 * MIB));
    let packed = gzip::pack(&image).expect("memory");
    let labelled = |body: &[u8]| (200, "Content-Encoding: gzip\r\n", body.to_vec());
    for (name, signed, boots) in [
        ("what is in it", &image[..], true),
        ("the file as it lies there", &packed[..], false),
    ] {
        let web = Web::start();
        web.put("/i", labelled(&packed));
        web.put_text("/i.minisig", signer.signs("own", signed, &["-H"]));
        let order = signer.order(vec![web.url("/i")], Place::Beside);
        let (found, outcome) = left(&order, if boots { &image } else { &packed });
        assert_eq!((found, outcome), (Left::TheImage, Ok(())), "{name}");
    }
}

#[test]
fn a_signed_checksum_file_vouches_for_the_image() {
    let (signer, image) = (Signer::new(), image(MIB));
    let sums = digest(&image).to_string().replace("sha256 ", "") + "  image.raw\n";
    let hashed = signer.signs("own", sums.as_bytes(), &["-H"]);
    let legacy = signer.signs("own", sums.as_bytes(), &["-l"]);
    let other = signer.signs("other", sums.as_bytes(), &["-H"]);
    let changed = sums.replace("image.raw", "./image.raw");
    for (name, sums, signature, words) in [
        ("hashed", &sums, Some(&hashed), None),
        ("of the old kind", &sums, Some(&legacy), None),
        ("another key", &sums, Some(&other), Some("is signed by key")),
        ("changed", &changed, Some(&hashed), Some("of another file")),
        ("none", &sums, None, Some("HTTP status 404")),
    ] {
        let web = Web::start();
        web.put_text("/image.raw", &image);
        web.put_text("/SUMS?a=b", sums);
        if let Some(signature) = signature {
            web.put_text("/SUMS.minisig?a=b", signature);
        }
        let mut order = signer.order(vec![web.url("/image.raw")], Place::BesideChecksum);
        order.checksum = Some(Checksum::At {
            url: web.url("/SUMS?a=b"),
            wanted: Wanted::Any,
        });
        match (words, left(&order, &image)) {
            (None, outcome) => assert_eq!(outcome, (Left::TheImage, Ok(())), "{name}"),
            (Some(words), (left, Err((_, said)))) => {
                assert_eq!(left, Left::Untouched, "{name}: {said}");
                assert!(said.contains(words), "{name}: {said}");
            }
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
    }
    // A digest that nobody signed is none.
    let web = Web::start();
    web.put_text("/image.raw", &image);
    let mut order = signer.order(vec![web.url("/image.raw")], Place::BesideChecksum);
    order.checksum = Some(Checksum::Digest(digest(&image)));
    let (left, outcome) = left(&order, &image);
    assert_eq!(left, Left::Untouched);
    let (_, said) = outcome.expect_err("there is no file");
    assert!(said.contains("beside a checksum file"), "{said}");
}
