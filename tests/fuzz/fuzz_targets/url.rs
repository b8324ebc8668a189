#![no_main]
use ironlet::net::http::proxy::Proxies;
use ironlet::net::http::url::{is_http, parse, place, tidy};

// A URL, and a redirect from it or the hosts to reach without a proxy.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (url, line) = text.split_once('\n').unwrap_or((text, ""));
    let url = tidy(url);
    let Some(url) = parse(&url) else { return };
    assert!(is_http(line) || parse(line).is_none(), "a URL of another scheme");
    assert!(url.login().is_none_or(|login| login.expose().starts_with("Basic ")) && url.reached().starts_with(url.host));
    // What is asked for behind a link's zone is the same place.
    if let Some(plain) = url.without_zone() {
        let plain = parse(&plain).expect("a URL");
        assert!((plain.host, plain.port, plain.https, plain.zone) == (url.host, url.port, url.https, None));
    }
    let _ = parse(&url.join(line)).map(|next| next.same_origin(&url));
    let proxied = |no_proxy: String| {
        let proxy = Some("http://proxy:3128".to_owned());
        Proxies { http: proxy.clone(), https: proxy, no_proxy }.choose(&url).is_some()
    };
    let proxy = Proxies { http: Some(line.to_owned()), https: None, no_proxy: String::new() };
    assert_eq!(proxy.check().is_ok(), parse(line).is_some());
    let chosen = proxied(line.to_owned());
    assert!(!proxied("*".to_owned()) && (chosen || !line.is_empty()), "none or all are exempt");
    // Whoever is named is meant.
    if url.host.starts_with(char::is_alphanumeric) && !url.host.contains([',', '/']) {
        assert!(!proxied(place(url.host, url.port)), "{}", url.host);
    }
});
