//! Tells Ironic where the agent listens, again and again, and at once when there is news.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::{debug, info, warn};

use super::lookup::encoded;
use super::{ApiVersion, Client};
use crate::clock::{Bell, Clock};
use crate::codec::json;
use crate::net::http::client::Method;
use crate::net::http::url;
use crate::secret::Secret;

/// All of it stays the same as long as the agent lives: Ironic refuses a change.
pub struct Heartbeat {
    /// Of the node.
    pub uuid: String,
    /// Where the agent can be called, as `callback_url` makes it.
    pub callback_url: String,
    /// From the lookup; without one Ironic takes the heartbeat only while it has none itself.
    pub token: Option<Secret>,
    /// Of the agent, in Ironic's `agent_version`.
    pub agent_version: String,
    /// PEM of the certificate the agent made, if it did.
    pub certificate: Option<String>,
    /// Within which Ironic wants to hear the next one.
    pub timeout: Duration,
}

/// `https://[fd00::5]:9999`
pub fn callback_url(protocol: &str, host: &str, port: u16) -> String {
    format!("{protocol}://{}", url::place(host, port))
}

// protocol/lifecycle.md §12
const SOONEST: Duration = Duration::from_secs(5);
const AFTER_ERROR: std::ops::Range<Duration> = SOONEST..Duration::from_secs(10);

impl Heartbeat {
    /// Beats at once, then by the clock, and earlier when `bell` rings. After setting `stop`, ring.
    pub fn run(&self, client: &Client, clock: &Clock, bell: &Bell, stop: &AtomicBool) {
        let mut last = None;
        while !stop.load(Ordering::SeqCst) {
            let outcome = self.beat(client);
            let interval = match &outcome {
                Ok(()) => clock.between(self.timeout.mul_f64(0.3)..self.timeout.mul_f64(0.6)),
                Err(_) => clock.between(AFTER_ERROR),
            };
            note(&outcome, &mut last, interval);
            rest(clock, bell, stop, interval);
        }
    }

    fn beat(&self, client: &Client) -> Result<(), String> {
        let path = format!("/v1/heartbeat/{}", encoded(&self.uuid));
        let answer = client
            .spoken(ApiVersion::AGENT_VERIFY_CA)
            .and_then(|version| {
                let body = self.body(version);
                client.call(Method::Post, &path, Some(version), Some(&body))
            })
            .map_err(|fault| fault.to_string())?;
        match answer.status {
            202 => Ok(()),
            _ => Err(answer.complaint()),
        }
    }

    fn body(&self, version: ApiVersion) -> String {
        let mut body = json::Object::new();
        let mut add = |name: &str, value| body.insert(name.to_owned(), value);
        add("callback_url", json::text(self.callback_url.as_str()));
        if version >= ApiVersion::AGENT_TOKEN {
            add(
                "agent_token",
                json::text_or_null(self.token.as_ref().map(Secret::expose)),
            );
        }
        if version >= ApiVersion::AGENT_VERSION {
            add("agent_version", json::text(self.agent_version.as_str()));
        }
        if let Some(certificate) = &self.certificate
            && version >= ApiVersion::AGENT_VERIFY_CA
        {
            add("agent_verify_ca", json::text(certificate.as_str()));
        }
        json::print(&json::Value::Object(body))
    }
}

/// Until the interval is over; or the bell rang, but no sooner than after [`SOONEST`]; or `stop`.
fn rest(clock: &Clock, bell: &Bell, stop: &AtomicBool, interval: Duration) {
    let beaten = clock.elapsed();
    let mut pause = interval;
    loop {
        let left = pause.saturating_sub(clock.elapsed() - beaten);
        if left.is_zero() || stop.load(Ordering::SeqCst) {
            return;
        }
        if bell.wait(clock, left) {
            pause = pause.min(SOONEST);
        }
    }
}

/// One line per change, not per beat.
fn note(outcome: &Result<(), String>, last: &mut Option<Result<(), String>>, interval: Duration) {
    if last.as_ref() != Some(outcome) {
        match (outcome, &last) {
            (Ok(()), None) => info!("Ironic has heard the first heartbeat"),
            (Ok(()), Some(_)) => info!("Ironic hears the heartbeats again"),
            (Err(reason), _) => warn!("Ironic did not take the heartbeat: {reason}"),
        }
        *last = Some(outcome.clone());
    }
    debug!("next heartbeat in {interval:?}");
}
