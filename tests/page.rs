//! The page for browsers, over real sockets: who gets it and who gets JSON, what is left where there are no commands, and texts that
//! mean no good.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Instant;

#[path = "api/caller.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod caller;
mod support;

use caller::Api;
use ironlet::api::{self, Limits, Page, Server, Service};
use ironlet::clock::Clock;
use ironlet::error::{Error, Kind};
use ironlet::logger::status::{self, DiskLine, Phase, Row};
use ironlet::report::overview::Watcher;
use ironlet::system_root::SystemRoot;
use ironlet::units::Bytes;
use ironlet::work_progress::WorkProgress;
use support::fake_agent::Surroundings;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn page(host: &SystemRoot) -> Option<Page> {
    Some(Page::new(Watcher::new(host, &Clock::real(), "1.2.3")))
}

/// An agent that has no Ironic.
fn alone(metrics: bool) -> Server {
    let host = Surroundings::new().host.clone();
    let service = Service {
        engine: None,
        token: None,
        started_at: 0.0,
        version: "1.2.3",
        acceptor: None,
        page: page(&host),
        host,
        metrics,
        limits: Limits::default(),
    };
    let listener = api::listen(Ipv4Addr::LOCALHOST.into(), 0).expect("a free port");
    api::serve(listener, service, Clock::real()).expect("it starts")
}

