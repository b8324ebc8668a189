//! What several of these tests need: clients, Ironic's root document, the recorded exchange.

use std::time::Duration;

use ironlet::codec::json::{self, Object, Value};
use ironlet::conductor::Client;
use ironlet::net::http::client;
use ironlet::net::http::client::{Proxies, Timeouts};
use ironlet::net::tls::trust_settings::Trust;

use crate::fake_conductor::Reply;

pub const TOKEN: &str = "a-token-of-more-than-thirty-two-characters";
pub const ROOT: &str = r#"{"default_version": {"id": "v1", "version": "1.115"}}"#;

pub fn root() -> (&'static str, Vec<Reply>) {
    ("GET / ", vec![Reply::new(200, ROOT)])
}

pub fn http_client() -> client::Client {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(5),
    };
    client::Client::new(&Trust::default(), &Proxies::default(), timeouts).expect("a client")
}

pub fn client(urls: &[String]) -> Client {
    Client::new(http_client(), urls, None, None)
}

/// One of three recorded exchanges.
pub fn recorded(at: usize) -> Object {
    let text =
        std::fs::read_to_string("tests/fixtures/wire/enrol/enrol.jsonl").expect("the recording");
    match json::parse(text.lines().nth(at).expect("a line")) {
        Ok(Value::Object(exchange)) => exchange,
        _ => panic!("line {at} is no object"),
    }
}
