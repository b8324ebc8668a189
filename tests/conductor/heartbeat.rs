//! Heartbeats: the recorded body, who counts as success, and every interval on a clock that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ironlet::clock::{Bell, Clock};
use ironlet::codec::json::{self, Fields, Object, Value};
use ironlet::conductor::heartbeat::{Heartbeat, callback_url};
use ironlet::conductor::{ApiVersion, Client};
use ironlet::secret::Secret;

use crate::fake_conductor::{FakeConductor, Reply, Seen};
use crate::shared::{TOKEN, client, http_client, recorded, root};

fn heartbeat() -> Heartbeat {
    Heartbeat {
        uuid: "d0b14430-d3a3-4290-a152-e1e829bdfb17".into(),
        callback_url: callback_url("https", "fd00::5", 9999),
        token: Some(Secret::new(TOKEN)),
        agent_version: "13.0.0".into(),
        certificate: Some("PEM\n".into()),
        timeout: Duration::from_secs(300),
    }
}

/// The heartbeats until there were `count`; `news` rings the bell while that one is being answered.
fn beats(replies: Vec<Reply>, count: usize, news: &[usize]) -> Vec<Seen> {
    let (clock, bell, stop) = (Clock::fake(), Bell::default(), Arc::<AtomicBool>::default());
    let (ringer, stopper, news) = (bell.clone(), stop.clone(), news.to_vec());
    let script = vec![root(), ("POST /v1/heartbeat/", replies)];
    let hook = move |number: usize| {
        // The first request asks for the version.
        let beat = number - 1;
        if beat == count {
            stopper.store(true, Ordering::SeqCst);
        }
        if beat == count || news.contains(&beat) {
            ringer.ring();
        }
    };
    let ironic = FakeConductor::with(script, clock.clone(), None, Box::new(hook));
    heartbeat().run(&client(&[ironic.url()]), &clock, &bell, &stop, &|| ());
    ironic.seen_of("POST", "/v1/heartbeat/")
}

fn pauses(beats: &[Seen]) -> Vec<f64> {
    let pairs = beats.windows(2);
    pairs
        .map(|pair| (pair[1].at - pair[0].at).as_secs_f64())
        .collect()
}

fn object(text: &str) -> Object {
    match json::parse(text) {
        Ok(Value::Object(object)) => object,
        _ => panic!("no object: {text}"),
    }
}

#[test]
fn the_recorded_heartbeat_is_repeated_word_for_word() {
    let wanted = recorded(2);
    let body = wanted
        .object("req_body")
        .expect("an object")
        .expect("a body");
    let sent = wanted
        .object("req_headers")
        .expect("an object")
        .expect("headers");
    let text = |name| body.string(name).expect("text").expect(name).to_owned();
    let stop = Arc::<AtomicBool>::default();
    let stopper = stop.clone();
    let hook = move |number| stopper.store(number == 2, Ordering::SeqCst);
    let script = vec![root(), ("POST /", vec![Reply::new(202, "")])];
    let ironic = FakeConductor::with(script, Clock::fake(), None, Box::new(hook));
    let id = sent
        .string("X-OpenStack-Request-ID")
        .expect("text")
        .map(str::to_owned);
    let client = Client::new(http_client(), &[ironic.url()], id, None);
    let heartbeat = Heartbeat {
        callback_url: callback_url("https", "172.22.0.50", 9999),
        token: Some(Secret::new(text("agent_token"))),
        certificate: Some(text("agent_verify_ca")),
        ..heartbeat()
    };
    heartbeat.run(&client, &Clock::fake(), &Bell::default(), &stop, &|| ());

    let seen = &ironic.seen_of("POST", "/")[0];
    assert_eq!(Ok(Some(seen.path.as_str())), wanted.string("path"));
    assert_eq!(
        json::print(&Value::Object(object(&seen.body))),
        json::print(&Value::Object(body.clone()))
    );
    for name in [
        "Accept",
        "Content-Type",
        "X-OpenStack-Ironic-API-Version",
        "X-OpenStack-Request-ID",
    ] {
        assert_eq!(
            Ok(seen.header(&name.to_ascii_lowercase())),
            sent.string(name),
            "{name}"
        );
    }
}

