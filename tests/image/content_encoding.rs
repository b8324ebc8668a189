//! Images under a `Content-Encoding`: one that names no coding is none, and of a gzip the digest says what was meant.

use std::time::Duration;

use ironlet::codec::gzip;
use ironlet::error::Kind;
use ironlet::image::decode::format::Format;
use ironlet::image::decode::packing::Packing;
use ironlet::image::deploy;
use ironlet::image::verify::checksum::Checksum;

use super::support::image_requests::request;
use super::support::image_server::Behaviour::{self, *};
use super::support::image_server::{ImageServer, Until};
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, tools};

/// What a server sends under which label and name, what it is declared to be, and the digest of what.
struct Case<'a> {
    served: &'a [u8],
    label: &'static str,
    name: &'static str,
    format: Format,
    digest: &'a [u8],
    /// What the disk begins with then, if it gets there, and in how many requests.
    disk: Option<&'a [u8]>,
    requests: usize,
}

fn check(case: &Case, script: Vec<Behaviour>) {
    let Case { label, name, .. } = case;
    let scratch = Scratch::new();
    let path = scratch.disk(8 * MIB, OLD);
    let server = ImageServer::labelled(case.served.to_vec(), script, label);
    let checksum = Checksum::Digest(digest(case.digest));
    let request = request(vec![server.url(name)], checksum, case.format.clone());
    let mut tools = tools(&path, 2);
    // Nobody stalls here, and a busy host is no server that does.
    tools.timeouts.read = Duration::from_secs(10);
    let outcome = deploy(&request, &path, &tools);
    let what = format!("{name}, {label:?}, {:?}", case.format);
    match (case.disk, outcome) {
        (Some(wanted), Ok(receipt)) => {
            assert_eq!(receipt.bytes.0 as usize, wanted.len(), "{what}");
            let disk = std::fs::read(&path).expect("a file");
            assert!(disk[..wanted.len()] == *wanted, "{what}");
        }
        (None, Err(error)) => {
            assert_eq!(error.kind(), Kind::ImageChecksumError, "{what}: {error}");
            assert!(
                error.details().contains("Content-Encoding: gzip"),
                "{error}"
            );
            let disk = std::fs::read(&path).expect("a file");
            assert!(
                disk[..MIB].iter().all(|byte| [0, OLD].contains(byte)),
                "{what}: it could boot"
            );
        }
        (_, outcome) => panic!("{what}: {outcome:?}"),
    }
    assert_eq!(server.requests().len(), case.requests, "{what}");
}

#[test]
fn labels_that_name_no_coding_are_none_and_wrong_ones_do_no_harm() {
    let image = image(3 * MIB);
    for label in [
        "Content-Encoding: aws-chunked\r\n",
        "Content-Encoding:\r\n",
        "Content-Encoding: none\r\n",
        "Content-Encoding: identity\r\n",
        "Content-Encoding: UTF-8\r\n",
        "Content-Encoding: gzip\r\n",
        "Content-Encoding: x-gzip, aws-chunked\r\n",
        "Content-Encoding: br\r\n",
    ] {
        let case = Case {
            served: &image,
            label,
            name: "/i.raw",
            format: Format::Raw,
            digest: &image,
            disk: Some(&image),
            requests: 1,
        };
        check(&case, vec![Serve]);
        check(&case, vec![Chunked]);
    }
}

#[test]
fn of_a_gzip_the_digest_says_what_was_meant() {
    const GZIP: &str = "Content-Encoding: gzip\r\n";
    const PACKED: Format = Format::Packed(Packing::Gzip);
    let plain = image(3 * MIB);
    let (packed, none) = (gzip::pack(&plain).expect("memory"), Vec::new());
    let twice = gzip::pack(&packed).expect("memory");
    for (served, name, format, digest, disk, requests) in [
        // Packed on its way, as some servers do unasked.
        (&packed, "/i.raw", Format::Raw, &plain, Some(&plain), 1),
        (&packed, "/i", Format::MaybePacked, &plain, Some(&plain), 1),
        // A packed file, meant as it lies there.
        (&packed, "/i.raw.gz", PACKED, &packed, Some(&plain), 1),
        (
            &packed,
            "/i.raw",
            Format::MaybePacked,
            &packed,
            Some(&plain),
            2,
        ),
        (&packed, "/i.raw", Format::Raw, &packed, Some(&packed), 2),
        // A packed file whose digest is of what is in it.
        (&packed, "/i.raw.gz", PACKED, &plain, Some(&plain), 2),
        // Both.
        (&twice, "/i.raw.gz", PACKED, &packed, Some(&plain), 2),
        // Neither.
        (&packed, "/i.raw", Format::Raw, &none, None, 1),
        (&packed, "/i.raw.gz", PACKED, &none, None, 2),
    ] {
        let case = Case {
            served,
            label: GZIP,
            name,
            format,
            digest,
            disk: disk.map(|disk| &disk[..]),
            requests,
        };
        check(&case, vec![Serve]);
    }
    // Cut, and gone on with: the parts are of what is sent.
    let at = Until::Cut(packed.len() / 2);
    let case = Case {
        served: &packed,
        label: GZIP,
        name: "/i.raw",
        format: Format::Raw,
        digest: &plain,
        disk: Some(&plain),
        requests: 2,
    };
    check(&case, vec![Parts("\"a\"", at), Parts("\"a\"", Until::End)]);
}
