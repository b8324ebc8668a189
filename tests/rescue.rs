//! The command that hands the machine over: what it writes, what it answers, what it must not say.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ironlet::rescue;
use ironlet::rescue::accounts;
use ironlet::system_root::SystemRoot;
use support::fake_agent::{Surroundings, post, post_and_wait, text_at};

const HASH: &str = "$5$rounds=5000$saltstringsaltst$a/LPcZ9Vd5Wm3nmEwC2Y9aWnqqNeRDFLPZvvIZkn4y7";

/// Its ramdisk has what a rescue needs.
fn built_for_it() -> Surroundings {
    let around = Surroundings::new();
    for program in [rescue::SHELL, rescue::SSH_SERVER] {
        let path = around.host.seen(program);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, "").expect("a file");
    }
    around
}

fn finalize(params: &str) -> String {
    format!(r#"{{"name":"rescue.finalize_rescue","params":{params}}}"#)
}

fn text(host: &SystemRoot, name: &str) -> String {
    fs::read_to_string(host.etc(name)).unwrap_or_default()
}

#[test]
fn the_hash_is_kept_as_ironic_sent_it_and_the_agent_hands_over() {
    let mut around = built_for_it();
    let engine = around.engine();
    let body = finalize(&format!(r#"{{"rescue_password":"{HASH}","hashed":true}}"#));
    let entry = post(&engine, &body).expect("a good request");
    // Ironic reads the first reply and no other.
    assert!(!entry.is_running());
    entry.answered();
    engine.join();
    assert_eq!(around.told.all(), ["hand over"]);
    let host = &around.host;
    let shadow = text(host, "shadow");
    assert_eq!(
        shadow,
        format!("root:*::0:99999:7:::\nrescue:{HASH}::0:99999:7:::\n")
    );
    let mode = fs::metadata(host.etc("shadow"))
        .expect("it is there")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(text(host, "passwd").contains("rescue:x:0:0:"));
    assert!(rescue::is_marked(host));
    for entry in engine.list() {
        assert!(!format!("{:?}", entry.to_json()).contains("saltstring"));
    }
}

#[test]
fn a_password_in_the_clear_is_hashed_here() {
    for params in [
        r#"{"rescue_password":"a word"}"#,
        r#"{"rescue_password":"a word","hashed":false}"#,
        r#"{"rescue_password":"a word","hashed":null}"#,
    ] {
        let mut around = built_for_it();
        let done = post_and_wait(&around.engine(), &finalize(params));
        assert_eq!(text_at(&done, &["command_status"]), "SUCCEEDED", "{params}");
        let shadow = text(&around.host, "shadow");
        assert!(
            shadow.contains("rescue:$6$") && !shadow.contains("a word"),
            "{shadow}"
        );
    }
}

#[test]
fn what_lets_nobody_in_is_failed_with_the_reason_and_hands_nothing_over() {
    let injected = r#"{"rescue_password":"$6$abcdefgh$abcdefghijk\nroot::0:0:::::","hashed":true}"#;
    for (params, why) in [
        ("{}", "1 to 255 bytes"),
        (
            r#"{"rescue_password":"","hashed":true}"#,
            "no hash of a kind",
        ),
        (
            r#"{"rescue_password":"clear","hashed":true}"#,
            "no hash of a kind",
        ),
        (injected, "no hash of a kind"),
        (
            r#"{"rescue_password":"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7","hashed":true}"#,
            "the kind $y$, which the login on this ramdisk's consoles cannot check; of $5$ and $6$ it can",
        ),
        (
            r#"{"rescue_password":"$2b$05$abcdefghijklmnopqrstuuXa1b2c3d4e5f6g7h8i9j0k1l2m3n4o","hashed":true}"#,
            "the kind $2b$",
        ),
        (
            r#"{"rescue_password":7,"hashed":true}"#,
            "'rescue_password' must be a string",
        ),
        (
            r#"{"rescue_password":"x","hashed":"yes"}"#,
            "'hashed' must be",
        ),
        (r#"{"password":"x"}"#, "has no argument 'password'"),
    ] {
        let mut around = built_for_it();
        let engine = around.engine();
        let done = post_and_wait(&engine, &finalize(params));
        engine.join();
        assert_eq!(text_at(&done, &["command_status"]), "FAILED", "{params}");
        let told = text_at(&done, &["command_error", "details"]);
        assert!(told.contains(why), "{params}: {told}");
        assert!(around.told.all().is_empty() && !rescue::is_marked(&around.host));
        assert_eq!(text(&around.host, "shadow"), "");
    }
}

#[test]
fn a_ramdisk_without_the_programs_names_the_one_that_has_them() {
    for lacking in [None, Some(rescue::SHELL), Some(rescue::SSH_SERVER)] {
        let mut around = match lacking {
            None => Surroundings::new(),
            Some(_) => built_for_it(),
        };
        if let Some(program) = lacking {
            fs::remove_file(around.host.seen(program)).expect("it was there");
        }
        let body = finalize(&format!(r#"{{"rescue_password":"{HASH}","hashed":true}}"#));
        let done = post_and_wait(&around.engine(), &body);
        let told = text_at(&done, &["command_error", "details"]);
        assert!(
            told.contains("--rescue") && told.contains(lacking.unwrap_or("busybox")),
            "{told}"
        );
    }
}

#[test]
fn keys_let_their_owners_in_and_no_password_does() {
    let around = Surroundings::new();
    let key =
        accounts::key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2ka5kZ0t me@home").expect("a key");
    accounts::make(&around.host, None).expect("a tree of our own");
    accounts::admit(&around.host, std::slice::from_ref(&key)).expect("a tree of our own");
    let shadow = text(&around.host, "shadow");
    assert!(
        shadow
            .lines()
            .all(|line| line.split(':').nth(1) == Some("*")),
        "{shadow}"
    );
    let path = around.host.seen("/root/.ssh/authorized_keys");
    assert_eq!(
        fs::read_to_string(&path).expect("it is there"),
        format!("{key}\n")
    );
    let mode = |path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(path.as_path()), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
}
