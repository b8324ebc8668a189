//! Single fields of `image_info`, as Ironic sends them, and what is made of them.

mod support;

use ironlet::codec::json::{Value, parse};
use ironlet::disk::table::plan::Scheme;
use ironlet::image::Request;
use ironlet::image::checksum::Checksum;
use ironlet::image::source::{Algorithm, Digest};
use ironlet::net::proxy::Proxies;
use ironlet::steps::machine::Settings;
use ironlet::steps::order;
use support::memory_sink::MemorySink;

fn request(fields: &str) -> Request {
    let info = format!(r#"{{"id":"x","urls":["http://h/x"],"disk_format":"raw",{fields}}}"#);
    let Ok(Value::Object(info)) = parse(&info) else {
        panic!("{info} is an object")
    };
    order::request(&info, &Settings::default(), Scheme::Mbr).expect(fields)
}

#[test]
fn a_bare_checksum_is_known_by_its_length() {
    for algorithm in [
        Algorithm::Md5,
        Algorithm::Sha224,
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
    ] {
        let digits = "0d".repeat(algorithm.digits() / 2);
        let digest = Digest::new(algorithm, &digits).expect("as many digits as it has");
        let taken = request(&format!(r#""checksum":"{digits}""#)).checksum;
        assert_eq!(taken, Checksum::Digest(digest));
    }
}

#[test]
fn proxies_are_taken_as_ironic_sends_them() {
    let checksum = format!(r#""checksum":"{}""#, "0d".repeat(32));
    let (http, https) = ("http://p:3128", "http://q:3129");
    for (fields, expected) in [
        ("", Proxies::default()),
        (
            r#","proxies":{},"no_proxy":"h""#,
            Proxies {
                no_proxy: "h".into(),
                ..Proxies::default()
            },
        ),
        (
            r#","proxies":{"http":"http://p:3128"}"#,
            Proxies {
                http: Some(http.into()),
                ..Proxies::default()
            },
        ),
        (
            r#","proxies":{"http":"http://p:3128","https":"http://q:3129"},"no_proxy":"h,10.0.0.0/8""#,
            Proxies {
                http: Some(http.into()),
                https: Some(https.into()),
                no_proxy: "h,10.0.0.0/8".into(),
            },
        ),
    ] {
        let taken = request(&format!("{checksum}{fields}")).proxies;
        assert_eq!(format!("{taken:?}"), format!("{expected:?}"), "{fields}");
    }
}

/// Whatever it looks like: a disk may begin as it likes.
#[test]
fn what_is_declared_raw_is_written_as_it_is() {
    let checksum = format!(r#""checksum":"{}""#, "0d".repeat(32));
    let format = request(&checksum).format;
    let qcow2: &[u8] = b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x02\0\0\0\0\x09";
    let gzip: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    for head in [qcow2, gzip, b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"KDMV"] {
        let mut image = vec![7; 100_000];
        image[..head.len()].copy_from_slice(head);
        let mut out = MemorySink::new(image.len());
        let decoded = format.decode(&mut &image[..], &mut out);
        assert_eq!(decoded.map(|bytes| bytes.0 as usize), Ok(image.len()));
        assert!(out.bytes == image, "{head:?}");
    }
}
