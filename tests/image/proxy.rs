//! Images through proxies: which way they come, and who gets to see which credentials.

use ironlet::clock::Clock;
use ironlet::codec::{base64, gzip};
use ironlet::error::{Kind, Result};
use ironlet::image::layout::config_drive::{LIMIT, Source};
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::{Receipt, deploy};
use ironlet::net::http::proxy::Proxies;
use ironlet::net::tls::certificate;
use ironlet::net::tls::certificate::{Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::Version;
use ironlet::secret::Secret;

use super::support::fake_conductor::{FakeConductor, Reply, Script};
use super::support::forward_proxy::ForwardProxy;
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, request, tools};

/// base64 of `user:p@ss word`.
const LOGIN: &str = "Basic dXNlcjpwQHNzIHdvcmQ=";
const USER: &str = "user:p%40ss%20word@";
const SECRET: &str = "Basic aW1hZ2U6c2VjcmV0";

fn text() -> String {
    "A bootable image, word for word. ".repeat(20_000)
}

fn whole() -> Reply {
    Reply::with(200, &[("ETag", "\"a\"")], &text())
}

/// The first 300,000 bytes of the image, then the rest.
fn halves() -> Vec<Reply> {
    let (image, at) = (text(), 300_000);
    let length = image.len();
    let head = format!("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: {length}\r\n\r\n");
    let range = format!("bytes {at}-{}/{length}", length - 1);
    let headers = [("ETag", "\"a\""), ("Content-Range", &*range)];
    vec![
        Reply::raw(&(head + &image[..at])),
        Reply::with(206, &headers, &image[at..]),
    ]
}

fn own() -> Own {
    let loopback = "127.0.0.1".parse().expect("an address");
    certificate::generate(loopback, "host", Curve::P256).expect("a certificate")
}

fn acceptor(own: &Own) -> Acceptor {
    let (certificate, key) = (own.certificate.as_bytes(), own.key.expose().as_bytes());
    Acceptor::new(certificate, key, Version::Tls12).expect("usable")
}

fn secure(own: &Own, script: Script) -> FakeConductor {
    FakeConductor::with(script, Clock::fake(), Some(acceptor(own)), Box::new(drop))
}

fn fetch(url: String, proxies: Proxies, own: &Own) -> Result<Receipt> {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let mut tools = tools(&path, 2);
    tools.trust.ca_pem = vec![own.certificate.clone().into_bytes()];
    tools.timeouts.read *= 20; // handshakes on a busy machine
    let image = text();
    let checksum = Checksum::Digest(digest(image.as_bytes()));
    let mut request = request(vec![url], checksum);
    request.authorization = Some(Secret::new(SECRET));
    request.proxies = proxies;
    let receipt = deploy(&request, &path, &tools)?;
    assert!(
        std::fs::read(&path)
            .expect("a file")
            .starts_with(image.as_bytes())
    );
    Ok(receipt)
}

fn both(proxy: &ForwardProxy, user: &str) -> Proxies {
    Proxies {
        http: Some(proxy.url(user)),
        https: Some(proxy.url(user)),
        no_proxy: String::new(),
    }
}

/// Every request had the image's credentials and nothing of the proxy's.
fn assert_asked(server: &FakeConductor, times: usize) {
    assert_eq!(server.seen().len(), times);
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some(SECRET));
        assert_eq!(seen.header("proxy-authorization"), None);
    }
}

#[test]
fn tls_goes_through_the_tunnel_and_goes_on_after_a_cut() {
    let (own, proxy) = (own(), ForwardProxy::start(Some(LOGIN)));
    let server = secure(&own, vec![("GET /i", halves())]);
    fetch(format!("{}/i", server.url()), both(&proxy, USER), &own).expect("by the tunnel");
    let place = server.url().replace("https://", "");
    assert_eq!(proxy.asked(), vec![format!("CONNECT {place} HTTP/1.1"); 2]);
    assert_asked(&server, 2);
    assert_eq!(server.seen()[1].header("range"), Some("bytes=300000-"));
    assert_eq!(server.seen()[1].header("if-range"), Some("\"a\""));
}

#[test]
fn a_plain_image_is_relayed_by_its_whole_url() {
    let (own, proxy) = (own(), ForwardProxy::start(Some(LOGIN)));
    let server = FakeConductor::start(vec![("GET /i", halves())]);
    fetch(format!("{}/i?a=b", server.url()), both(&proxy, USER), &own).expect("relayed");
    let line = format!("GET {}/i?a=b HTTP/1.1", server.url());
    assert_eq!(proxy.asked(), vec![line; 2]);
    assert_asked(&server, 2);
}

