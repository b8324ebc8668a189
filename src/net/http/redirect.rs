//! Where a redirect leads, and what may come along.

use crate::net::http::fault::{Cause, Fault};
use crate::net::http::url;
use crate::secret::redacted;

/// Where a redirect leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// Absolute.
    pub url: String,
    /// Same scheme, host and port: whoever was trusted with credentials still is.
    pub keeps_credentials: bool,
    /// From https to http: anybody on the way could read and change what comes.
    pub is_downgrade: bool,
    /// A POST stays a POST.
    pub keeps_method: bool,
}

/// The next step of an answer to `from`; none if the answer is the last.
pub fn follow(from: &str, status: u16, location: Option<&str>) -> Result<Option<Step>, Fault> {
    let location = location.filter(|location| !location.is_empty());
    let (301..=303 | 307 | 308, Some(location)) = (status, location) else {
        return Ok(None);
    };
    let origin = url::parse(from).ok_or_else(|| unusable(from))?;
    let next = url::tidy(&origin.join(location));
    let target = url::parse(&next).ok_or_else(|| unusable(&next))?;
    let keeps_credentials = origin.same_origin(&target);
    Ok(Some(Step {
        keeps_credentials,
        is_downgrade: origin.https && !target.https,
        // RFC 9110 §15.4.8, §15.4.9
        keeps_method: matches!(status, 307 | 308),
        url: next,
    }))
}

/// The fault of a URL nobody can follow.
pub fn unusable(url: &str) -> Fault {
    let text = format_args!("'{}' is no http:// or https:// URL", redacted(url));
    Fault::new(Cause::Protocol, text)
}

/// A redirect from https to `next` that is not followed: because of a login that was shown, or for want of a digest.
pub fn insecure(next: &str, has_login: bool) -> Fault {
    let why = match has_login {
        true => "where anybody on the way could read what a login protects",
        false => "which anybody on the way could change",
    };
    let text = format_args!("it redirects from https to {}, {why}", redacted(next));
    Fault::new(Cause::Protocol, text)
}

/// Headers that belong to one server only.
pub fn is_credential(header: &str) -> bool {
    ["authorization", "cookie", "x-auth-token"]
        .iter()
        .any(|name| header.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_origin_and_a_step_down_is_told() {
        for (location, step) in [
            ("/b", Some((true, false))),
            ("https://h:443/b", Some((true, false))),
            ("https://h:8443/b", Some((false, false))),
            ("https://other/b", Some((false, false))),
            ("http://h/b", Some((false, true))),
            ("file:///etc/passwd", None),
            ("gopher://h/", None),
        ] {
            let found = follow("https://h/a", 302, Some(location)).ok().flatten();
            let found = found.map(|step| (step.keeps_credentials, step.is_downgrade));
            assert_eq!(found, step, "{location}");
        }
    }

    #[test]
    fn only_redirects_are_followed() {
        for (status, location, followed) in [
            (200, Some("/b"), false),
            (304, Some("/b"), false),
            (300, Some("/b"), false),
            (302, None, false),
            (302, Some(""), false),
            (303, Some("/b"), true),
            (308, Some("/b"), true),
        ] {
            let step = follow("http://h/a", status, location).expect("no fault");
            assert_eq!(step.is_some(), followed, "{status}");
        }
    }
}
