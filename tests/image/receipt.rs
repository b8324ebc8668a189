//! What a deploy says it cost, and how far it says it has come.

use ironlet::error::Kind;
use ironlet::image::deploy;
use ironlet::image::deploy_receipt::Seconds;
use ironlet::image::verify::checksum::Checksum;

use super::support::image_server::Behaviour::{self, *};
use super::support::image_server::{ImageServer, Until};
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, request, run, tools};

#[test]
fn every_byte_fetched_and_every_byte_of_the_disk_is_on_the_receipt() {
    let scratch = Scratch::new();
    let path = scratch.disk(8 * MIB, OLD);
    let mut image = image(8 * MIB);
    image[3 * MIB..6 * MIB].fill(0);
    let checksum = Checksum::Digest(digest(&image));
    // A server that knows no names: the second attempt starts over.
    let script = vec![CutAt(2 * MIB), Serve];
    let server = ImageServer::start(image.clone(), script);
    let receipt = run(vec![server.url("/i")], checksum, &path, 1).expect("the second attempt");
    assert_eq!(receipt.bytes.0 as usize, 8 * MIB);
    assert_eq!(receipt.fetched.0 as usize, (2 + 8) * MIB);
    assert_eq!(receipt.retries, 1);
    assert_eq!(receipt.zeros.0 as usize, 3 * MIB);
    // The ends are cleared before anything else is written, the block of the boot sector by itself, and that goes twice at the end.
    assert_eq!(receipt.written.0 as usize, (8 - 3 + 2) * MIB + 2 * 4096);
    let Seconds {
        total,
        network,
        hash,
        decode,
        disk,
    } = receipt.seconds;
    assert_eq!(network + hash + decode + disk, total);
    assert!(!network.is_zero(), "the pause before the second attempt");
}

/// What the gauge said last is what went on when the deploy ended.
#[test]
fn the_gauge_says_what_goes_on() {
    let bytes = image(3 * MIB);
    let (right, wrong) = (digest(&bytes), digest(b"another"));
    let cut = || Parts("\"a\"", Until::Cut(2 * MIB));
    let cases: Vec<(Vec<Behaviour>, _, _, &str, usize)> = vec![
        (vec![Serve], &right, None, "flushing", 0),
        (
            vec![Serve],
            &wrong,
            Some(Kind::ImageChecksumError),
            "writing",
            3 * MIB,
        ),
        (
            vec![Status(404)],
            &right,
            Some(Kind::ImageDownloadError),
            "connecting",
            0,
        ),
        (
            vec![cut(), cut()],
            &right,
            Some(Kind::ImageDownloadError),
            "waiting for the network, attempt 3",
            2 * MIB,
        ),
        (
            vec![cut(), Serve],
            &wrong,
            Some(Kind::ImageChecksumError),
            "writing",
            3 * MIB,
        ),
    ];
    for (script, wanted, failure, stage, done) in cases {
        let scratch = Scratch::new();
        let path = scratch.disk(4 * MIB, OLD);
        let server = ImageServer::start(bytes.clone(), script);
        let request = request(vec![server.url("/i")], Checksum::Digest(wanted.clone()));
        let tools = tools(&path, 2);
        assert_eq!(tools.gauge.read(), None);
        let outcome = deploy(&request, &path, &tools);
        assert_eq!(outcome.err().map(|error| error.kind()), failure, "{stage}");
        let reading = tools.gauge.read().expect("it began");
        assert_eq!((&*reading.stage, reading.done.0 as usize), (stage, done));
        let known = reading.total.map(|total| total.0 as usize);
        assert_eq!(known, (done > 0).then_some(3 * MIB), "{stage}");
    }
}

#[test]
fn reading_back_is_told_of_as_well() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let bytes = image(3 * MIB);
    let server = ImageServer::start(bytes.clone(), vec![Serve]);
    let mut tools = tools(&path, 0);
    tools.readback = true;
    let checksum = Checksum::Digest(digest(&bytes));
    let request = request(vec![server.url("/i")], checksum);
    deploy(&request, &path, &tools).expect("a file gives back what it took");
    let reading = tools.gauge.read().expect("it began");
    // The ends are compared apart from the rest.
    let between = Some(reading.done).filter(|done| done.0 as usize == 2 * MIB);
    assert_eq!(
        (&*reading.stage, between),
        ("verifying", reading.total),
        "{reading}"
    );
}
