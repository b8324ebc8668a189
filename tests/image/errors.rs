//! What can go wrong on the way to an image: told with what was asked of whom, why it failed and what to try;
//! answered by asking again, elsewhere or not at all; and without a word of anybody's secrets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::codec::gzip;
use ironlet::error::{Error, Kind};
use ironlet::image::deploy;
use ironlet::image::verify::checksum::Checksum;
use ironlet::net::http::proxy::Proxies;
use ironlet::net::tls::certificate;
use ironlet::net::tls::certificate::{Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::Version;
use ironlet::secret::Secret;
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::support::fake_conductor::{FakeConductor, Reply};
use super::support::forward_proxy::ForwardProxy;
use super::support::image_server::Behaviour::{self, *};
use super::support::image_server::{ImageServer, Until};
use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, request, tools};

/// In every password and signature here.
const SECRET: &str = "never-seen";
/// What the clock says before anything is asked for.
const STARTED: Duration = Duration::from_secs(10);
const DISK: usize = 4 * MIB;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Again,
    Elsewhere,
    End,
}

/// Everything that was logged in this process.
struct Written(Mutex<String>);

static WRITTEN: Written = Written(Mutex::new(String::new()));

impl Log for Written {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // What the agent's own log lets through.
        metadata.target().starts_with("ironlet") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let mut text = self.0.lock().expect("no thread panics with it");
            text.push_str(&format!("{}\n", record.args()));
        }
    }

    fn flush(&self) {}
}

/// Where an image is asked for, and what comes of it.
struct Row {
    name: &'static str,
    /// `http://host:port` of the image, and of the proxy on the way there.
    server: String,
    proxy: Option<String>,
    says: Vec<&'static str>,
    then: Then,
    kind: Kind,
    /// The authority that is believed.
    trusted: Vec<u8>,
    /// Kept until the row is over.
    _alive: Option<FakeConductor>,
}

fn row(name: &'static str, server: String, says: &[&'static str], then: Then) -> Row {
    Row {
        name,
        server,
        proxy: None,
        says: says.to_vec(),
        then,
        kind: Kind::ImageDownloadError,
        trusted: fixture("authority.crt"),
        _alive: None,
    }
}

fn serving(behaviour: Behaviour) -> String {
    ImageServer::start(image(3 * MIB), vec![behaviour]).url("")
}

/// Another image, packed, and a label on it.
fn encoded(coding: &str) -> String {
    let label = match coding {
        "br" => "Content-Encoding: br\r\n",
        _ => "Content-Encoding: gzip\r\n",
    };
    let packed = gzip::pack(&image(MIB)).expect("memory");
    ImageServer::labelled(packed, vec![Serve], label).url("")
}

/// A port on which nobody listens: one that was free a moment ago may be another test's by now.
fn closed() -> String {
    "http://127.0.0.1:9".into()
}

/// Says this to everybody, whatever they said.
fn parrot(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("just bound");
    // The thread waits in accept for the rest of the test process; it holds nothing but memory.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // Who hangs up first is the client's business.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(says);
        }
    });
    format!("http://{address}")
}

/// An HTTPS server with this certificate, asked by somebody who believes `trusted`; what it serves is never seen.
fn secure(name: &'static str, own: &Own, trusted: &Own, says: &[&'static str]) -> Row {
    let (certificate, key) = (own.certificate.as_bytes(), own.key.expose().as_bytes());
    let acceptor = Acceptor::new(certificate, key, Version::Tls12).expect("usable");
    let script = vec![("GET /", vec![Reply::new(200, "not for everybody")])];
    let server = FakeConductor::with(script, Clock::fake(), Some(acceptor), Box::new(drop));
    let url = server.url();
    Row {
        _alive: Some(server),
        trusted: trusted.certificate.clone().into_bytes(),
        ..row(name, url, says, Then::Elsewhere)
    }
}

fn https(server: String) -> String {
    server.replace("http://", "https://")
}

fn own(address: &str) -> Own {
    let address = address.parse().expect("an address");
    certificate::generate(address, "host", Curve::P256).expect("a certificate")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/fixtures/tls/{name}")).expect(name)
}

fn expired() -> Own {
    let text = |name| String::from_utf8(fixture(name)).expect("PEM is text");
    Own {
        certificate: text("expired.crt"),
        key: Secret::new(text("server.key")),
    }
}

