//! Retry-After: how long a server that cannot serve now wants to be left alone (RFC 9110, 10.2.3). Pure.

use std::time::Duration;

use crate::net::http::date;

/// Nobody is left alone for longer, whatever the server says: it may be well again, or have meant something else.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Seconds, or a date, which is held against `date`, that of the same answer: this machine's clock may be wrong. At most [`LONGEST`]; none
/// of what says nothing.
pub fn pause(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    let seconds = match text.parse() {
        Ok(seconds) => seconds,
        // Of more digits than a number has.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => u64::MAX,
        Err(_) => date::parse(text)?.saturating_sub(date::parse(date?)?),
    };
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_heeded_up_to_a_bound() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (text, date, wanted) in [
            ("7", None, Some(7)),
            (" 7 ", now, Some(7)),
            ("0", None, Some(0)),
            ("301", None, Some(300)),
            ("99999999999999999999999999", None, Some(300)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", now, Some(20)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", now, Some(30)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", now, Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", now, Some(300)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", None, None),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some("now"), None),
            ("-1", now, None),
            ("1.5", now, None),
            ("", now, None),
            ("soon", now, None),
        ] {
            let wanted = wanted.map(Duration::from_secs);
            assert_eq!(pause(Some(text), date), wanted, "{text}");
        }
        assert_eq!(pause(None, now), None);
    }
}
