//! Chooses the proxy that leads to a host, if any does.

use std::net::IpAddr;

use crate::error::{Error, Result};
use crate::net::http::url;
use crate::net::http::url::Url;
use crate::secret::redacted;

/// `http://proxy:3128`, or `https://user:password@proxy:3129`, per scheme of the target, and the hosts to reach without it.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Its URL, for http.
    pub http: Option<String>,
    /// Its URL, for https.
    pub https: Option<String>,
    /// Commas between: `*`, `host`, `.domain`, `host:port`, an address, an address block.
    pub no_proxy: String,
}

impl Proxies {
    /// Refuses what cannot be used later: another scheme than http and https, or no host.
    pub fn check(&self) -> Result<()> {
        for proxy in self.http.iter().chain(&self.https) {
            if url::parse(proxy).is_none() {
                return Err(Error::plain(format!(
                    "the proxy '{}' is not of the form http://[user:password@]host:port or https://… (SOCKS is not supported)",
                    redacted(proxy)
                )));
            }
        }
        Ok(())
    }

    /// The proxy to reach `target` through.
    pub fn choose(&self, target: &Url) -> Option<Url<'_>> {
        let proxy = match target.https {
            true => self.https.as_deref(),
            false => self.http.as_deref(),
        }?;
        (!self.exempts(target.host, target.port))
            .then(|| url::parse(proxy))
            .flatten()
    }

    fn exempts(&self, host: &str, port: u16) -> bool {
        self.no_proxy
            .split([',', ' '])
            .filter(|entry| !entry.is_empty())
            .any(|entry| covers(entry, host, port))
    }
}

fn covers(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let address = host.parse::<IpAddr>().ok();
    if let (Some((net, bits)), Some(address)) = (entry.split_once('/'), address) {
        let (Ok(net), Ok(bits)) = (net.parse(), bits.parse()) else {
            return false;
        };
        return within(address, net, bits);
    }
    let Some((name, only_port)) = url::split_port(entry) else {
        return false;
    };
    if only_port.is_some_and(|only| only != port) {
        return false;
    }
    match (name.parse::<IpAddr>(), address) {
        (Ok(name), Some(address)) => name == address,
        (Err(_), None) => is_below(host, name.trim_start_matches("*.").trim_start_matches('.')),
        _ => false,
    }
}

/// The domain itself or a name in it.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    match host.strip_suffix(&domain) {
        Some(rest) => !domain.is_empty() && (rest.is_empty() || rest.ends_with('.')),
        None => false,
    }
}

fn within(address: IpAddr, net: IpAddr, bits: u32) -> bool {
    let (address, net, width) = match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (bits == 0 || (address ^ net) >> (width - bits) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_by_domain_address_block_and_port() {
        for (entry, host, port, covered) in [
            ("example.org", "example.org", 80, true),
            ("example.org", "IMG.Example.org", 80, true),
            (".example.org", "img.example.org", 80, true),
            ("*.example.org", "img.example.org", 80, true),
            ("example.org", "badexample.org", 80, false),
            ("example.org:8080", "example.org", 80, false),
            ("example.org:8080", "example.org", 8080, true),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/33", "10.0.0.1", 80, false),
            ("0.0.0.0/0", "11.0.0.1", 80, true),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd00::/8", "10.0.0.1", 80, false),
            ("10.0.0.1", "10.0.0.1", 80, true),
            ("[fd00::1]:81", "fd00::1", 81, true),
            ("fd00::1", "fd00::2", 81, false),
            ("*", "anything", 80, true),
            (".", "anything", 80, false),
            ("0.1", "10.0.0.1", 80, false),
        ] {
            assert_eq!(covers(entry, host, port), covered, "{entry} {host}:{port}");
        }
    }

    #[test]
    fn the_scheme_of_the_target_chooses() {
        let proxies = Proxies {
            http: Some("http://p:3128".into()),
            https: None,
            no_proxy: "a, b".into(),
        };
        let chosen = |target| {
            let target = url::parse(target).expect(target);
            proxies.choose(&target).map(|proxy| proxy.port)
        };
        assert_eq!(chosen("http://x/"), Some(3128));
        assert_eq!(chosen("https://x/"), None);
        assert_eq!(chosen("http://b/"), None);
    }

    #[test]
    fn a_proxy_is_reached_by_http_or_https() {
        for (proxy, https, port) in [
            ("http://u:p@proxy", false, 80),
            ("https://u:p@proxy", true, 443),
            ("https://[fd00::1]:3129", true, 3129),
        ] {
            let proxies = Proxies {
                https: Some(proxy.into()),
                ..Proxies::default()
            };
            assert_eq!(proxies.check(), Ok(()), "{proxy}");
            let target = url::parse("https://x/").expect("a URL");
            let chosen = proxies.choose(&target).expect(proxy);
            assert_eq!((chosen.https, chosen.port), (https, port), "{proxy}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_work_is_refused_without_its_password() {
        let proxies = Proxies {
            http: Some("socks5://u:secret@p".into()),
            ..Proxies::default()
        };
        let error = proxies.check().expect_err("socks").to_string();
        assert!(
            error.contains("socks5://p") && !error.contains("secret"),
            "{error}"
        );
    }
}
