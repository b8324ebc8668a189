//! Reads the little of XML that files for machines have: elements, their attributes, the text in them. No entities, no CDATA.

use crate::error::{Error, Result};

/// The elements of a text. Comments and declarations are passed over.
pub struct Elements<'a>(&'a str);

impl<'a> Elements<'a> {
    /// In the order they begin in; the end of one comes as one of its name with a slash before it.
    pub fn of(text: &'a str) -> Self {
        Elements(text)
    }
}

/// One of them.
pub struct Element<'a> {
    /// Of the element, or `/` and the name where it ends.
    pub name: &'a str,
    attributes: &'a str,
    /// What stands in it before the next one begins or it ends.
    pub text: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (_, tag) = self.0.split_once('<')?;
            let (skipped, end) = match tag.as_bytes() {
                [b'!', b'-', b'-', ..] => (true, "-->"),
                [b'?', ..] => (true, "?>"),
                _ => (false, ">"),
            };
            let Some((tag, rest)) = tag.split_once(end) else {
                self.0 = "";
                return Some(Err(Error::plain("it is cut short")));
            };
            self.0 = rest;
            if skipped {
                continue;
            }
            let tag = tag.strip_suffix('/').unwrap_or(tag).trim_end();
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            let text = rest.split('<').next().unwrap_or_default();
            return Some(Ok(Element {
                name,
                attributes,
                text,
            }));
        }
    }
}

impl<'a> Element<'a> {
    /// The value of this one, if it has it.
    pub fn attribute(&self, wanted: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        while let Some((name, value)) = rest.split_once('=') {
            let value = value.trim_start();
            let quote = value
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, after) = value[1..].split_once(quote)?;
            if name.trim() == wanted {
                return Some(value.trim());
            }
            rest = after;
        }
        None
    }

    /// The number that `text`, a part of it, is.
    pub fn number(&self, text: &str) -> Result<u64> {
        text.trim().parse().map_err(|_| {
            let (name, text) = (self.name, text.trim());
            Error::plain(format!("its {name:.20} '{text:.50}' is no number"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_with_what_is_in_them() {
        let text = "<?xml version=\"1.0\"?><!-- <no> --><a x='1' y = \"2 3\"> t <b/></a>";
        let found: Vec<_> = Elements::of(text)
            .map(|element| {
                let element = element.expect("well formed");
                let (x, y) = (element.attribute("x"), element.attribute("y"));
                (element.name, element.text, x, y)
            })
            .collect();
        let expected = [
            ("a", " t ", Some("1"), Some("2 3")),
            ("b", "", None, None),
            ("/a", "", None, None),
        ];
        assert_eq!(found, expected);
        for cut in ["<a", "<!-- >", "<?xml >"] {
            assert!(Elements::of(cut).all(|element| element.is_err()), "{cut}");
        }
    }
}
