//! As much of URLs as an HTTP client needs: origin, host and port, and where a Location points.

use std::net::Ipv6Addr;

use crate::codec;
use crate::secret::Secret;

/// An absolute `http` or `https` URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// http if not.
    pub https: bool,
    /// `user:password`, still percent-encoded.
    pub user: Option<&'a str>,
    /// Without the brackets of an IPv6 literal.
    pub host: &'a str,
    /// As given, else 80 or 443.
    pub port: u16,
    /// From the first `/` or `?` on, without the fragment; may be empty.
    pub path: &'a str,
    /// Everything before the path.
    base: &'a str,
}

/// None for anything that is not `http(s)://host…`.
pub fn parse(url: &str) -> Option<Url<'_>> {
    let url = url.split('#').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://")?;
    let https = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => false,
        _ if scheme.eq_ignore_ascii_case("https") => true,
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = split_port(place)?;
    let acceptable = |c: char| !c.is_whitespace() && !c.is_control() && !"\\<>\"".contains(c);
    if host.is_empty() || !is_host(host) || !url.chars().all(acceptable) {
        return None;
    }
    Some(Url {
        https,
        user,
        host,
        port: port.unwrap_or(if https { 443 } else { 80 }),
        path,
        base: &url[..url.len() - path.len()],
    })
}

/// What has colons is an IPv6 address, perhaps with a zone.
fn is_host(host: &str) -> bool {
    let address = host.split('%').next().unwrap_or_default();
    !host.contains(['[', ']']) && (!host.contains(':') || address.parse::<Ipv6Addr>().is_ok())
}

/// The URL with its dot segments resolved, and with everything percent-encoded after the host that may not stand in a request line.
pub fn tidy(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..]
        .find(['/', '?'])
        .map_or(url.len(), |at| at + start);
    let mut tidy = url[..path].to_owned();
    let end = url[path..]
        .find(['?', '#'])
        .map_or(url.len(), |at| at + path);
    let plain = without_dots(&url[path..end]);
    for byte in plain.bytes().chain(url[end..].bytes()) {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => tidy.push(char::from(byte)),
            byte => tidy += &format!("%{byte:02X}"),
        }
    }
    tidy
}

/// RFC 3986 §5.2.4, of a path that is empty or begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => {
                kept.push(other);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push(""); // a folder
        }
    }
    kept.iter().map(|segment| format!("/{segment}")).collect()
}

/// Text of these bytes, those beyond ASCII percent-encoded.
pub fn ascii(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte.is_ascii() {
            true => text.push(char::from(*byte)),
            false => text += &format!("%{byte:02X}"),
        }
    }
    text
}

