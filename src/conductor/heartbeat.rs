//! Tells Ironic where the agent listens, again and again, and at once when there is news.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::{debug, info, warn};

use super::lookup::encoded;
use super::{ApiVersion, Client, reply};
use crate::clock::{Bell, Clock};
use crate::codec::json;
use crate::net::address::configure;
use crate::net::http::client::{Fault, Method};
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

/// How often in a row Ironic refuses an agent that it has forgotten: once may be anything.
const REFUSALS: u32 = 3;

/// Why a heartbeat was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Miss {
    why: String,
    /// Of the answer, 0 if there was none.
    status: u16,
    /// Ironic itself was there, and does not know this token or this node.
    is_refusal: bool,
}

impl Heartbeat {
    /// Beats at once, then by the clock, and earlier when `bell` rings. After setting `stop`, ring. `forgotten` is told when
    /// Ironic does not know this agent any more, again at each further refusal.
    pub fn run(
        &self,
        client: &Client,
        clock: &Clock,
        bell: &Bell,
        stop: &AtomicBool,
        forgotten: &dyn Fn(),
    ) {
        let (mut last, mut here) = (None, self.is_ours());
        let mut standing = Standing::new(clock);
        while !stop.load(Ordering::SeqCst) {
            let outcome = self.beat(client);
            let next = standing.after(&outcome, clock.elapsed(), self.timeout);
            let interval = clock.between(next);
            note(&outcome, &mut last, interval);
            if let Some(told) = moved(&mut here, self.is_ours()) {
                warn!("{}: {told}", self.callback_url);
            }
            if standing.refusals >= REFUSALS {
                forgotten();
            }
            standing.has_news |= rest(clock, bell, stop, interval);
        }
    }

    fn beat(&self, client: &Client) -> Result<(), Miss> {
        let unheard = |fault: Fault| Miss {
            why: fault.to_string(),
            status: 0,
            is_refusal: false,
        };
        let path = format!("/v1/heartbeat/{}", encoded(&self.uuid));
        let answer = client
            .spoken(ApiVersion::AGENT_VERIFY_CA)
            .and_then(|version| {
                let body = self.body(version);
                client.call(Method::Post, &path, Some(version), Some(&body))
            })
            .map_err(unheard)?;
        match answer.status {
            202 => Ok(()),
            status => Err(Miss {
                why: answer.complaint(),
                status,
                // A web server before an Ironic that restarts knows nothing of tokens.
                is_refusal: matches!(status, 400 | 404) && reply::is_ironics_error(&answer.text),
            }),
        }
    }

