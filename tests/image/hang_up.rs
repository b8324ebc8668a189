//! TLS servers that hang up without saying that this was all: where nothing else tells the end, the digest does.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use ironlet::error::{Kind, Result};
use ironlet::image::verify::checksum::Checksum;
use ironlet::image::{Receipt, deploy};
use ironlet::net::tls::certificate::{self, Curve, Own};
use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::Version;

use super::support::scratch::Scratch;
use super::{MIB, OLD, digest, image, request, tools};

/// Each connection gets the next of these answers, the last one for ever, and no close_notify.
struct Rude {
    url: String,
    asked: Arc<Mutex<usize>>,
}

impl Rude {
    fn start(own: &Own, answers: Vec<Vec<u8>>) -> Self {
        let (certificate, key) = (own.certificate.as_bytes(), own.key.expose().as_bytes());
        let acceptor = Acceptor::new(certificate, key, Version::Tls12).expect("usable");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let url = format!("https://{}/i", listener.local_addr().expect("just bound"));
        let asked = Arc::<Mutex<usize>>::default();
        let count = Arc::clone(&asked);
        // The thread waits in accept for the rest of the test process; it holds nothing but memory.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut count = count.lock().expect("no thread panics with it");
                let answer = &answers[(*count).min(answers.len() - 1)];
                *count += 1;
                drop(count);
                let give = || {
                    let mut tls = acceptor.accept(stream).map_err(io::Error::from)?;
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        tls.read_exact(&mut byte)?;
                        head.extend(byte);
                    }
                    tls.write_all(answer)?;
                    tls.flush()
                };
                // A client that hangs up first is its own business.
                let _ = give();
            }
        });
        Rude { url, asked }
    }
}

fn fetch(url: &str, own: &Own, image: &[u8]) -> (Result<Receipt>, Vec<u8>) {
    let scratch = Scratch::new();
    let path = scratch.disk(4 * MIB, OLD);
    let mut tools = tools(&path, 1);
    tools.trust.ca_pem = vec![own.certificate.clone().into_bytes()];
    tools.timeouts.read *= 20; // handshakes on a busy machine
    let request = request(vec![url.to_owned()], Checksum::Digest(digest(image)));
    let outcome = deploy(&request, &path, &tools);
    (outcome, std::fs::read(&path).expect("a file"))
}

#[test]
fn a_body_is_complete_if_and_only_if_the_digest_says_so() {
    let loopback = "127.0.0.1".parse().expect("an address");
    let own = certificate::generate(loopback, "host", Curve::P256).expect("a certificate");
    let image = image(2 * MIB);
    let (half, length) = (&image[..MIB], image.len());
    let endless = |bytes: &[u8]| [b"HTTP/1.0 200 OK\r\n\r\n", bytes].concat();
    let chunks = |bytes: &[u8], end: &str| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = format!("{head}{:x}\r\n", bytes.len());
        [chunk.as_bytes(), bytes, end.as_bytes()].concat()
    };
    let long = |bytes: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), bytes].concat()
    };
    for (name, answers, fails, requests) in [
        ("whole", vec![endless(&image)], None, 1),
        (
            "half",
            vec![endless(half)],
            Some((Kind::ImageChecksumError, "expected")),
            2,
        ),
        (
            "half, then whole",
            vec![endless(half), endless(&image)],
            None,
            2,
        ),
        (
            "nothing",
            vec![endless(b"")],
            Some((Kind::ImageChecksumError, "expected")),
            2,
        ),
        ("by its length", vec![long(&image)], None, 1),
        (
            "half of its length",
            vec![long(half)],
            Some((Kind::ImageDownloadError, "before its answer was complete")),
            2,
        ),
        ("in chunks", vec![chunks(&image, "\r\n0\r\n\r\n")], None, 1),
        (
            "in chunks, trailers cut",
            vec![chunks(&image, "\r\n0\r\nT: x")],
            None,
            1,
        ),
        (
            "no last chunk",
            vec![chunks(&image, "\r\n")],
            Some((
                Kind::ImageDownloadError,
                "before its answer had its last chunk",
            )),
            2,
        ),
        (
            "no head",
            vec![b"HTTP/1.1 200 OK\r\n".to_vec()],
            Some((Kind::ImageDownloadError, "before its answer was under way")),
            2,
        ),
    ] {
        let server = Rude::start(&own, answers);
        let (outcome, disk) = fetch(&server.url, &own, &image);
        match (fails, outcome) {
            (None, Ok(_)) => assert!(disk[..length] == image[..], "{name}"),
            (Some((kind, words)), Err(error)) => {
                assert_eq!(error.kind(), kind, "{name}: {error}");
                assert!(error.details().contains(words), "{name}: {error}");
                let boots = disk[..MIB].iter().any(|byte| ![0, OLD].contains(byte));
                assert!(!boots, "{name}: it could boot");
            }
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
        let asked = *server.asked.lock().expect("no thread panics with it");
        assert_eq!(asked, requests, "{name}");
    }
}
