//! The main path against servers that serve, cut, stall and lie; a file stands for the disk.

#[path = "image/block_maps.rs"]
mod block_maps;
#[path = "image/blocks.rs"]
mod blocks;
#[path = "image/content_encoding.rs"]
mod content_encoding;
#[path = "image/deadline.rs"]
mod deadline;
#[path = "image/errors.rs"]
mod errors;
#[path = "image/hang_up.rs"]
mod hang_up;
#[path = "image/proxy.rs"]
mod proxy;
#[path = "image/receipt.rs"]
mod receipt;
#[path = "image/resume.rs"]
mod resume;
#[path = "image/signature.rs"]
mod signature;
mod support;
#[path = "order/web.rs"]
mod web;

use std::path::Path;

use ironlet::codec::gzip;
use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::deploy_receipt::Left;
use ironlet::image::verify::checksum::{Checksum, Wanted};
use ironlet::image::verify::digest::{Algorithm, Digest, Hashing};
use ironlet::image::{Receipt, Request, deploy};
use ironlet::secret::Secret;
use support::image_requests::{self, tools};
use support::image_server::Behaviour::{self, *};
use support::image_server::{ImageServer, Until};
use support::scratch::Scratch;

const MIB: usize = 1 << 20;
/// What the disk held before.
const OLD: u8 = 0xAA;

/// Bytes no two sectors of which are alike, ending within a sector.
fn image(size: usize) -> Vec<u8> {
    (0..size as u64)
        .map(|at| (at / 512).wrapping_mul(0x9E37_79B9).to_le_bytes()[(at % 4) as usize] | 1)
        .collect()
}

fn digest(bytes: &[u8]) -> Digest {
    Hashing::new(bytes, Algorithm::Sha256)
        .finish()
        .expect("memory can be read")
}

fn run(urls: Vec<String>, checksum: Checksum, disk: &Path, retries: u32) -> Result<Receipt> {
    deploy(&request(urls, checksum), disk, &tools(disk, retries))
}

fn request(urls: Vec<String>, checksum: Checksum) -> Request {
    image_requests::request(urls, checksum, Format::Raw)
}