/// Percent-encoding undone; a percent sign without two digits stands for itself.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        (rest, bytes) = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8); // two digits fill a byte
                (&after[2..], bytes)
            }
            _ => {
                bytes.push(first);
                (after, bytes)
            }
        };
    }
    bytes
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`, and a bare v6 address.
pub fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            match after {
                "" => (host, None),
                after => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None if place.matches(':').count() > 1 => (place, None),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    match port {
        None | Some("") => Some((host, None)),
        Some(port) => Some((host, Some(port.parse().ok()?))),
    }
}

/// `host:port`, with brackets where the host is an IPv6 address.
pub fn place(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

impl Url<'_> {
    /// Same scheme, host and port: the only place credentials may follow to.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.https == other.https
            && self.port == other.port
            && self.host.eq_ignore_ascii_case(other.host)
    }

    /// The user info as the value of an Authorization or Proxy-Authorization header (RFC 7617 §2).
    pub fn login(&self) -> Option<Secret> {
        let mut pair = unescape(self.user.filter(|user| !user.is_empty())?);
        if !self.user?.contains(':') {
            pair.push(b':');
        }
        Some(Secret::new(format!(
            "Basic {}",
            codec::base64::encode(&pair)
        )))
    }

    /// Where `location` leads from here (RFC 3986 §5.2); [`tidy`] resolves its dot segments.
    pub fn join(&self, location: &str) -> String {
        let location = location.split('#').next().unwrap_or_default().trim();
        let scheme = if self.https { "https" } else { "http" };
        let path = self.path.split('?').next().unwrap_or_default();
        // A colon before the first slash can only end a scheme.
        let head = location.split(['/', '?']).next().unwrap_or_default();
        if head.contains(':') {
            return location.to_owned();
        }
        match location.chars().next() {
            None => format!("{}{}", self.base, self.path),
            Some('/') if location.starts_with("//") => format!("{scheme}:{location}"),
            Some('/') => format!("{}{location}", self.base),
            Some('?') => format!("{}{path}{location}", self.base),
            Some(_) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{}{folder}/{location}", self.base)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        for (url, https, host, port, path) in [
            ("http://h", false, "h", 80, ""),
            ("HTTPS://h:6385/v1?a#b", true, "h", 6385, "/v1?a"),
            ("https://u:p@[fd00::5]:9/x", true, "fd00::5", 9, "/x"),
            ("http://h?q=/", false, "h", 80, "?q=/"),
        ] {
            let parsed = parse(url).expect(url);
            assert_eq!(
                (parsed.https, parsed.host, parsed.port, parsed.path),
                (https, host, port, path),
                "{url}"
            );
        }
        for url in [
            "",
            "h",
            "ftp://h",
            "http://",
            "http://h:x/",
            "http://h:99999/",
            "http://a b/",
            "http://[fd00::5/",
            "http://[fd00::5]x/",
            "http://h:p:2]/",
            "http://a:1:2/",
            "http:///path",
            "http://h/\r\nX: y",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_encoded_as_they_are() {
        assert_eq!(ascii("/d\u{e4}s.raw?%20".as_bytes()), "/d%C3%A4s.raw?%20");
        assert_eq!(ascii(b"/d\xe4s.raw"), "/d%E4s.raw");
    }

    #[test]
    fn user_info_becomes_a_login() {
        for (url, pair) in [
            ("http://user:pass@h/", Some("user:pass")),
            ("http://user:p%40s%73%20w@h/", Some("user:p@ss w")),
            ("http://user:100%@h/", Some("user:100%")),
            ("http://user%3Aname@h/", Some("user:name:")),
            ("http://user@h/", Some("user:")),
            ("http://@h/", None),
            ("http://h/", None),
        ] {
            let login = parse(url).expect(url).login();
            let wanted =
                pair.map(|pair| format!("Basic {}", codec::base64::encode(pair.as_bytes())));
            assert_eq!(
                login.as_ref().map(Secret::expose),
                wanted.as_deref(),
                "{url}"
            );
        }
    }

    #[test]
    fn a_path_is_made_fit_for_a_request_line() {
        for (url, wanted) in [
            (
                "http://h/my image.raw?a=%20",
                "http://h/my%20image.raw?a=%20",
            ),
            ("http://h/ä\r\nX: y", "http://h/%C3%A4%0D%0AX:%20y"),
            ("http://h h", "http://h h"),
            ("http://h", "http://h"),
            ("http://h?../..", "http://h?../.."),
            ("http://h/../a/./b/../../c/..?../x", "http://h/?../x"),
            ("http://h/a/b/..", "http://h/a/"),
            ("http://h/a/.", "http://h/a/"),
            ("http://h/a//../b/...", "http://h/a/b/..."),
            ("http://h/.a/..b", "http://h/.a/..b"),
        ] {
            assert_eq!(tidy(url), wanted);
        }
    }

    #[test]
    fn a_location_is_followed_from_where_it_was_given() {
        let from = parse("http://h:8/a/b?q").expect("a URL");
        for (location, wanted) in [
            ("http://other/x", "http://other/x"),
            ("//other/x", "http://other/x"),
            ("/x?y", "http://h:8/x?y"),
            ("x", "http://h:8/a/x"),
            ("?z", "http://h:8/a/b?z"),
            ("", "http://h:8/a/b?q"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("/x#fragment", "http://h:8/x"),
        ] {
            assert_eq!(from.join(location), wanted, "{location}");
        }
        let bare = parse("http://h").expect("a URL");
        assert_eq!(bare.join("x"), "http://h/x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let own = parse("https://Host/a").expect("a URL");
        for (url, same) in [
            ("https://host:443/b", true),
            ("http://host:443/", false),
            ("https://host:444/", false),
            ("https://host.evil/", false),
        ] {
            assert_eq!(own.same_origin(&parse(url).expect(url)), same, "{url}");
        }
    }
}
