//! Clients that mean no good: heads, bodies and framings that must not pass.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use crate::caller::{Api, SHORT, SYNC, TOKEN, listed};

fn posting(head: &str, body: &str) -> String {
    format!("POST /v1/commands/?agent_token={TOKEN} HTTP/1.1\r\nHost: h\r\n{head}\r\n\r\n{body}")
}

#[test]
fn what_two_readers_could_understand_in_two_ways_is_refused() {
    let api = Api::start();
    let get = |headers: &str| format!("GET /status HTTP/1.1\r\n{headers}\r\n\r\n");
    let post = |headers: &str| posting(headers, SYNC);
    let length = SYNC.len();
    let own = format!("Content-Length: {length}");
    for (request, status) in [
        (get("Host: h\r\nConnection: close"), 200),
        (
            get("Host: [2001:db8::1%25eth0]:9999\r\nConnection: close"),
            200,
        ),
        ("GET /status HTTP/1.0\r\n\r\n".to_owned(), 200),
        (
            format!("\r\n\r\n{}", get("Host: h\r\nConnection: x, close")),
            200,
        ),
        (post(&format!("{own}\r\nConnection: close")), 200),
        // Framing.
        (post(&format!("{own}\r\n{own}")), 400),
        (post(&format!("{own}\r\nTransfer-Encoding: chunked")), 400),
        (
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            400,
        ),
        (post("Transfer-Encoding: gzip, chunked"), 501),
        (post("Transfer-Encoding: identity"), 501),
        (post(&format!("Content-Length: +{length}")), 400),
        (post(&format!("Content-Length: {length}, {length}")), 400),
        (post("Content-Length: -1"), 400),
        (post("Content-Length:"), 400),
        (post("Content-Length: 0x10"), 400),
        (post("Content-Length: 99999999999999999999999"), 400),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            400,
        ),
        // Header lines.
        (get("Host: h\r\nA: b\r\n folded"), 400),
        (get("Host: h\r\n Leading: space"), 400),
        (get("Host: h\r\nSpace : before the colon"), 400),
        (get("Host: h\r\nno colon"), 400),
        (get("Host: h\r\nName: nul\0byte"), 400),
        (get("Host: h\r\nExpect: the-unexpected"), 417),
        ("GET /status HTTP/1.1\nHost: h\n\n".to_owned(), 400),
        (get("Host: h\r\nA: lone\nB: newline"), 400),
        // The host ends up in links.
        (get("A: b"), 400),
        (get("Host:"), 400),
        (get("Host: h\r\nHost: h"), 400),
        (get("Host: h/\"<script>"), 400),
        (get("Host: user@h"), 400),
        // Request lines.
        ("GARBAGE\r\n\r\n".to_owned(), 400),
        ("GET /status\r\n\r\n".to_owned(), 400),
        ("GET  /status HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("get /status HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET status HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET //status HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        (
            "GET http://h/status HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
            400,
        ),
        (
            "GET /status#top HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
            400,
        ),
        ("GET /stätus HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), 400),
        ("GET /status HTTP/2.0\r\nHost: h\r\n\r\n".to_owned(), 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        (
            format!("{} /status HTTP/1.1\r\nHost: h\r\n\r\n", "A".repeat(21)),
            400,
        ),
        // No HTTP at all.
        ("\u{16}\u{3}\u{1}\u{2}\0".to_owned(), 400),
        ("\0".to_owned(), 400),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), 400),
    ] {
        let mut client = api.client();
        client.send(&request);
        let reply = client.reply();
        assert_eq!(reply.status, status, "{request:?}: {}", reply.body);
        if status >= 400 {
            assert!(reply.says_close(), "{request:?}");
            assert!(reply.fault().starts_with(&status.to_string()));
            assert_eq!(client.rest(), "", "{request:?}");
        }
    }
    assert_eq!(listed(&api).len(), 1, "the one that was well formed");
}