struct Case {
    name: &'static str,
    script: Vec<Behaviour>,
    image: usize,
    disk: usize,
    /// None for success, else the kind and a part of the text.
    fails: Option<(Kind, &'static str)>,
    requests: usize,
    /// After a failure: was the disk left as it was, or cleared at both ends?
    untouched: bool,
}

/// One row a server's behaviour; the disk is 8 MiB and the image 5 MiB and a bit where nothing else is said.
#[rustfmt::skip]
fn cases() -> Vec<Case> {
    const LARGE: usize = 5 * MIB + 777;
    const DISK: usize = 8 * MIB;
    const A: &str = "\"a\"";
    const B: &str = "\"b\"";
    const DAY: &str = "Mon, 03 Aug 2026 10:00:00 GMT";
    let (cut, end) = (Until::Cut(3 * MIB), Until::End);
    let ok = |name, script, image, requests| Case {
        name, script, image, disk: DISK, fails: None, requests, untouched: false,
    };
    let bad = |name, script, image, kind, text, requests, untouched| Case {
        name, script, image, disk: DISK, fails: Some((kind, text)), requests, untouched,
    };
    use Kind::{ImageChecksumError as Digest, ImageDownloadError as Download, ImageWriteError as Write, InvalidImage};
    vec![
        ok("plain", vec![Serve], LARGE, 1),
        ok("smaller than the held-back end", vec![Serve], 300_000, 1),
        ok("exactly the disk", vec![Serve], DISK, 1),
        ok("ends within the last MiB", vec![Serve], DISK - 5000, 1),
        ok("length unsaid", vec![Chunked], LARGE, 1),
        ok("length unsaid, exactly the disk", vec![Chunked], DISK, 1),
        ok("redirected", vec![Redirect("/there"), Serve], LARGE, 2),
        ok("cut, then fine", vec![CutAt(3 * MIB), Serve], LARGE, 2),
        ok("failing, then fine", vec![Status(500), Status(503), Serve], LARGE, 3),
        ok("stalled, then fine", vec![StallAt(2 * MIB), Serve], LARGE, 2),
        ok("cut, goes on", vec![Parts(A, cut), Parts(A, end)], LARGE, 2),
        ok("cut, goes on by its date", vec![Parts(DAY, cut), Parts(DAY, end)], LARGE, 2),
        ok("cut before the first byte, goes on", vec![Parts(A, Until::Cut(0)), Parts(A, end)], LARGE, 2),
        ok("stalled, goes on", vec![Parts(A, Until::Stall(2 * MIB)), Parts(A, end)], LARGE, 2),
        ok("failing in between", vec![Parts(A, cut), Status(503), Parts(A, end)], LARGE, 3),
        ok("length unsaid, cut, goes on", vec![ChunkedParts(A, cut), ChunkedParts(A, end)], LARGE, 2),
        ok("the part does not say its name", vec![Parts(A, cut), AnyPart("", end)], LARGE, 2),
        ok("no parts, but the same image", vec![NoParts(A, cut), NoParts(A, end)], LARGE, 2),
        ok("no parts, cut over and over", vec![NoParts(A, cut), NoParts(A, Until::Cut(MIB)), NoParts(A, end)], LARGE, 3),
        ok("a weak name is none", vec![Parts("W/\"a\"", cut), Parts("W/\"a\"", end)], LARGE, 2),
        ok("changed in between", vec![Parts(A, cut), Parts(B, end)], LARGE, 3),
        ok("changed, a part all the same", vec![Parts(A, cut), AnyPart(B, end)], LARGE, 3),
        ok("a part of another image", vec![Parts(A, cut), Part("bytes 3145728-4000000/4000001"), Parts(A, end)], LARGE, 3),
        ok("another part than asked for", vec![Parts(A, cut), Part("bytes 0-5243656/5243657"), Parts(A, end)], LARGE, 3),
        ok("a part of nothing known", vec![Parts(A, cut), Part("bytes 3145728-*/*"), Parts(A, end)], LARGE, 3),
        ok("failing at every part", vec![FailsAtParts(500, A, cut), FailsAtParts(500, A, end)], LARGE, 5),
        ok("failing at every part, cut again", vec![
            FailsAtParts(503, A, Until::Cut(MIB)), FailsAtParts(503, A, end), FailsAtParts(503, A, end), FailsAtParts(503, A, end),
            FailsAtParts(503, A, cut), FailsAtParts(503, A, end),
        ], LARGE, 9),
        ok("failing at parts, the whole has no name then", vec![FailsAtParts(500, A, cut), FailsAtParts(500, "", end)], LARGE, 6),
        bad("failing at parts, and at the whole", vec![FailsAtParts(500, A, cut), Status(500)], LARGE, Download, "500", 5, false),
        bad("gone in between", vec![Parts(A, cut), Status(404)], LARGE, Download, "404", 3, false),
        bad("cut at the same byte for ever", vec![Parts(A, cut)], LARGE, Download, "at byte 3145728", 4, false),
        bad("no parts, cut at the same byte for ever", vec![NoParts(A, cut)], LARGE, Download, "at byte 3145728", 4, false),
        bad("not there", vec![Status(404)], LARGE, Download, "404", 1, true),
        bad("denied", vec![Status(403)], LARGE, Download, "expired", 1, true),
        bad("always failing", vec![Status(502)], LARGE, Download, "502", 4, true),
        bad("always cut", vec![CutAt(3 * MIB)], LARGE, Download, "at byte 3145728", 4, false),
        bad("always stalled", vec![StallAt(0)], LARGE, Download, "", 4, true),
        bad("cut within the first MiB", vec![CutAt(5000)], LARGE, Download, "", 4, true),
        bad("truncated, its length too", vec![Short(3 * MIB)], LARGE, Digest, "expected sha256", 1, false),
        bad("a page instead", vec![Page("<html>log in</html>")], LARGE, Digest, "HTML", 1, true),
        bad("too large", vec![Serve], DISK + 1, Write, "does not fit", 1, true),
        bad("too large, length unsaid", vec![Chunked], DISK + 1, Write, "larger than the disk", 1, false),
        bad("nothing", vec![Serve], 0, InvalidImage, "there is nothing in the image", 1, true),
        bad("nothing, length unsaid", vec![Chunked], 0, InvalidImage, "there is nothing in the image", 1, true),
        bad("redirected in circles", vec![Redirect("/again")], LARGE, Download, "redirect", 21, true),
        bad("a head without end", vec![EndlessHead], LARGE, Download, "", 1, true),
        Case { disk: MIB, ..bad("a disk too small for anything", vec![Serve], 1000, Write, "1 MiB only", 1, true) },
    ]
}

#[test]
fn whatever_the_server_does_the_disk_is_complete_or_does_not_boot() {
    for case in cases() {
        let scratch = Scratch::new();
        let path = scratch.disk(case.disk, OLD);
        let image = image(case.image);
        let server = ImageServer::start(image.clone(), case.script);
        let result = run(
            vec![server.url("/image.raw?secret=1")],
            Checksum::Digest(digest(&image)),
            &path,
            3,
        );
        let disk = std::fs::read(&path).expect("the disk is a file");
        match (case.fails, result) {
            (None, Ok(receipt)) => {
                assert_eq!(receipt.bytes.0 as usize, image.len(), "{}", case.name);
                let Left::Disk(signature) = receipt.left else {
                    panic!("{}: it is a whole disk", case.name)
                };
                assert_eq!(signature.to_le_bytes(), image[440..444], "{}", case.name);
                assert!(
                    disk[..image.len()] == image,
                    "{}: the disk is not the image",
                    case.name
                );
                let tail = &disk[image.len().max(case.disk - MIB)..];
                assert!(
                    tail.iter().all(|byte| *byte == 0),
                    "{}: an old backup table survived",
                    case.name
                );
            }
            (Some((kind, text)), Err(error)) => {
                assert_eq!(error.kind(), kind, "{}: {error}", case.name);
                assert!(error.details().contains(text), "{}: {error}", case.name);
                assert!(
                    !error.details().contains("secret"),
                    "{}: {error}",
                    case.name
                );
                if case.untouched {
                    assert!(
                        disk.iter().all(|byte| *byte == OLD),
                        "{}: old data was touched",
                        case.name
                    );
                } else {
                    let ends = disk[..MIB].iter().chain(&disk[case.disk - MIB..]);
                    assert!(
                        ends.copied().all(|byte| byte == 0),
                        "{}: it could boot",
                        case.name
                    );
                }
            }
            (expected, result) => panic!("{}: {result:?}, expected {expected:?}", case.name),
        }
        assert_eq!(server.requests().len(), case.requests, "{}", case.name);
    }
}

#[test]
fn the_next_url_is_tried_and_a_checksum_file_is_read() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let image = image(2 * MIB);
    let gone = ImageServer::start(Vec::new(), vec![Status(404)]);
    let server = ImageServer::start(image.clone(), vec![Serve]);
    let sums = format!(
        "{}  ./other.raw\n{} *image.raw\n",
        "0".repeat(64),
        digest(&image)
            .to_string()
            .rsplit(' ')
            .next()
            .expect("digits")
    );
    // Packed on its way, as some servers do unasked.
    let packed = gzip::pack(sums.as_bytes()).expect("memory");
    let script = vec![Status(500), Serve];
    let sums = ImageServer::labelled(packed, script, "Content-Encoding: gzip\r\n");
    let checksum = Checksum::At {
        url: sums.url("/SHA256SUMS"),
        wanted: Wanted::Any,
    };
    let receipt = run(
        vec![gone.url("/image.raw"), server.url("/image.raw")],
        checksum,
        &path,
        1,
    )
    .expect("the second URL");
    assert_eq!(receipt.bytes.0 as usize, image.len());
    assert_eq!(
        (
            gone.requests().len(),
            server.requests().len(),
            sums.requests().len()
        ),
        (1, 1, 2)
    );
}

