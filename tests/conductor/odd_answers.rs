//! Answers as servers really send them: odd, but with one meaning.

use ironlet::codec::gzip;
use ironlet::net::http::client::{Cause, Client, Fault, Method, Proxies, Request, Timeouts};
use ironlet::net::tls::certificate::{self, Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::{Trust, Version};

use std::time::Duration;

use crate::fake_conductor::{FakeConductor, Reply};
use ironlet::clock::Clock;

fn client(trust: &Trust) -> Client {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(2),
    };
    Client::new(trust, &Proxies::default(), timeouts).expect("a client")
}

/// The status and the text of what is there for whoever shows `headers`.
fn get(
    client: &Client,
    url: &str,
    headers: &[(&str, &str)],
    verified: bool,
) -> Result<(u16, String), Fault> {
    let response = client.send(&Request {
        method: Method::Get,
        url,
        headers,
        body: None,
        verified,
    })?;
    let status = response.status();
    let text = response.text(1 << 20);
    text.map(|text| (status, text))
        .map_err(|error| Fault::new(Cause::Protocol, error))
}

fn plain(url: &str) -> Result<(u16, String), Fault> {
    get(&client(&Trust::default()), url, &[], false)
}

#[test]
fn what_stands_around_an_answer_does_not_change_it() {
    let long = "x".repeat(100_000);
    let signature = "0".repeat(64);
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    for (sent, status, text) in [
        // Interim answers, alone and with headers, with the answer right behind.
        (format!("HTTP/1.1 100 Continue\r\n\r\n{answer}"), 200, "abc"),
        (
            format!("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n{answer}"),
            200,
            "abc",
        ),
        (
            format!("HTTP/1.1 102 Processing\r\n\r\n{answer}"),
            200,
            "abc",
        ),
        (
            format!(
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{long}"
            ),
            200,
            &*long,
        ),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n{answer}"
            ),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 No\r\n\r\n".into(),
            404,
            "",
        ),
        // Lines of a head.
        (
            "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length:\r\n 3\r\n\r\nabcd".into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabcd".into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\nContent-Length: 3\n\nabcd".into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200\r\nno header at all\r\nContent-Length: 3\r\n\r\nabcd".into(),
            200,
            "abc",
        ),
        (
            "\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd".into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabcd".into(),
            200,
            "abc",
        ),
        (
            format!(
                "HTTP/1.1 200 OK\n{}X:{}\n\n",
                "A:b\n".repeat(127),
                "y".repeat(32 * 1024 - 16 - 127 * 4 - 4)
            ),
            200,
            "",
        ),
        // Chunks.
        (
            format!(
                "{chunked}\r\n3;chunk-signature={signature}\r\nabc\r\n0;chunk-signature={signature}\r\n\r\n"
            ),
            200,
            "abc",
        ),
        (
            format!("{chunked}\r\n00000000000000000000003;{long}\r\nabc\r\n0\r\n\r\n")
                .replace(&long, &long[..20_000]),
            200,
            "abc",
        ),
        (
            format!("{chunked}\r\n3\r\nabc\r\n0\r\nX-Checksum: abc\r\n\r\nHTTP/1.1 200"),
            200,
            "abc",
        ),
        (format!("{chunked}\r\n3\r\nabc\r\n0\r\n"), 200, "abc"),
        (
            format!("{chunked}Content-Length: 1\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            200,
            "abc",
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".into(),
            200,
            "abc",
        ),
        // Encodings that are none.
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Encoding: utf-8\r\n\r\nabc"
                .into(),
            200,
            "abc",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabc".into(),
            200,
            "abc",
        ),
    ] {
        let server = FakeConductor::start(vec![("GET /", vec![Reply::raw(&sent)])]);
        let read = plain(&server.url());
        assert_eq!(read, Ok((status, text.to_owned())), "{:.200}", sent);
    }
}

#[test]
fn a_text_that_was_packed_on_its_way_is_unpacked_within_its_limit() {
    let packed = |size| {
        let body = gzip::pack(&vec![b'x'; size]).expect("memory");
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Encoding: x-gzip\r\n\r\n",
            body.len()
        );
        Reply::bytes([head.into_bytes(), body].concat())
    };
    let server = FakeConductor::start(vec![(
        "GET /",
        vec![packed(1 << 20), packed((1 << 20) + 1)],
    )]);
    assert_eq!(
        plain(&server.url()).map(|(_, text)| text.len()),
        Ok(1 << 20)
    );
    let fault = plain(&server.url()).expect_err("too long");
    assert!(fault.to_string().contains("longer than 1048576"), "{fault}");
}

