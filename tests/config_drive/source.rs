//! Where config drives come from, and what is none.

use std::fs;
use std::path::PathBuf;

use ironlet::codec::{base64, gzip};
use ironlet::error::{Error, Kind, Result};
use ironlet::image::layout::config_drive::{LIMIT, Source};
use ironlet::image::verify::digest::{Algorithm, Hashing};

use super::support::config_drives::{found, iso, packed};
use super::support::fake_agent::{Surroundings, post_and_wait, text_at};
use super::support::image_server::{Behaviour, ImageServer};
use super::support::partition_tables::{MIB, image, old_disk, put};
use super::support::scratch::Scratch;
use super::{BEFORE_BACKUP, GPT, holds};

/// Deploys with a drive at a URL; gives the drive's own place on the disk too.
fn by_url(script: Vec<Behaviour>, body: Vec<u8>) -> (Scratch, ImageServer, Result<()>) {
    let scratch = Scratch::new();
    let image = image(&scratch, 40, GPT);
    let disk = old_disk(&scratch, 200);
    let server = ImageServer::start(body, script);
    let source = Source::new(&server.url("/drive?signature=hidden"), LIMIT).expect("a URL");
    let result = put(&image, &disk, Some(source)).map(drop);
    (scratch, server, result)
}

#[test]
fn a_drive_at_a_url_is_taken_packed_or_not() {
    let scratch = Scratch::new();
    let (drive, text) = iso(&scratch);
    let gzipped = gzip::pack(&drive).expect("memory");
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(76)
        .map(|line| line.to_vec())
        .collect();
    for (what, body) in [
        ("base64 of gzip", text.clone().into_bytes()),
        ("base64 in lines", lines.join(&b"\r\n"[..])),
        ("gzip", gzipped),
        ("as it is", drive.clone()),
    ] {
        let retry = vec![Behaviour::Status(503), Behaviour::Serve];
        let (scratch, server, result) = by_url(retry, body);
        result.expect(what);
        assert_eq!(server.requests().len(), 2, "{what}");
        let disk = scratch.path("disk");
        holds(&disk, BEFORE_BACKUP, &drive, BEFORE_BACKUP + 64 * MIB);
    }
}

#[test]
fn a_drive_that_its_server_calls_gzip_is_one_whatever_was_meant() {
    let scratch = Scratch::new();
    let (drive, text) = iso(&scratch);
    let gzipped = gzip::pack(&drive).expect("memory");
    for (what, body) in [
        (
            "text packed on its way",
            gzip::pack(text.as_bytes()).expect("memory"),
        ),
        (
            "a packed drive packed on its way",
            gzip::pack(&gzipped).expect("memory"),
        ),
        ("a packed drive, or one packed on its way", gzipped),
        ("not packed at all", text.into_bytes()),
    ] {
        let label = "Content-Encoding: gzip\r\n";
        let server = ImageServer::labelled(body, vec![Behaviour::Serve], label);
        let source = Source::new(&server.url("/drive"), LIMIT).expect("a URL");
        let (image, disk) = (image(&scratch, 40, GPT), old_disk(&scratch, 200));
        put(&image, &disk, Some(source)).expect(what);
        holds(&disk, BEFORE_BACKUP, &drive, BEFORE_BACKUP + 64 * MIB);
    }
}

