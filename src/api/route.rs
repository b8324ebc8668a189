//! Requests → actions, in one match; and errors → replies: the one place that writes wire errors. Pure.

use super::reply::{self, Reply};
use crate::codec::json;
use crate::error::{Error, Kind};
use crate::secret::Secret;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `GET /`: which versions there are.
    Root,
    /// `GET /v1/`: what is below.
    Version,
    /// `GET /v1/status`.
    Status,
    /// `GET /metrics`, where they are served.
    Metrics,
    /// Of somebody who has shown the token.
    Command(CommandRequest),
    /// To this path and query of the same server.
    Redirect(String),
    /// No token, or a wrong one.
    Unauthorized,
    /// No such path.
    NotFound,
    /// With the methods that are.
    MethodNotAllowed(&'static str),
}

/// What is asked of the commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandRequest {
    /// `GET /v1/commands/`.
    List,
    /// The command of this id; after its end if asked to wait.
    Find {
        /// Of the command, as its reply told.
        id: String,
        /// Until the command has ended?
        wait: bool,
    },
    /// The command in the body; the reply comes after its end if asked to wait.
    Start {
        /// Until the command has ended?
        wait: bool,
    },
}

impl Action {
    /// `token` is the agent's own; while it has none nobody is let in.
    pub fn new(method: &str, target: &str, token: Option<&Secret>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let action = match path.contains("//") {
            false => route(method, path, query),
            // A doubled slash is sent to where it would lead without, if that is somewhere.
            true => match route(method, &merged(path), query) {
                lost @ (Action::NotFound | Action::MethodNotAllowed(_)) => lost,
                redirect @ Action::Redirect(_) => redirect,
                _ => Action::Redirect(with_query(&merged(path), query)),
            },
        };
        let guarded = matches!(action, Action::Command(_));
        let guess = parameter(query, "agent_token").unwrap_or_default();
        match guarded && !token.is_some_and(|token| token.matches(&guess)) {
            true => Action::Unauthorized,
            false => action,
        }
    }
}

/// protocol/api.md §2. A page without the slash it needs is found only by a method it has.
fn route(method: &str, path: &str, query: &str) -> Action {
    let decoded: Vec<String> = path.split('/').skip(1).map(percent_decoded).collect();
    let page: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let wait = || parameter(query, "wait").is_some_and(|w| w.eq_ignore_ascii_case("true"));
    let slashed = || Action::Redirect(with_query(&format!("{path}/"), query));
    let list = Action::Command(CommandRequest::List);
    let start = || Action::Command(CommandRequest::Start { wait: wait() });
    match (page.as_slice(), method) {
        ([""], "GET" | "HEAD") => Action::Root,
        (["v1", ""], "GET" | "HEAD") => Action::Version,
        (["v1", "status"] | ["status"], "GET" | "HEAD") => Action::Status,
        (["metrics"], "GET" | "HEAD") => Action::Metrics,
        (["v1", "commands", ""] | ["commands", ""], "GET" | "HEAD") => list,
        (["v1", "commands", ""] | ["commands", ""], "POST") => start(),
        (["v1", "commands", ""] | ["commands", ""], _) => {
            Action::MethodNotAllowed("HEAD, GET, POST")
        }
        (["v1", "commands", id] | ["commands", id], "GET" | "HEAD") => {
            let (id, wait) = ((*id).to_owned(), wait());
            Action::Command(CommandRequest::Find { id, wait })
        }
        (["v1"], "GET" | "HEAD") => slashed(),
        (["v1", "commands"] | ["commands"], "GET" | "HEAD" | "POST") => slashed(),
        (
            [""]
            | ["v1", ""]
            | ["v1", "status"]
            | ["status"]
            | ["v1", "commands", _]
            | ["commands", _],
            _,
        ) => Action::MethodNotAllowed("HEAD, GET"),
        _ => Action::NotFound,
    }
}

fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}

fn with_query(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The first value of a query parameter, decoded; a name without `=` has an empty one.
fn parameter(query: &str, name: &str) -> Option<String> {
    let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| decoded(key) == name)
        .map(|(_, value)| decoded(value))
}

/// `%41` → `A`; what is no escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        let escape = match (bytes[at], digits) {
            (b'%', [high, low]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (byte, length) = escape.map_or((bytes[at], 1), |(high, low)| (high << 4 | low, 3));
        decoded.push(byte);
        at += length;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = (digit as char).to_digit(16)?;
    u8::try_from(value).ok()
}

/// A request that the gateway turns away before it is an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status it is answered with.
    pub status: u16,
    why: String,
}

impl Refusal {
    /// With an HTTP status and a sentence for the client.
    pub fn new(status: u16, why: impl Into<String>) -> Self {
        Refusal {
            status,
            why: why.into(),
        }
    }

    /// As JSON, in the shape of every other fault.
    pub fn reply(&self) -> Reply {
        http_fault(self.status, &self.why)
    }
}

/// The reply to a command that was refused: it ran not, and is not in the list.
pub fn refused(error: &Error) -> Reply {
    fault(error.kind().code(), &error.to_string())
}

/// The reply to a body that holds no command.
pub fn malformed(error: &Error) -> Reply {
    http_fault(400, error.details())
}

/// 404: no command has this id.
pub fn unknown_command(id: &str) -> Reply {
    let details = format!("Command Result with id {id} not found.");
    refused(&Error::new(Kind::RequestedObjectNotFoundError, details))
}

/// 401.
pub fn unauthorized() -> Reply {
    http_fault(401, "Token invalid.")
}

/// 404: no such path.
pub fn not_found() -> Reply {
    http_fault(404, "Nothing is served at this path.")
}

/// 405, with the methods that are allowed.
pub fn method_not_allowed(allowed: &'static str) -> Reply {
    http_fault(405, "The method is not allowed for this path.").with("Allow", allowed)
}

fn http_fault(status: u16, why: &str) -> Reply {
    fault(
        status,
        &format!("{status} {}: {why}", reply::reason(status)),
    )
}

/// protocol/api.md §5: the conductor searches the text, so there always is one.
fn fault(status: u16, text: &str) -> Reply {
    let code = match status {
        500.. => "Server",
        _ => "Client",
    };
    let fault = json::object([
        ("faultcode", json::text(code)),
        ("faultstring", json::text(text)),
    ]);
    Reply::json(status, &fault)
}