#[test]
fn heads_are_small() {
    let api = Api::start();
    let headers = |count: usize| "A: b\r\n".repeat(count);
    let with = |headers: String| format!("GET /status HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    let endless = "x".repeat(100_000);
    for (request, status) in [
        (with(headers(99)), 200),
        (with(headers(100)), 431),
        (with(format!("A: {}\r\n", &endless[..16_000])), 200),
        (with(format!("A: {endless}\r\n")), 431),
        (
            format!("GET /status?{endless} HTTP/1.1\r\nHost: h\r\n\r\n"),
            431,
        ),
        (endless.to_uppercase(), 431),
    ] {
        let mut client = api.client();
        client.send(&request);
        let reply = client.reply();
        assert_eq!(
            reply.status,
            status,
            "{} bytes: {}",
            request.len(),
            reply.body
        );
    }
}

#[test]
fn chunks_are_read_and_bad_ones_refused() {
    let api = Api::start();
    let (first, second) = SYNC.split_at(7);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let (first, second) = (chunk(first), chunk(second));
    for (body, status) in [
        (format!("{first}{second}0\r\n\r\n"), 200),
        (
            format!("{first}{second}0;last=yes\r\nTrailer: x\r\n\r\n"),
            200,
        ),
        (format!("0{first}{second}000\r\n\r\n"), 200),
        (
            format!("{first}{second}0\r\n{}\r\n", "A: b\r\n".repeat(40)),
            431,
        ),
        (format!("{first}X{second}0\r\n\r\n"), 400),
        (format!("g{first}"), 400),
        (format!("-{first}"), 400),
        ("ffffffffffffffff\r\n".to_owned(), 413),
        ("ffffffffffffffffff\r\n".to_owned(), 400),
        (format!("3\r\nabcdef\r\n{first}"), 400),
        (format!("1;{}\r\n", "e".repeat(1000)), 400),
    ] {
        let before = api.engine.list().len();
        let mut client = api.client();
        client.send(posting("Transfer-Encoding: chunked", &body));
        let reply = client.reply();
        assert_eq!(reply.status, status, "{body:?}: {}", reply.body);
        assert_eq!(api.engine.list().len() - before, usize::from(status == 200));
        // What follows a good body is the next request.
        client.request("GET", "/status", "");
        assert_eq!(
            client.reply().status,
            if status == 200 { 200 } else { 0 },
            "{body:?}"
        );
    }
}

#[test]
fn a_body_that_breaks_off_starts_nothing() {
    let api = Api::start();
    let length = SYNC.len();
    for (head, body) in [
        (format!("Content-Length: {}", length + 1), SYNC.to_owned()),
        ("Content-Length: 200000000".to_owned(), SYNC.to_owned()),
        (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{length:x}\r\n{SYNC}\r\n"),
        ),
        (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{:x}\r\n{SYNC}", length + 1),
        ),
    ] {
        let mut client = api.client();
        client.send(posting(&head, &body));
        client.0.shutdown(Shutdown::Write).expect("it is open");
        let reply = client.reply();
        assert_eq!(
            reply.fault(),
            "400 Bad Request: The request body is cut",
            "{head}"
        );
    }
    assert!(listed(&api).is_empty());
}

#[test]
fn requests_sent_in_one_go_are_answered_in_order() {
    let api = Api::start();
    let mut client = api.client();
    let length = SYNC.len();
    let page = format!("/v1/commands/?agent_token={TOKEN}");
    let list = format!("GET {page} HTTP/1.1\r\nHost: h\r\n\r\n");
    let post = posting(&format!("Content-Length: {length}"), SYNC);
    let stray = posting("Content-Length: 5", "abcde").replace(TOKEN, "wrong");
    let last = list.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    client.send(format!("{list}{post}\r\n{stray}{list}{last}{list}"));
    assert_eq!(client.reply().body, r#"{"commands":[]}"#);
    assert!(client.reply().body.contains("\"SUCCEEDED\""));
    assert_eq!(client.reply().status, 401);
    assert!(client.reply().body.contains("\"SUCCEEDED\""));
    assert!(client.reply().says_close());
    assert_eq!(client.rest(), "", "nothing follows the last one");
}

#[test]
fn noise_hurts_nobody() {
    let api = Api::start();
    // A fixed seed: what fails once fails always.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let good = posting(&format!("Content-Length: {}", SYNC.len()), SYNC);
    for round in 0..200 {
        let mut noise = good.clone().into_bytes();
        for _ in 0..=round % 7 {
            let at = usize::from(byte()) % noise.len();
            noise[at] = byte();
        }
        let mut client = api.client();
        client.send(&noise);
        client.0.shutdown(Shutdown::Write).expect("it is open");
        let rest = client.rest();
        assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 "), "{rest}");
    }
    assert_eq!(api.call("GET", "/status", "").status, 200);
}

/// Abstract names are seen by every process of the machine.
#[test]
fn behind_the_front_door_nobody_else_is_heard() {
    let api = Api::start();
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("a list");
    let names = sockets.lines().filter_map(|line| line.split('@').nth(1));
    let doors: Vec<_> = names.filter(|name| name.starts_with("ironlet-")).collect();
    assert!(!doors.is_empty());
    for name in doors {
        let address = SocketAddr::from_abstract_name(name).expect("a short name");
        // Other tests' doors come and go.
        let Ok(mut stream) = UnixStream::connect_addr(&address) else {
            continue;
        };
        let huge = "Content-Length: 18446744073709551615";
        let request = posting(huge, "x").replace("Host: h", "Connection: close");
        stream.write_all(request.as_bytes()).expect("it is open");
        stream
            .set_read_timeout(Some(SHORT))
            .expect("it is a socket");
        let answer = stream.read(&mut [0]);
        assert!(!matches!(answer, Ok(1)), "not a byte comes back");
    }
    assert!(listed(&api).is_empty());
    assert_eq!(api.call("GET", "/status", "").status, 200);
}