#[rustfmt::skip]
fn connections() -> Vec<Row> {
    use Then::*;
    // RFC 1035 §2.3.4: a label has 63 octets at most, so no server has to be asked.
    let nowhere = format!("http://{}.invalid", "a".repeat(64));
    let (elsewhere, expired, stranger) = (own("10.9.8.7"), expired(), own("127.0.0.1"));
    // RFC 8446 §6: an alert, fatal, protocol_version.
    let too_old = parrot(&[21, 3, 3, 0, 2, 2, 70]);
    vec![
        row("name", nowhere, &["cannot be resolved", "parts of 1 to 63 characters"], Again),
        // Of a multicast address TCP knows no way.
        row("route", "http://224.0.0.1".into(), &["no way to 224.0.0.1:80", "gateway"], Again),
        row("refused", closed(), &["refuses connections", "is the service running"], Again),
        secure("stranger", &stranger, &elsewhere, &["nobody trusted signed", "cafile"]),
        secure("expired", &expired, &expired, &["expired on 2001-12-31", "clock"]),
        secure("other name", &elsewhere, &elsewhere, &["10.9.8.7", "by a name in it"]),
        row("no TLS", https(parrot(b"HTTP/1.1 400 Bad Request\r\n\r\n")), &["does not speak TLS", "is it http"], Elsewhere),
        row("old TLS", https(too_old), &["no TLS version", "ipa-tls-min-version"], Elsewhere),
        row("no HTTP", parrot(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), &["proper HTTP", "web server"], Elsewhere),
        row("nothing", parrot(b""), &["closed the connection", "log"], Again),
    ]
}

#[rustfmt::skip]
fn proxies() -> Vec<Row> {
    use Then::*;
    let by = |name, server: String, proxy: String, says: &[&'static str], then| Row {
        proxy: Some(proxy.replace("://", "://user:proxy-never-seen@")),
        ..row(name, server, says, then)
    };
    let here = || serving(Serve);
    let guarded = || ForwardProxy::start(Some("Basic another")).url("");
    let page = Page("\n<!DOCTYPE html><html><body>Log in!</body></html>");
    vec![
        by("proxy refused", here(), closed(), &["no way to the proxy", "is the service running"], Again),
        by("proxy refused, https", https(here()), closed(), &["no way to the proxy"], Again),
        by("https proxy refused", https(here()), closed().replace("http", "https"), &["no way to the proxy", "is the service running"], Again),
        by("https proxy, http", here(), parrot(b"HTTP/1.1 400 No\r\n\r\n").replace("http", "https"), &["no way to the proxy", "does not speak TLS"], Elsewhere),
        by("proxy 407", here(), guarded(), &["407", "user and password"], Elsewhere),
        by("proxy 407, https", https(here()), guarded(), &["407", "user and password"], Elsewhere),
        by("proxy 403, https", https(here()), serving(Status(403)), &["no tunnel", "no_proxy"], Elsewhere),
        by("proxy 502", here(), serving(Status(502)), &["HTTP status 502", "a proxy on the way", "log"], Again),
        by("proxy 502, https", https(here()), serving(Status(502)), &["no tunnel", "can it reach"], Again),
        by("no proxy, https", https(here()), parrot(b"220 mail\r\n\r\n"), &["is it an HTTP proxy?"], Elsewhere),
        Row {
            kind: Kind::ImageChecksumError,
            ..by("proxy page", here(), serving(page), &["HTML", "a proxy or a login"], Elsewhere)
        },
    ]
}

