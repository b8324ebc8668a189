//! Reads the little of XML that files for machines have: elements, their attributes, the text in them. No entities, no CDATA.

use crate::error::{Error, Result};

/// The elements of a text. Comments and declarations are passed over, but for a DOCTYPE that declares something itself: an error, behind
/// which it goes on.
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
            let head = tag.split('>').next().unwrap_or_default();
            let is_type = head.starts_with("!DOCTYPE");
            let declares = is_type && head.contains('[');
            let (skipped, end) = match tag.as_bytes() {
                [b'!', b'-', b'-', ..] => (true, "-->"),
                [b'?', ..] => (true, "?>"),
                _ if declares => (true, "]>"),
                _ => (is_type, ">"),
            };
            let Some((tag, rest)) = tag.split_once(end) else {
                self.0 = "";
                return Some(Err(Error::plain("it is cut short")));
            };
            self.0 = rest;
            if declares {
                let why = "its DOCTYPE declares something itself, which is not read: take the DOCTYPE away";
                return Some(Err(Error::plain(why)));
            }
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
        let typed = "<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM \"a.dtd\">\n<a/>";
        let names: Vec<_> = Elements::of(typed)
            .map(|element| element.map(|element| element.name))
            .collect();
        assert_eq!(names, [Ok("a")]);
        let declaring = "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>";
        let mut found = Elements::of(declaring);
        assert!(found.next().is_some_and(|first| first.is_err()));
        assert!(
            found
                .next()
                .is_some_and(|then| then.is_ok_and(|then| then.name == "a"))
        );
        for cut in [
            "<a",
            "<!-- >",
            "<?xml >",
            "<!DOCTYPE a",
            "<!DOCTYPE a [<!ENTITY>",
        ] {
            assert!(Elements::of(cut).all(|element| element.is_err()), "{cut}");
        }
    }
}
