//! The HTTP client against servers that cut, stall, redirect and lie.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::fake_conductor::{FakeConductor, Reply};
use ironlet::net::http::client::{Cause, Client, Fault, Method, Proxies, Request, Timeouts};
use ironlet::net::tls::trust_settings::Trust;

fn client(trust: &Trust, proxies: &Proxies) -> Client {
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        // Only two servers are silent; a busy host is not to be taken for a third.
        read: Duration::from_secs(1),
    };
    Client::new(trust, proxies, timeouts).expect("a client")
}

fn get(client: &Client, url: &str) -> Result<(u16, String), Fault> {
    let headers = [
        ("Authorization", "Basic c2VjcmV0"),
        ("Accept", "text/plain"),
    ];
    let response = client.send(&Request {
        method: Method::Get,
        url,
        headers: &headers,
        body: None,
        verified: false,
    })?;
    let status = response.status();
    let mut text = String::new();
    let read = response.into_body().read_to_string(&mut text);
    match read {
        Ok(_) => Ok((status, text)),
        Err(error) => {
            let cause = match error.kind() {
                std::io::ErrorKind::TimedOut => Cause::Timeout,
                std::io::ErrorKind::ConnectionAborted => Cause::Cut,
                _ => Cause::Protocol,
            };
            Err(Fault::new(cause, error))
        }
    }
}

fn plain() -> Client {
    client(&Trust::default(), &Proxies::default())
}

#[test]
fn every_ill_answer_is_a_fault_with_its_cause() {
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(500));
    for (name, reply, cause, word) in [
        ("nothing", Reply::raw(""), Cause::Cut, "closed"),
        (
            "half a head",
            Reply::raw("HTTP/1.1 200 OK\r\nConte"),
            Cause::Cut,
            "closed",
        ),
        (
            "a short body",
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            Cause::Cut,
            "closed",
        ),
        (
            "a cut chunk",
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            Cause::Cut,
            "closed",
        ),
        (
            "a silent server",
            Reply::stall(""),
            Cause::Timeout,
            "nothing for",
        ),
        (
            "a silent body",
            Reply::stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            Cause::Timeout,
            "nothing for",
        ),
        (
            "a huge head",
            Reply::raw(&long_head),
            Cause::Protocol,
            "32768",
        ),
        ("many headers", Reply::raw(&many), Cause::Protocol, "HTTP"),
        (
            "another protocol",
            Reply::raw("220 mail.example ESMTP\r\n\r\n"),
            Cause::Protocol,
            "HTTP",
        ),
        (
            "a wrong chunk",
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            Cause::Protocol,
            "HTTP",
        ),
        (
            "a wrong length",
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
            Cause::Protocol,
            "HTTP",
        ),
    ] {
        let server = FakeConductor::start(vec![("GET /", vec![reply])]);
        let url = format!("{}/image?temp_url_sig=hidden", server.url());
        let fault = get(&plain(), &url).expect_err(name);
        let text = fault.to_string();
        assert_eq!(fault.cause, cause, "{name}: {text}");
        assert!(
            text.contains(&format!("{}/image", server.url())),
            "{name}: {text}"
        );
        assert!(
            text.contains(word) && !text.contains("hidden"),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_reset_is_no_end_even_where_only_the_end_tells_the_length() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        // Closing with the request unread makes the kernel send a reset.
        stream.peek(&mut [0])?;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nnot all of it")
    });
    let fault = get(&plain(), &url).expect_err("a reset");
    assert_eq!(fault.cause, Cause::Cut, "{fault}");
    thread.join().expect("no panic").expect("a client");
}

