//! Downloads that broke and went on: what they cost, and where they go on.

use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::error::Kind;
use ironlet::image::deploy;
use ironlet::image::verify::checksum::Checksum;

use super::support::image_server::Behaviour::*;
use super::support::image_server::{ImageServer, Until};
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, request, run, tools};

#[test]
fn cuts_at_random_cost_no_byte_twice() {
    let scratch = Scratch::new();
    let path = scratch.disk(8 * MIB, OLD);
    let image = image(7 * MIB + 5);
    let clock = Clock::fake();
    let cuts: Vec<usize> = (0..14)
        .map(|part| {
            let within = clock.between(Duration::ZERO..Duration::from_micros(MIB as u64 / 2));
            part * (MIB / 2) + within.as_micros() as usize
        })
        .collect();
    let mut script: Vec<_> = cuts
        .iter()
        .map(|cut| Parts("\"a\"", Until::Cut(*cut)))
        .collect();
    script.push(Parts("\"a\"", Until::End));
    let server = ImageServer::start(image.clone(), script);
    let checksum = Checksum::Digest(digest(&image));
    let result = run(vec![server.url("/i")], checksum, &path, 3);
    let receipt = result.unwrap_or_else(|error| panic!("{error} {cuts:?}"));
    assert!(std::fs::read(&path).expect("a file")[..image.len()] == image);
    assert_eq!(server.requests().len(), 15, "{cuts:?}");
    assert_eq!(server.served(), image.len(), "{cuts:?}");
    assert_eq!(receipt.fetched.0 as usize, image.len(), "{cuts:?}");
    assert_eq!(receipt.retries, 14, "{cuts:?}");
}

#[test]
fn the_next_url_goes_on_if_its_image_is_as_long() {
    let image = image(3 * MIB);
    let other: Vec<u8> = image.iter().map(|byte| byte ^ 0xFF).collect();
    let short = image[..2 * MIB + 512].to_vec();
    for (name, next, outcome, requests) in [
        ("the same", image.clone(), Ok(()), 1),
        ("shorter", short, Err(Kind::ImageDownloadError), 1),
        ("another", other, Err(Kind::ImageChecksumError), 2),
    ] {
        let scratch = Scratch::new();
        let path = scratch.disk(4 * MIB, OLD);
        let script = vec![Parts("\"a\"", Until::Cut(2 * MIB)), Status(503)];
        let first = ImageServer::start(image.clone(), script);
        let second = ImageServer::start(next, vec![Parts("\"x\"", Until::End)]);
        let urls = vec![first.url("/i"), second.url("/i")];
        let result = run(urls, Checksum::Digest(digest(&image)), &path, 1);
        assert_eq!(result.map(drop).map_err(|e| e.kind()), outcome, "{name}");
        let heads = second.requests();
        assert_eq!(heads.len(), requests, "{name}");
        assert!(heads[0].contains("range: bytes=2097152-\r\n"), "{heads:?}");
        let disk = std::fs::read(&path).expect("the disk is a file");
        let boots = disk[..MIB].iter().any(|byte| *byte != 0);
        assert_eq!(boots, outcome.is_ok(), "{name}");
    }
}

#[test]
fn a_trickle_is_given_up_and_gone_on_with() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let image = image(3 * MIB);
    let tools = tools(&path, 3);
    let script = vec![
        Parts("\"a\"", Until::Trickle(2 * MIB)),
        Parts("\"a\"", Until::End),
    ];
    let server = ImageServer::with(image.clone(), script, tools.clock.clone());
    let request = request(vec![server.url("/i")], Checksum::Digest(digest(&image)));
    deploy(&request, &path, &tools).expect("the rest");
    assert!(std::fs::read(&path).expect("a file")[..image.len()] == image);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn nothing_but_a_trickle_fails_and_says_so() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let image = image(3 * MIB);
    let tools = tools(&path, 3);
    let script = vec![Parts("\"a\"", Until::Trickle(0))];
    let server = ImageServer::with(image.clone(), script, tools.clock.clone());
    let request = request(vec![server.url("/i")], Checksum::Digest(digest(&image)));
    let error = deploy(&request, &path, &tools).expect_err("a trickle");
    assert!(error.details().contains("a stall"), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_busy_server_says_how_long_to_stay_away_but_not_for_ever() {
    let seconds = Duration::from_secs;
    for (script, pause) in [
        (vec![Busy(30), Parts("\"a\"", Until::End)], 30),
        (vec![Busy(100_000), Parts("\"a\"", Until::End)], 300),
        (
            vec![
                Parts("\"a\"", Until::Cut(2 * MIB)),
                Busy(30),
                Parts("\"a\"", Until::End),
            ],
            30,
        ),
    ] {
        let scratch = Scratch::new();
        let path = scratch.disk(4 * MIB, OLD);
        let image = image(3 * MIB);
        let tools = tools(&path, 3);
        let server = ImageServer::start(image.clone(), script.clone());
        let request = request(vec![server.url("/i")], Checksum::Digest(digest(&image)));
        deploy(&request, &path, &tools).expect("served in the end");
        let waited = tools.clock.elapsed();
        assert!(
            // Up to a quarter longer: others were told the same.
            seconds(pause) <= waited && waited < seconds(pause + pause / 4 + 2),
            "{waited:?} {script:?}"
        );
    }
}

#[test]
fn the_longest_duration_is_for_all_attempts_together() {
    let busy = || vec![Busy(30), Parts("\"a\"", Until::End)];
    let cut = || {
        vec![
            CutAt(2 * MIB), // nothing to go on from
            Status(503),
            Busy(30),
            Serve,
        ]
    };
    for (script, limit, requests, fails) in [
        (busy(), 40, 2, false),
        (busy(), 20, 1, true),
        (cut(), 40, 4, false),
        (cut(), 20, 3, true),
    ] {
        let scratch = Scratch::new();
        let path = scratch.disk(4 * MIB, OLD);
        let image = image(3 * MIB);
        let mut tools = tools(&path, 9);
        tools.patience.limit = Some(Duration::from_secs(limit));
        let server = ImageServer::start(image.clone(), script.clone());
        let request = request(vec![server.url("/i")], Checksum::Digest(digest(&image)));
        let error = deploy(&request, &path, &tools).err();
        let told = error.map(|error| error.details().contains("ipa-image-download-max-duration"));
        assert_eq!(told, fails.then_some(true), "{limit} {script:?}");
        assert_eq!(server.requests().len(), requests, "{limit} {script:?}");
    }
}