/// All that comes back.
fn ask(port: u16, method: &str, path: &str, accept: Option<&str>) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    let accept = accept.map_or(String::new(), |accept| format!("Accept: {accept}\r\n"));
    let head = format!("{method} {path} HTTP/1.1\r\nHost: h\r\n{accept}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}

#[test]
fn who_does_not_ask_for_html_gets_what_everybody_got() {
    let plain = Api::start();
    let with = Api::with(Surroundings::new(), |service| {
        service.page = page(&service.host)
    });
    for path in ["/", "/?x=1", "/v1/", "/v1", "/v1/status", "/nothing"] {
        for accept in [
            None,
            Some("*/*"),
            Some("application/json"),
            Some("text/*"),
            Some("application/xhtml+xml"),
            Some("x-text/html"),
            Some(""),
        ] {
            let [one, other] =
                [&plain, &with].map(|api| ask(api.server.port(), "GET", path, accept));
            assert_eq!(one, other, "{path} {accept:?}");
        }
    }
    for path in ["/v1/", "/v1/status", "/nothing", "/v1/commands/"] {
        let [one, other] =
            [&plain, &with].map(|api| ask(api.server.port(), "GET", path, Some(BROWSER)));
        assert_eq!(one, other, "{path}");
    }
    let off = ask(plain.server.port(), "GET", "/", Some(BROWSER));
    assert!(off.contains("application/json"), "{off}");
}

#[test]
fn a_browser_gets_a_page_that_nothing_gets_into() {
    let api = Api::with(Surroundings::new(), |service| {
        service.page = page(&service.host)
    });
    for accept in [BROWSER, "TEXT/HTML", "application/json, text/html"] {
        let answer = ask(api.server.port(), "GET", "/", Some(accept));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for header in [
            "Content-Type: text/html; charset=utf-8",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control: no-store",
            "X-Frame-Options: DENY",
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer",
            "Vary: Accept",
        ] {
            assert!(head.contains(&format!("{header}\r\n")), "{header}: {head}");
        }
        assert!(body.starts_with("<!doctype html>") && body.contains("ironlet 1.2.3"));
    }
    let head = ask(api.server.port(), "HEAD", "/", Some(BROWSER));
    assert!(
        head.ends_with("\r\n\r\n") && head.contains("text/html"),
        "{head}"
    );
    let post = ask(api.server.port(), "POST", "/", Some(BROWSER));
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");
}

#[test]
fn without_commands_there_is_the_page_and_nothing_else() {
    let server = alone(false);
    let port = server.port();
    assert!(ask(port, "GET", "/", Some(BROWSER)).starts_with("HTTP/1.1 200"));
    for (method, path, accept) in [
        ("GET", "/", None),
        ("GET", "/v1/", Some(BROWSER)),
        ("GET", "/v1/status", None),
        ("GET", "/metrics", None),
        ("GET", "/v1/commands/", None),
        ("GET", "/v1/commands/?agent_token=", None),
        ("POST", "/v1/commands/", None),
        ("GET", "/favicon.ico", None),
        ("PUT", "/", Some(BROWSER)),
    ] {
        let answer = ask(port, method, path, accept);
        assert!(
            answer.starts_with("HTTP/1.1 404"),
            "{method} {path}: {answer}"
        );
    }
    let counted = alone(true);
    let figures = ask(counted.port(), "GET", "/metrics", None);
    assert!(
        figures.contains("ironlet_build_info") && figures.ends_with("# EOF\n"),
        "{figures}"
    );
    server.stop();
}

/// The names of all tags of a page.
fn tags(page: &str) -> Vec<String> {
    let name = |piece: &str| {
        let end = piece.find(|c: char| !(c.is_ascii_alphanumeric() || "/!".contains(c)));
        piece[..end.unwrap_or(piece.len())].to_lowercase()
    };
    page.split('<').skip(1).map(name).collect()
}

#[test]
fn hostile_texts_stay_texts_and_secrets_stay_secret() {
    let evil = "\"><script>alert(1)</script><img src=x onerror='x'>&lt;\u{202e}\u{7}http://u:hunter2@h/i?sig=hunter2";
    let gauge = WorkProgress::new(Clock::real());
    gauge.begin(evil, Some(Bytes::mib(4)));
    gauge.advance(3 << 20);
    status::work(gauge);
    status::set(Row::State, evil);
    status::set(Row::Node, evil);
    status::set(Row::Switch, evil);
    status::disks(vec![
        DiskLine {
            name: evil.into(),
            size: Bytes::mib(1),
            known_as: evil.into(),
            why: evil.into(),
            is_chosen: true,
        };
        1000
    ]);
    status::failed(&Error::new(Kind::ImageDownloadError, evil.repeat(1000)));
    status::phase(Phase::Working);
    let server = alone(false);
    let answer = ask(server.port(), "GET", "/", Some(BROWSER));
    let page = answer.split_once("\r\n\r\n").expect("a head").1;
    let known = "!doctype html meta link title /title style /style body header /header div /div h1 /h1 p /p span /span main /main section /section \
                 h2 /h2 b /b i /i ul /ul li /li strong /strong em /em dl /dl dt /dt dd /dd br code /code pre /pre footer /footer";
    for tag in tags(page) {
        assert!(known.split_whitespace().any(|one| one == tag), "<{tag}");
    }
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)"));
    for never in ["\u{202e}", "\u{7}", "hunter2", "onerror='", "u:"] {
        assert!(!page.contains(never), "{never:?} in {page}");
    }
    assert!(page.len() < 256 << 10, "{} bytes", page.len());
    assert!(page.contains("75 %"), "{page}");
    status::phase(Phase::Waiting);
}

#[test]
fn why_a_field_is_wrong_is_shown_where_its_value_is_not() {
    let server = alone(false);
    let why = "image_server_password: must be text; configdrive.meta_data: must be an object; not of the form http://[user:password@]host:port";
    status::set(
        Row::Switch,
        &format!("{why} image_server_password: hunter2"),
    );
    let answer = ask(server.port(), "GET", "/", Some(BROWSER));
    assert!(
        answer.contains(&format!("{why} image_server_password: (secret)")),
        "{answer}"
    );
    server.stop();
}

#[test]
fn who_asks_often_does_not_have_the_page_made_anew() {
    let server = alone(false);
    let began = Instant::now();
    let mut pages = BTreeSet::new();
    for number in 0..200 {
        status::set(Row::State, &format!("state number {number}"));
        let answer = ask(server.port(), "GET", "/", Some(BROWSER));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        pages.insert(answer);
    }
    let most = began.elapsed().as_millis() / 500 + 2;
    assert!(
        pages.len() as u128 <= most,
        "{} pages in {:?}",
        pages.len(),
        began.elapsed()
    );
}
