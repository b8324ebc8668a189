//! Retry-After: how long a server that cannot serve now wants to be left alone (RFC 9110, 10.2.3). Pure.

use std::time::Duration;

use crate::net::http::date;

/// Nobody is left alone for longer, whatever the server says: it may be well again, or have meant something else.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Seconds, or a date, which is held against `date`, that of the same answer: this machine's clock may be wrong. Of several,
/// each in a header of its own or all in one, as proxies have it, the longest. At most [`LONGEST`]; none of what says nothing.
pub fn pause(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let now = date.and_then(date::parse);
    let until = |text: &str| Some(date::parse(text)?.saturating_sub(now?));
    let (mut longest, mut before, mut start) = (None, 0, 0);
    for piece in retry_after.split(',') {
        let end = start + piece.len();
        // A comma stands within most dates, too.
        let said = seconds(piece.trim())
            .or_else(|| until(piece))
            .or_else(|| until(&retry_after[before..end]));
        longest = longest.max(said);
        (before, start) = (start, end + 1);
    }
    Some(Duration::from_secs(longest?).min(LONGEST))
}

/// More digits than a number has are the most there can be.
fn seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
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
            ("7, 200", None, Some(200)),
            ("200,7", now, Some(200)),
            ("7, Sun, 06 Nov 1994 08:49:57 GMT", now, Some(20)),
            ("Sun, 06 Nov 1994 08:49:57 GMT, 7", now, Some(20)),
            (
                "Sun, 06 Nov 1994 08:49:57 GMT, Sun, 06 Nov 1994 08:50:07 GMT",
                now,
                Some(30),
            ),
            ("Sun Nov  6 08:50:07 1994, 7", now, Some(30)),
            ("soon, 7,", now, Some(7)),
            ("-1, 0", now, Some(0)),
            (",", now, None),
            ("-1", now, None),
            ("1.5", now, None),
            ("", now, None),
            ("soon", now, None),
        ] {
            let wanted = wanted.map(Duration::from_secs);
            assert_eq!(pause(text, date), wanted, "{text}");
        }
    }
}
