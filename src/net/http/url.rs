//! As much of URLs as an HTTP client needs: origin, host and port, and where a Location points.

use std::net::Ipv6Addr;

use crate::codec;
use crate::net::http::host_port;
pub use crate::net::http::host_port::{place, split_port};
pub use crate::net::http::percent_encoding::{ascii, tidy, unescape};
use crate::secret::Secret;

/// An absolute `http` or `https` URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// http if not.
    pub https: bool,
    /// `user:password`, still percent-encoded.
    pub user: Option<&'a str>,
    /// Without the brackets and the zone of an IPv6 literal.
    pub host: &'a str,
    /// The link of a link-local address: `eth0` of `[fe80::1%25eth0]` (RFC 6874), or of `[fe80::1%eth0]`. Nobody's
    /// business but this machine's: it is in no header.
    pub zone: Option<&'a str>,
    /// As given, else 80 or 443.
    pub port: u16,
    /// From the first `/` or `?` on, without the fragment; may be empty.
    pub path: &'a str,
    /// Everything before the path.
    base: &'a str,
}

/// Whether `text` begins as such a URL does, in letters of either case (RFC 3986, 3.1); `parse` says whether it is one.
pub fn is_http(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
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
    let (literal, port) = split_port(place)?;
    let (host, zone) = host_port::split_zone(literal);
    if host.is_empty()
        || !is_host(host)
        || zone.is_some_and(|zone| !host_port::is_zone(zone))
        || unfit(url).is_some()
    {
        return None;
    }
    Some(Url {
        https,
        user,
        host,
        zone,
        port: port.unwrap_or(if https { 443 } else { 80 }),
        path,
        base: &url[..url.len() - path.len()],
    })
}

/// The first character that no URL has.
pub fn unfit(url: &str) -> Option<char> {
    let is_unfit = |c: &char| c.is_whitespace() || c.is_control() || "\\<>\"".contains(*c);
    url.chars().find(is_unfit)
}

/// What has colons is an IPv6 address.
fn is_host(host: &str) -> bool {
    !host.contains(['[', ']']) && (!host.contains(':') || host.parse::<Ipv6Addr>().is_ok())
}

impl Url<'_> {
    /// What to resolve: the host, and its zone.
    pub fn reached(&self) -> String {
        match self.zone {
            Some(zone) => format!("{}%{zone}", self.host),
            None => self.host.to_owned(),
        }
    }

    /// The URL as its server may see it, if it has a zone.
    pub fn without_zone(&self) -> Option<String> {
        self.zone?;
        let (scheme, usual) = if self.https {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let place = match self.port == usual {
            true => format!("[{}]", self.host),
            false => place(self.host, self.port),
        };
        Some(format!("{scheme}://{place}{}", self.path))
    }

    /// Same scheme, host and port: the only place credentials may follow to.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.https == other.https && self.port == other.port && self.same_host(other)
    }

    /// Same host, whatever the port.
    pub fn same_host(&self, other: &Url) -> bool {
        self.zone == other.zone && self.host.eq_ignore_ascii_case(other.host)
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
    fn schemes_are_known_in_either_case() {
        let meant = ["http://h", "HTTPS://h", "Http://", "https://x y"];
        assert!(meant.into_iter().all(is_http));
        let others = ["", "http:", "httpss://h", " http://h", "file:///h", "://h"];
        assert!(!others.into_iter().any(is_http));
    }

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

    #[test]
    fn a_zone_leads_there_and_is_not_told() {
        for (url, reached, told) in [
            (
                "http://[fe80::1%25eth0]/x?y",
                "fe80::1%eth0",
                "http://[fe80::1]/x?y",
            ),
            (
                "http://[fe80::1%eth0]:8080/x",
                "fe80::1%eth0",
                "http://[fe80::1]:8080/x",
            ),
            (
                "https://[fe80::1%25eno1.7]:443",
                "fe80::1%eno1.7",
                "https://[fe80::1]",
            ),
            (
                "https://u:p@[fe80::1%2]:444/",
                "fe80::1%2",
                "https://[fe80::1]:444/",
            ),
            ("http://[fe80::1%25]/", "fe80::1%25", "http://[fe80::1]/"),
        ] {
            let parsed = parse(url).expect(url);
            assert_eq!(parsed.reached(), reached, "{url}");
            assert_eq!(parsed.without_zone().as_deref(), Some(told), "{url}");
        }
        let plain = parse("http://[fe80::1]/").expect("a URL");
        assert_eq!(
            (plain.reached().as_str(), plain.without_zone()),
            ("fe80::1", None)
        );
        for bad in [
            "http://[fe80::1%]/",
            "http://[fe80::1%a%b]/",
            "http://[::1%a/b]/",
            "http://[fe80::1%é]/",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_same_address_on_another_link_is_another_machine() {
        let url = |text| parse(text).expect("a URL");
        let (own, other) = (
            url("http://[fe80::1%25eth0]/"),
            url("http://[fe80::1%eth1]/"),
        );
        assert!(!own.same_origin(&other) && own.same_origin(&url("http://[fe80::1%eth0]:80/")));
        assert_eq!(own.join("/y"), "http://[fe80::1%25eth0]/y");
    }
}
