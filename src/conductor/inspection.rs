//! Posts what an inspection found to Ironic, which answers with the node it belongs to.

use std::fmt;
use std::time::Duration;

use log::{error, info, warn};

use super::{ANSWER_LIMIT, Answer};
use crate::clock::Clock;
use crate::codec::json::{self, Object, Value};
use crate::codec::json_low_memory::parse_all;
use crate::codec::uuid;
use crate::error::{Error, Kind};
use crate::net::http::client;
use crate::net::http::client::{Method, Request};
use crate::secret::redacted;

/// Where to post, and what else the post says.
pub struct Callback<'a> {
    /// By the rules that hold for all calls to Ironic.
    pub http: &'a client::Client,
    /// Whole URLs, tried in turn.
    pub urls: &'a [String],
    /// For `X-OpenStack-Request-ID`.
    pub request_id: Option<&'a str>,
}

/// Why Ironic did not take it.
#[derive(Debug)]
pub enum Unposted {
    /// It was heard and is not wanted: the same again would change nothing.
    Refused(Error),
    /// Nobody took it, however often; a fresh start may do better.
    GaveUp(Error),
}

// protocol/inventory.md §9: what tenacity makes of upstream's numbers.
const PAUSES: [u64; 4] = [5, 5, 6, 12];

/// `[api]max_json_body_size_inspection`
const BODY_LIMIT: usize = 16 << 20;

/// Where to post: `callback`, or the place below each API URL that Ironic has for it.
pub fn urls(callback: &[String], api: &[String]) -> Vec<String> {
    if !callback.is_empty() {
        return callback.to_vec();
    }
    let below = |url: &String| format!("{}/v1/continue_inspection", url.trim_end_matches('/'));
    api.iter().map(below).collect()
}

/// What `error` holds: none if nothing failed.
pub fn error_text(failures: &[String]) -> Option<String> {
    let lines = failures.iter().map(|failure| format!("\n* {failure}"));
    let lines: String = lines.collect();
    (!lines.is_empty()).then(|| format!("The following errors were encountered:{lines}"))
}

/// The data as Ironic takes it: with `error`, and no larger than it reads. What is too large is left out, the largest
/// part first and the inventory last, and is one more of the `failures`.
pub fn body(data: Object, failures: &mut Vec<String>) -> String {
    body_of(data, failures, BODY_LIMIT)
}

fn body_of(mut data: Object, failures: &mut Vec<String>, limit: usize) -> String {
    loop {
        let told = json::text_or_null(error_text(failures));
        data.insert("error".to_owned(), told);
        let whole = Value::Object(data);
        let body = json::print(&whole);
        let Value::Object(rest) = whole else {
            return body;
        };
        let spare = rest
            .iter()
            .filter(|(key, _)| !["error", "inventory"].contains(&key.as_str()));
        let largest = spare
            .map(|(key, value)| (json::print(value).len(), key.clone()))
            .max();
        let (false, Some((size, key))) = (body.len() < limit, largest) else {
            return body;
        };
        data = rest;
        data.remove(&key);
        let why = format!(
            "{key} is left out: with its {size} bytes all would be more than the {limit} that Ironic takes"
        );
        error!("inspection: {why}");
        failures.push(why);
    }
}

/// Posts `body` until Ironic takes it, five times at most. The UUID of the node, if it says one.
pub fn post(callback: &Callback, clock: &Clock, body: &str) -> Result<Option<String>, Unposted> {
    let attempts = PAUSES.len() + 1;
    for attempt in 1.. {
        let miss = match once(callback, body) {
            Ok(uuid) => return Ok(uuid),
            Err(Miss::Final(why)) => return Err(Unposted::Refused(failed(why))),
            Err(Miss::Passing(why)) => why,
        };
        let Some(pause) = PAUSES.get(attempt - 1) else {
            let why = format!("not posted in {attempts} attempts; the last: {miss}");
            return Err(Unposted::GaveUp(failed(why)));
        };
        warn!(
            "inspection: posting failed (attempt {attempt} of {attempts}), again in {pause} s: {miss}"
        );
        clock.sleep(Duration::from_secs(*pause));
    }
    unreachable!("the loop has no end but its returns")
}

/// Why one attempt brought nothing.
enum Miss {
    /// It will be the same next time.
    Final(String),
    Passing(String),
}

/// The first URL where somebody answers decides.
fn once(callback: &Callback, body: &str) -> Result<Option<String>, Miss> {
    let mut headers = vec![
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
    ];
    headers.extend(callback.request_id.map(|id| ("X-OpenStack-Request-ID", id)));
    let mut silent = Vec::new();
    for url in callback.urls {
        let shown = redacted(url);
        info!("inspection: posting {} KiB to {shown}", body.len() / 1024);
        let request = Request {
            method: Method::Post,
            url,
            headers: &headers,
            body: Some(body.as_bytes()),
            verified: false,
        };
        let answer = callback.http.send(&request).map_err(Error::from);
        let answer = answer.and_then(|response| {
            let status = response.status();
            let text = response.text(ANSWER_LIMIT)?;
            Ok(Answer { status, text })
        });
        match answer {
            Ok(answer) => return judge(&answer, &shown),
            Err(fault) => silent.push(fault.details().to_owned()),
        }
    }
    Err(Miss::Passing(match silent.is_empty() {
        true => "no URL is known (ipa-inspection-callback-url)".to_owned(),
        false => silent.join("; "),
    }))
}

fn judge(answer: &Answer, shown: &dyn fmt::Display) -> Result<Option<String>, Miss> {
    let said = |advice: &str| format!("{shown} answered: {}{advice}", answer.complaint());
    match answer.status {
        409 => Err(Miss::Passing(said(" (the node is locked in Ironic)"))),
        500.. => Err(Miss::Passing(said(""))),
        404 => Err(Miss::Final(said(
            "; is the node enrolled with these MAC addresses, and being inspected? Does the URL end in /v1/continue_inspection?",
        ))),
        400.. => Err(Miss::Final(said(""))),
        _ => match parse_all(&answer.text) {
            Ok(Value::Object(fields)) => Ok(match fields.get("uuid") {
                Some(Value::String(text)) if uuid::parse(text).is_some() => Some(text.clone()),
                _ => None,
            }),
            _ => Err(Miss::Final(said(
                "; that is not Ironic: does the URL end in /v1/continue_inspection?",
            ))),
        },
    }
}

fn failed(why: String) -> Error {
    Error::new(Kind::InspectionError, why)
}
