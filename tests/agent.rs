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
