#![no_main]
use ironlet::image::download::range::{Identity, Offer, Span};
use ironlet::net::http::content_coding::Coding;
use ironlet::net::http::retry_after::{LONGEST, pause};

// What a server's headers say of time and of parts, a line each: a pause has an end, and what goes on goes on where it was left.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let mut line = || lines.next().map(str::to_owned);
    let (wait, date) = (line(), line());
    assert!(pause(wait.as_deref().unwrap_or_default(), date.as_deref()).is_none_or(|pause| pause <= LONGEST));
    let span = line().and_then(|line| Span::parse(&line));
    assert!(span.is_none_or(|span| span.first < span.end && span.end <= span.total));
    let identity = Identity { etag: line(), modified: date };
    assert!(identity.validator().is_none_or(|tag| !tag.starts_with("W/") || identity.modified.as_deref() == Some(tag)));
    let length = span.map(|span| span.total);
    let offer = Offer { identity, span, length, coding: Coding::Identity };
    let known = Identity { etag: line(), modified: offer.identity.modified.clone() };
    for at in [0, 9] {
        if offer.continues(at, length, Some(&known)).is_ok() {
            assert!(offer.first() == at || offer.span.is_none(), "another part");
            assert!(offer.end().is_none_or(|end| offer.span.is_none() || end > at));
        }
    }
});
