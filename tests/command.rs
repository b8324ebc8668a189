//! Commands as Ironic gives them: what is refused, how they run, what is remembered, what survives a crash.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ironlet::codec::json::print;
use support::fake_agent::{Surroundings, json, object, post, post_and_wait, text_at};

/// A deploy that passes every check there is before a disk is looked for.
const PREPARE: &str = r#"{"name":"standby.prepare_image","params":{"image_info":{"id":"x",
    "urls":["http://127.0.0.1:1/x"],"disk_format":"raw",
    "checksum":"439af862e0904ad5cba2f1583e6c32e684e1ff1b029a49c823833a4ab30dc363"}}}"#;

#[test]
fn what_is_refused_is_not_listed() {
    let engine = Surroundings::new().engine();
    // protocol/api.md §5
    for (body, text) in [
        ("", "Failed to decode JSON object"),
        ("{", "Failed to decode JSON object"),
        ("[]", "Missing or invalid name or params"),
        ("{}", "Missing or invalid name or params"),
        (
            r#"{"name":"standby.sync"}"#,
            "Missing or invalid name or params",
        ),
        (
            r#"{"name":"standby.sync","params":[]}"#,
            "Missing or invalid name or params",
        ),
        (
            r#"{"name":7,"params":{}}"#,
            "Missing or invalid name or params",
        ),
        (
            r#"{"name":"sync","params":{}}"#,
            "Invalid command: Command name must be of the form <extension>.<name>",
        ),
        (
            r#"{"name":"foo.sync","params":{}}"#,
            "Not found: Extension with id foo not found.",
        ),
        (
            r#"{"name":"standby.cache_image","params":{}}"#,
            "Invalid command: Unknown command: cache_image",
        ),
        (
            r#"{"name":"standby.prepare_image","params":{"image_info":{"id":"x"}}}"#,
            "Invalid command parameters: Image is missing 'urls' field.",
        ),
        (
            r#"{"name":"standby.prepare_image","params":{"image_info":7}}"#,
            "Invalid command parameters: 'image_info' must be an object",
        ),
        (
            r#"{"name":"deploy.get_deploy_steps","params":{"node":7,"ports":[]}}"#,
            "Invalid command parameters: 'node' must be an object",
        ),
    ] {
        let error = post(&engine, body).expect_err(body).to_string();
        assert!(error.contains(text), "{body}: {error}");
    }
    assert_eq!(engine.list().len(), 0);
}

#[test]
fn arguments_that_do_not_fit_fail_and_say_which() {
    let engine = Surroundings::new().engine();
    for (body, name) in [
        (r#"{"name":"standby.sync","params":{"now":true}}"#, "'now'"),
        (
            r#"{"name":"image.install_bootloader","params":{}}"#,
            "'root_uuid'",
        ),
        (
            r#"{"name":"image.install_bootloader","params":{"root_uuid":null,"fast":1}}"#,
            "'fast'",
        ),
        (
            r#"{"name":"clean.get_clean_steps","params":{"node":{}}}"#,
            "'ports'",
        ),
    ] {
        let entry = post_and_wait(&engine, body);
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED", "{body}");
        assert_eq!(
            text_at(&entry, &["command_error", "type"]),
            "CommandExecutionError"
        );
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(details.contains(name), "{body}: {details}");
        assert!(!text_at(&entry, &["command_name"]).contains('.'));
    }
    assert_eq!(
        engine.list().len(),
        4,
        "what ran is listed, whatever came of it"
    );
}

#[test]
fn an_asynchronous_command_runs_alone_and_everybody_can_watch() {
    let mut around = Surroundings::new();
    let go = around.hold_lookups();
    let engine = around.engine();
    let mark = around.host.run("command");

    let entry = post(&engine, PREPARE).expect("a good request");
    assert_eq!(print(&engine.list()[0].to_json()), print(&entry.to_json()));
    let running = json(&entry);
    let keys: Vec<&str> = running.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "command_error",
            "command_name",
            "command_result",
            "command_status",
            "id"
        ]
    );
    assert_eq!(text_at(&running, &["command_status"]), "RUNNING");
    assert_eq!(text_at(&running, &["command_name"]), "prepare_image");

    let mode = fs::metadata(&mark).expect("a mark").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let marked = object(&fs::read_to_string(&mark).expect("a mark"));
    assert_eq!(text_at(&marked, &["id"]), entry.id());

    for (body, refusal) in [
        (
            r#"{"name":"log.collect_system_logs","params":{}}"#,
            "Agent is busy: executing command prepare_image",
        ),
        (
            r#"{"name":"nosuch.thing","params":{}}"#,
            "Agent is busy: executing command prepare_image",
        ),
        (r#"{"name":"dotless","params":{}}"#, "Invalid command: "),
    ] {
        let error = post(&engine, body).expect_err("busy").to_string();
        assert!(error.starts_with(refusal), "{error}");
    }
    assert!(!around.bell.wait(&around.clock, Default::default()));

    go.send(()).expect("the command waits");
    let same = engine.find(entry.id()).expect("it is listed");
    same.wait();
    engine.join();
    let ended = json(&same);
    // There is no disk in this machine.
    assert_eq!(text_at(&ended, &["command_status"]), "FAILED");
    assert_eq!(
        text_at(&ended, &["command_error", "type"]),
        "DeviceNotFound"
    );
    assert!(around.bell.wait(&around.clock, Default::default()));
    assert!(mark.exists(), "Ironic may not have asked yet");
    assert_eq!(engine.list().len(), 1);
}