#[test]
fn good_answers_come_whole_whatever_their_framing() {
    for (reply, status, text) in [
        (Reply::new(200, "hello"), 200, "hello"),
        (Reply::new(500, "sorry"), 500, "sorry"),
        (
            Reply::raw("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
            200,
            "until the end",
        ),
        (Reply::raw("HTTP/1.0 200 OK\r\n\r\nold"), 200, "old"),
        (
            Reply::raw(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            ),
            200,
            "abc",
        ),
        (Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"), 204, ""),
        (
            Reply::raw("HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n"),
            304,
            "",
        ),
    ] {
        let server = FakeConductor::start(vec![("GET /", vec![reply])]);
        assert_eq!(get(&plain(), &server.url()), Ok((status, text.to_owned())));
        let seen = &server.seen()[0];
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
        assert_eq!(
            seen.header("user-agent"),
            Some(concat!("ironlet/", env!("CARGO_PKG_VERSION")))
        );
    }
}

#[test]
fn a_text_longer_than_its_limit_is_refused() {
    let server = FakeConductor::start(vec![("GET /", vec![Reply::new(200, &"x".repeat(9000))])]);
    let ask = |limit| {
        let request = Request {
            method: Method::Get,
            url: &server.url(),
            headers: &[],
            body: None,
            verified: false,
        };
        let response = plain().send(&request).expect("an answer");
        assert_eq!(response.content_length(), Some(9000));
        response.text(limit)
    };
    assert_eq!(ask(9000).map(|text| text.len()), Ok(9000));
    assert!(ask(8999).expect_err("too long").details().contains("8999"));
}

#[test]
fn redirects_end_and_credentials_stay_home() {
    let other = FakeConductor::start(vec![("GET /", vec![Reply::new(200, "there")])]);
    let location = format!("{}/found", other.url());
    let server = FakeConductor::start(vec![
        (
            "GET /near",
            vec![Reply::with(302, &[("Location", "/here")], "")],
        ),
        ("GET /here", vec![Reply::new(200, "here")]),
        (
            "GET /far",
            vec![Reply::with(307, &[("Location", &location)], "")],
        ),
        (
            "GET /loop",
            vec![Reply::with(302, &[("Location", "/loop")], "moved")],
        ),
        (
            "GET /file",
            vec![Reply::with(302, &[("Location", "file:///etc/passwd")], "")],
        ),
    ]);
    let ask = |path: &str| get(&plain(), &format!("{}{path}", server.url()));
    assert_eq!(ask("/near"), Ok((200, "here".to_owned())));
    assert!(
        server.seen_of("GET", "/here")[0]
            .header("authorization")
            .is_some()
    );
    assert_eq!(ask("/far"), Ok((200, "there".to_owned())));
    assert_eq!(other.seen()[0].header("authorization"), None);
    assert_eq!(other.seen()[0].header("accept"), Some("text/plain"));
    let fault = ask("/loop").expect_err("a loop");
    assert!(fault.to_string().contains("20 redirects") && !fault.is_connection());
    assert_eq!(server.seen_of("GET", "/loop").len(), 21);
    assert_eq!(ask("/file").expect_err("a file").cause, Cause::Protocol);
}

#[test]
fn a_post_keeps_its_body_only_where_it_may() {
    let server = FakeConductor::start(vec![
        (
            "POST /keep",
            vec![Reply::with(308, &[("Location", "/to")], "")],
        ),
        (
            "POST /drop",
            vec![Reply::with(303, &[("Location", "/to")], "")],
        ),
        ("POST /to", vec![Reply::new(202, "")]),
        ("GET /to", vec![Reply::new(200, "")]),
    ]);
    for (path, method, body) in [("/keep", "POST", "{}"), ("/drop", "GET", "")] {
        let request = Request {
            method: Method::Post,
            url: &format!("{}{path}", server.url()),
            headers: &[("Content-Type", "application/json")],
            body: Some(b"{}"),
            verified: false,
        };
        plain().send(&request).expect("an answer");
        let seen = server.seen();
        let last = seen.last().expect("a request");
        assert_eq!((last.method.as_str(), last.body.as_str()), (method, body));
    }
}

#[test]
fn no_connection_says_why() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    for (url, cause) in [
        (format!("http://127.0.0.1:{port}/"), Cause::Refused),
        ("http://no-such-host.invalid/".to_owned(), Cause::Dns),
        ("ftp://127.0.0.1/".to_owned(), Cause::Protocol),
        ("http://".to_owned(), Cause::Protocol),
    ] {
        let fault = get(&plain(), &url).expect_err(&url);
        assert_eq!(fault.cause, cause, "{fault}");
        assert_eq!(fault.is_connection(), cause != Cause::Protocol);
    }
}

#[test]
fn a_plain_proxy_reads_the_whole_url_and_a_tunnel_carries_tls() {
    let proxy = FakeConductor::start(vec![
        (
            "GET http://image.invalid:8080/x",
            vec![Reply::new(200, "by proxy")],
        ),
        (
            "CONNECT image.invalid:443",
            vec![Reply::raw("HTTP/1.1 403 No\r\n\r\n")],
        ),
    ]);
    let proxies = Proxies {
        http: Some(proxy.url()),
        https: Some(proxy.url()),
        no_proxy: "127.0.0.1".into(),
    };
    let client = client(&Trust::default(), &proxies);
    assert_eq!(
        get(&client, "http://image.invalid:8080/x"),
        Ok((200, "by proxy".into()))
    );
    let fault = get(&client, "https://image.invalid/x").expect_err("no tunnel");
    assert_eq!(fault.cause, Cause::ProxyDenied);
    assert!(fault.to_string().contains("403"), "{fault}");
}