#[test]
fn the_login_for_the_image_goes_to_its_own_host_alone() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let image = image(2 * MIB);
    let sum = digest(&image).to_string().replace("sha256 ", "");
    let server = ImageServer::start(image, vec![Serve]);
    // Another port of that host, and another name for it.
    for (host, told) in [("127.0.0.1", true), ("localhost", false)] {
        let sums = ImageServer::start(sum.clone().into_bytes(), vec![Serve]);
        let at = Checksum::At {
            url: sums.url("/SUM").replace("127.0.0.1", host),
            wanted: Wanted::Any,
        };
        let mut request = request(vec![server.url("/image.raw")], at);
        request.authorization = Some(Secret::new("Basic c2VjcmV0"));
        deploy(&request, &path, &tools(&path, 0)).expect("both serve");
        let shown = |server: &ImageServer| server.requests().concat().contains("c2VjcmV0");
        assert_eq!((shown(&server), shown(&sums)), (true, told), "{host}");
    }
}

#[test]
fn a_disk_nobody_named_is_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let image = image(2 * MIB);
    let server = ImageServer::start(image.clone(), vec![Serve]);
    let nobody = scratch.path("another");
    let checksum = Checksum::Digest(digest(&image));
    let request = request(vec![server.url("/i")], checksum);
    let error = deploy(&request, &path, &tools(&nobody, 0)).expect_err("not named");
    assert!(error.details().contains("--allow-disk"), "{error}");
    assert!(
        std::fs::read(&path)
            .expect("the disk is a file")
            .iter()
            .all(|byte| *byte == OLD)
    );
}