#[test]
fn a_location_is_resolved_whatever_bytes_it_has() {
    for (location, asked) in [
        (&b"./plain2"[..], "/a/plain2"),
        (b"../../x/./y/../z", "/x/z"),
        (b"/%2e%2e/x?../y", "/%2e%2e/x?../y"),
        ("/uni/d\u{e4}s.raw".as_bytes(), "/uni/d%C3%A4s.raw"),
        (b"/uni/d\xe4s.raw", "/uni/d%E4s.raw"),
        (b"/with blank", "/with%20blank"),
        (b"?q", "/a/b?q"),
    ] {
        let redirect = [
            b"HTTP/1.1 302 Found\r\nLocation: ",
            location,
            b"\r\nContent-Length: 0\r\n\r\n",
        ]
        .concat();
        let server = FakeConductor::start(vec![
            ("GET /a/b ", vec![Reply::bytes(redirect)]),
            ("GET /", vec![Reply::new(200, "there")]),
        ]);
        let read = plain(&format!("{}/a/./c/../b", server.url()));
        assert_eq!(read, Ok((200, "there".to_owned())), "{asked}");
        assert_eq!(server.seen()[1].path, asked);
    }
}

#[test]
fn twenty_hops_are_followed_and_no_more() {
    let hop = |to: u32| Reply::with(302, &[("Location", &*format!("/{to}"))], "");
    for (hops, followed) in [(20, true), (21, false)] {
        let mut replies: Vec<_> = (1..=hops).map(hop).collect();
        replies.push(Reply::new(200, "there"));
        let server = FakeConductor::start(vec![("GET /", replies)]);
        let read = plain(&server.url());
        assert_eq!(read.is_ok(), followed, "{hops}: {read:?}");
    }
}

fn secure(own: &Own, location: String) -> FakeConductor {
    let (certificate, key) = (own.certificate.as_bytes(), own.key.expose().as_bytes());
    let acceptor = Acceptor::new(certificate, key, Version::Tls12).expect("usable");
    let found = Reply::with(302, &[("Location", &*location)], "");
    let script = vec![("GET /", vec![found])];
    FakeConductor::with(script, Clock::fake(), Some(acceptor), Box::new(drop))
}

#[test]
fn https_steps_down_to_http_only_for_what_a_digest_holds_and_no_login_protects() {
    let loopback = "127.0.0.1".parse().expect("an address");
    let own = certificate::generate(loopback, "host", Curve::P256).expect("a certificate");
    let mirror = FakeConductor::start(vec![("GET /", vec![Reply::new(200, "there")])]);
    let other = secure(&own, mirror.url());
    let trust = Trust {
        ca_pem: vec![own.certificate.clone().into_bytes()],
        ..Trust::default()
    };
    let login = [("Authorization", "Basic c2VjcmV0")];
    let token = [("X-Auth-Token", "secret")];
    for (to, user, headers, verified, refused) in [
        (mirror.url(), "", &[][..], true, None),
        (mirror.url(), "", &[], false, Some("could change")),
        (mirror.url(), "", &login, true, Some("a login protects")),
        (mirror.url(), "", &token, true, Some("a login protects")),
        (
            mirror.url(),
            "user:password@",
            &[],
            true,
            Some("a login protects"),
        ),
        // The login is lost on the first hop already, but it was what the answer was for.
        (other.url(), "", &login, true, Some("a login protects")),
        (other.url(), "", &[], true, None),
    ] {
        let server = secure(&own, to);
        let before = mirror.seen().len();
        let url = server.url().replace("https://", &format!("https://{user}"));
        let read = get(&client(&trust), &url, headers, verified);
        match refused {
            None => assert_eq!(read, Ok((200, "there".to_owned()))),
            Some(words) => {
                let fault = read.expect_err(words);
                assert_eq!(fault.cause, Cause::Protocol);
                let text = fault.to_string();
                assert!(
                    text.contains(words) && text.contains("from https to http://"),
                    "{text}"
                );
            }
        }
        assert_eq!(mirror.seen().len() - before, usize::from(refused.is_none()));
    }
}
