//! Version, lookup and token: every reply Ironic can give, and the recorded exchange word for word.

use std::thread;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::codec::json::{self, Fields, Value};
use ironlet::conductor::Client;
use ironlet::conductor::lookup::{Enrolment, Search, Unfound, lookup};
use ironlet::error::Kind;
use ironlet::net::http::client::{self, Proxies, Timeouts};
use ironlet::net::tls::trust_settings::{Trust, Version};
use ironlet::secret::Secret;

use crate::fake_conductor::{FakeConductor, Reply, Script};
use crate::shared::{TOKEN, client as conductor_client, http_client, recorded, root};

fn reply_to(at: usize) -> Reply {
    Reply::new(
        200,
        &json::print(recorded(at).field("resp_body").expect("a body")),
    )
}

fn search<'a>(addresses: &'a [String], token: Option<&'a Secret>) -> Search<'a> {
    Search {
        addresses,
        uuid: None,
        token,
        timeout: Duration::from_secs(600),
        interval: Duration::from_secs(1),
        uninspected: None,
        waits_for_token: false,
    }
}

fn enrol(
    replies: Vec<Reply>,
    token: Option<&Secret>,
) -> (Result<Enrolment, Unfound>, FakeConductor, Clock) {
    let clock = Clock::fake();
    let script: Script = vec![root(), ("GET /v1/lookup", replies)];
    let ironic = FakeConductor::with(script, clock.clone(), None, Box::new(drop));
    let addresses = ["52:54:00:aa:bb:01".to_owned()];
    let outcome = lookup(
        &conductor_client(&[ironic.url()]),
        &clock,
        &search(&addresses, token),
    );
    (outcome, ironic, clock)
}

