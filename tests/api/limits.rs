//! How much and how long a client may; each test shortens the limit it is about.

use std::fs;
use std::io::Write;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use ironlet::units::Bytes;

use crate::caller::{Api, Client, SECOND, SHORT, SYNC, TOKEN, listed};
use crate::support::fake_agent::Surroundings;

fn page() -> String {
    format!("/v1/commands/?agent_token={TOKEN}")
}

fn head(target: &str, headers: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n")
}

/// Sends a byte every ten milliseconds until the server has had enough.
fn dribble(client: &mut Client, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if client.0.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(SHORT / 10);
        client.0.set_nonblocking(true).expect("it is a socket");
        let answered = client.0.peek(&mut [0]).is_ok();
        client.0.set_nonblocking(false).expect("it is a socket");
        if answered {
            return;
        }
    }
}

#[test]
fn a_head_has_to_come_in_time() {
    let api = Api::limited(|limits| limits.head = SHORT);
    let mut client = api.client();
    let began = Instant::now();
    dribble(&mut client, b"GET / HTTP/1.1\r\nHost: h\r\n");
    let reply = client.reply();
    assert_eq!(
        reply.fault(),
        "408 Request Timeout: The request head came too slowly"
    );
    assert!(began.elapsed() >= SHORT && began.elapsed() < SECOND);
}

#[test]
fn who_says_nothing_is_let_go_without_a_word() {
    let api = Api::limited(|limits| limits.idle = SHORT);
    assert_eq!(api.client().rest(), "");
    let mut client = api.client();
    client.request("GET", "/status", "");
    assert_eq!(client.reply().status, 200);
    assert_eq!(client.rest(), "");
}

#[test]
fn a_body_must_neither_stall_nor_crawl() {
    for (stall, floor, crawling) in [(SHORT, 1, false), (SHORT, 1 << 20, true)] {
        let api = Api::limited(|limits| (limits.stall, limits.floor) = (stall, floor));
        let mut client = api.client();
        client.send(head(&page(), "Content-Length: 100000"));
        let began = Instant::now();
        match crawling {
            true => dribble(&mut client, b" "),
            false => client.send(b"{\"name\""),
        }
        let reply = client.reply();
        assert_eq!(
            reply.fault(),
            "408 Request Timeout: The request body came too slowly"
        );
        assert!(began.elapsed() >= SHORT && began.elapsed() < SECOND);
        assert!(listed(&api).is_empty());
    }
}

