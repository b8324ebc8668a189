//! Replies: status, headers and body, and the fixed documents among them. How they reach the wire is left
//! to tiny_http for commands, and to the gateway for all others.

use crate::codec::json::{self, Number, Value};

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// What upstream calls itself; some clients look for it.
pub const SERVER: &str = "ironic-python-agent";

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Reply {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: json::print(body),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The reply as the last of its connection.
    pub fn last_bytes(&self) -> Vec<u8> {
        self.bytes(false, false)
    }

    /// As it goes over the wire; `keep` if another request may follow, `head_only` for one of method HEAD.
    pub fn bytes(&self, keep: bool, head_only: bool) -> Vec<u8> {
        let (status, length) = (self.status, self.body.len());
        let mut text = format!(
            "HTTP/1.1 {status} {}\r\nServer: {SERVER}\r\n",
            reason(status)
        );
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !keep {
            text += "Connection: close\r\n";
        }
        text += &format!("Content-Length: {length}\r\n\r\n");
        if !head_only {
            text += &self.body;
        }
        text.into_bytes()
    }
}

/// The phrase that goes with a status (RFC 9110 §15).
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}

const DOCUMENTATION: &str = "https://docs.openstack.org/ironic-python-agent/";

/// `GET /`; `origin` is scheme, host and port as the client knows them.
pub fn root(origin: &str) -> Reply {
    let version = || json::object([("id", json::text("v1")), ("links", links(origin))]);
    let document = json::object([
        ("name", json::text("OpenStack Ironic Python Agent API")),
        (
            "description",
            json::text("Ironic Python Agent is a provisioning agent for OpenStack Ironic"),
        ),
        ("versions", Value::Array([version()].into_iter().collect())),
        ("default_version", version()),
    ]);
    Reply::json(200, &document)
}

/// `GET /v1/`
pub fn version(origin: &str) -> Reply {
    let pair = |page: &str| {
        let own = link(&format!("{origin}/v1/{page}"), "self", None);
        let bookmark = link(&format!("{origin}/{page}"), "bookmark", None);
        Value::Array([own, bookmark].into_iter().collect())
    };
    let media_type = json::object([
        ("base", json::text("application/json")),
        (
            "type",
            json::text("application/vnd.openstack.ironic-python-agent.v1+json"),
        ),
    ]);
    let document = json::object([
        ("id", json::text("v1")),
        ("links", links(origin)),
        ("commands", pair("commands")),
        ("status", pair("status")),
        (
            "media_types",
            Value::Array([media_type].into_iter().collect()),
        ),
    ]);
    Reply::json(200, &document)
}

/// `GET /v1/status`; `started_at` is UNIX time.
pub fn status(started_at: f64, version: &str) -> Reply {
    let document = json::object([
        ("started_at", Value::Number(Number::F64(started_at))),
        ("version", json::text(version)),
    ]);
    Reply::json(200, &document)
}

/// 308 to `target`, a path and query of `origin`.
pub fn redirect(origin: &str, target: &str) -> Reply {
    let location = format!("{origin}{}", quoted(target));
    let shown = location.replace('&', "&amp;").replace('\'', "&#39;");
    Reply {
        status: 308,
        headers: vec![
            ("Content-Type", "text/html; charset=utf-8".to_owned()),
            ("Location", location),
        ],
        body: format!(
            "<!doctype html>\n<title>Moved</title>\n<p>See <a href=\"{shown}\">{shown}</a>\n"
        ),
    }
}

fn links(origin: &str) -> Value {
    let own = link(&format!("{origin}/v1"), "self", None);
    let described = link(DOCUMENTATION, "describedby", Some("text/html"));
    Value::Array([own, described].into_iter().collect())
}

fn link(href: &str, relation: &str, kind: Option<&str>) -> Value {
    let (href, rel) = (("href", json::text(href)), ("rel", json::text(relation)));
    match kind {
        None => json::object([href, rel]),
        Some(kind) => json::object([href, rel, ("type", json::text(kind))]),
    }
}

/// Escapes what a URI may not hold (RFC 3986 §2) of visible ASCII.
fn quoted(target: &str) -> String {
    let mut quoted = String::with_capacity(target.len());
    for character in target.chars() {
        match character {
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                quoted += &format!("%{:02X}", u32::from(character));
            }
            plain => quoted.push(plain),
        }
    }
    quoted
}
