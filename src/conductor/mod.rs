//! Ironic, as the agent sees it: several URLs that stand for one API, its version, and its errors in words.

pub mod callback_address;
pub mod heartbeat;
pub mod inspection;
pub mod lookup;
pub mod reply;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use log::{debug, warn};

use crate::net::http::client;
use crate::net::http::client::{Cause, Fault, Method, Request};
use crate::secret::redacted;

/// `major.minor` of the bare-metal API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u32, pub u32);

impl ApiVersion {
    /// Assumed as long as Ironic has not said; knows lookup and heartbeat.
    const OLDEST: Self = ApiVersion(1, 31);
    // protocol/lifecycle.md §6
    const AGENT_VERSION: Self = ApiVersion(1, 36);
    const AGENT_TOKEN: Self = ApiVersion(1, 62);
    const AGENT_VERIFY_CA: Self = ApiVersion(1, 68);
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Ironic's API, by all URLs that lead there.
pub struct Client {
    http: client::Client,
    /// The one that answered last comes first.
    urls: Mutex<Vec<String>>,
    request_id: Option<String>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    version: Option<ApiVersion>,
    /// Why not, as it was last logged.
    complaint: String,
}

/// An answer of Ironic, read whole.
struct Answer {
    status: u16,
    text: String,
}

/// Larger than any node with all its steps; a lookup reply is some kilobytes.
const ANSWER_LIMIT: usize = 8 << 20;

/// How much longer than others such an answer is waited for: a minute is what a thousand lookups at a time take an Ironic on two cores.
const PATIENCE: u32 = 4;

impl Client {
    /// With `version`, Ironic is not asked for its own. `request_id` goes out as `X-OpenStack-Request-ID`.
    pub fn new(
        http: client::Client,
        urls: &[String],
        request_id: Option<String>,
        version: Option<ApiVersion>,
    ) -> Self {
        let bare = urls.iter().map(|url| url.trim_end_matches('/').to_owned());
        Client {
            http,
            urls: Mutex::new(bare.collect()),
            request_id,
            known: Mutex::new(Known {
                version,
                ..Known::default()
            }),
        }
    }

    /// The API URLs without trailing slashes, the one that answered last first.
    pub fn urls(&self) -> Vec<String> {
        self.urls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What Ironic says it speaks, asked until it says. None: it answers, but does not say.
    fn version(&self) -> Result<Option<ApiVersion>, Fault> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.version.is_some() {
            return Ok(known.version);
        }
        let complaint = match self.call(Method::Get, "/", None, None) {
            Ok(answer) => {
                known.version = reply::default_version(&answer.text);
                answer.complaint()
            }
            // Nobody there: what comes next would only wait for the same.
            Err(fault) if fault.is_connection() && fault.cause != Cause::Cut => return Err(fault),
            Err(fault) => fault.to_string(),
        };
        match known.version {
            Some(version) => debug!("Ironic speaks API version {version}"),
            None if known.complaint == complaint => (),
            None => {
                warn!("Ironic does not tell its API version: {complaint}");
                known.complaint = complaint;
            }
        }
        Ok(known.version)
    }

    /// The version that Ironic's root document tells, whatever is known already; else the status of what came instead, 0 for nothing,
    /// and what it was in words.
    pub fn greet(&self) -> Result<ApiVersion, (u16, String)> {
        let answer = self
            .call(Method::Get, "/", None, None)
            .map_err(|fault| (0, fault.to_string()))?;
        match reply::default_version(&answer.text).filter(|_| answer.status < 300) {
            Some(version) => Ok(version),
            None => Err((answer.status, answer.complaint())),
        }
    }

    /// The version to put on a call: at most `newest`, and upstream's assumption if Ironic does not say.
    fn spoken(&self, newest: ApiVersion) -> Result<ApiVersion, Fault> {
        let version = self.version()?.unwrap_or(ApiVersion::OLDEST);
        Ok(version.min(newest))
    }

    /// Can Ironic verify a certificate the agent made itself? One that does not say is taken for a
    /// modern one: serving plainly would be refused for ever by its `require_tls`.
    pub fn auto_tls(&self) -> bool {
        let version = self.version().ok().flatten();
        version.is_none_or(|version| version >= ApiVersion::AGENT_VERIFY_CA)
    }

    /// Tries the URLs in turn until one answers, whatever it says.
    fn call(
        &self,
        method: Method,
        path: &str,
        version: Option<ApiVersion>,
        body: Option<&str>,
    ) -> Result<Answer, Fault> {
        self.call_by(&self.http, method, path, version, body)
    }

    /// What Ironic answers once alone is waited for, also where a thousand ask at a time.
    fn ask_patiently(&self, path: &str, version: ApiVersion) -> Result<Answer, Fault> {
        let patient = self.http.patient(PATIENCE);
        self.call_by(&patient, Method::Get, path, Some(version), None)
    }

    fn call_by(
        &self,
        http: &client::Client,
        method: Method,
        path: &str,
        version: Option<ApiVersion>,
        body: Option<&str>,
    ) -> Result<Answer, Fault> {
        let version = version.map(|version| version.to_string());
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ];
        if let Some(version) = &version {
            headers.push(("X-OpenStack-Ironic-API-Version", version));
        }
        if let Some(id) = &self.request_id {
            headers.push(("X-OpenStack-Request-ID", id));
        }
        let mut silent: Vec<Fault> = Vec::new();
        for url in self.urls() {
            let request = Request {
                method,
                url: &format!("{url}{path}"),
                headers: &headers,
                body: body.map(str::as_bytes),
                verified: false,
            };
            match http.send(&request) {
                Ok(response) => {
                    for fault in &silent {
                        warn!("Ironic answers at {} instead: {fault}", redacted(&url));
                    }
                    self.prefer(&url);
                    let status = response.status();
                    let text = response.text(ANSWER_LIMIT);
                    return text
                        .map(|text| Answer { status, text })
                        .map_err(|error| Fault::new(Cause::Cut, error));
                }
                Err(fault) if fault.is_connection() => silent.push(fault),
                Err(fault) => return Err(fault),
            }
        }
        let texts: Vec<_> = silent.iter().map(Fault::to_string).collect();
        match silent.first() {
            Some(first) => Err(Fault::new(first.cause, texts.join("; "))),
            None => Err(Fault::new(
                Cause::Protocol,
                "no URL of Ironic is known (ipa-api-url)",
            )),
        }
    }

    fn prefer(&self, url: &str) {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = urls.iter().position(|known| known == url) {
            urls.rotate_left(at);
        }
    }
}

impl Answer {
    fn complaint(&self) -> String {
        format!(
            "HTTP status {}: {}",
            self.status,
            reply::error_text(&self.text)
        )
    }
}