#[test]
fn the_token_comes_before_the_body() {
    let api = Api::limited(|limits| limits.linger = SHORT);
    let huge = "Content-Length: 200000000";
    let expecting = format!("{huge}\r\nExpect: 100-continue");
    for (target, headers, status) in [
        ("/commands/", huge, 401),
        ("/commands/?agent_token=wrong", huge, 401),
        ("/commands/?agent_token=wrong", &*expecting, 401),
        ("/commands/", "Transfer-Encoding: chunked", 401),
        ("/nope", huge, 404),
        ("/status", huge, 405),
        ("/v1/commands", huge, 308),
    ] {
        let mut client = api.client();
        client.send(head(target, headers));
        // Not a byte of the body is sent, and none is waited for.
        let reply = client.reply();
        assert_eq!(reply.status, status, "{target} {headers}");
        assert!(reply.says_close(), "{target} {headers}");
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn a_small_body_of_a_refused_request_costs_the_connection_nothing() {
    let api = Api::start();
    let mut client = api.client();
    for size in [1, 1000, 65_536] {
        client.request("POST", "/commands/?agent_token=wrong", &"x".repeat(size));
        let reply = client.reply();
        assert_eq!((reply.status, reply.says_close()), (401, false));
    }
    client.request("POST", "/commands/?agent_token=wrong", &"x".repeat(65_537));
    assert!(client.reply().says_close());
}

#[test]
fn who_expects_to_continue_is_told_to() {
    let api = Api::start();
    let mut client = api.client();
    let length = SYNC.len();
    client.send(head(
        &page(),
        &format!("Content-Length: {length}\r\nExpect: 100-continue"),
    ));
    let interim = client.reply();
    assert_eq!((interim.status, &*interim.body), (100, ""));
    client.send(SYNC);
    assert_eq!(client.reply().status, 200);
}

#[test]
fn bodies_have_a_largest_size() {
    let api = Api::limited(|limits| (limits.body, limits.linger) = (Bytes(1000), SHORT));
    let padded = |size: usize| format!("{SYNC:<size$}");
    assert_eq!(api.call("POST", &page(), &padded(1000)).status, 200);
    let mut client = api.client();
    client.send(head(
        &page(),
        "Content-Length: 1001\r\nExpect: 100-continue",
    ));
    let reply = client.reply();
    assert_eq!(
        reply.fault(),
        "413 Content Too Large: A request body may hold at most 1000 B"
    );
    for chunks in [
        format!("3e9\r\n{}", padded(1001)),
        format!("1\r\nx\r\n3e8\r\n{}", padded(1000)),
    ] {
        let mut client = api.client();
        client.send(head(&page(), "Transfer-Encoding: chunked") + &chunks);
        assert_eq!(client.reply().status, 413);
    }
    assert_eq!(listed(&api).len(), 1);
}

#[test]
fn a_body_there_is_no_memory_for_is_refused_unread() {
    let around = Surroundings::new();
    // 20 MiB, of which the rest of the agent keeps 16.
    fs::write(
        around.host.proc("meminfo"),
        "MemTotal: 65536 kB\nMemAvailable:   20480 kB\n",
    )
    .expect("a file");
    let api = Api::with(around, |service| service.limits.linger = SHORT);
    let mut client = api.client();
    client.send(head(&page(), "Content-Length: 4194305"));
    let reply = client.reply();
    assert_eq!(reply.status, 503);
    assert!(
        reply.fault().contains("20 MiB of memory are left"),
        "{}",
        reply.body
    );
    assert_eq!(api.call("POST", &page(), SYNC).status, 200);
    fs::write(api.around.host.proc("meminfo"), "MemAvailable: 16384 kB\n").expect("a file");
    let mut client = api.client();
    client
        .send(head(&page(), "Transfer-Encoding: chunked") + "200000\r\n" + &" ".repeat(0x20_0000));
    assert_eq!(
        client.reply().status,
        503,
        "one in chunks is stopped on its way"
    );
}

#[test]
fn a_large_body_arrives_whole() {
    let api = Api::start();
    let body = format!("{}{SYNC}", " ".repeat(24 << 20));
    let reply = api.call("POST", &page(), &body);
    assert!(reply.body.contains("\"SUCCEEDED\""), "{}", reply.body);
}

#[test]
fn who_is_refused_while_sending_gets_to_read_why() {
    let api = Api::start();
    let mut client = api.client();
    client.send(head(
        "/commands/?agent_token=wrong",
        "Content-Length: 8388608",
    ));
    // A server that closed on unread bytes would reset the connection under them.
    client
        .0
        .write_all(&vec![b' '; 8 << 20])
        .expect("every byte is taken");
    assert_eq!(client.reply().status, 401);
}

#[test]
fn above_the_cap_the_longest_idle_goes_and_who_is_served_stays() {
    let api = Api::limited(|limits| limits.connections = 2);
    let length = SYNC.len();
    let expecting = head(
        &page(),
        &format!("Content-Length: {length}\r\nExpect: 100-continue"),
    );
    let served = || {
        let mut client = api.client();
        client.send(&expecting);
        assert_eq!(client.reply().status, 100);
        client
    };
    let mut idle = api.client();
    idle.request("GET", "/status", "");
    assert_eq!(idle.reply().status, 200);
    let first = served();
    let second = served();
    assert_eq!(idle.rest(), "", "it made room for the second");
    let turned_away = api.client().reply();
    assert_eq!(
        turned_away.fault(),
        "503 Service Unavailable: All connections are in use"
    );
    for mut client in [first, second] {
        client.send(SYNC);
        assert_eq!(client.reply().status, 200);
    }
    assert_eq!(api.call("GET", "/status", "").status, 200);
}

/// What was logged, by everybody in this process.
static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Keeping;

impl log::Log for Keeping {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        LOGGED
            .lock()
            .expect("no thread panics with it")
            .push(record.args().to_string());
    }
    fn flush(&self) {}
}

#[test]
fn a_request_is_one_line_of_the_log_and_the_token_none() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        log::set_logger(&Keeping).expect("no test sets another");
        log::set_max_level(log::LevelFilter::Trace);
    });
    let api = Api::start();
    for target in [
        "/log-test/a?x=1",
        "/log-test/a%3Fagent_token=",
        "/log-test/a?agent_token=",
        "/commands/log-test?x&agent_token=",
    ] {
        api.call("POST", &format!("{target}{TOKEN}"), SYNC);
    }
    api.call("GET", &format!("/log-test/{}", "long".repeat(1000)), "");
    api.command("POST", "", "", SYNC);
    // The last line is written after the last reply; the end of the server is later still.
    api.server.stop();
    let lines = LOGGED.lock().expect("no thread panics with it").clone();
    let ours: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("log-test"))
        .collect();
    assert_eq!(ours.len(), 5, "{ours:?}");
    let plain = |line: &&&String| line.starts_with("127.0.0.1 POST /log-test/a 404 ");
    assert_eq!(ours.iter().filter(plain).count(), 2, "{ours:?}");
    assert!(ours.iter().all(|line| line.ends_with(" ms")));
    assert!(ours.iter().all(|line| line.len() < 300));
    assert!(!lines.iter().any(|line| line.contains(TOKEN)));
}
