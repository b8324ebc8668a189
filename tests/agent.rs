//! The agent as a whole, on a machine that is a directory: what one process leaves to the next.

#[path = "support/fake_conductor.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod fake_conductor;
#[path = "support/scratch.rs"]
#[allow(dead_code)]
mod scratch;

use std::fs;

use fake_conductor::{FakeConductor, Reply};
use ironlet::agent::{self, Surroundings};
use ironlet::rescue;
use scratch::Scratch;

const TOKEN: &str = "a-token-of-more-than-thirty-two-characters";

#[test]
fn a_token_is_kept_whatever_fails_after_it_was_told() {
    let root = r#"{"default_version": {"version": "1.115"}}"#;
    let enrolled = format!(
        r#"{{"node": {{"uuid": "u"}}, "config": {{"heartbeat_timeout": 300, "agent_token": "{TOKEN}"}}}}"#
    );
    let ironic = FakeConductor::start(vec![
        ("GET / ", vec![Reply::new(200, root)]),
        ("GET /v1/lookup", vec![Reply::new(200, &enrolled)]),
    ]);
    let scratch = Scratch::new();
    let surroundings = Surroundings {
        root: scratch.path("root"),
        command_line: Some(format!(
            "ipa-api-url={} ipa-network-interface=none-such ipa-ip-lookup-attempts=1",
            ironic.url()
        )),
        allowed_disks: Vec::new(),
    };
    let host = surroundings.host();
    let error = agent::run(surroundings).expect_err("there is no such interface");
    assert!(error.details().contains("none-such"), "{error}");
    let kept = fs::read_to_string(host.run("session")).expect("a session");
    assert!(kept.contains(TOKEN));
}

#[test]
fn a_machine_that_is_its_tenants_is_left_alone() {
    let ironic = FakeConductor::start(vec![]);
    let scratch = Scratch::new();
    let surroundings = Surroundings {
        root: scratch.path("root"),
        command_line: Some(format!("ipa-api-url={}", ironic.url())),
        allowed_disks: Vec::new(),
    };
    rescue::mark(&surroundings.host()).expect("a tree of our own");
    // Its end is that of an agent whose work is done: none is started again.
    agent::run(surroundings).expect("nothing to do");
    assert!(ironic.seen().is_empty());
}

/// What an agent asks for once it has found, in `/run`, what another one left.
#[test]
fn only_the_same_agent_is_taken_over() {
    let root = r#"{"default_version": {"version": "1.115"}}"#;
    let enrolled =
        r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": 300, "agent_token": "******"}}"#;
    let scratch = Scratch::new();
    let ironic = || {
        let told = format!(
            r#"{{"node": {{"uuid": "u"}}, "config": {{"heartbeat_timeout": 300, "agent_token": "{TOKEN}"}}}}"#
        );
        FakeConductor::start(vec![
            ("GET / ", vec![Reply::new(200, root)]),
            (
                "GET /v1/lookup",
                vec![Reply::new(200, &told), Reply::new(200, enrolled)],
            ),
        ])
    };
    let (first, second) = (ironic(), ironic());
    // With a port out of reach each of them ends when it wants to know its address.
    let run = |ironic: &FakeConductor, more: &str| {
        let surroundings = Surroundings {
            root: scratch.path("root"),
            command_line: Some(format!(
                "ipa-api-url={} ipa-network-interface=none-such ipa-ip-lookup-attempts=1 {more}",
                ironic.url()
            )),
            allowed_disks: Vec::new(),
        };
        let host = surroundings.host();
        for name in ["command", "written"] {
            fs::create_dir_all(host.run("")).expect("a directory");
            fs::write(host.run(name), "{}").expect("written");
        }
        // Without the token it would lock down, and without an address it ends later.
        let error = agent::run(surroundings).expect_err("neither is to be had here");
        let known = error.details().contains("none-such");
        (
            known,
            host.run("command").exists(),
            host.run("written").exists(),
        )
    };
    assert_eq!(
        run(&first, ""),
        (true, true, true),
        "the token is told once"
    );
    assert_eq!(
        run(&first, ""),
        (true, true, true),
        "the same agent knows it"
    );
    let port = "ipa-advertise-port=9998 ipa-listen-port=9998";
    assert_eq!(run(&first, port), (false, false, false), "another port");
    assert_eq!(
        run(&second, ""),
        (true, false, false),
        "another Ironic, which tells its own token"
    );
    assert_eq!(
        run(&first, ""),
        (false, false, false),
        "and the first one again"
    );
}

/// What comes after an agent whose heartbeats Ironic refused.
#[test]
fn a_refused_agent_knows_its_token_until_it_is_told_another() {
    const OTHER: &str = "another-token-of-more-than-thirty-two-characters";
    let root = r#"{"default_version": {"version": "1.115"}}"#;
    let told = |token: &str| {
        let config = format!(r#"{{"heartbeat_timeout": 300, "agent_token": "{token}"}}"#);
        Reply::new(
            200,
            &format!(r#"{{"node": {{"uuid": "u"}}, "config": {config}}}"#),
        )
    };
    let lookups = vec![told(TOKEN), told("******"), told(OTHER)];
    let ironic = FakeConductor::start(vec![
        ("GET / ", vec![Reply::new(200, root)]),
        ("GET /v1/lookup", lookups),
    ]);
    let scratch = Scratch::new();
    for (token, did_work) in [(TOKEN, true), (TOKEN, true), (OTHER, false)] {
        let surroundings = Surroundings {
            root: scratch.path("root"),
            command_line: Some(format!(
                "ipa-api-url={} ipa-network-interface=none-such ipa-ip-lookup-attempts=1 ironlet.no-bmc=1",
                ironic.url()
            )),
            allowed_disks: Vec::new(),
        };
        let host = surroundings.host();
        fs::create_dir_all(host.run("")).expect("a directory");
        fs::write(host.run("command"), "{}").expect("written");
        let error = agent::run(surroundings).expect_err("there is no such interface");
        assert!(error.details().contains("none-such"), "{error}");
        let kept = fs::read_to_string(host.run("session")).expect("a session");
        let heard = kept.replace(' ', "");
        assert!(heard.contains(&format!(r#""token":"{token}""#)), "{kept}");
        assert!(heard.contains(r#""refused":false"#), "{kept}");
        assert_eq!(host.run("command").exists(), did_work, "{token}");
        let refused = heard.replace(r#""refused":false"#, r#""refused":true"#);
        fs::write(host.run("session"), refused).expect("written");
    }
}