#[test]
fn what_is_no_drive_is_refused_before_the_disk_is_touched() {
    let (_, text) = packed(vec![1; 100_000]);
    let cut = base64::decode(&text).expect("base64")[..40].to_vec();
    let (_, large) = packed(vec![0; 64 * MIB + 1]);
    let url = |body: Vec<u8>| (Behaviour::Serve, body);
    let page = |page| (Behaviour::Page(page), Vec::new());
    for (what, (behaviour, body), said) in [
        (
            "nowhere",
            (Behaviour::Status(404), Vec::new()),
            "HTTP status 404",
        ),
        ("a page", page("\n <html>log in</html>"), "sent a web page"),
        (
            "another page",
            page("\u{feff}<!DOCTYPE html><title>Sign in</title>"),
            "sent a web page",
        ),
        ("text", page("no such drive!"), "text, but not base64"),
        ("a word", page("Unauthorized"), "unpacking it as gzip"),
        ("nothing", url(Vec::new()), "unpacking it as gzip"),
        ("a cut file", url(cut.clone()), "unpacking it as gzip"),
        (
            "too large",
            url(large.clone().into_bytes()),
            "larger than 64 MiB",
        ),
        (
            "too large as it is",
            url(vec![0; 64 * MIB + 1]),
            "larger than 64 MiB",
        ),
        (
            "an empty drive",
            url(packed(Vec::new()).1.into_bytes()),
            "it is empty",
        ),
        (
            "always cut",
            (Behaviour::CutAt(50_000), vec![0; 100_000]),
            "config drive",
        ),
    ] {
        let (scratch, _, result) = by_url(vec![behaviour], body);
        let error = result.expect_err(what);
        refused(what, &error, said);
        let disk = fs::read(scratch.path("disk")).expect("a file");
        let old = &disk[disk.len() - 40 * 512..];
        assert!(
            old.iter().all(|byte| *byte == 0xaa),
            "{what}: it was touched"
        );
    }
    for (what, text, said) in [
        ("no base64", "{not base64}".to_owned(), "not base64"),
        (
            "no gzip",
            base64::encode(b"hello, world"),
            "unpacking it as gzip",
        ),
        ("cut", base64::encode(&cut), "unpacking it as gzip"),
        ("too large", large, "larger than 64 MiB"),
        (
            "another scheme",
            "ftp://host/drive".to_owned(),
            "not base64",
        ),
    ] {
        refused(what, &Source::new(&text, LIMIT).expect_err(what), said);
    }
}

/// In the step's own argument or in `image_info`; where both have one, the argument counts.
#[test]
fn ironic_sends_it_in_two_places() {
    let (right, good) = packed(vec![1; 100_000]);
    let (_, other) = packed(vec![2; 100_000]);
    for (argument, info) in [(&*good, &*other), (&good, ""), ("", &good)] {
        let around = &mut Surroundings::new();
        let disk = prepared(around, argument, info);
        holds(&disk, 3 * MIB, &right, 3 * MIB + right.len());
    }
}

#[test]
fn a_parameter_has_it_made_anew() {
    let scratch = Scratch::new();
    let (_, drive) = iso(&scratch);
    let around = &mut Surroundings::new();
    around.settings.rebuild_drive = true;
    let disk = prepared(around, &drive, "");
    assert_eq!(found(&disk, 3 * MIB), ("CONFIG-2".into(), "vfat".into()));
}

/// The disk after a command with a drive in its argument or in `image_info`, where a partition waits for it.
fn prepared(around: &mut Surroundings, argument: &str, info: &str) -> PathBuf {
    let script = "label: dos\nsize=2MiB\nsize=2MiB\n";
    let disk = around.add_disk();
    let mut image = image(&around.scratch, 6, script);
    // ECMA-119, 8.4: as much of a primary volume descriptor as says what it is called.
    let mut waiting = vec![0; 34 << 10];
    waiting[32 << 10..][..6].copy_from_slice(b"\x01CD001");
    waiting[(32 << 10) + 40..][..8].copy_from_slice(b"config-2");
    image[3 * MIB..][..waiting.len()].copy_from_slice(&waiting);
    let digest = Hashing::new(&image[..], Algorithm::Sha256).finish();
    let digest = digest.expect("memory can be read").to_string();
    let server = ImageServer::start(image, vec![Behaviour::Serve]);
    let (argument, info) = [argument, info].map(sent).into();
    let body = format!(
        r#"{{"name":"standby.prepare_image","params":{{"configdrive":{argument},"image_info":{{
        "id":"x","disk_format":"raw","urls":["{}"],"checksum":"{}","configdrive":{info}}}}}}}"#,
        server.url("/x"),
        digest.trim_start_matches("sha256 ")
    );
    let entry = post_and_wait(&around.engine(), &body);
    let status = text_at(&entry, &["command_status"]);
    assert_eq!(status, "SUCCEEDED", "{entry:?}");
    disk
}

fn sent(drive: &str) -> String {
    match drive {
        "" => "null".to_owned(),
        drive => format!("\"{drive}\""),
    }
}

fn refused(what: &str, error: &Error, said: &str) {
    assert_eq!(error.kind(), Kind::DeploymentError, "{what}: {error}");
    assert!(error.details().contains(said), "{what}: {error}");
    assert!(!error.details().contains("hidden"), "{what}: {error}");
}
