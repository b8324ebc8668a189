//! Values that must never be printed: tokens, passwords, Authorization headers.

use std::fmt;

/// Text that no Debug, Display or log line shows; [`Secret::expose`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// From here on it is printed only on purpose.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Equality in a time that depends on the length of `guess` alone.
    pub fn matches(&self, guess: &str) -> bool {
        let (own, guess) = (self.0.as_bytes(), guess.as_bytes());
        let mut different = own.len() ^ guess.len();
        for (at, byte) in guess.iter().enumerate() {
            different |= usize::from(byte ^ own.get(at % own.len().max(1)).unwrap_or(&0));
        }
        different == 0 && !own.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A URL fit for a log: without user info and query, where passwords and signatures live.
/// Of several with commas between, each.
pub fn redacted(urls: &str) -> String {
    let next = |urls: &str| {
        let later = ["http://", "https://"].map(|scheme| urls.find(&format!(",{scheme}")));
        later.into_iter().flatten().min()
    };
    let (mut rest, mut text) = (urls, String::new());
    while let Some(comma) = next(rest) {
        text += &one_redacted(&rest[..comma]);
        text.push(',');
        rest = &rest[comma + 1..];
    }
    text + &one_redacted(rest)
}

fn one_redacted(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            match is_place(host) {
                true => format!("{scheme}://{host}{path}"),
                // A password with a slash in it, as far as anybody can tell.
                false => match after_login(rest) {
                    // A login without a server behind it, or no URL at all: its first word is no password.
                    whole if whole == rest && authority.contains(':') => {
                        let first = authority.split(':').next().unwrap_or_default();
                        format!("{scheme}://{first}:…")
                    }
                    behind => format!("{scheme}://{behind}"),
                },
            }
        }
        None => after_login(bare).to_owned(),
    }
}

/// What stands behind the last sign that ends a login.
fn after_login(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or_default()
}

/// A name or an address, with a port or without.
fn is_place(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) => (
            address,
            port.strip_prefix(':')
                .or(Some(port).filter(|port| port.is_empty())),
        ),
        Some(None) => return false,
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, Some("")),
        },
    };
    !name.contains([']', '['])
        && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("abc");
        for (guess, same) in [
            ("abc", true),
            ("abd", false),
            ("abcabc", false),
            ("ab", false),
            ("", false),
        ] {
            assert_eq!(secret.matches(guess), same, "{guess}");
        }
        assert!(!Secret::new("").matches(""), "no token lets nobody in");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn a_printed_url_holds_no_secret() {
        for (url, shown) in [
            ("http://u:p@h:80/a/b?temp_url_sig=1#f", "http://h:80/a/b"),
            ("https://h", "https://h"),
            ("http://a@b@h/x@y", "http://h/x@y"),
            ("no url", "no url"),
            (
                "http://a/x,https://u:p@b/y,http://v:,q@c?s=1,https://d",
                "http://a/x,https://b/y,http://c,https://d",
            ),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }

    #[test]
    fn a_login_is_shown_in_no_spelling_of_a_url() {
        for (url, shown) in [
            ("http://u:p@h:80/x?y#z", "http://h:80/x"),
            ("http://u:p@[::1]:80/x", "http://[::1]:80/x"),
            ("http://[::1]/x@y", "http://[::1]/x@y"),
            ("http://h/v2/name@sha256:00", "http://h/v2/name@sha256:00"),
            ("https//user:secret@h/x", "h/x"),
            ("user:secret@h", "h"),
            ("HTTP:/user:secret@h/x", "h/x"),
            ("http://user:se cret/secret@h/x", "http://h/x"),
            ("/orders/{mac}.json", "/orders/{mac}.json"),
            ("http://]user:secret/x", "http://]user:…"),
            ("http://user:secret]", "http://user:…"),
            ("http://[user:secret/x", "http://[user:…"),
            ("http://[::1]secret:80/x", "http://[:…"),
            ("http://user:secret", "http://user:…"),
            (
                "http://[fe80::1%25eth0]:80/x",
                "http://[fe80::1%25eth0]:80/x",
            ),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
