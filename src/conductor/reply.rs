//! Parses Ironic's replies, which are not trusted: its version, its errors, the result of a lookup.

use std::time::Duration;

use log::warn;

use super::ApiVersion;
use crate::codec::json::{Fields, Object, Value};
use crate::codec::json_low_memory::parse_all;
use crate::error::{Error, Result};
use crate::net::tls::trust_settings::Version;
use crate::secret::Secret;

/// What Ironic decided about this agent; by default what holds for one that no Ironic is asked for.
#[derive(Clone, Default)]
pub struct Enrolment {
    /// Of the node.
    pub uuid: String,
    /// The node as an object, for whoever needs more of it.
    pub node: Value,
    /// The one to use from now on, known before or new.
    pub token: Option<Secret>,
    /// Within which Ironic wants to hear a heartbeat.
    pub heartbeat_timeout: Duration,
    /// The oldest TLS version to speak; none leaves it to the parameters.
    pub tls_min: Option<Version>,
    /// OpenSSL names of TLS 1.2 suites; none leaves it to the parameters.
    pub tls_ciphers: Option<String>,
    /// May an MD5 digest vouch for an image? None leaves it to the parameters.
    pub md5_allowed: Option<bool>,
    /// Formats an image may have; none leaves it to the parameters.
    pub permitted_formats: Option<Vec<String>>,
    /// Formats need no permission.
    pub any_format: Option<bool>,
    /// Only a true one counts.
    pub bios_bootloader: bool,
    /// Later inventories leave the BMC alone.
    pub skips_bmc: bool,
}

/// What Ironic says of the token.
pub enum Token {
    /// This one.
    New(Secret),
    /// It made one before and will not repeat it.
    Taken,
    /// Not a word, or none that could be one.
    Nothing,
}

/// The reply to a lookup; the error says what is missing or wrong.
pub fn enrolment(text: &str) -> Result<(Enrolment, Token)> {
    let Value::Object(mut reply) = parse_all(text)? else {
        return Err(Error::plain("the reply is no JSON object"));
    };
    let uuid = match reply.object("node")? {
        Some(node) => node.string("uuid")?.unwrap_or_default().to_owned(),
        None => String::new(),
    };
    if uuid.is_empty() {
        return Err(Error::plain("the reply names no node.uuid"));
    }
    // An API before 2017 has the timeout at the top and no config.
    let bare = Object::new();
    let config = reply.object("config")?;
    let seconds = config.unwrap_or(&reply).integer("heartbeat_timeout")?;
    let config = config.unwrap_or(&bare);
    let heartbeat_timeout = match seconds {
        // A week is far above any sane setting, and far below what arithmetic could not bear.
        Some(seconds @ 1..=604_800) => Duration::from_secs(seconds),
        Some(seconds) => return Err(Error::plain(format!("heartbeat_timeout is {seconds} s"))),
        None => return Err(Error::plain("the reply has no heartbeat_timeout")),
    };
    let token = token(lenient(config.string("agent_token")));
    let tls_min = lenient(config.string("tls_min_version"));
    let enrolment = Enrolment {
        uuid,
        token: None,
        heartbeat_timeout,
        tls_min: tls_min.and_then(Version::parse),
        tls_ciphers: lenient(config.string("tls_cipher_suites")).map(str::to_owned),
        md5_allowed: lenient(config.boolean("agent_md5_checksum_enable")),
        any_format: lenient(config.boolean("disable_deep_image_inspection")),
        bios_bootloader: lenient(config.boolean("enable_bios_bootloader_install"))
            .unwrap_or_default(),
        permitted_formats: lenient(config.array("permitted_image_formats")).map(|formats| {
            let texts = formats.iter().filter_map(|format| match format {
                Value::String(text) => Some(text.clone()),
                _ => None,
            });
            texts.collect()
        }),
        skips_bmc: lenient(config.boolean("agent_skip_bmc_detect")).unwrap_or_default(),
        node: Value::Null,
    };
    let node = reply.remove("node").unwrap_or(Value::Null);
    Ok((Enrolment { node, ..enrolment }, token))
}

/// A setting of the wrong type is not worth losing the node over.
fn lenient<T>(setting: Result<Option<T>>) -> Option<T> {
    setting.unwrap_or_else(|error| {
        warn!("ignored in Ironic's reply: {}", error.details());
        None
    })
}

// protocol/lifecycle.md §10
fn token(text: Option<&str>) -> Token {
    match text {
        Some("******") => Token::Taken,
        Some(text) if text.chars().count() >= 32 => Token::New(Secret::new(text)),
        _ => Token::Nothing,
    }
}

