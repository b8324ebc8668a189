//! The post of an inspection: every answer the callback can give, and none.

use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::codec::json::{self, Fields, Object, Value};
use ironlet::conductor::inspection::{Callback, Unposted, body, error_text, post, urls};
use ironlet::error::Kind;
use ironlet::net::http::client::{self, Proxies, Timeouts};
use ironlet::net::tls::certificate::{self, Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::{Trust, Version};

use crate::dribbler::Dribbler;
use crate::fake_conductor::{FakeConductor, Reply, Seen};
use crate::shared::http_client;

const UUID: &str = "d0b14430-d3a3-4290-a152-e1e829bdfb17";
const PATH: &str = "/v1/continue_inspection";

/// What became of a post to a callback that answers like this, how long it took, and what was heard there.
fn posted(replies: Vec<Reply>) -> (Result<Option<String>, Unposted>, Duration, Vec<Seen>) {
    let clock = Clock::fake();
    let ironic = FakeConductor::with(
        vec![("POST /v1/continue_inspection", replies)],
        clock.clone(),
        None,
        Box::new(drop),
    );
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(200),
    };
    let http =
        client::Client::new(&Trust::default(), &Proxies::default(), timeouts).expect("a client");
    let callback = Callback {
        http: &http,
        urls: &[ironic.url() + PATH],
        request_id: Some("req-1"),
    };
    let outcome = post(&callback, &clock, r#"{"error":null}"#);
    (outcome, clock.elapsed(), ironic.seen_of("POST", PATH))
}

fn taken() -> Reply {
    Reply::new(202, &format!(r#"{{"uuid": "{UUID}"}}"#))
}

#[test]
fn what_is_taken_is_posted_once_as_upstream_posts_it() {
    let (outcome, _, seen) = posted(vec![taken()]);
    assert_eq!(outcome.expect("taken").as_deref(), Some(UUID));
    let [post] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(post.body, r#"{"error":null}"#);
    for (name, value) in [
        ("content-type", Some("application/json")),
        ("accept", Some("application/json")),
        ("x-openstack-request-id", Some("req-1")),
        ("x-openstack-ironic-api-version", None),
    ] {
        assert_eq!(post.header(name), value, "{name}");
    }
    for (answer, uuid) in [
        (r#"{"uuid": null}"#, None),
        ("{}", None),
        (r#"{"uuid": 7}"#, None),
        (r#"{"uuid": "", "more": [1]}"#, None),
        (r#"{"uuid": "../../v1/nodes?x=y"}"#, None),
    ] {
        let (outcome, _, seen) = posted(vec![Reply::new(200, answer)]);
        assert_eq!(outcome.expect("taken"), uuid, "{answer}");
        assert_eq!(seen.len(), 1, "{answer}");
    }
}

#[test]
fn what_will_be_the_same_next_time_is_told_once() {
    for (reply, said) in [
        (
            Reply::new(
                404,
                r#"{"error_message": {"faultstring": "Node was not found"}}"#,
            ),
            "HTTP status 404: Node was not found; is the node enrolled",
        ),
        (
            Reply::new(
                400,
                r#"{"error_message": {"faultstring": "no 'inventory'"}}"#,
            ),
            "HTTP status 400: no 'inventory'",
        ),
        (Reply::new(401, "who?"), "HTTP status 401: who?"),
        (Reply::new(413, "too large"), "HTTP status 413: too large"),
        (
            Reply::new(200, "<html>Welcome\nto nginx</html>"),
            "<html>Welcome to nginx</html>; that is not Ironic",
        ),
        (Reply::new(200, ""), "that is not Ironic"),
        (Reply::new(202, "[]"), "that is not Ironic"),
        (Reply::new(202, &"[".repeat(100_000)), "that is not Ironic"),
    ] {
        let (outcome, took, seen) = posted(vec![reply]);
        let Err(Unposted::Refused(error)) = outcome else {
            panic!("{said}: {outcome:?}")
        };
        assert_eq!(error.kind(), Kind::InspectionError);
        assert!(error.details().contains(said), "{said}: {error}");
        assert!(error.details().len() < 1000, "{error}");
        assert_eq!((took, seen.len()), (Duration::ZERO, 1), "{said}");
    }
}

#[test]
fn what_may_pass_is_tried_five_times_with_upstream_s_pauses() {
    for (reply, said, is_silent) in [
        (
            Reply::new(409, r#"{"faultstring": "Node is locked"}"#),
            "HTTP status 409: Node is locked (the node is locked in Ironic)",
            false,
        ),
        (Reply::new(500, "oops"), "HTTP status 500: oops", false),
        (
            Reply::new(503, "<h1>no server\nis available</h1>"),
            "HTTP status 503: <h1>no server is available</h1>",
            false,
        ),
        (Reply::raw(""), "POST http://127.0.0.1:", false),
        (
            Reply::raw("SSH-2.0-OpenSSH_9.2\r\n"),
            "POST http://127.0.0.1:",
            false,
        ),
        (Reply::stall(""), "sent nothing for 100.0ms", true),
        (
            Reply::stall("HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{"),
            "POST http://127.0.0.1:",
            true,
        ),
    ] {
        let clock = Clock::fake();
        let ironic = FakeConductor::with(
            vec![("POST /v1/continue_inspection", vec![reply])],
            clock.clone(),
            None,
            Box::new(drop),
        );
        let patience = match is_silent {
            true => Duration::from_millis(100),
            false => Duration::from_secs(20),
        };
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            read: patience,
        };
        let http = client::Client::new(&Trust::default(), &Proxies::default(), timeouts)
            .expect("a client");
        let callback = Callback {
            http: &http,
            urls: &[ironic.url() + PATH],
            request_id: None,
        };
        let Err(Unposted::GaveUp(error)) = post(&callback, &clock, "{}") else {
            panic!("{said}")
        };
        assert!(
            error
                .details()
                .starts_with("not posted in 5 attempts; the last: "),
            "{error}"
        );
        assert!(error.details().contains(said), "{said}: {error}");
        assert_eq!(clock.elapsed().as_secs(), 28, "{said}");
        // A server that is not heard in time may hear late itself.
        let at: Vec<_> = ironic.seen().iter().map(|seen| seen.at.as_secs()).collect();
        assert!(is_silent || at == [0, 5, 10, 16, 28], "{said}: {at:?}");
    }
    let passing = vec![
        Reply::new(409, ""),
        Reply::new(500, ""),
        Reply::raw(""),
        taken(),
    ];
    let (outcome, took, seen) = posted(passing);
    assert_eq!(outcome.expect("taken").as_deref(), Some(UUID));
    assert_eq!((took.as_secs(), seen.len()), (16, 4));
}

#[test]
fn an_answer_without_end_is_none() {
    let head = "HTTP/1.1 202 Accepted\r\nContent-Length: 99999\r\n\r\n{";
    let server = Dribbler::start((head, " "), Duration::from_millis(10));
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(50),
    };
    let http =
        client::Client::new(&Trust::default(), &Proxies::default(), timeouts).expect("a client");
    let callback = Callback {
        http: &http,
        urls: &[server.url("http") + PATH],
        request_id: None,
    };
    let started = Instant::now();
    let clock = Clock::fake();
    let Err(Unposted::GaveUp(error)) = post(&callback, &clock, "{}") else {
        panic!("it never ends")
    };
    assert!(started.elapsed() < Duration::from_secs(20), "{error}");
    assert_eq!(clock.elapsed().as_secs(), 28);
}

#[test]
fn of_several_urls_the_first_that_answers_decides() {
    let silent = "http://127.0.0.1:1".to_owned() + PATH;
    for (reply, is_taken) in [(taken(), true), (Reply::new(404, ""), false)] {
        let ironic = FakeConductor::start(vec![("POST /v1/continue_inspection", vec![reply])]);
        let never = FakeConductor::start(vec![]);
        let all = [&silent, &(ironic.url() + PATH), &(never.url() + PATH)].map(String::clone);
        let callback = Callback {
            http: &http_client(),
            urls: &all,
            request_id: None,
        };
        let outcome = post(&callback, &Clock::fake(), "{}");
        assert_eq!(outcome.is_ok(), is_taken);
        assert_eq!((ironic.seen().len(), never.seen().len()), (1, 0));
    }
    let callback = Callback {
        http: &http_client(),
        urls: &[silent.clone(), silent],
        request_id: None,
    };
    let clock = Clock::fake();
    let Err(Unposted::GaveUp(error)) = post(&callback, &clock, "{}") else {
        panic!("nobody is there")
    };
    assert_eq!(error.details().matches("refuses connections").count(), 2);
    assert_eq!(clock.elapsed().as_secs(), 28);
}

#[test]
fn a_callback_by_https_is_believed_as_ironic_is() {
    let address = "127.0.0.1".parse().expect("an address");
    let Own { certificate, key } =
        certificate::generate(address, "ironic", Curve::default()).expect("a certificate");
    let own = certificate.clone();
    let acceptor = || {
        let (certificate, key) = (own.as_bytes(), key.expose().as_bytes());
        Acceptor::new(certificate, key, Version::Tls12).expect("an acceptor")
    };
    for (trust, is_taken) in [
        (Trust::default(), false),
        (
            Trust {
                ca_pem: vec![certificate.clone().into_bytes()],
                ..Trust::default()
            },
            true,
        ),
        (
            Trust {
                insecure: true,
                ..Trust::default()
            },
            true,
        ),
    ] {
        let clock = Clock::fake();
        let script = vec![("POST /v1/continue_inspection", vec![taken()])];
        let ironic = FakeConductor::with(script, clock.clone(), Some(acceptor()), Box::new(drop));
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(5),
        };
        let http = client::Client::new(&trust, &Proxies::default(), timeouts).expect("a client");
        let callback = Callback {
            http: &http,
            urls: &[ironic.url() + PATH],
            request_id: None,
        };
        match post(&callback, &clock, "{}") {
            Ok(uuid) => assert_eq!((uuid.as_deref(), is_taken), (Some(UUID), true)),
            Err(Unposted::GaveUp(error)) => {
                assert!(
                    !is_taken && error.details().contains("certificate"),
                    "{error}"
                );
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_place_to_post_is_the_callback_s_or_below_each_api() {
    let list = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let api = list(&["http://a:6385", "https://b/baremetal//"]);
    let callback = list(&["http://c/v1/continue", "http://d"]);
    assert_eq!(urls(&callback, &api), callback);
    assert_eq!(
        urls(&[], &api),
        list(&[
            "http://a:6385/v1/continue_inspection",
            "https://b/baremetal/v1/continue_inspection"
        ])
    );
}

fn data(parts: &[(&str, usize)]) -> Object {
    let part = |(name, size): &(&str, usize)| ((*name).to_owned(), json::text("x".repeat(*size)));
    json::gather(parts.iter().map(part))
}

#[test]
fn the_error_is_always_there_and_lists_what_failed() {
    let told = |failures: &[&str]| {
        let mut failures: Vec<_> = failures.iter().map(|text| (*text).to_owned()).collect();
        let body = body(data(&[("inventory", 3)]), &mut failures);
        match json::parse(&body) {
            Ok(Value::Object(object)) => object,
            other => panic!("{other:?}"),
        }
    };
    let fine = told(&[]);
    assert!(matches!(fine.get("error"), Some(Value::Null)));
    let failed = told(&["collector a failed: b", "c"]);
    assert_eq!(
        failed.string("error"),
        Ok(Some(
            "The following errors were encountered:\n* collector a failed: b\n* c"
        ))
    );
    assert_eq!(failed.string("inventory"), Ok(Some("xxx")));
    assert_eq!(error_text(&[]), None);
}

#[test]
fn no_body_is_larger_than_ironic_reads_and_the_inventory_goes_last() {
    const MIB: usize = 1 << 20;
    for (parts, left, failures) in [
        (
            &[("inventory", MIB), ("logs", 14 * MIB)][..],
            &["error", "inventory", "logs"][..],
            0,
        ),
        (
            &[("inventory", MIB), ("logs", 15 * MIB)],
            &["error", "inventory"],
            1,
        ),
        (
            &[("inventory", 9 * MIB), ("dmi", 6 * MIB), ("data", 7 * MIB)],
            &["dmi", "error", "inventory"],
            1,
        ),
        (
            &[("inventory", 9 * MIB), ("dmi", 7 * MIB), ("data", 7 * MIB)],
            &["error", "inventory"],
            2,
        ),
        (
            &[("inventory", 17 * MIB), ("dmi", 1)],
            &["error", "inventory"],
            1,
        ),
    ] {
        let mut told = Vec::new();
        let body = body(data(parts), &mut told);
        let Ok(Value::Object(object)) = json::parse(&body) else {
            panic!("an object")
        };
        assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), left);
        assert_eq!(told.len(), failures, "{told:?}");
        assert!(body.len() < 16 * MIB || left.len() == 2, "{}", body.len());
        let error = object.string("error").expect("text or null");
        assert_eq!(error.is_some(), failures > 0);
    }
}