#[rustfmt::skip]
fn answers() -> Vec<Row> {
    use Then::*;
    let of = |name, behaviour, says: &[&'static str], then| row(name, serving(behaviour), says, then);
    let at = MIB + 5;
    vec![
        of("400", Status(400), &["HTTP status 400", "https"], Elsewhere),
        of("401", Status(401), &["HTTP status 401", "user and password", "expired on 1970-01-01"], Elsewhere),
        of("403", Status(403), &["HTTP status 403", "denied", "expired on 1970-01-01", "a new one"], Elsewhere),
        of("404", Status(404), &["HTTP status 404", "check the URL"], Elsewhere),
        of("410", Status(410), &["HTTP status 410", "deleted"], Elsewhere),
        of("416", Status(416), &["HTTP status 416", "replaced"], Elsewhere),
        of("429", Status(429), &["HTTP status 429", "fewer machines"], Again),
        of("500", Status(500), &["HTTP status 500", "log"], Again),
        of("503", Busy(7), &["HTTP status 503", "log"], Again),
        of("stall", StallAt(at), &["sent nothing for", "overloaded"], Again),
        of("cut", CutAt(at), &["closed the connection before", "log"], Again),
        of("chunked, cut", ChunkedParts("", Until::Cut(at)), &["at byte 1048581", "log"], Again),
        Row {
            kind: Kind::ImageChecksumError,
            ..row("encoded", encoded("br"), &["Content-Encoding: br", "turn compression off"], Elsewhere)
        },
        Row {
            kind: Kind::ImageChecksumError,
            ..row("packed", encoded("gzip"), &["and what is in its gzip", "Content-Encoding: gzip", "turn compression off"], Elsewhere)
        },
        of("endless head", EndlessHead, &["head of the answer", "web server"], Elsewhere),
        of("round", Redirect("/i?again"), &["redirects", "go round"], Elsewhere),
        of("another scheme", Redirect("ftp://h/i"), &["'ftp://h/i' is no http"], Elsewhere),
        Row {
            kind: Kind::ImageChecksumError,
            ..of("a length too short", Short(at), &["expected sha256"], Elsewhere)
        },
        Row {
            kind: Kind::ImageWriteError,
            ..of("endless body", EndlessBody, &["larger than the disk"], End)
        },
    ]
}

/// An order for these URLs: its error, and whether anything was waited for.
fn order(row: &Row, urls: Vec<String>, no_proxy: &str) -> (Option<Error>, bool) {
    let scratch = Scratch::new();
    let path = scratch.disk(DISK, OLD);
    let mut tools = tools(&path, 1);
    tools.trust.ca_pem = vec![row.trusted.clone()];
    tools.clock.sleep(STARTED);
    tools.timeouts.read = Duration::from_secs(3); // handshakes on a busy machine
    let mut request = request(urls, Checksum::Digest(digest(&image(3 * MIB))));
    request.proxies = Proxies {
        http: row.proxy.clone(),
        https: row.proxy.clone(),
        no_proxy: no_proxy.into(),
    };
    let outcome = deploy(&request, &path, &tools);
    (outcome.err(), tools.clock.elapsed() > STARTED)
}

#[test]
fn every_failure_is_told_and_answered_as_it_should_and_no_secret_is() {
    // Another test may have been first; nobody else's log would do.
    log::set_logger(&WRITTEN).expect("no other log in this program");
    log::set_max_level(LevelFilter::Debug);
    for row in [connections(), proxies(), answers()].into_iter().flatten() {
        let name = row.name;
        let place = row.server.replace("://", "://user:image-never-seen@");
        let url = format!("{place}/i?temp_url_sig={SECRET}&temp_url_expires=5");
        let (error, waited) = order(&row, vec![url.clone()], "");
        let error = error.unwrap_or_else(|| panic!("{name}: no failure"));
        assert_eq!(error.kind(), row.kind, "{name}: {error}");
        for words in &row.says {
            assert!(
                error.details().contains(words),
                "{name}: no '{words}' in: {error}"
            );
        }
        if row.kind == Kind::ImageDownloadError {
            let asked = format!("GET {}/i", row.server);
            assert!(error.details().contains(&asked), "{name}: {error}");
        }
        assert!(!error.to_string().contains(SECRET), "{name}: {error}");

        let good = ImageServer::start(image(3 * MIB), vec![Serve]);
        let place = good.url("").replace("http://", "");
        let (failed, _) = order(&row, vec![url, good.url("/i")], &place);
        let then = match (waited, failed) {
            (true, None) => Then::Again,
            (false, None) => Then::Elsewhere,
            (false, Some(_)) => Then::End,
            (true, Some(error)) => panic!("{name}: {error}"),
        };
        assert_eq!(then, row.then, "{name}: {error}");
        assert_eq!(good.requests().is_empty(), then == Then::End, "{name}");
    }
    let written = WRITTEN.0.lock().expect("no thread panics with it");
    assert!(written.contains("trying again"), "nothing was logged");
    assert!(!written.contains(SECRET), "{written}");
}
