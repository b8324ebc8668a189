//! Where `ironlet.syslog` sends the log: `host:port`, `tcp://host:port` or `tls://host:port`. Pure.

use std::fmt;

use crate::error::{Error, Result};
use crate::net::http::url;
use crate::secret::redacted;

/// A syslog server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name or an address, without brackets.
    pub host: String,
    /// As given, else the protocol's own.
    pub port: u16,
    /// How to get there.
    pub transport: Transport,
}

/// How messages get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 5426.
    Udp,
    /// RFC 6587, lengths before messages.
    Tcp,
    /// RFC 5425.
    Tls,
}

impl Destination {
    /// An error that says what is expected.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, place) = text.split_once("://").unwrap_or(("udp", text));
        // RFC 5426 §3.3, RFC 5425 §4.1; for plain TCP the port of UDP is usual.
        let (transport, usual) = match scheme {
            "udp" => (Transport::Udp, 514),
            "tcp" => (Transport::Tcp, 514),
            "tls" => (Transport::Tls, 6514),
            _ => return Err(wrong(text)),
        };
        // One parser of hosts: a URL of such a place is one that a client could call.
        let as_url = format!("http://{place}/");
        let url = url::parse(&as_url).filter(|url| url.path == "/" && url.user.is_none());
        let url = url.ok_or_else(|| wrong(text))?;
        let (_, port) = url::split_port(place).ok_or_else(|| wrong(text))?;
        Ok(Destination {
            host: url.reached(),
            port: port.unwrap_or(usual),
            transport,
        })
    }
}

fn wrong(text: &str) -> Error {
    // A password has no place there, and is not to be told all the same.
    let bare = redacted(text);
    let bare = bare.rsplit('@').next().unwrap_or_default();
    let text = bare.escape_debug();
    Error::plain(format!(
        "ironlet.syslog={text:.100} is none of host:port, tcp://host:port and tls://host:port, without a user"
    ))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        };
        write!(f, "{scheme}://{}", url::place(&self.host, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_taken_as_people_write_them() {
        for (text, shown) in [
            ("log.example.org", Some("udp://log.example.org:514")),
            ("10.0.0.1:5514", Some("udp://10.0.0.1:5514")),
            ("udp://10.0.0.1", Some("udp://10.0.0.1:514")),
            ("tcp://[fd00::1]:601", Some("tcp://[fd00::1]:601")),
            ("tls://log.example.org", Some("tls://log.example.org:6514")),
            ("[fd00::1]", Some("udp://[fd00::1]:514")),
            ("", None),
            ("http://h", None),
            ("tls://user:password@h", None),
            ("h/path", None),
            ("h:99999", None),
            ("fd00::1", Some("udp://[fd00::1]:514")),
            ("fd00::1:2:x", None),
        ] {
            let parsed = Destination::parse(text).ok();
            assert_eq!(parsed.map(|to| to.to_string()).as_deref(), shown, "{text}");
        }
    }
}