/// `default_version.version` of the root document.
pub fn default_version(text: &str) -> Option<ApiVersion> {
    let Ok(Value::Object(root)) = parse_all(text) else {
        return None;
    };
    let default = root.object("default_version").ok()??;
    let (major, minor) = default.string("version").ok()??.split_once('.')?;
    Some(ApiVersion(major.parse().ok()?, minor.parse().ok()?))
}

/// What an error body wants to say (lifecycle.md §6), in one line that fits a log.
pub fn error_text(body: &str) -> String {
    let stated = stated(body);
    let text = stated.as_deref().unwrap_or(body);
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(301));
        if line.len() > 301 * 4 {
            break; // bytes of more characters than are shown
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(300) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// Is this what Ironic's own API says when it refuses (lifecycle.md §6), and not the page of whatever stands before it?
pub fn is_ironics_error(body: &str) -> bool {
    fault(body).is_some_and(|fields| said(&fields, "faultstring").is_some())
}

fn stated(body: &str) -> Option<String> {
    let fields = fault(body)?;
    let text = said(&fields, "faultstring").or_else(|| said(&fields, "title"));
    text.map(str::to_owned)
}

fn said<'a>(fields: &'a Object, name: &str) -> Option<&'a str> {
    let text = fields.string(name).ok().flatten();
    text.filter(|text| !text.is_empty())
}

/// The object that says what is wrong, in whatever wraps it.
fn fault(body: &str) -> Option<Object> {
    let Ok(Value::Object(mut fields)) = parse_all(body) else {
        return None;
    };
    match fields.remove("error_message") {
        Some(Value::Object(inner)) => fields = inner,
        // Ironic of old puts JSON inside a string.
        Some(Value::String(inner)) => match parse_all(&inner) {
            Ok(Value::Object(inner)) => fields = inner,
            _ => return None,
        },
        _ => (),
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_its_own_words() {
        for (body, told) in [
            (
                r#"{"error_message": {"faultstring": "Node is\n locked"}}"#,
                "Node is locked",
            ),
            (
                r#"{"error_message": "{\"faultstring\": \"locked\"}"}"#,
                "locked",
            ),
            (r#"{"faultstring": "", "title": "Conflict"}"#, "Conflict"),
            (
                r#"{"error_message": {"x": 1}}"#,
                r#"{"error_message": {"x": 1}}"#,
            ),
            (
                r#"{"error_message": "plain"}"#,
                r#"{"error_message": "plain"}"#,
            ),
            ("<h1>Bad\nGateway</h1>", "<h1>Bad Gateway</h1>"),
            ("[]", "[]"),
            ("", ""),
        ] {
            assert_eq!(error_text(body), told);
        }
        assert_eq!(error_text(&"é".repeat(9000)).chars().count(), 301);
    }

    #[test]
    fn an_error_is_ironics_own_by_its_faultstring() {
        for (body, own) in [
            // As Ironic 39 sends it: JSON in a string.
            (
                r#"{"error_message": "{\"faultcode\": \"Client\", \"faultstring\": \"Invalid or missing agent token received.\", \"debuginfo\": null}"}"#,
                true,
            ),
            (r#"{"error_message": {"faultstring": "no node"}}"#, true),
            (r#"{"faultstring": "no node"}"#, true),
            (r#"{"faultstring": ""}"#, false),
            (r#"{"faultstring": 404}"#, false),
            // No such route, and those who know nothing of Ironic.
            (
                r#"{"error_message": "{\"code\": \"404 Not Found\", \"title\": \"Not Found\"}"}"#,
                false,
            ),
            (r#"{"error_message": "default backend - 404"}"#, false),
            ("default backend - 404", false),
            ("404 <h1>404 Not Found</h1>", false),
            (r#""faultstring""#, false),
            ("", false),
        ] {
            assert_eq!(is_ironics_error(body), own, "{body}");
        }
    }

    #[test]
    fn a_version_is_two_numbers() {
        let version = |text: &str| default_version(text);
        let good = r#"{"default_version": {"version": "1.115", "id": "v1"}}"#;
        assert_eq!(version(good), Some(ApiVersion(1, 115)));
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"default_version": 1}"#,
            r#"{"default_version": {}}"#,
            r#"{"default_version": {"version": "one"}}"#,
            r#"{"default_version": {"version": "1.x"}}"#,
        ] {
            assert_eq!(version(bad), None, "{bad}");
        }
        assert!(ApiVersion(1, 115) > ApiVersion(1, 62));
    }
}
