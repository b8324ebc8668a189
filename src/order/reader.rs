//! The table of an order's fields, and a reader of them that keeps all that is wrong instead of stopping at the first.

use std::collections::BTreeSet;

use crate::codec::json::{Object, Value, text};
use crate::error::{Error, Result};
use crate::net::http::url;
use crate::secret::redacted;
use crate::units::{Bytes, LEAST_RATE};

/// Every field by the name Ironic gives it in a node or its `instance_info`, and other names that it has there or in `image_info`.
pub const FIELDS: &[(&str, &[&str])] = &[
    ("image_source", &["image_url"]),
    ("image_urls", &["urls"]),
    ("image_checksum", &["checksum"]),
    ("image_os_hash_algo", &["os_hash_algo"]),
    ("image_os_hash_value", &["os_hash_value"]),
    ("image_signature", &["signature"]),
    ("image_disk_format", &["disk_format"]),
    ("image_type", &[]),
    ("root_gb", &[]),
    ("root_mb", &[]),
    ("swap_mb", &[]),
    ("ephemeral_gb", &[]),
    ("ephemeral_mb", &[]),
    ("ephemeral_format", &[]),
    ("preserve_ephemeral", &[]),
    ("image_http_proxy", &[]),
    ("image_https_proxy", &[]),
    ("image_no_proxy", &["no_proxy"]),
    ("image_server_auth_strategy", &[]),
    ("image_server_user", &[]),
    ("image_server_password", &[]),
    ("image_request_authorization", &[]),
    ("root_device", &[]),
    ("skip_block_devices", &[]),
    ("capabilities", &[]),
    ("configdrive", &[]),
    ("seed", &[]),
    ("rate", &[]),
    ("erase", &[]),
    ("verify", &[]),
    ("ignore_bootloader_failure", &[]),
    ("then", &[]),
    ("serial", &[]),
    ("for", &[]),
    ("description", &[]),
];

/// Takes fields by their names and keeps what is wrong with them.
pub struct Reader<'a> {
    fields: &'a Object,
    /// Each with the name of its field.
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Of nothing but these.
    pub fn new(fields: &'a Object) -> Self {
        Reader {
            fields,
            problems: Vec::new(),
        }
    }

    /// All that is wrong, each once.
    pub fn problems(mut self) -> Vec<String> {
        let mut told = BTreeSet::new();
        self.problems.retain(|problem| told.insert(problem.clone()));
        self.problems
    }

    /// Something is wrong, and it says itself with which field.
    pub fn told(&mut self, why: &str) {
        self.problems.push(why.to_owned());
    }

    /// The value, or none and a problem of `field`.
    pub fn of<T>(&mut self, outcome: Result<T>, field: &str) -> Option<T> {
        outcome
            .map_err(|error: Error| self.problem(field, error.details()))
            .ok()
    }

    /// Something is wrong with this field.
    pub fn problem(&mut self, field: &str, why: impl std::fmt::Display) {
        self.problems
            .push(format!("{}: {why}", field.escape_debug()));
    }

    /// The value of the field, by whichever of its names; null and empty text are none.
    pub fn find(&mut self, name: &str) -> Option<&'a Value> {
        let other = FIELDS.iter().find(|(own, _)| *own == name);
        let other = other.map_or(&[][..], |(_, other)| other);
        let names = [name].into_iter().chain(other.iter().copied());
        let fields = self.fields;
        let mut found = names.filter_map(|name| Some((name, fields.get(name)?)));
        let first = found.next();
        if let (Some((one, _)), Some((two, _))) = (first, found.next()) {
            self.problem(one, format!("is {two} as well: take one away"));
        }
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            _ => false,
        };
        first.map(|(_, value)| value).filter(|value| !empty(value))
    }

    /// Is the field there, with anything or nothing in it?
    pub fn is_there(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// How much is wrong so far.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    fn wanted<T>(&mut self, name: &str, what: &str) -> Option<T> {
        self.problem(name, format!("must be {what}"));
        None
    }

    /// Text.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.find(name)? {
            Value::String(text) => Some(text.trim()),
            _ => self.wanted(name, "text"),
        }
    }

    /// Text, or a number that stands for one.
    pub fn word(&mut self, name: &str) -> Option<String> {
        let word = as_text(self.find(name)?);
        let word = word.map(|word| word.trim().to_owned());
        word.or_else(|| self.wanted(name, "text"))
    }

    /// A problem of `field` if this is no URL of a web server.
    pub fn url(&mut self, field: &str, url: &str) {
        if url::parse(url).is_some() {
            return;
        }
        let told = redacted(url);
        let why = match url::unfit(&told).filter(|_| url::is_http(url)) {
            Some(unfit) => format!("has {unfit:?} in it, which no URL has"),
            None => "is no http:// or https:// URL".to_owned(),
        };
        self.problem(field, format!("'{}' {why}", shown(&told, 200)));
    }

    /// Bytes a second, as a number or in text.
    pub fn rate(&mut self, name: &str) -> Option<Bytes> {
        let value = self.find(name)?;
        let rate = as_text(value).and_then(|text| Bytes::parse_rate(&text));
        rate.or_else(|| {
            let what = format!("bytes a second, {LEAST_RATE} or more: 512K, 20M, 1G");
            self.wanted(name, &what)
        })
    }

    /// True or false, or a word for it.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.find(name)? {
            Value::Bool(value) => Some(*value),
            Value::String(word) => match &*word.trim().to_ascii_lowercase() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => self.wanted(name, "true or false"),
            },
            _ => self.wanted(name, "true or false"),
        }
    }

    /// A whole number, which may be text.
    pub fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.find(name)?;
        match as_text(value).and_then(|digits| digits.trim().parse().ok()) {
            Some(number) => Some(number),
            None => self.wanted(name, "a whole number, 0 or more"),
        }
    }

    /// Texts in an array, or with commas between.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        let texts: Option<Vec<String>> = match self.find(name) {
            None => return Vec::new(),
            Some(Value::String(list)) => Some(
                (list.split(','))
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect(),
            ),
            Some(Value::Array(list)) => list
                .iter()
                .map(|one| match one {
                    Value::String(one) => Some(one.clone()),
                    _ => None,
                })
                .collect(),
            Some(_) => None,
        };
        texts
            .or_else(|| self.wanted(name, "a list of texts"))
            .unwrap_or_default()
    }

    /// One of these words.
    pub fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let word = self.text(name)?;
        let found = words.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(known, _)| *known).collect();
            self.problem(
                name,
                format!("'{}' is none of {}", shown(word, 40), known.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// An object.
    pub fn object(&mut self, name: &str) -> Option<&'a Object> {
        match self.find(name)? {
            Value::Object(object) => Some(object),
            _ => self.wanted(name, "an object"),
        }
    }
}

/// So many characters of what came from outside, as they may be told.
pub fn shown(text: &str, most: usize) -> String {
    let start: String = text.chars().take(most).collect();
    start.escape_debug().to_string()
}

/// Text or a number, as text.
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Puts text under `name`, if there is any.
pub fn put(into: &mut Object, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), text(value));
    }
}
