//! The values of all parameters: from where each came, checked against its kind.

use std::collections::BTreeMap;
use std::time::Duration;

use super::protecting;
use super::table::{Kind, Parameter, TABLE};
use crate::error::{Error, Result};
use crate::secret::redacted;
use crate::units::{Bytes, LEAST_RATE};

/// What has been set, by the parameter's title.
#[derive(Default)]
pub struct Values(BTreeMap<&'static str, Value>);

struct Value {
    text: String,
    origin: String,
}

impl Values {
    /// Later calls win. A parameter of nobody's is nobody's business.
    pub fn set(&mut self, parameter: &'static Parameter, text: &str, origin: &str) {
        let value = Value {
            text: text.to_owned(),
            origin: origin.to_owned(),
        };
        self.0.insert(parameter.title(), value);
    }

    /// Is every value of its parameter's kind? The error names parameter and origin.
    pub fn check(&self) -> Result<()> {
        for parameter in TABLE {
            let Some(value) = self.0.get(parameter.title()) else {
                continue;
            };
            if value.text.is_empty() && protecting::wants_value(parameter.title()) {
                return Err(Error::plain(format!(
                    "{}= from {} is empty: a value is needed, or take it away",
                    parameter.title(),
                    value.origin
                )));
            }
            if !value.text.is_empty() && !fits(parameter.kind, &value.text) {
                return Err(Error::plain(format!(
                    "{}={} from {}: {} is needed",
                    parameter.title(),
                    redacted(&value.text).escape_debug(),
                    value.origin,
                    describe(parameter.kind)
                )));
            }
        }
        Ok(())
    }

    /// Did anybody name it, with a value or without?
    pub fn is_set(&self, title: &str) -> bool {
        self.0.contains_key(title)
    }

    /// What was set or else the default; none for neither and for empty.
    pub fn text(&self, title: &str) -> Option<&str> {
        let set = self.0.get(title).map(|value| value.text.as_str());
        let text = set
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| default(title));
        (!text.is_empty()).then_some(text)
    }

    pub fn owned(&self, title: &str) -> Option<String> {
        self.text(title).map(str::to_owned)
    }

    /// The parts between commas, without the empty ones.
    pub fn list(&self, title: &str) -> Vec<String> {
        let parts = self.text(title).unwrap_or_default().split(',');
        let parts = parts.map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    pub fn number(&self, title: &str) -> u64 {
        self.text(title)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    pub fn seconds(&self, title: &str) -> Duration {
        Duration::from_secs(self.number(title))
    }

    /// A number with a point, of seconds; a day at the most.
    pub fn decimal_seconds(&self, title: &str) -> Duration {
        let number = self.text(title).and_then(|text| text.parse::<f64>().ok());
        Duration::from_secs_f64(number.unwrap_or_default().clamp(0.0, 86_400.0))
    }

    pub fn rate(&self, title: &str) -> Option<Bytes> {
        Bytes::parse_rate(self.text(title)?)
    }

    pub fn flag(&self, title: &str) -> bool {
        self.text(title).and_then(truth).unwrap_or_default()
    }
}

fn default(title: &str) -> &'static str {
    let found = TABLE.iter().find(|parameter| parameter.title() == title);
    found.map_or("", |parameter| parameter.default)
}

/// lifecycle.md §2; one letter is what upstream's `ipa-debug` takes as well.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "t" | "y" => Some(true),
        "0" | "false" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}

fn fits(kind: Kind, text: &str) -> bool {
    let within = |low, high| text.parse().is_ok_and(|n: u64| (low..=high).contains(&n));
    let is_url = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let http = ["http", "https"].map(|known| scheme.eq_ignore_ascii_case(known));
        http.contains(&true) && !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#'])
    };
    match kind {
        Kind::Text | Kind::List | Kind::File => true,
        Kind::UrlsOrMdns if text == "mdns" => true,
        Kind::Urls | Kind::UrlsOrMdns => text
            .split(',')
            .map(str::trim)
            .all(|url| url.is_empty() || is_url(url)),
        Kind::Integer(low, high) => within(low, high),
        // A century bounds every sum of such times.
        Kind::Seconds(low) => within(low, 100 * 366 * 86_400),
        Kind::Decimal => text.parse().is_ok_and(|n: f64| n.is_finite() && n >= 0.0),
        Kind::Boolean => truth(text).is_some(),
        Kind::Rate => Bytes::parse_rate(text).is_some(),
        Kind::Choice(choices) => choices.contains(&text),
    }
}

/// The kind in words.
pub fn describe(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::List => "a list with commas".to_owned(),
        Kind::Urls => "one or more http:// or https:// URLs, with commas".to_owned(),
        Kind::UrlsOrMdns => "mdns, or one or more http:// or https:// URLs, with commas".to_owned(),
        Kind::File => "a path".to_owned(),
        Kind::Integer(low, high) if high >= u32::MAX.into() => {
            format!("a whole number of {low} or more")
        }
        Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
        Kind::Seconds(low) => format!("seconds, {low} or more"),
        Kind::Decimal => "a number of 0 or more".to_owned(),
        Kind::Rate => format!("bytes a second, {LEAST_RATE} or more: 512K, 20M, 1G"),
        Kind::Boolean => "true or false".to_owned(),
        Kind::Choice(choices) => format!("one of {}", choices.join(", ")),
    }
}
