//! Servers and proxies that never come to an end: every wait has one, whatever comes and however little.

use std::thread;
use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::conductor;
use ironlet::conductor::lookup::{Search, Unfound, lookup};
use ironlet::net::http::client::{Cause, Client, Fault, Method, Proxies, Request, Timeouts};
use ironlet::net::tls::certificate::{self, Curve};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::{Trust, Version};

use crate::dribbler::{Dribbler, Speech};

const TICK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_millis(500);
/// What the client allows is four seconds, and the machine may be busy; a dribbler goes on for half a minute.
const LONGEST: Duration = Duration::from_secs(15);

fn client(trust: &Trust, proxies: &Proxies) -> Client {
    let timeouts = Timeouts {
        connect: PATIENCE,
        read: PATIENCE,
    };
    Client::new(trust, proxies, timeouts).expect("a client")
}

/// What becomes of a question for a text, and how long that took.
fn ask(client: &Client, url: &str) -> (Result<String, Fault>, Duration) {
    let started = Instant::now();
    let request = Request {
        method: Method::Get,
        url,
        headers: &[],
        body: None,
        verified: false,
    };
    let text = client.send(&request).and_then(|response| {
        let text = response.text(1 << 20);
        text.map_err(|error| Fault::new(Cause::Cut, error))
    });
    (text, started.elapsed())
}

/// Said by a server at once, and over and over.
const SPEECHES: [(&str, Speech); 9] = {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const LAST: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
    [
        ("a head", ("HTTP/1.1 200 OK\r\n", "X: y\r\n")),
        ("a line of a head", ("HTTP/1.1 200 OK\r\nX: ", "y")),
        ("empty lines", ("", "\r\n")),
        ("interim answers", ("", "HTTP/1.1 102 Processing\r\n\r\n")),
        ("the size of a chunk", (CHUNKED, "0")),
        ("an extension", (LAST_BUT_OPEN, "x")),
        ("trailers", (LAST, "T: x\r\n")),
        ("a trailer", (LAST, "x")),
        ("a body", ("HTTP/1.1 200 OK\r\n\r\n", "x")),
    ]
};
const LAST_BUT_OPEN: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;a=";

#[test]
fn answers_that_dribble_or_flood_end() {
    let tests = SPEECHES
        .iter()
        .flat_map(|speech| [(*speech, TICK), (*speech, Duration::ZERO)]);
    let threads: Vec<_> = tests
        .map(|((name, speech), pause)| {
            thread::spawn(move || {
                let server = Dribbler::start(speech, pause);
                let client = client(&Trust::default(), &Proxies::default());
                let (outcome, took) = ask(&client, &server.url("http"));
                let fault = outcome.expect_err(name);
                assert!(took < LONGEST, "{name}, {pause:?}: {took:?}");
                assert!(
                    fault.to_string().contains(&server.url("http")),
                    "{name}: {fault}"
                );
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("ended in time");
    }
}

#[test]
fn handshakes_tunnels_and_records_that_dribble_end() {
    let loopback = "127.0.0.1".parse().expect("an address");
    let own = certificate::generate(loopback, "host", Curve::P256).expect("a certificate");
    let (certificate, key) = (own.certificate.as_bytes(), own.key.expose().as_bytes());
    let acceptor = Acceptor::new(certificate, key, Version::Tls12).expect("usable");
    let trust = Trust {
        ca_pem: vec![own.certificate.clone().into_bytes()],
        ..Trust::default()
    };
    // RFC 8446 §5.1: a record of a handshake, of 8 KiB that come byte by byte.
    let server = Dribbler::start(("\x16\x03\x03\x20\x00", "x"), TICK);
    let (outcome, took) = ask(&client(&trust, &Proxies::default()), &server.url("https"));
    let fault = outcome.expect_err("a handshake");
    assert!(
        took < LONGEST && fault.cause == Cause::Timeout,
        "{took:?} {fault}"
    );

    let says = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n";
    let server = Dribbler::secure(acceptor, says, TICK * 5);
    let (outcome, took) = ask(&client(&trust, &Proxies::default()), &server.url("https"));
    let fault = outcome.expect_err("a record");
    assert!(
        took < LONGEST && fault.cause == Cause::Timeout,
        "{took:?} {fault}"
    );

    let proxy = Dribbler::start(("HTTP/1.1 200 OK\r\nX: ", "y"), TICK);
    let proxies = Proxies {
        https: Some(proxy.url("http")),
        ..Proxies::default()
    };
    let (outcome, took) = ask(&client(&trust, &proxies), "https://127.0.0.1/");
    let fault = outcome.expect_err("a tunnel");
    assert!(
        took < LONGEST && fault.cause == Cause::Proxy,
        "{took:?} {fault}"
    );
}

#[test]
fn a_lookup_is_asked_again_after_an_answer_without_end() {
    let server = Dribbler::start((LAST_BUT_OPEN, "x"), TICK);
    let http = client(&Trust::default(), &Proxies::default());
    let ironic = conductor::Client::new(http, &[server.url("http")], None, None);
    let addresses = ["52:54:00:12:34:01".to_owned()];
    let search = Search {
        addresses: &addresses,
        uuid: None,
        token: None,
        timeout: Duration::ZERO,
        interval: Duration::ZERO,
        uninspected: None,
        waits_for_token: false,
    };
    let started = Instant::now();
    let Err(Unfound::GaveUp(error)) = lookup(&ironic, &Clock::fake(), &search) else {
        panic!("nothing was found");
    };
    assert!(started.elapsed() < 2 * LONGEST, "{error}");
}
