//! Image servers that never come to an end: `ipa-image-download-max-duration` ends any wait, and patience one that brings nothing.

use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::error::Kind;
use ironlet::image::deploy;
use ironlet::image::verify::checksum::Checksum;

use super::support::dribbler::Dribbler;
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, request, tools};

const SECOND: Duration = Duration::from_secs(1);
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n";

/// How an order ends at a server that says this, with so much patience and so long a duration; and how soon.
fn order(
    speech: (&'static str, &'static str),
    patience: Duration,
    limit: Option<Duration>,
) -> (String, Duration) {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let server = Dribbler::start(speech, SECOND / 100);
    let mut tools = tools(&path, 1);
    tools.clock = Clock::real();
    tools.timeouts.read = patience;
    tools.patience.interval = SECOND / 10;
    tools.patience.limit = limit;
    let checksum = Checksum::Digest(digest(&image(MIB)));
    let started = Instant::now();
    let outcome = deploy(&request(vec![server.url("http")], checksum), &path, &tools);
    let error = outcome.expect_err("no image");
    assert_eq!(error.kind(), Kind::ImageDownloadError, "{error}");
    (error.details().to_owned(), started.elapsed())
}

#[test]
fn the_longest_duration_ends_whatever_is_waited_for() {
    let size = [CHUNKED, "5\r\nabcde\r\n"].concat().leak();
    let last = [CHUNKED, "5\r\nabcde\r\n0\r\n"].concat().leak();
    for (name, speech) in [
        ("a head", ("HTTP/1.1 200 OK\r\nX: ", "y")),
        ("the size of a chunk", (&*size, "0")),
        ("trailers", (&*last, "T: x\r\n")),
        (
            "a body",
            ("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"),
        ),
    ] {
        let (why, took) = order(speech, 60 * SECOND, Some(SECOND));
        assert!(
            why.contains("longer than the 1s of ipa-image-download-max-duration"),
            "{name}: {why}"
        );
        assert!(took >= SECOND && took < 10 * SECOND, "{name}: {took:?}");
    }
}

#[test]
fn frames_without_a_byte_of_the_image_are_silence() {
    let (why, took) = order((CHUNKED, "0"), SECOND / 2, None);
    assert!(
        why.contains("bytes came around chunks and nothing in them"),
        "{why}"
    );
    assert!(took < 10 * SECOND, "{took:?}");
}