#[test]
fn a_command_the_agent_died_in_is_failed_until_the_next_one() {
    let mut around = Surroundings::new();
    let go = around.hold_lookups();
    let body = r#"{"name":"deploy.execute_deploy_step","params":{"node":{},"ports":[],
        "step":{"step":"write_image","interface":"deploy","args":{"image_info":{"id":"x",
        "urls":["http://127.0.0.1:1/x"],"disk_format":"raw","os_hash_algo":"md5",
        "os_hash_value":"900150983cd24fb0d6963f7d28e17f72"}}}}}"#;
    let first = around.engine();
    let died = post(&first, body).expect("a good request");

    // A new process finds what the first one left; it may die as well before anybody asks.
    for _ in 0..2 {
        let second = around.again().engine();
        let list = second.list();
        assert_eq!(list.len(), 1);
        let entry = json(&list[0]);
        assert_eq!(text_at(&entry, &["id"]), died.id());
        assert_eq!(text_at(&entry, &["command_name"]), "execute_deploy_step");
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
        let details = text_at(&entry, &["command_error", "details"]);
        assert!(
            details.starts_with("the agent died while executing execute_deploy_step"),
            "{details}"
        );
    }
    let third = around.again().engine();
    post_and_wait(&third, r#"{"name":"standby.power_off","params":{}}"#);
    third.join();
    assert_eq!(third.list().len(), 2, "nothing is dropped");
    assert!(!around.host.run("command").exists());
    drop(go);
    died.wait();
    first.join();
}

#[test]
fn a_failure_nobody_has_asked_for_yet_is_not_lost_with_the_process() {
    let mut around = Surroundings::new();
    let first = around.engine();
    let failed = post_and_wait(&first, PREPARE);
    first.join();
    let list = around.again().engine().list();
    assert_eq!(list.len(), 1);
    let entry = json(&list[0]);
    assert_eq!(text_at(&entry, &["id"]), text_at(&failed, &["id"]));
    assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
    let why = text_at(&failed, &["command_error", "details"]);
    let kept = text_at(&entry, &["command_error", "details"]);
    assert!(kept.ends_with(why), "{kept}");
}

#[test]
fn a_mark_nobody_can_read_is_still_a_failure() {
    let mut around = Surroundings::new();
    let mark = around.host.run("command");
    fs::create_dir_all(mark.parent().expect("a directory")).expect("a directory in the scratch");
    for content in ["", "{}", "\u{0}\u{0}", r#"{"id":1,"name":2}"#, "[1]"] {
        fs::write(&mark, content).expect("a file in the scratch");
        let list = around.engine().list();
        assert_eq!(list.len(), 1, "{content:?}");
        let entry = json(&list[0]);
        assert_eq!(text_at(&entry, &["command_status"]), "FAILED");
    }
}

#[test]
fn what_ends_the_conversation_waits_for_the_reply() {
    for (name, done, status) in [
        ("standby.power_off", "power off", "SUCCEEDED"),
        ("standby.run_image", "reboot", "FAILED"),
        ("system.lockdown", "lock down", "SUCCEEDED"),
    ] {
        for answers in [true, false] {
            let mut around = Surroundings::new();
            let engine = around.engine();
            let body = format!(r#"{{"name":"{name}","params":{{}}}}"#);
            let entry = match answers {
                true => {
                    let entry = post(&engine, &body).expect("a good request");
                    entry.answered();
                    entry
                }
                false => post(&engine, &body).expect("a good request"),
            };
            engine.join();
            assert_eq!(around.told.all(), [done]);
            let waited = around.clock.elapsed().as_secs();
            // The fake clock moves by sleeping: the reply may have overtaken the wait for it.
            assert!(waited == 5 || answers && waited == 0, "{name}: {waited} s");
            assert_eq!(text_at(&json(&entry), &["command_status"]), status);
        }
    }
}

#[test]
fn a_command_that_was_refused_has_no_consequences() {
    let mut around = Surroundings::new();
    let engine = around.engine();
    let body = r#"{"name":"system.lockdown","params":{"when":"now"}}"#;
    let entry = post(&engine, body).expect("a well-formed request");
    entry.answered();
    engine.join();
    assert_eq!(text_at(&json(&entry), &["command_status"]), "FAILED");
    assert!(around.told.all().is_empty(), "{:?}", around.told.all());
}

#[test]
fn a_long_text_is_sent_once() {
    let mut around = Surroundings::new();
    fs::write(around.host.proc("cmdline"), "quiet ipa-agent-token=sesame").expect("a file");
    fs::write(around.host.proc("modules"), noise(20_000)).expect("a file");
    let engine = around.engine();
    let body = r#"{"name":"log.collect_system_logs","params":{}}"#;
    let entry = post(&engine, body).expect("a good request");
    let logs = text_at(&json(&entry), &["command_result", "system_logs"]).to_owned();
    let packed = ironlet::codec::base64::decode(&logs).expect("base64");
    let mut archive = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut archive)
        .expect("gzip");
    let text = String::from_utf8_lossy(&archive);
    assert!(text.contains("proc/cmdline") && text.contains("quiet ipa-agent-token=(secret)"));
    assert!(!text.contains("sesame"));
    assert_eq!(archive.len() % 512, 0);

    entry.answered();
    let kept = json(&entry);
    let kept = text_at(&kept, &["command_result", "system_logs"]);
    assert!(kept.contains("sent once"), "{kept}");
}

/// Text that does not compress.
fn noise(len: usize) -> String {
    let mut state = 1u32;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    });
    letters.take(len).collect()
}
