#![no_main]
use ironlet::net::http::proxy::Proxies;
use ironlet::net::http::url::{parse, place, tidy};

// A URL, and a redirect from it or the hosts to reach without a proxy.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (url, line) = text.split_once('\n').unwrap_or((text, ""));
    let url = tidy(url);
    let Some(url) = parse(&url) else { return };
    let _ = parse(&url.join(line)).map(|next| next.same_origin(&url));
    let proxied = |no_proxy: String| {
        let proxy = Some("http://proxy:3128".to_owned());
        Proxies { http: proxy.clone(), https: proxy, no_proxy }.choose(&url).is_some()
    };
    let chosen = proxied(line.to_owned());
    assert!(!proxied("*".to_owned()) && (chosen || !line.is_empty()), "none or all are exempt");
    // Whoever is named is meant.
    if url.host.starts_with(char::is_alphanumeric) && !url.host.contains([',', '/']) {
        assert!(!proxied(place(url.host, url.port)), "{}", url.host);
    }
});