fn reply(config: &str) -> Reply {
    Reply::new(
        200,
        &format!(r#"{{"node": {{"uuid": "u"}}, "config": {{"heartbeat_timeout": 300{config}}}}}"#),
    )
}

#[test]
fn the_recorded_enrolment_is_repeated_word_for_word() {
    let wanted = recorded(1);
    let sent = wanted
        .object("req_headers")
        .expect("headers")
        .expect("headers");
    let id = sent
        .string("X-OpenStack-Request-ID")
        .expect("text")
        .expect("an id");
    let ironic = FakeConductor::start(vec![
        ("GET / ", vec![reply_to(0)]),
        ("GET /v1/lookup", vec![reply_to(1)]),
    ]);
    let urls = [ironic.url() + "//"];
    let client = Client::new(http_client(), &urls, Some(id.to_owned()), None);
    let addresses = ["52:54:00:aa:bb:01".to_owned()];
    let enrolment = lookup(&client, &Clock::fake(), &search(&addresses, None)).expect("found");

    let seen = &ironic.seen_of("GET", "/v1/lookup")[0];
    assert_eq!(Ok(Some(seen.path.as_str())), wanted.string("path"));
    for name in [
        "Accept",
        "Content-Type",
        "X-OpenStack-Ironic-API-Version",
        "X-OpenStack-Request-ID",
    ] {
        let own = seen.header(&name.to_ascii_lowercase());
        assert_eq!(Ok(own), sent.string(name), "{name}");
    }
    assert_eq!(enrolment.uuid, "d0b14430-d3a3-4290-a152-e1e829bdfb17");
    assert_eq!(enrolment.heartbeat_timeout, Duration::from_secs(300));
    assert_eq!(enrolment.token.expect("a token").expose().len(), 43);
    assert_eq!(enrolment.tls_min, Some(Version::Tls13));
    assert_eq!(enrolment.md5_allowed, Some(true));
    assert_eq!(
        enrolment.permitted_formats.expect("formats"),
        ["raw", "gpt", "qcow2", "iso"]
    );
    assert!(enrolment.skips_bmc);
    let Value::Object(node) = &enrolment.node else {
        panic!("the node is an object")
    };
    assert!(
        node.object("driver_internal_info")
            .expect("an object")
            .is_some()
    );
}

#[test]
fn all_addresses_and_the_uuid_are_asked_for() {
    let ironic = FakeConductor::start(vec![root(), ("GET /v1/lookup", vec![reply("")])]);
    let addresses = ["aa:bb".to_owned(), "cc:dd".to_owned()];
    let search = Search {
        uuid: Some("a b"),
        ..search(&addresses, None)
    };
    lookup(&conductor_client(&[ironic.url()]), &Clock::fake(), &search).expect("found");
    let path = "/v1/lookup?addresses=aa%3Abb%2Ccc%3Add&node_uuid=a%20b";
    assert_eq!(ironic.seen_of("GET", "/v1/lookup")[0].path, path);
}

#[test]
fn every_unusable_reply_is_tried_again() {
    let replies = vec![
        Reply::new(404, r#"{"error_message": {"faultstring": "Not found"}}"#),
        Reply::new(403, ""),
        Reply::new(500, "oops"),
        Reply::raw(""),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
        Reply::new(200, "not json"),
        Reply::new(200, &"[".repeat(100_000)),
        Reply::new(200, "[]"),
        Reply::new(200, "{}"),
        Reply::new(200, r#"{"node": {"uuid": "u"}}"#),
        Reply::new(200, r#"{"node": {}, "config": {"heartbeat_timeout": 300}}"#),
        Reply::new(
            200,
            r#"{"node": {"uuid": 7}, "config": {"heartbeat_timeout": 300}}"#,
        ),
        Reply::new(200, r#"{"node": {"uuid": "u"}, "config": {}}"#),
        Reply::new(
            200,
            r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": "soon"}}"#,
        ),
        Reply::new(
            200,
            r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": 0}}"#,
        ),
        Reply::new(
            200,
            r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": 18446744073709551615}}"#,
        ),
        Reply::new(
            201,
            r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": 300}}"#,
        ),
        reply(""),
    ];
    let count = replies.len();
    let (outcome, ironic, _) = enrol(replies, None);
    assert_eq!(outcome.expect("found at last").uuid, "u");
    assert_eq!(ironic.seen_of("GET", "/v1/lookup").len(), count);
    assert_eq!(
        ironic.seen_of("GET", "/").len(),
        count + 1,
        "the version is asked for once"
    );
}

#[test]
fn pauses_grow_to_a_minute_and_the_timeout_ends_it() {
    let (outcome, ironic, clock) = enrol(vec![Reply::new(404, r#"{"title": "Not here"}"#)], None);
    let Err(Unfound::GaveUp(error)) = outcome else {
        panic!("it never ends")
    };
    assert_eq!(error.kind(), Kind::LookupNodeError);
    assert!(
        error.details().contains("52:54:00:aa:bb:01") && error.details().contains("404: Not here")
    );
    assert_eq!(clock.elapsed(), Duration::from_secs(600));
    let times: Vec<_> = ironic
        .seen_of("GET", "/v1/lookup")
        .iter()
        .map(|seen| seen.at)
        .collect();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (at, pause) in pauses.iter().enumerate() {
        // The first varies too: a herd that started together does not come back together.
        let ceiling = Duration::from_secs(60.min(1 << at.min(6))).max(Duration::from_millis(1500));
        let last = at + 1 == pauses.len();
        assert!(
            *pause <= ceiling && (last || pause.as_secs() >= 1),
            "{at}: {pause:?}"
        );
    }
    assert!(
        times.len() > 12,
        "600 s hold more attempts than {}",
        times.len()
    );
}

#[test]
fn a_locked_node_is_asked_for_less_and_less_often() {
    let locked = Reply::new(
        409,
        r#"{"error_message": {"faultstring": "Node is locked"}}"#,
    );
    let (outcome, ironic, _) = enrol(
        vec![
            locked.clone(),
            locked.clone(),
            locked.clone(),
            locked,
            reply(""),
        ],
        None,
    );
    outcome.expect("found");
    let times: Vec<_> = ironic
        .seen_of("GET", "/v1/lookup")
        .iter()
        .map(|seen| seen.at)
        .collect();
    for (pair, (least, most)) in
        times
            .windows(2)
            .zip([(6.0, 6.5), (11.0, 12.0), (31.0, 34.0), (31.0, 38.0)])
    {
        let pause = (pair[1] - pair[0]).as_secs_f64();
        assert!((least..=most).contains(&pause), "{pause}");
    }
}

#[test]
fn the_token_is_kept_replaced_or_lost() {
    let known = Secret::new("known before");
    let taken = r#", "agent_token": "******""#;
    let fresh = format!(r#", "agent_token": "{TOKEN}""#);
    for (config, known, token) in [
        (fresh.as_str(), None, Some(TOKEN)),
        (&fresh, Some(&known), Some(TOKEN)),
        (taken, Some(&known), Some("known before")),
        (
            r#", "agent_token": null"#,
            Some(&known),
            Some("known before"),
        ),
        (
            r#", "agent_token": "short""#,
            Some(&known),
            Some("known before"),
        ),
        (r#", "agent_token": 7"#, Some(&known), Some("known before")),
        ("", None, None),
    ] {
        let enrolment = enrol(vec![reply(config)], known).0.expect(config);
        assert_eq!(
            enrolment.token.as_ref().map(Secret::expose),
            token,
            "{config}"
        );
    }
    let (outcome, ironic, _) = enrol(vec![reply(taken)], None);
    assert!(
        matches!(outcome, Err(Unfound::TokenTaken(error)) if error.details().contains("given the agent token away"))
    );
    assert_eq!(
        ironic.seen_of("GET", "/v1/lookup").len(),
        1,
        "it is not asked again"
    );
}

#[test]
fn an_answer_that_is_slow_to_come_is_waited_for_as_it_has_the_token() {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(400),
    };
    let http = client::Client::new(&Trust::default(), &Proxies::default(), timeouts);
    let http = http.expect("a client");
    let script = vec![
        root(),
        (
            "GET /v1/lookup",
            vec![
                reply(&format!(r#", "agent_token": "{TOKEN}""#)),
                reply(r#", "agent_token": "******""#),
            ],
        ),
    ];
    // As an Ironic that has a thousand to answer.
    let hook = |number| {
        if number == 2 {
            thread::sleep(Duration::from_millis(800));
        }
    };
    let ironic = FakeConductor::with(script, Clock::fake(), None, Box::new(hook));
    let conductor = Client::new(http, &[ironic.url()], None, None);
    let addresses = ["aa:bb".to_owned()];
    let enrolment = lookup(&conductor, &Clock::fake(), &search(&addresses, None)).expect("found");
    assert_eq!(enrolment.token.as_ref().map(Secret::expose), Some(TOKEN));
    assert_eq!(ironic.seen_of("GET", "/v1/lookup").len(), 1);
}

#[test]
fn where_nobody_can_reset_the_machine_the_token_is_waited_for() {
    let taken = || reply(r#", "agent_token": "******""#);
    let fresh = reply(&format!(r#", "agent_token": "{TOKEN}""#));
    for (replies, seconds, found) in [
        (vec![taken(), taken(), taken(), fresh], 600, true),
        (vec![taken()], 600, false),
    ] {
        let ironic = FakeConductor::start(vec![root(), ("GET /v1/lookup", replies)]);
        let (addresses, clock) = (["aa:bb".to_owned()], Clock::fake());
        let search = Search {
            waits_for_token: true,
            timeout: Duration::from_secs(seconds),
            ..search(&addresses, None)
        };
        match lookup(&conductor_client(&[ironic.url()]), &clock, &search) {
            Ok(enrolment) => {
                let token = enrolment.token.as_ref().map(Secret::expose);
                assert!(found && token == Some(TOKEN));
                assert_eq!(ironic.seen_of("GET", "/v1/lookup").len(), 4);
            }
            // In vain it ends as any other lookup, and a new process tries again.
            Err(Unfound::GaveUp(error)) => {
                assert!(!found && error.details().contains("token away"), "{error}");
                assert!(clock.elapsed() >= Duration::from_secs(600));
            }
            Err(Unfound::TokenTaken(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn settings_of_old_new_and_odd_ironics() {
    let old = Reply::new(200, r#"{"node": {"uuid": "u"}, "heartbeat_timeout": 60}"#);
    let enrolment = enrol(vec![old], None).0.expect("found");
    assert_eq!(enrolment.heartbeat_timeout, Duration::from_secs(60));
    assert!(enrolment.tls_min.is_none() && enrolment.md5_allowed.is_none() && !enrolment.skips_bmc);

    let odd = r#", "tls_min_version": "9", "agent_md5_checksum_enable": "no", "permitted_image_formats": ["raw", 1],
        "disable_deep_image_inspection": true, "enable_bios_bootloader_install": 1, "agent_skip_bmc_detect": [], "unheard_of": {"deep": [1]}, "metrics": null"#;
    let enrolment = enrol(vec![reply(odd)], None).0.expect("found");
    assert_eq!(enrolment.permitted_formats.expect("formats"), ["raw"]);
    assert_eq!(enrolment.any_format, Some(true));
    assert!(!enrolment.bios_bootloader);
    assert!(enrolment.tls_min.is_none() && enrolment.md5_allowed.is_none() && !enrolment.skips_bmc);

    let grub = r#", "enable_bios_bootloader_install": true"#;
    let enrolment = enrol(vec![reply(grub)], None).0.expect("found");
    assert!(enrolment.bios_bootloader);
}
