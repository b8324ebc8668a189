//! One GET by the agent's own HTTP client, for tests that only want to know whether the server is believed.

use std::time::Duration;

use ironlet::net::http::client::{Client, Fault, Method, Proxies, Request, Timeouts};
use ironlet::net::tls::trust_settings::Trust;

/// The status of `url`, or why there is none; neither connecting nor a read may take longer than `patience`.
pub fn get(trust: &Trust, url: &str, patience: Duration) -> Result<u16, Fault> {
    let timeouts = Timeouts {
        connect: patience,
        read: patience,
    };
    let client = Client::new(trust, &Proxies::default(), timeouts).expect("a client");
    let request = Request {
        method: Method::Get,
        url,
        headers: &[],
        body: None,
        verified: false,
    };
    client.send(&request).map(|response| response.status())
}
