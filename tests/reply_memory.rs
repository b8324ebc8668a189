//! Ironic's replies: how much memory the largest of them take, however they are made.

#[path = "support/fake_conductor.rs"]
#[allow(dead_code)] // each test binary uses its part
mod fake_conductor;

use std::fs;
use std::time::Duration;

use fake_conductor::{FakeConductor, Reply};
use ironlet::clock::Clock;
use ironlet::conductor::Client;
use ironlet::conductor::lookup::{Search, Unfound, lookup};
use ironlet::net::http::client::{self, Proxies, Timeouts};
use ironlet::net::tls::trust_settings::Trust;

/// The largest reply that is read.
const LARGEST: usize = 8 << 20;

#[test]
fn the_largest_reply_costs_little_more_than_its_text() {
    let before = status("VmRSS:");
    let timeouts = Timeouts {
        connect: Duration::from_secs(30),
        read: Duration::from_secs(30),
    };
    for part in [
        "[", "{\"a\":", "0,", "\"\",", "[],", "{},", "a", " ", "\\u0041",
    ] {
        let start = match part {
            "0," | "\"\"," | "[]," | "{}," => "[",
            "\\u0041" => "\"",
            _ => "",
        };
        let body = start.to_owned() + &part.repeat((LARGEST - 1) / part.len());
        let replies = [200, 503].map(|status| Reply::new(status, &body)).to_vec();
        drop(body);
        let server = FakeConductor::start(vec![
            ("GET /v1", replies),
            ("GET /", vec![Reply::new(200, "{}")]),
        ]);
        let http = client::Client::new(&Trust::default(), &Proxies::default(), timeouts);
        let ironic = Client::new(http.expect("a client"), &[server.url()], None, None);
        let addresses = ["52:54:00:12:34:01".to_owned()];
        let search = Search {
            addresses: &addresses,
            uuid: None,
            token: None,
            timeout: Duration::from_secs(1),
            interval: Duration::from_secs(1),
            uninspected: None,
            waits_for_token: false,
        };
        fs::write("/proc/self/clear_refs", "5").expect("resets the high-water mark");
        let Err(Unfound::GaveUp(error)) = lookup(&ironic, &Clock::fake(), &search) else {
            panic!("{part}: no node is there");
        };
        let peak = status("VmHWM:");
        println!("{part:8}: {} MiB", (peak - before) >> 10);
        assert!(server.seen().len() > 2, "both replies were read");
        // The server's own copies are in it, and what was left of the part before.
        assert!(peak - before < 96 << 10, "{part}: {before} {peak}");
        assert!(error.details().len() < 1000, "{error}");
    }
}

/// A figure of this process, in KiB.
fn status(name: &str) -> usize {
    let text = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let words = line.and_then(|line| line.split_whitespace().next());
    words.and_then(|word| word.parse().ok()).expect("a number")
}
