//! The document of an order as bytes → its fields: JSON, or INI for those who type it. Pure.

use std::collections::BTreeSet;

use crate::codec::json::{Object, Value, gather, parse, text};
use crate::codec::text_encoding;
use crate::config::ini;
use crate::error::{Context, Error, Result};

/// No order is larger; one with a config drive in it has a few KiB.
pub const LARGEST: usize = 1 << 20;
/// How deep objects may stand in each other: an order has three floors.
const DEEPEST: usize = 64;

/// The fields, none of them checked. UTF-8, or UTF-16 with a mark.
///
/// # Errors
/// What is there is no such document: a web page above all, or half of one; or it says something twice.
pub fn fields(bytes: &[u8]) -> Result<Object> {
    if bytes.len() > LARGEST {
        return Err(Error::plain(format!(
            "it is larger than {} KiB: is that an order?",
            LARGEST >> 10
        )));
    }
    let document = text_encoding::decode(bytes);
    let start = document.trim_start();
    match start.chars().next() {
        None => Err(Error::plain("it is empty")),
        Some('<') => Err(Error::plain(
            "it is a web page: does the server want a login, or is the address another one's?",
        )),
        Some('{') => json(&document),
        _ if document.contains('\0') => Err(Error::plain("it is neither JSON nor INI")),
        _ => sections(&document),
    }
}

fn json(document: &str) -> Result<Object> {
    match value(document)? {
        Value::Object(object) => Ok(object),
        _ => Err(broken()),
    }
}

fn broken() -> Error {
    Error::plain("it is no whole JSON: python3 -m json.tool says where")
}

/// JSON of a few floors that says nothing twice.
fn value(json: &str) -> Result<Value> {
    if let Some(depth) = depth(json).filter(|depth| *depth > DEEPEST) {
        return Err(Error::plain(format!("it has {depth} floors of brackets")));
    }
    let value = parse(json).map_err(|_| broken())?;
    match said_twice(json) {
        None => Ok(value),
        Some(name) => Err(Error::plain(format!(
            "it says '{name:.60}' twice: which of the two is meant, nobody here can know"
        ))),
    }
}

