//! The result of a command: how far it is while it runs, what it cost when it is done, what outlives the process.

mod support;

use std::time::Duration;

use ironlet::codec::json::{Value, print};
use ironlet::image::verify::digest::{Algorithm, Hashing};
use ironlet::units::Bytes;
use support::fake_agent::{Surroundings, at, json, post, post_and_wait, text_at};
use support::image_server::{Behaviour, ImageServer};
use support::partition_tables::one_partition;

const UUIDS: &str = r#"{"name":"standby.get_partition_uuids","params":{}}"#;

/// A deploy of `image` from `server`.
fn prepare(image: &[u8], server: &ImageServer) -> String {
    let digest = Hashing::new(image, Algorithm::Sha256).finish();
    let digest = digest.expect("memory can be read").to_string();
    format!(
        r#"{{"name":"standby.prepare_image","params":{{"image_info":{{"id":"x","disk_format":"raw",
        "urls":["{}"],"checksum":"{}"}}}}}}"#,
        server.url("/x"),
        digest.trim_start_matches("sha256 ")
    )
}

#[test]
fn a_command_that_runs_shows_how_far_it_is() {
    let mut around = Surroundings::new();
    let go = around.hold_lookups();
    let gauge = around.gauge.clone();
    gauge.begin("an earlier command", None);
    let server = ImageServer::start(Vec::new(), vec![Behaviour::Status(404)]);
    let entry = post(&around.engine(), &prepare(&[], &server)).expect("a good request");
    let result = || print(at(&json(&entry), &["command_result"]));
    assert_eq!(result(), "null", "nothing can be said yet");
    gauge.begin("writing", Some(Bytes(5000)));
    around.clock.sleep(Duration::from_secs(10));
    gauge.advance(1000);
    assert_eq!(
        result(),
        r#"{"bytes":1000,"eta":40,"rate":100,"stage":"writing","total":5000}"#
    );
    gauge.begin("flushing", None);
    assert_eq!(
        result(),
        r#"{"bytes":0,"eta":null,"rate":0,"stage":"flushing","total":null}"#
    );
    assert_eq!(print(at(&json(&entry), &["command_error"])), "null");
    go.send(()).expect("the command waits");
    entry.wait();
    assert_eq!(text_at(&json(&entry), &["command_status"]), "FAILED");
    assert_eq!(result(), "null", "a command that failed has no result");
}

#[test]
fn a_deploy_ends_with_a_receipt_and_a_restart_remembers_its_image() {
    let mut image = vec![7; 3 << 20];
    image[440..444].copy_from_slice(&[0xcd, 0xab, 0x34, 0x12]);
    one_partition(&mut image);
    let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
    let mut around = Surroundings::new();
    around.add_disk();
    let engine = around.engine();
    let uuids = |around: &mut Surroundings| {
        let entry = post_and_wait(&around.engine(), UUIDS);
        print(at(&entry, &["command_result"]))
    };
    assert_eq!(uuids(&mut around), "{}");
    let done = post_and_wait(&engine, &prepare(&image, &server));
    engine.join();
    let count = |name| print(at(&done, &["command_result", "receipt", name]));
    assert_eq!(count("bytes"), "3145728");
    assert_eq!(count("fetched"), "3145728");
    assert_eq!(count("retries"), "0");
    let seconds = ["command_result", "receipt", "seconds"];
    assert!(matches!(at(&done, &seconds), Value::Object(_)));
    assert!(text_at(&done, &["command_result", "result"]).contains("root_uuid=0x1234abcd"));

    let told = r#"{"root uuid":"0x1234abcd"}"#;
    assert_eq!(uuids(&mut around.again()), told);
    // What is begun anew is not there any more, whatever comes of it.
    let gone = ImageServer::start(Vec::new(), vec![Behaviour::Status(404)]);
    let engine = around.engine();
    let failed = post_and_wait(&engine, &prepare(&image, &gone));
    engine.join();
    assert_eq!(text_at(&failed, &["command_status"]), "FAILED");
    assert_eq!(uuids(&mut around.again()), "{}");
}