#[test]
fn an_older_api_is_spared_what_it_would_refuse() {
    for (version, fields) in [
        (ApiVersion(1, 31), vec!["callback_url"]),
        (ApiVersion(1, 36), vec!["agent_version", "callback_url"]),
        (
            ApiVersion(1, 62),
            vec!["agent_token", "agent_version", "callback_url"],
        ),
        (
            ApiVersion(1, 68),
            vec![
                "agent_token",
                "agent_verify_ca",
                "agent_version",
                "callback_url",
            ],
        ),
    ] {
        let stop = Arc::<AtomicBool>::default();
        let stopper = stop.clone();
        let hook = move |_| stopper.store(true, Ordering::SeqCst);
        let script = vec![("POST /", vec![Reply::new(202, "")])];
        let ironic = FakeConductor::with(script, Clock::fake(), None, Box::new(hook));
        let client = Client::new(http_client(), &[ironic.url()], None, Some(version));
        heartbeat().run(&client, &Clock::fake(), &Bell::default(), &stop, &|| ());
        let seen = &ironic.seen()[0];
        let body = object(&seen.body);
        assert_eq!(body.keys().map(String::as_str).collect::<Vec<_>>(), fields);
        assert_eq!(
            seen.header("x-openstack-ironic-api-version"),
            Some(version.to_string().as_str())
        );
    }
}

#[test]
fn the_first_beat_is_at_once_and_the_next_well_within_the_timeout() {
    let beats = beats(vec![Reply::new(202, "")], 30, &[]);
    assert_eq!(beats[0].at, Duration::ZERO);
    let pauses = pauses(&beats);
    assert_eq!(pauses.len(), 29);
    assert!(
        pauses.iter().all(|pause| (90.0..=180.0).contains(pause)),
        "{pauses:?}"
    );
    assert!(
        pauses.iter().any(|pause| (pause - pauses[0]).abs() > 1.0),
        "they vary"
    );
    assert!(
        beats.iter().all(|beat| beat.body == beats[0].body),
        "nothing changes in between"
    );
}

