//! Images whose tables come behind more data than is held: servers asked for them out of turn.

use std::time::Duration;

use ironlet::codec::gzip;
use ironlet::error::{Kind, Result};
use ironlet::image::decode::format::Format;
use ironlet::image::deploy;
use ironlet::image::download::random_access::RandomAccess;

use super::support::image_requests::{order, tools};
use super::support::image_server::Behaviour::{self, *};
use super::support::image_server::{ImageServer, Until};
use super::support::memory_sink::{MemorySink, OLD};
use super::support::qcow2_corpus as corpus;
use super::support::scratch::Scratch;
use super::{MIB, Whole, decode};

const A: &str = "\"a\"";
const B: &str = "\"b\"";
const END: Until = Until::End;

/// Where the level 1 table is: QEMU, docs/interop/qcow2.txt, byte 40.
fn level1(image: &[u8]) -> usize {
    let field = image[40..48].try_into().expect("eight bytes");
    u64::from_be_bytes(field) as usize
}

/// Deploys `image` from `server`; gives the outcome and what is on the disk.
fn deployed(image: &[u8], server: &ImageServer, retries: u32) -> (Result<()>, Vec<u8>) {
    let scratch = Scratch::new();
    let disk = scratch.disk(42 * MIB, OLD);
    let request = order(server.url("/image"), image, Format::Qcow2);
    let mut tools = tools(&disk, retries);
    tools.timeouts.read = Duration::from_secs(5);
    let outcome = deploy(&request, &disk, &tools).map(drop);
    (outcome, std::fs::read(&disk).expect("it is a file"))
}

#[test]
fn whatever_the_server_can_do_the_tables_are_read_in_time() {
    // What the connections do, how many there may be, and whether parts are asked for.
    let cut = Until::Cut(0);
    #[rustfmt::skip]
    let cases: Vec<(&str, &str, Vec<Behaviour>, usize)> = vec![
        ("late", "parts", vec![Parts(A, END)], 4),
        ("late-deflate", "parts", vec![Parts(A, END)], 4),
        ("late", "no parts", vec![NoParts(A, END)], 3),
        ("late", "no parts and no name", vec![Serve], 3),
        ("late", "parts, no name", vec![AnyPart("", END)], 4),
        ("late", "cut", vec![Parts(A, END), Parts(A, cut), Parts(A, END)], 5),
        ("late", "failing", vec![Parts(A, END), Status(503), Parts(A, END)], 5),
        ("late", "failing at parts", vec![FailsAtParts(500, A, END)], 5),
        ("late", "changed for good", vec![Parts(A, END), Parts(B, END)], 6),
        ("late", "a part of another", vec![Parts(A, END), Part("bytes 5-6/7"), Parts(A, END)], 6),
    ];
    for (name, server_is, script, most) in cases {
        let (image, expected) = (corpus::image(name), corpus::disk(name));
        assert!(level1(&image) > 16 * MIB, "{name}: the table comes early");
        let server = ImageServer::start(image.clone(), script);
        let (outcome, disk) = deployed(&image, &server, 2);
        let heads = server.requests();
        assert_eq!(outcome, Ok(()), "{name}, {server_is}: {heads:?}");
        let same = disk[..expected.len()] == expected;
        assert!(same, "{name}, {server_is}: another disk");
        let count = heads.len();
        assert!((2..=most).contains(&count), "{server_is}: {count} requests");
        let part = format!("bytes={}-", level1(&image));
        let asked = heads.iter().any(|head| head.contains(&part));
        assert!(asked, "{server_is}: {heads:?}");
    }
}

#[test]
fn tables_are_read_in_time_of_an_image_that_was_packed_on_its_way() {
    let (image, expected) = (corpus::image("late"), corpus::disk("late"));
    let packed = gzip::pack(&image).expect("memory");
    let label = "Content-Encoding: gzip\r\n";
    let server = ImageServer::labelled(packed, vec![Parts(A, END)], label);
    let (outcome, disk) = deployed(&image, &server, 2);
    assert_eq!(outcome, Ok(()));
    assert!(disk[..expected.len()] == expected, "another disk");
    let heads = server.requests();
    // Its places are of what is in it.
    assert!(
        heads.len() > 1 && !heads.concat().contains("Range:"),
        "{heads:?}"
    );
}

#[test]
fn a_table_that_was_another_when_read_aside_is_no_disk() {
    let image = corpus::image("late");
    let mut other = image.clone();
    let entry = level1(&image) + 8;
    other[entry..entry + 8].fill(0); // 32 KiB of the disk become zeros
    let liar = ImageServer::start(other, vec![Parts(A, END)]);
    let there: &'static str = liar.url("/image").leak();
    let script = vec![Parts(A, END), Redirect(there), Parts(A, END)];
    let server = ImageServer::start(image.clone(), script);
    let (outcome, disk) = deployed(&image, &server, 0);
    let error = outcome.expect_err("two tables for one place");
    assert_eq!(error.kind(), Kind::ImageDownloadError);
    assert!(error.details().contains("two different tables"), "{error}");
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    assert!(zeros(&disk[..MIB]) && zeros(&disk[41 * MIB..]), "it boots");
}

#[test]
fn nobody_to_ask_is_a_clear_refusal() {
    let image = corpus::image("late");
    for (script, why) in [
        (vec![Parts(A, END), Status(404)], "out of turn"),
        (vec![Parts(A, END), Status(503)], "503"),
    ] {
        let server = ImageServer::start(image.clone(), script);
        let (outcome, disk) = deployed(&image, &server, 2);
        let error = outcome.expect_err("the table is not to be had");
        assert_eq!(error.kind(), Kind::ImageDownloadError);
        assert!(error.details().contains(why), "{error}");
        assert!(server.requests().len() <= 4, "{:?}", server.requests());
        assert!(disk.iter().all(|byte| *byte == OLD), "it was touched");
    }
    let error = decode(&image, 42 * MIB).0.expect_err("nobody to ask");
    assert_eq!(error.kind(), Kind::InvalidImage);
    assert!(error.details().contains("qemu-img convert"), "{error}");
}

/// An image cut, or changed, in any place near its late table: an error or the disk.
#[test]
fn late_tables_cut_or_changed_end_well() {
    let (image, expected) = (corpus::image("late"), corpus::disk("late"));
    let table = level1(&image);
    for cut in [table - 1, table, table + 511, table + 2000] {
        let mut out = MemorySink::new(expected.len());
        let aside: Option<&mut dyn RandomAccess> = Some(&mut Whole(&image));
        let decoded = Format::Qcow2.decode_beside(&mut &image[..cut], &mut out, aside);
        let error = decoded.expect_err("the table itself never came");
        assert_eq!(error.kind(), Kind::InvalidImage, "{cut}");
    }
    for (at, flip) in [(table, 1), (table + 6, 2), (table + 11, 0x10)] {
        let mut image = image.clone();
        image[at] ^= flip;
        let mut out = MemorySink::new(expected.len());
        let aside: Option<&mut dyn RandomAccess> = Some(&mut Whole(&image));
        let decoded = Format::Qcow2.decode_beside(&mut &image[..], &mut out, aside);
        if let Err(error) = decoded {
            assert_eq!(error.kind(), Kind::InvalidImage, "{at}: {error}");
        }
    }
}