    /// Does this machine have the address that Ironic calls back? Not where a name or another machine's address stands for it.
    fn is_ours(&self) -> bool {
        let host = url::parse(&self.callback_url).map(|url| url.reached());
        let ip = host.and_then(|host| host.parse::<IpAddr>().ok());
        let all = configure::list().unwrap_or_default();
        ip.is_some_and(|ip| all.iter().any(|assigned| assigned.address.ip == ip))
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

/// How the agent stands with Ironic.
struct Standing {
    /// There is something that a conductor waits for: the agent is there, or a command has ended.
    has_news: bool,
    /// In a row, up to now.
    failures: u32,
    /// Those of them that were refusals, in a row.
    refusals: u32,
    /// When a heartbeat was last taken, or the agent began.
    heard: Duration,
}

impl Standing {
    fn new(clock: &Clock) -> Self {
        Standing {
            has_news: true,
            failures: 0,
            refusals: 0,
            heard: clock.elapsed(),
        }
    }

    /// Within which time the next heartbeat is to come after one that ended so.
    ///
    /// A node that is locked is one for seconds. News and refusals are told again soon, and ever more slowly. All else takes its
    /// time: the hundreds that an Ironic missed while it was away do not come in the same seconds once it is back. Each comes
    /// before Ironic's patience is over, if it can.
    fn after(
        &mut self,
        outcome: &Result<(), Miss>,
        now: Duration,
        timeout: Duration,
    ) -> Range<Duration> {
        let (part, most) = (timeout.mul_f64(0.3), timeout.mul_f64(0.9));
        match outcome {
            Ok(()) => {
                *self = Standing {
                    has_news: false,
                    failures: 0,
                    refusals: 0,
                    heard: now,
                };
                part..2 * part
            }
            Err(miss) => {
                self.failures += 1;
                self.refusals = match miss.is_refusal {
                    true => self.refusals + 1,
                    false => 0,
                };
                // Once that is over there is no hurry any more.
                let patience = match (self.heard + most).saturating_sub(now) {
                    left if left > 2 * SOONEST => left.min(part),
                    _ => part,
                };
                let latest = match miss.status {
                    409 => 2 * SOONEST,
                    _ if self.has_news || miss.is_refusal => SOONEST * (1 << self.failures.min(6)),
                    _ => part,
                };
                SOONEST..latest.min(patience).max(2 * SOONEST)
            }
        }
    }
}

/// Until the interval is over; or the bell rang, but no sooner than after [`SOONEST`]; or `stop`. Did it ring?
fn rest(clock: &Clock, bell: &Bell, stop: &AtomicBool, interval: Duration) -> bool {
    let beaten = clock.elapsed();
    let (mut pause, mut rang) = (interval, false);
    loop {
        let left = pause.saturating_sub(clock.elapsed() - beaten);
        if left.is_zero() || stop.load(Ordering::SeqCst) {
            return rang;
        }
        if bell.wait(clock, left) {
            (pause, rang) = (pause.min(SOONEST), true);
        }
    }
}

/// What is to be said when the address is `now` one of this machine, or is not any more. Ironic takes no other callback URL for
/// as long as the machine is on (protocol/lifecycle.md §12), so the one it has stays.
fn moved(here: &mut bool, now: bool) -> Option<&'static str> {
    let told = match (*here, now) {
        (true, false) => Some(
            "this address is gone, and Ironic calls no other until the machine is started again; check the DHCP server's leases",
        ),
        (false, true) => Some("this address is this machine's again"),
        _ => None,
    };
    *here = now;
    told
}

/// One line per change, not per beat.
fn note(outcome: &Result<(), Miss>, last: &mut Option<Result<(), Miss>>, interval: Duration) {
    if last.as_ref() != Some(outcome) {
        match (outcome, &last) {
            (Ok(()), None) => info!("Ironic has heard the first heartbeat"),
            (Ok(()), Some(_)) => info!("Ironic hears the heartbeats again"),
            (Err(miss), _) => warn!("Ironic did not take the heartbeat: {}", miss.why),
        }
        *last = Some(outcome.clone());
    }
    debug!("next heartbeat in {interval:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_goes_or_comes_is_said_once() {
        let mut here = true;
        let told = [true, false, false, true, true].map(|now| moved(&mut here, now).unwrap_or(""));
        let said: Vec<bool> = told.iter().map(|told| !told.is_empty()).collect();
        assert_eq!(said, [false, true, false, true, false]);
        assert!(told[1].contains("is gone") && told[3].contains("again"));
        // One that never was here says nothing.
        let mut elsewhere = false;
        assert_eq!(moved(&mut elsewhere, false), None);
    }

    #[test]
    fn whose_the_address_is_shows_in_the_url() {
        let of = |host: &str| Heartbeat {
            uuid: String::new(),
            callback_url: callback_url("https", host, 9999),
            token: None,
            agent_version: String::new(),
            certificate: None,
            timeout: Duration::ZERO,
        };
        for (host, ours) in [
            ("127.0.0.1", true),
            ("192.0.2.77", false),
            ("2001:db8::77", false),
            ("node.test", false),
        ] {
            assert_eq!(of(host).is_ours(), ours, "{host}");
        }
    }
}
