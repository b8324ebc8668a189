//! Asks Ironic for the node with these MAC addresses until it answers or time is up.

use std::time::Duration;

use log::{info, warn};

pub use super::reply::Enrolment;
use super::reply::{self, Token};
use super::{ApiVersion, Client};
use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::logger::status;
use crate::secret::Secret;

/// Which node to ask for, and for how long.
pub struct Search<'a> {
    /// MAC addresses in the order of the inventory.
    pub addresses: &'a [String],
    /// From inspection, if that said.
    pub uuid: Option<&'a str>,
    /// Agreed on before, or left by a predecessor.
    pub token: Option<&'a Secret>,
    /// How long to keep asking.
    pub timeout: Duration,
    /// The shortest pause.
    pub interval: Duration,
    /// Why inspection, which came before, told Ironic nothing of this machine.
    pub uninspected: Option<&'a str>,
    /// Go on asking where Ironic has given the token away: nobody can switch this machine off and on, and Ironic may forget it.
    pub waits_for_token: bool,
}

/// Why the node was not found.
#[derive(Debug)]
pub enum Unfound {
    /// Time is up; a fresh start may do better.
    GaveUp(Error),
    /// Ironic gave the token to somebody and will not repeat it: this agent can never be trusted
    /// in this boot, and must keep quiet (protocol/lifecycle.md §10).
    TokenTaken(Error),
}

/// protocol/lifecycle.md §7
pub fn lookup(client: &Client, clock: &Clock, search: &Search) -> Result<Enrolment, Unfound> {
    const LONGEST: Duration = Duration::from_secs(60);
    let path = path(search);
    let hint = search
        .uninspected
        .map(|why| format!("; inspection failed before: {why}"));
    let hint = hint.unwrap_or_default();
    let started = clock.elapsed();
    let mut conflicts = 0;
    for failures in 1.. {
        let reason = match attempt(client, &path) {
            Ok((enrolment, token)) => match adopt(enrolment, token, search.token) {
                Err(Unfound::TokenTaken(error)) if search.waits_for_token => {
                    warn!("{error}; asking on until Ironic has forgotten that token");
                    error.details().to_owned()
                }
                done => return done,
            },
            Err(Miss::Locked(reason)) => {
                let pause = Duration::from_secs([5, 10, 30][conflicts.min(2)]);
                conflicts += 1;
                warn!("Ironic is busy with this node, next lookup in {pause:?} or more: {reason}");
                clock.sleep(pause);
                reason
            }
            Err(Miss::Other(reason)) => {
                warn!("this node is not found yet (attempt {failures}): {reason}{hint}");
                reason
            }
        };
        let left = search.timeout.saturating_sub(clock.elapsed() - started);
        if left.is_zero() {
            let text = format!(
                "no node with the addresses {} after {:?} and {failures} attempts; the last answer: {reason}{hint}",
                search.addresses.join(", "),
                search.timeout
            );
            return Err(Unfound::GaveUp(Error::new(Kind::LookupNodeError, text)));
        }
        clock.sleep(clock.backoff(failures, search.interval, LONGEST).min(left));
    }
    unreachable!("the loop has no end but its returns")
}

/// Why an attempt brought nothing.
enum Miss {
    /// The node is locked in Ironic.
    Locked(String),
    Other(String),
}

fn attempt(client: &Client, path: &str) -> Result<(Enrolment, Token), Miss> {
    let answer = client
        .spoken(ApiVersion::AGENT_TOKEN)
        // The token is told once: an answer that nobody waits for any more would cost this agent its node.
        .and_then(|version| client.ask_patiently(path, version))
        .map_err(|fault| Miss::Other(fault.to_string()))?;
    match answer.status {
        200 => reply::enrolment(&answer.text)
            .inspect(|_| status::stranger(None))
            .map_err(|error| Miss::Other(format!("unusable reply: {}", error.details()))),
        409 => Err(Miss::Locked(answer.complaint())),
        _ => {
            let complaint = answer.complaint();
            status::stranger(Some(complaint.clone()));
            Err(Miss::Other(complaint))
        }
    }
}

fn adopt(enrolment: Enrolment, token: Token, known: Option<&Secret>) -> Result<Enrolment, Unfound> {
    let token = match (token, known) {
        (Token::New(token), _) => Some(token),
        (Token::Taken, None) => {
            return Err(Unfound::TokenTaken(Error::new(
                Kind::LookupNodeError,
                "Ironic has given the agent token away already and this agent does not know it: \
                 was it restarted, or is another machine using these MAC addresses? Power-cycle the node through Ironic",
            )));
        }
        (Token::Taken | Token::Nothing, known) => known.cloned(),
    };
    info!("this is node {}", enrolment.uuid);
    Ok(Enrolment { token, ..enrolment })
}

fn path(search: &Search) -> String {
    let mut path = format!(
        "/v1/lookup?addresses={}",
        encoded(&search.addresses.join(","))
    );
    if let Some(uuid) = search.uuid {
        path += &format!("&node_uuid={}", encoded(uuid));
    }
    path
}

/// Percent-encodes all but the unreserved characters of RFC 3986 §2.3.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