#[test]
fn a_config_drive_is_fetched_past_the_proxies() {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let proxy = ForwardProxy::start(None);
    let drive = base64::encode(&gzip::pack(&[1; 100_000]).expect("memory"));
    let server = FakeConductor::start(vec![
        ("GET /i", vec![whole()]),
        ("GET /drive", vec![Reply::new(200, &drive)]),
    ]);
    let url = format!("{}/i", server.url());
    let checksum = Checksum::Digest(digest(text().as_bytes()));
    let mut request = request(vec![url.clone()], checksum);
    request.proxies = both(&proxy, "");
    let source = Source::new(&format!("{}/drive", server.url()), LIMIT);
    request.drive = Some(source.expect("a URL"));
    // Both are fetched; but the text has no table to which a drive could be added.
    let error = deploy(&request, &path, &tools(&path, 0)).expect_err("no table");
    assert_eq!(error.kind(), Kind::DeploymentError, "{error}");
    assert_eq!(proxy.asked(), vec![format!("GET {url} HTTP/1.1")]);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_proxy_may_itself_be_reached_by_https() {
    let own = own();
    let proxy = ForwardProxy::secure(Some(LOGIN), acceptor(&own));
    let server = secure(&own, vec![("GET /i", halves())]);
    fetch(format!("{}/i", server.url()), both(&proxy, USER), &own).expect("TLS in TLS");
    let place = server.url().replace("https://", "");
    assert_eq!(proxy.asked(), vec![format!("CONNECT {place} HTTP/1.1"); 2]);
    assert_asked(&server, 2);

    let server = FakeConductor::start(vec![("GET /i", halves())]);
    fetch(format!("{}/i", server.url()), both(&proxy, USER), &own).expect("relayed over TLS");
    let line = format!("GET {}/i HTTP/1.1", server.url());
    assert_eq!(proxy.asked()[2..], vec![line; 2]);
    assert_asked(&server, 2);
}

#[test]
fn an_https_proxy_that_nobody_vouches_for_hears_nothing() {
    let (own, stranger) = (own(), own());
    let proxy = ForwardProxy::secure(Some(LOGIN), acceptor(&stranger));
    let server = secure(&own, vec![("GET /i", vec![whole()])]);
    for url in [server.url(), server.url().replace("https", "http")] {
        let error = fetch(format!("{url}/i"), both(&proxy, USER), &own).expect_err("a stranger");
        assert!(
            error.details().contains("no way to the proxy 127.0.0.1"),
            "{error}"
        );
        assert!(error.details().contains("nobody trusted signed"), "{error}");
    }
    assert_eq!(proxy.asked(), Vec::<String>::new());
    assert_asked(&server, 0);
}

#[test]
fn hosts_of_no_proxy_are_asked_directly() {
    let (own, proxy) = (own(), ForwardProxy::start(None));
    let server = secure(&own, vec![("GET /i", vec![whole()])]);
    let proxies = Proxies {
        no_proxy: "example.org, 127.0.0.0/8".into(),
        ..both(&proxy, "")
    };
    fetch(format!("{}/i", server.url()), proxies, &own).expect("directly");
    assert_eq!(proxy.asked(), Vec::<String>::new());
    assert_asked(&server, 1);
}

#[test]
fn every_hop_chooses_its_own_way_and_loses_what_is_not_for_it() {
    let (own, proxy) = (own(), ForwardProxy::start(None));
    let last = secure(&own, vec![("GET /there", vec![whole()])]);
    let location = format!("{}/there", last.url());
    let moved = Reply::with(302, &[("Location", &location)], "");
    let first = FakeConductor::start(vec![("GET /i", vec![moved])]);
    let proxies = Proxies {
        http: None,
        ..both(&proxy, "")
    };
    fetch(format!("{}/i", first.url()), proxies, &own).expect("redirected");
    assert_asked(&first, 1);
    let place = last.url().replace("https://", "");
    assert_eq!(proxy.asked(), [format!("CONNECT {place} HTTP/1.1")]);
    assert_eq!(last.seen()[0].header("authorization"), None);
}

#[test]
fn a_proxy_that_refuses_us_is_asked_once_and_no_password_is_told() {
    let (own, proxy) = (own(), ForwardProxy::start(Some(LOGIN)));
    let server = secure(&own, vec![("GET /i", vec![whole()])]);
    for (count, url) in [
        (1, server.url()),
        (2, server.url().replace("https", "http")),
    ] {
        let proxies = both(&proxy, "user:wrong@");
        let error = fetch(format!("{url}/i"), proxies, &own).expect_err("a wrong password");
        assert!(error.details().contains("407"), "{error}");
        assert!(error.details().contains("user and password"), "{error}");
        assert!(!error.details().contains("wrong"), "{error}");
        assert_eq!(proxy.asked().len(), count, "{error}");
    }
    assert_asked(&server, 0);
}
