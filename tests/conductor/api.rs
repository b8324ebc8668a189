//! One API behind several URLs, and the version both sides know.

use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::conductor::lookup::{Search, Unfound, lookup};
use ironlet::conductor::{ApiVersion, Client};

use crate::fake_conductor::{FakeConductor, Reply};
use crate::shared::{ROOT, client, http_client, root};

fn reply() -> Reply {
    Reply::new(
        200,
        r#"{"node": {"uuid": "u"}, "config": {"heartbeat_timeout": 300}}"#,
    )
}

fn search() -> Search<'static> {
    Search {
        addresses: &[],
        uuid: None,
        token: None,
        timeout: Duration::from_secs(600),
        interval: Duration::from_secs(1),
        uninspected: None,
        waits_for_token: false,
    }
}

#[test]
fn the_version_sent_is_what_both_know() {
    for (root, fixed, sent, tls) in [
        (Reply::new(200, ROOT), None, "1.62", true),
        (
            Reply::new(200, r#"{"default_version": {"version": "1.61"}}"#),
            None,
            "1.61",
            false,
        ),
        (
            Reply::new(200, r#"{"default_version": {"version": "1.67"}}"#),
            None,
            "1.62",
            false,
        ),
        (Reply::new(200, "<html>"), None, "1.31", true),
        (Reply::new(503, ""), None, "1.31", true),
        (Reply::new(503, ""), Some(ApiVersion(1, 50)), "1.50", false),
    ] {
        let ironic = FakeConductor::start(vec![
            ("GET / ", vec![root]),
            ("GET /v1/lookup", vec![reply()]),
        ]);
        let client = Client::new(http_client(), &[ironic.url()], None, fixed);
        lookup(&client, &Clock::fake(), &search()).expect("found");
        let seen = &ironic.seen_of("GET", "/v1/lookup")[0];
        assert_eq!(seen.header("x-openstack-ironic-api-version"), Some(sent));
        assert_eq!(client.auto_tls(), tls, "{sent}");
    }
}

#[test]
fn another_url_is_tried_and_preferred_from_then_on() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = format!("http://{}", nobody.local_addr().expect("bound"));
    drop(nobody);
    let ironic = FakeConductor::start(vec![root(), ("GET /v1/lookup", vec![reply()])]);
    let cutting = FakeConductor::start(vec![("GET", vec![Reply::raw("")])]);
    let several = client(&[dead.clone(), cutting.url(), ironic.url()]);
    lookup(&several, &Clock::fake(), &search()).expect("found");
    assert_eq!(several.urls(), [ironic.url(), dead.clone(), cutting.url()]);
    assert_eq!(
        cutting.seen().len(),
        1,
        "one that failed is not asked again"
    );

    let alone = client(std::slice::from_ref(&dead));
    let outcome = lookup(&alone, &Clock::fake(), &search());
    let Err(Unfound::GaveUp(error)) = outcome else {
        panic!("nobody answers")
    };
    assert!(
        error.details().contains(&dead) && error.details().contains("refuses"),
        "{error}"
    );
}
