//! TLS both ways: our own certificate, certificates nobody should believe, and those only `ipa-insecure` does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::fake_conductor::{FakeConductor, Reply};
use crate::https_status;
use ironlet::clock::Clock;
use ironlet::net::http::client::{Cause, Fault};
use ironlet::net::tls::certificate;
use ironlet::net::tls::certificate::{Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::{Trust, Version};

fn get(trust: Trust, url: &str) -> Result<u16, Fault> {
    https_status::get(&trust, url, Duration::from_secs(5))
}

fn own(address: &str, curve: Curve) -> Own {
    let address = address.parse().expect("an address");
    certificate::generate(address, "host", curve).expect("a certificate")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/fixtures/tls/{name}")).expect(name)
}

fn server(certificate: &[u8], key: &[u8], min: Version) -> FakeConductor {
    let acceptor = Acceptor::new(certificate, key, min).expect("usable");
    let script = vec![("GET /", vec![Reply::new(200, "secret")])];
    FakeConductor::with(script, Clock::fake(), Some(acceptor), Box::new(drop))
}

fn serving(own: &Own, min: Version) -> FakeConductor {
    server(own.certificate.as_bytes(), own.key.expose().as_bytes(), min)
}

fn trusting(pem: impl Into<Vec<u8>>) -> Trust {
    Trust {
        ca_pem: vec![pem.into()],
        ..Trust::default()
    }
}

fn anybody() -> Trust {
    Trust {
        insecure: true,
        ..Trust::default()
    }
}

#[test]
fn our_certificate_is_believed_as_the_only_authority() {
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        for min in [Version::Tls12, Version::Tls13] {
            let own = own("127.0.0.1", curve);
            let server = serving(&own, min);
            let answer = get(trusting(own.certificate), &server.url());
            assert_eq!(answer, Ok(200), "{curve:?} {min:?}");
        }
    }
}

#[test]
fn every_certificate_is_another_one() {
    let (one, two) = (own("fd00::5", Curve::P384), own("fd00::5", Curve::P384));
    assert!(one.certificate != two.certificate && one.key != two.key);
    assert!(!one.certificate.contains('\r') && one.certificate.ends_with("-----\n"));
}

#[test]
fn a_certificate_is_refused_for_a_reason_in_words() {
    let key = fixture("server.key");
    let elsewhere = own("10.9.8.7", Curve::P256);
    let elsewhere_key = elsewhere.key.expose().as_bytes().to_vec();
    let elsewhere = elsewhere.certificate.into_bytes();
    for (certificate, key, trusted, word) in [
        (
            fixture("authority.crt"),
            &key,
            elsewhere.clone(),
            "nobody trusted signed",
        ),
        (
            elsewhere.clone(),
            &elsewhere_key,
            elsewhere.clone(),
            "10.9.8.7",
        ),
        (
            fixture("expired.crt"),
            &key,
            fixture("expired.crt"),
            "expired on 2001-12-31; this machine's clock",
        ),
        (
            fixture("future.crt"),
            &key,
            fixture("future.crt"),
            "valid only from 2090-01-01; this machine's clock",
        ),
    ] {
        let server = server(&certificate, key, Version::Tls12);
        let fault = get(trusting(trusted), &server.url()).expect_err(word);
        let expected = match word.contains("clock") {
            true => Cause::CertificateDate,
            false => Cause::Tls,
        };
        assert_eq!(fault.cause, expected, "{word}");
        assert!(fault.to_string().contains(word), "{fault}");
        assert!(server.seen().is_empty(), "nothing was said");
        assert_eq!(get(anybody(), &server.url()), Ok(200), "{word}");
    }
}

#[test]
fn a_server_that_is_its_own_authority_is_believed_when_named() {
    let server = server(
        &fixture("authority.crt"),
        &fixture("server.key"),
        Version::Tls13,
    );
    assert_eq!(
        get(trusting(fixture("authority.crt")), &server.url()),
        Ok(200)
    );
    let by_name = server.url().replace("127.0.0.1", "localhost");
    let fault = get(trusting(fixture("authority.crt")), &by_name).expect_err("another name");
    assert_eq!(fault.cause, Cause::Tls, "{fault}");
}

#[test]
fn versions_and_ciphers_must_meet() {
    let own = own("127.0.0.1", Curve::P384);
    let server = serving(&own, Version::Tls13);
    let only_old = Trust {
        ciphers: Some("AES256-SHA".into()),
        ..trusting(own.certificate)
    };
    let fault = get(only_old, &server.url()).expect_err("an unknown suite");
    assert!(fault.to_string().contains("AES256-SHA"), "{fault}");
}

#[test]
fn authorities_come_from_files_read_at_the_first_need() {
    let own = own("127.0.0.1", Curve::P256);
    let server = serving(&own, Version::Tls13);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("ironlet-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("ca.crt");
    let trust = Trust {
        ca_files: vec![file.clone()],
        ..Trust::default()
    };
    let fault = get(trust.clone(), &server.url()).expect_err("no file");
    assert!(fault.to_string().contains("ca.crt"), "{fault}");
    std::fs::write(&file, "no certificate").expect("written");
    let fault = get(trust.clone(), &server.url()).expect_err("no certificate");
    assert!(fault.to_string().contains("ca.crt"), "{fault}");
    std::fs::write(&file, own.certificate).expect("written");
    assert_eq!(get(trust, &server.url()), Ok(200));
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn https_to_a_plain_server_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
        stream.read(&mut [0; 4096])
    });
    let fault = get(anybody(), &url).expect_err("no TLS");
    assert_eq!(fault.cause, Cause::Tls, "{fault}");
    assert!(fault.to_string().contains("does not speak TLS"), "{fault}");
    thread.join().expect("no panic").expect("a client");
}

#[test]
fn https_never_steps_down_to_http() {
    let own = own("127.0.0.1", Curve::P384);
    let acceptor = Acceptor::new(
        own.certificate.as_bytes(),
        own.key.expose().as_bytes(),
        Version::Tls13,
    );
    let script = vec![(
        "GET /",
        vec![Reply::with(301, &[("Location", "http://127.0.0.1/x")], "")],
    )];
    let server = FakeConductor::with(script, Clock::fake(), acceptor.ok(), Box::new(drop));
    let fault = get(trusting(own.certificate), &server.url()).expect_err("a step down");
    assert_eq!(fault.cause, Cause::Protocol);
    assert!(fault.to_string().contains("from https"), "{fault}");
}
