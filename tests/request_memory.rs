//! Request bodies: which config drive is kept, and how much memory a huge one takes.

mod support;

use std::fs;

use ironlet::codec::json::{Value, print};
use ironlet::command::Call;
use support::fake_agent::{at, text_at};

#[test]
fn one_config_drive_is_kept_wherever_it_stands() {
    let drive = "H4sI".repeat(1000);
    let parts = ["ARG", "INFO", "NODE"];
    let step = r#"{"name":"deploy.execute_deploy_step","params":{"step":{"step":"write_image","args":
        {"image_info":{"id":"x","configdrive":INFO},"configdrive":ARG}},"node":{"instance_info":
        {"configdrive":NODE}}}}"#;
    let plain = r#"{"name":"standby.prepare_image","params":{"configdrive":ARG,
        "image_info":{"configdrive":INFO}}}"#;
    for (body, place) in [
        (step, &["step", "args", "configdrive"][..]),
        (plain, &["configdrive"]),
    ] {
        for (present, kept) in [
            (&["ARG", "INFO", "NODE"][..], true),
            (&["ARG"], true),
            (&["INFO", "NODE"], true),
            (&["NODE"], false),
            (&[], false),
        ] {
            let fill = |body: String, part: &&str| match present.contains(part) {
                true => body.replace(*part, &format!("\"{drive}\"")),
                false => body.replace(*part, "null"),
            };
            let body = parts.iter().fold(body.to_owned(), fill);
            let call = Call::parse(body.into_bytes()).expect("good JSON");
            let expected = if kept { &*drive } else { "" };
            assert_eq!(text_at(&call.params, place), expected, "{present:?}");
            let all = print(&Value::Object(call.params));
            assert_eq!(all.matches(&drive).count(), usize::from(kept));
        }
    }
}

#[test]
fn a_huge_body_is_held_once_and_its_drive_once_more() {
    const DRIVE: usize = 40 << 20;
    let drive = "QUJD".repeat(DRIVE / 4);
    let body = format!(
        r#"{{"name":"deploy.execute_deploy_step","params":{{"step":{{"step":"write_image","args":
        {{"image_info":{{"configdrive":"{drive}"}},"configdrive":"{drive}"}}}},
        "node":{{"instance_info":{{"configdrive":"{drive}"}}}}}}}}"#
    );
    drop(drive);
    let before = status("VmRSS:");
    fs::write("/proc/self/clear_refs", "5").expect("resets the high-water mark");
    let call = Call::parse(body.into_bytes()).expect("good JSON");
    let (peak, after) = (status("VmHWM:"), status("VmRSS:"));
    println!(
        "body {} MiB: {before} KiB before, peak {peak} KiB, {after} KiB after",
        (3 * DRIVE) >> 20
    );
    // Other tests run meanwhile and hold some MiB of their own.
    let room = 24 << 10;
    assert!(peak < before + (DRIVE >> 10) + room, "{before} {peak}");
    assert!(
        after < before - 2 * (DRIVE >> 10) + room,
        "{before} {after}"
    );
    assert_eq!(
        text_at(&call.params, &["step", "args", "configdrive"]).len(),
        DRIVE
    );
    assert!(matches!(
        at(&call.params, &["node", "instance_info", "configdrive"]),
        Value::Null
    ));
}

/// A figure of this process, in KiB.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect(name);
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}
