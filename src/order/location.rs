//! Where the order for one machine may be: its names put into a URL or path, the most specific place first. Pure.

use crate::error::{Error, Result};
use crate::net::http::url;
use crate::order::machine_names::{KINDS, Names};
use crate::secret::redacted;

/// What stands for the name of a machine that has no order of its own.
const DEFAULT: &str = "default";
/// A machine with more NICs asks by the first ones alone.
const MOST_MACS: usize = 32;
/// Bytes of a name that are used; firmware has been seen to tell its whole memory.
const LONGEST_NAME: usize = 128;

/// A place with names of a machine in braces, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What stands before each name, and which it is.
    parts: Vec<(String, &'static str)>,
    rest: String,
    is_url: bool,
}

impl Template {
    /// What the parameter `named` says: an `http://…` or `https://…` URL, or a path that begins at the root.
    ///
    /// # Errors
    /// It is neither; a word in braces is no kind of name; or a name would stand for the server.
    pub fn parse(named: &str, place: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::plain(format!("{named}={}: {why}", redacted(place).escape_debug()))
        };
        let is_url = url::is_http(place);
        if !is_url && !place.starts_with('/') {
            return Err(wrong(
                "http://…, https://… or the path of a file, from / on, is needed".to_owned(),
            ));
        }
        let (mut parts, mut rest) = (Vec::new(), place);
        while let Some((before, behind)) = rest.split_once('{') {
            let (kind, behind) = behind
                .split_once('}')
                .ok_or_else(|| wrong("the } behind a { is missing".to_owned()))?;
            let kind = KINDS.iter().find(|known| **known == kind).ok_or_else(|| {
                let known = KINDS.map(|known| format!("{{{known}}}")).join(", ");
                wrong(format!("{{{kind:.40}}} is none of {known}"))
            })?;
            parts.push((before.to_owned(), *kind));
            rest = behind;
        }
        let template = Template {
            parts,
            rest: rest.to_owned(),
            is_url,
        };
        if is_url {
            let first = template.parts.first();
            let before = first.map_or(&template.rest, |(before, _)| before);
            let named = first.is_some();
            let path = before.split_once("://").map_or("", |(_, rest)| rest);
            if named && !path.contains('/') {
                return Err(wrong(
                    "a name of this machine may stand behind the server's name alone".to_owned(),
                ));
            }
            if url::parse(
                &template
                    .put(&|_| Some(DEFAULT.to_owned()))
                    .unwrap_or_default(),
            )
            .is_none()
            {
                return Err(wrong("it is no URL: check server and port".to_owned()));
            }
        }
        Ok(template)
    }

    /// The most specific of [`Template::places`].
    pub fn own_place(&self, names: &Names) -> String {
        let first = self.places(names).into_iter().next();
        first.unwrap_or_default() // the one by no names is always there
    }

    /// The places to look at, one after the other: by all names, with each MAC; then with `default` for the last name, the last two …
    /// and for all.
    pub fn places(&self, names: &Names) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for known in (0..=self.parts.len()).rev() {
            let (own, _) = self.parts.split_at(known);
            let by_mac = own.iter().any(|(_, kind)| *kind == "mac");
            let macs = match by_mac {
                true => &names.macs[..names.macs.len().min(MOST_MACS)],
                false => &[String::new()][..],
            };
            for mac in macs {
                let name = |at: usize| {
                    let Some((_, kind)) = own.get(at) else {
                        return Some(DEFAULT.to_owned());
                    };
                    let name = match *kind {
                        "mac" => Some(mac.replace(':', "-")),
                        // By its own word it is known.
                        kind => names.of(kind).ok()?.into_iter().next(),
                    };
                    Some(self.harmless(&name?)).filter(|name| !name.is_empty())
                };
                if let Some(place) = self.put(&name)
                    && !places.contains(&place)
                {
                    places.push(place);
                }
            }
        }
        places
    }

    /// With what `name` gives for the one at each position; none if it has none for one.
    fn put(&self, name: &dyn Fn(usize) -> Option<String>) -> Option<String> {
        let mut place = String::new();
        for (at, (before, _)) in self.parts.iter().enumerate() {
            place += before;
            place += &name(at)?;
        }
        Some(place + &self.rest)
    }

    /// A name as one segment of a path that servers, however often they decode it, take for nothing else.
    fn harmless(&self, name: &str) -> String {
        let mut harmless = String::new();
        for byte in name.bytes().take(LONGEST_NAME) {
            match byte {
                b'.' if harmless.is_empty() => harmless.push('_'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    harmless.push(char::from(byte));
                }
                b'/' | b'\\' | b'%' | 0..b' ' | 0x7f => harmless.push('_'),
                byte if self.is_url => harmless += &format!("%{byte:02X}"),
                _ => harmless.push('_'),
            }
        }
        harmless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            macs: vec!["52:54:00:aa:bb:cc".into(), "52:54:00:00:00:01".into()],
            serial: Some("AB 1".into()),
            uuid: None,
            asset_tag: Some("../../etc/passwd".into()),
            hostname: Some("node-7".into()),
        }
    }

    fn places(template: &str, names: &Names) -> Vec<String> {
        let parsed = Template::parse("ironlet.order", template);
        parsed.expect(template).places(names)
    }

    #[test]
    fn the_most_specific_place_comes_first() {
        for (template, wanted) in [
            ("http://h/order.json", &["http://h/order.json"][..]),
            ("/order.json", &["/order.json"]),
            (
                "http://h/{mac}.json",
                &[
                    "http://h/52-54-00-aa-bb-cc.json",
                    "http://h/52-54-00-00-00-01.json",
                    "http://h/default.json",
                ],
            ),
            (
                "http://h/{serial}.ini",
                &["http://h/AB%201.ini", "http://h/default.ini"],
            ),
            ("/orders/{serial}", &["/orders/AB_1", "/orders/default"]),
            ("http://h/{uuid}", &["http://h/default"]),
            (
                "http://h/{hostname}/{mac}?x={serial}",
                &[
                    "http://h/node-7/52-54-00-aa-bb-cc?x=AB%201",
                    "http://h/node-7/52-54-00-00-00-01?x=AB%201",
                    "http://h/node-7/52-54-00-aa-bb-cc?x=default",
                    "http://h/node-7/52-54-00-00-00-01?x=default",
                    "http://h/node-7/default?x=default",
                    "http://h/default/default?x=default",
                ],
            ),
        ] {
            assert_eq!(places(template, &names()), wanted, "{template}");
        }
        let nobody = places("http://h/{serial}/{mac}", &Names::default());
        assert_eq!(nobody, ["http://h/default/default"]);
    }

    #[test]
    fn a_name_is_one_segment_whatever_the_firmware_says() {
        for (tag, wanted) in [
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..", "_."),
            (".", "_"),
            ("%2e%2e%2f", "_2e_2e_2f"),
            ("a/../b", "a_.._b"),
            ("a\\..\\b", "a_.._b"),
            ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
            ("a\r\nHost: x", "a__Host%3A%20x"),
            ("{mac}", "%7Bmac%7D"),
            ("ß", "%C3%9F"),
            ("@evil:80", "%40evil%3A80"),
        ] {
            let names = Names {
                asset_tag: Some(tag.to_owned()),
                ..Names::default()
            };
            let place = &places("http://h/{asset_tag}/x", &names)[0];
            assert_eq!(place, &format!("http://h/{wanted}/x"), "{tag}");
            assert_eq!(&url::tidy(place), place, "{tag}");
        }
        let long = Names {
            serial: Some("/".repeat(1 << 20)),
            ..Names::default()
        };
        assert_eq!(
            places("http://h/{serial}", &long)[0].len(),
            9 + LONGEST_NAME
        );
    }

    #[test]
    fn a_place_that_is_none_says_why() {
        for (place, why) in [
            ("order.json", "from / on, is needed"),
            ("ftp://h/x", "from / on, is needed"),
            ("http://{mac}/x", "behind the server's name alone"),
            ("http://h{serial}.evil/x", "behind the server's name alone"),
            ("http://h?{serial}", "behind the server's name alone"),
            ("http://h/{colour}", "{colour} is none of {mac}, {serial}"),
            ("http://h/{mac", "the } behind a { is missing"),
            ("http:///x", "it is no URL"),
            ("http://h:99999/x", "it is no URL"),
        ] {
            let error = Template::parse("ironlet.order", place).expect_err(place);
            assert!(error.details().contains(why), "{place}: {error}");
        }
    }
}
