#![no_main]
use ironlet::net::url::{parse, tidy};

// A URL, and a redirect from it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (url, location) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(url) = parse(&tidy(url)) {
        let _ = parse(&url.join(location)).map(|next| next.same_origin(&url));
    }
});