#[test]
fn only_202_is_success() {
    let replies = vec![
        Reply::new(409, r#"{"error_message": {"faultstring": "locked"}}"#),
        Reply::new(200, ""),
        Reply::new(204, ""),
        Reply::new(400, ""),
        Reply::new(503, ""),
        Reply::raw(""),
        Reply::new(202, ""),
    ];
    let pauses = pauses(&beats(replies, 8, &[]));
    // The first heartbeat is news: told again soon, and ever more slowly.
    for (pause, latest) in pauses.iter().zip([10.0, 20.0, 40.0, 80.0, 90.0, 90.0]) {
        assert!((5.0..=latest).contains(pause), "{pauses:?}");
    }
    assert!((90.0..=180.0).contains(&pauses[6]), "{pauses:?}");
}

#[test]
fn a_locked_node_is_asked_for_again_soon_every_time() {
    let pauses = pauses(&beats(vec![Reply::new(409, "")], 12, &[]));
    let soon = pauses.iter().all(|pause| (5.0..=10.0).contains(pause));
    assert!(soon, "{pauses:?}");
}

#[test]
fn a_herd_that_an_ironic_missed_comes_back_spread_and_none_too_late() {
    let replies = || vec![Reply::new(202, ""), Reply::new(503, "")];
    let mut seconds = [0; 18];
    for _ in 0..200 {
        let beats = beats(replies(), 3, &[]);
        let (first, missed, again) = (beats[0].at, beats[1].at, beats[2].at);
        let pause = (again - missed).as_secs_f64();
        assert!((5.0..=90.0).contains(&pause), "{pause}");
        assert!((again - first).as_secs_f64() <= 270.0, "{beats:?}");
        seconds[(pause / 5.0) as usize % 18] += 1;
    }
    // Of 200 some 12 come in each of the 17 spans of 5 s; by the old rule all came in the first two.
    assert!(seconds.iter().all(|&in_it| in_it <= 36), "{seconds:?}");
    // An Ironic that stays away is not besieged by those it takes for gone.
    let besieged = beats(replies(), 40, &[]);
    let late = pauses(&besieged[20..]);
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    assert!(mean > 25.0, "{late:?}");
    // What a command's end has to say does not wait so long.
    let news = pauses(&beats(replies(), 3, &[1]));
    assert!((5.0..=10.0).contains(&news[1]), "{news:?}");
}

#[test]
fn an_agent_is_forgotten_when_ironic_says_so_three_times() {
    // Ironic 39's own, JSON in a string.
    let own = |status, why: &str| {
        let fault = format!(
            r#"{{\"faultcode\": \"Client\", \"faultstring\": \"{why}\", \"debuginfo\": null}}"#
        );
        Reply::new(status, &format!(r#"{{"error_message": "{fault}"}}"#))
    };
    let (taken, refused, gone) = (
        Reply::new(202, ""),
        own(400, "Invalid or missing agent token received."),
        own(404, "Node u could not be found."),
    );
    // Of whatever stands where Ironic's API was, and comes back.
    let pages = [
        Reply::raw(
            "HTTP/1.1 404 Not Found\r\nContent-Length: 26\r\n\r\n404 <h1>404 Not Found</h1>",
        ),
        Reply::new(404, "default backend - 404"),
        Reply::new(404, r#"{"error": {"code": 404, "title": "Not Found"}}"#),
        Reply::new(400, "<html><center>nginx</center></html>"),
        Reply::new(404, r#"{"error_message": ""}"#),
        Reply::new(400, ""),
    ];
    let page = |at: usize| pages[at].clone();
    for (replies, told) in [
        (pages.iter().cloned().cycle().take(30).collect(), 0),
        (vec![page(0)], 0),
        (
            vec![
                refused.clone(),
                gone.clone(),
                page(0),
                refused.clone(),
                gone.clone(),
                page(3),
            ],
            0,
        ),
        (vec![taken.clone(), refused.clone(), taken.clone()], 0),
        (
            vec![
                refused.clone(),
                gone.clone(),
                Reply::new(503, ""),
                refused.clone(),
                taken,
            ],
            0,
        ),
        (vec![refused.clone(), gone.clone(), gone], 1),
        (vec![refused], 3),
    ] {
        let (count, stop) = (replies.len().max(5), Arc::<AtomicBool>::default());
        let (stopper, bell) = (stop.clone(), Bell::default());
        let hook = move |number| stopper.store(number > count, Ordering::SeqCst);
        let script = vec![root(), ("POST /", replies)];
        let ironic = FakeConductor::with(script, Clock::fake(), None, Box::new(hook));
        let forgotten = AtomicUsize::default();
        let note = || {
            forgotten.fetch_add(1, Ordering::SeqCst);
        };
        heartbeat().run(
            &client(&[ironic.url()]),
            &Clock::fake(),
            &bell,
            &stop,
            &note,
        );
        let forgotten = forgotten.load(Ordering::SeqCst);
        assert!(
            forgotten.min(3) >= told && (told > 0 || forgotten == 0),
            "{forgotten} {told}"
        );
    }
}

#[test]
fn news_goes_out_soon_but_never_sooner_than_5_seconds() {
    let pauses = pauses(&beats(vec![Reply::new(202, "")], 6, &[1, 2, 4]));
    for (pause, forced) in pauses.iter().zip([true, true, false, true, false]) {
        match forced {
            true => assert_eq!(*pause, 5.0, "{pauses:?}"),
            false => assert!(*pause >= 90.0, "{pauses:?}"),
        }
    }
}

#[test]
fn a_callback_url_is_one() {
    assert_eq!(
        callback_url("https", "fd00::5", 9999),
        "https://[fd00::5]:9999"
    );
    assert_eq!(callback_url("http", "10.0.0.5", 80), "http://10.0.0.5:80");
}
