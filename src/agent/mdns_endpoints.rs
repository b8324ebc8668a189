//! Where Ironic is, by multicast DNS: for those who asked for that. An answer is not authenticated: it says where, and of all
//! settings it may make two, where the operator has made none and does not forbid it.

use log::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::net::http::url;
use crate::net::mdns;

/// What stands for a URL that is to be found so.
const WANTED: &str = "mdns";
/// Below a service of that type data of inspections are taken.
const CONTINUE: &str = "/v1/continue";

/// Puts what is found into the place of what was asked for. An error when nothing is found for a URL that says `mdns`.
pub fn find(config: &mut Config, clock: &Clock) -> Result<()> {
    let asked = |urls: &[String]| urls.iter().any(|url| url == WANTED);
    let attempts = config.mdns.attempts;
    if asked(&config.inspection.urls) {
        let found = mdns::find(clock, "baremetal-introspection", attempts)?;
        let url = format!("{}{CONTINUE}", found.url.trim_end_matches('/'));
        info!("inspection goes to {url}");
        config.inspection.urls = vec![url];
        take(config, &found.properties);
    }
    let explicit = asked(&config.api.urls);
    let implicit = config.api.urls.is_empty() && config.mdns.is_wanted;
    if !(explicit || implicit) {
        return Ok(());
    }
    match mdns::find(clock, "baremetal", attempts) {
        Ok(found) => {
            info!("Ironic is at {}", found.url);
            config.api.urls = vec![found.url];
            take(config, &found.properties);
            Ok(())
        }
        Err(error) if explicit => Err(error),
        Err(error) => {
            warn!("{error}; going on without");
            Ok(())
        }
    }
}

/// Settings of an answer: those on the list, that nobody else has made, and of a value that is one.
fn take(config: &mut Config, properties: &[(String, String)]) {
    for (key, value) in properties {
        let shown: String = value.chars().take(100).collect();
        let shown = shown.escape_debug();
        let Some(name) = key.strip_prefix("ipa_") else {
            continue;
        };
        let permitted = config.mdns.overrides.iter().any(|allowed| allowed == name);
        match name {
            "inspection_callback_url" if permitted && is_url(value) => {
                if config.inspection.urls.is_empty() && !config.inspection.is_wanted {
                    info!("multicast DNS: inspection goes to {shown}");
                    config.inspection.urls = vec![value.clone()];
                    config.inspection.is_wanted = true;
                }
            }
            "ntp_server" if permitted && is_server(value) => {
                if config.ntp.server.is_none() {
                    info!("multicast DNS: the time is {shown}'s");
                    config.ntp.server = Some(value.clone());
                }
            }
            name => warn!(
                "multicast DNS: {} = {shown} is not taken from there",
                name.escape_debug()
            ),
        }
    }
}

fn is_url(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@,\\".contains(&byte);
    url::parse(value).is_some() && value.bytes().all(plain)
}

/// protocol/lifecycle.md §3: a name or an address of at most 253 characters.
fn is_server(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte);
    (1..=253).contains(&value.len()) && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system_root::SystemRoot;

    fn config(line: &str) -> Config {
        Config::read(&SystemRoot::new("/nonexistent"), line).expect("fine")
    }

    #[test]
    fn of_all_settings_an_answer_makes_two_and_only_where_nobody_has() {
        let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let told = [
            (
                "ipa_inspection_callback_url",
                "http://192.0.2.1/v1/continue",
            ),
            ("ipa_ntp_server", "192.0.2.9"),
            ("ipa_insecure", "1"),
            ("ipa_agent_token", "x"),
            ("ipa_api_url", "http://evil.test"),
            ("ipa_tls_min_version", "1.2"),
            ("path", "/x"),
        ]
        .map(pair);
        let mut fresh = config("ipa-use-mdns=1");
        take(&mut fresh, &told);
        assert_eq!(fresh.inspection.urls, ["http://192.0.2.1/v1/continue"]);
        assert!(fresh.inspection.is_wanted);
        assert_eq!(fresh.ntp.server.as_deref(), Some("192.0.2.9"));
        assert!(!fresh.tls.insecure && fresh.token.is_none() && fresh.api.urls.is_empty());
        let mut set =
            config("ipa-inspection-callback-url=http://mine.test/ ipa-ntp-server=mine.test");
        take(&mut set, &told);
        assert_eq!(set.inspection.urls, ["http://mine.test/"]);
        assert_eq!(set.ntp.server.as_deref(), Some("mine.test"));
        for (key, value) in [
            ("ipa_inspection_callback_url", "file:///etc/passwd"),
            ("ipa_inspection_callback_url", "http://a@b"),
            ("ipa_ntp_server", "a b"),
            ("ipa_ntp_server", ""),
        ] {
            let mut odd = config("ipa-use-mdns=1");
            take(&mut odd, &[pair((key, value))]);
            assert!(
                odd.inspection.urls.is_empty() && odd.ntp.server.is_none(),
                "{key} {value}"
            );
        }
        let mut closed = config("ipa-use-mdns=1");
        closed.mdns.overrides.clear();
        take(&mut closed, &told);
        assert!(closed.inspection.urls.is_empty() && closed.ntp.server.is_none());
    }

    #[test]
    fn nobody_is_asked_unless_that_was_asked_for() {
        let clock = Clock::fake();
        for line in [
            "",
            "ipa-api-url=http://192.0.2.1:6385",
            "ipa-use-mdns=1 ipa-api-url=http://192.0.2.1:6385",
        ] {
            let mut config = config(line);
            let before = config.api.urls.clone();
            assert_eq!(find(&mut config, &clock), Ok(()));
            assert_eq!(config.api.urls, before);
        }
    }
}