/// The most brackets that are open at once; none if there are none.
fn depth(json: &str) -> Option<usize> {
    let (mut open, mut most) = (0_usize, None);
    for token in Tokens(json) {
        match token {
            Token::Sign(b'{' | b'[') => {
                open += 1;
                most = most.max(Some(open));
            }
            Token::Sign(b'}' | b']') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// A name that one object of `json`, which is whole, has twice: parsers keep either.
fn said_twice(json: &str) -> Option<String> {
    let (mut open, mut last) = (Vec::new(), None);
    for token in Tokens(json) {
        match token {
            Token::Text(literal) => last = Some(literal),
            Token::Sign(b'{') => open.push(BTreeSet::new()),
            Token::Sign(b'}') => drop(open.pop()),
            Token::Sign(b':') => {
                let Ok(Value::String(name)) = parse(last?) else {
                    continue;
                };
                if !open.last_mut()?.insert(name.clone()) {
                    return Some(name);
                }
            }
            Token::Sign(_) => {}
        }
    }
    None
}

/// Strings of JSON with their quotes, and whatever else stands there byte by byte.
struct Tokens<'a>(&'a str);

enum Token<'a> {
    Text(&'a str),
    Sign(u8),
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.0.as_bytes();
        let at = bytes.iter().position(|byte| b"\"{}[]:".contains(byte))?;
        if bytes[at] != b'"' {
            self.0 = &self.0[at + 1..];
            return Some(Token::Sign(bytes[at]));
        }
        let mut end = at + 1;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        // A backslash may be the last byte, or stand before half of a character.
        let end = (end + 1).min(bytes.len());
        let literal = self.0.get(at..end)?;
        self.0 = self.0.get(end..)?;
        Some(Token::Text(literal))
    }
}

/// `name = value`; `[section]` holds the fields of an object; what begins like JSON is JSON.
fn sections(document: &str) -> Result<Object> {
    let mut fields = Object::new();
    for (name, value) in ini::parse_sectionless(document)? {
        let value = match value.starts_with(['{', '[']) {
            true => self::value(&value).with_context(|| format!("reading {name:.60}"))?,
            false => text(value),
        };
        let (section, name) = match name.split_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, &*name),
        };
        let into = match section {
            None => &mut fields,
            Some(section) => {
                let own = fields
                    .entry(section.to_owned())
                    .or_insert_with(|| Value::Object(gather([])));
                match own {
                    Value::Object(own) => own,
                    _ => return Err(Error::plain(format!("it says '{section:.60}' twice"))),
                }
            }
        };
        if into.insert(name.to_owned(), value).is_some() {
            return Err(Error::plain(format!("it says '{name:.60}' twice")));
        }
    }
    if fields.is_empty() {
        return Err(Error::plain("there is nothing in it"));
    }
    // A section with nothing in it is one all the same.
    let names = document.lines().filter_map(|line| {
        let name = line.trim_end().strip_prefix('[')?.strip_suffix(']')?;
        Some(name.trim().to_owned()).filter(|name| name != "DEFAULT")
    });
    for name in names {
        let nothing = || Value::Object(gather([]));
        fields.entry(name).or_insert_with(nothing);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::print;

    fn read(bytes: impl AsRef<[u8]>) -> String {
        match fields(bytes.as_ref()) {
            Ok(object) => print(&Value::Object(object)),
            Err(error) => format!("error: {}", error.details()),
        }
    }

    #[test]
    fn both_forms_come_to_the_same_fields() {
        let wanted = r#"{"image_source":"http://h/i","root_device":{"size":">100"},"then":"wait"}"#;
        for form in [
            wanted.to_owned(),
            format!("\u{feff} \r\n{wanted}\n"),
            "image_source = http://h/i\nthen: wait\n[root_device]\nsize = \">100\"\n".to_owned(),
            "[DEFAULT]\r\nimage-source=http://h/i\r\nthen=wait\r\nroot-device={\"size\":\">100\"}\r\n".to_owned(),
        ] {
            assert_eq!(read(&form), wanted, "{form}");
        }
        let wide: Vec<u8> = [0xfeff_u16]
            .into_iter()
            .chain(wanted.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(wide), wanted);
    }

    #[test]
    fn what_is_no_order_is_told_from_one() {
        for (bytes, why) in [
            ("".to_owned(), "it is empty"),
            (" \n".to_owned(), "it is empty"),
            (
                "<!DOCTYPE html><title>Log in</title>".to_owned(),
                "a web page",
            ),
            ("\u{feff}\n <html>".to_owned(), "a web page"),
            ("{\"then\": \"wait\"".to_owned(), "no whole JSON"),
            ("{\"then\": \"wait\"} {}".to_owned(), "no whole JSON"),
            ("[1]".to_owned(), "nothing in it"),
            ("# nothing".to_owned(), "nothing in it"),
            ("\0\0".to_owned(), "neither JSON nor INI"),
            ("then".to_owned(), "line 1: 'key = value'"),
            ("x".repeat(LARGEST + 1), "larger than 1024 KiB"),
            ("{\"a\":".repeat(100), "100 floors"),
            (
                r#"{"then":"wait","then":"reboot"}"#.to_owned(),
                "'then' twice",
            ),
            (r#"{"a":[{"b":1,"\u0062":2}]}"#.to_owned(), "'b' twice"),
            ("then=wait\nthen=reboot".to_owned(), "'then' twice"),
            ("for=x\n[for]\nserial=1".to_owned(), "'for' twice"),
            (
                "[for]\nserial=1\n[for]\nserial=2".to_owned(),
                "'serial' twice",
            ),
            ("root_device={".to_owned(), "reading root_device: "),
            (format!("x={}", "[".repeat(1 << 19)), "524288 floors"),
        ] {
            let said = read(&bytes);
            assert!(
                said.starts_with("error: ") && said.contains(why),
                "{bytes:.60}: {said}"
            );
        }
        // The same name in two objects, and within a text.
        for fine in [
            r#"{"a":{"x":1},"b":{"x":1}}"#,
            r#"{"a":"\"b\":\"b\":","b":"\\"}"#,
        ] {
            assert_eq!(read(fine), fine);
        }
    }
}
