//! Files of authorities, of every shape.

use ironlet::net::tls::trust_settings::Version;

use super::openssl::{Folder, P256, Server, get, unsigned};

#[test]
fn authorities_in_files_of_every_shape_are_those_of_openssl() {
    let folder = Folder::new("shapes");
    folder.authority("one", P256, "sha256");
    folder.authority("two", P256, "sha256");
    folder.server("server", P256, "one", "sha256");
    let plain = folder.read("one.crt");
    let text = String::from_utf8(plain.clone()).expect("PEM");
    let unused = String::from_utf8(folder.read("two.crt")).expect("PEM");
    for (name, settings) in [
        ("trusted", "-trustout"),
        ("for-servers", "-addtrust serverAuth"),
        ("for-anything", "-addtrust anyExtendedKeyUsage"),
        ("for-mail", "-addtrust emailProtection"),
        (
            "for-mail-and-servers",
            "-addtrust emailProtection -addtrust serverAuth",
        ),
        ("not-for-servers", "-addreject serverAuth"),
        ("not-for-anything", "-addreject anyExtendedKeyUsage"),
        ("not-for-mail", "-addreject emailProtection"),
        ("contrary", "-addtrust serverAuth -addreject serverAuth"),
        ("named", "-setalias friend"),
        ("named-for-servers", "-addtrust serverAuth -setalias friend"),
    ] {
        folder.openssl(&format!(
            "x509 -in one.crt -trustout {settings} -out {name}"
        ));
        assert!(folder.read(name).starts_with(b"-----BEGIN TRUSTED"));
    }
    let both = [unused.as_bytes(), &plain].concat();
    let wide: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes) in [
        ("plain", plain.clone()),
        ("marked", [b"\xef\xbb\xbf", &plain[..]].concat()),
        (
            "old",
            text.replace("CERTIFICATE", "X509 CERTIFICATE").into_bytes(),
        ),
        ("crlf", text.replace('\n', "\r\n").into_bytes()),
        ("second", both.clone()),
        ("commented", [b"# ours\n\nCN = one\n", &plain[..]].concat()),
        ("no-line-end", text.trim_end().as_bytes().to_vec()),
        ("key-first", [&folder.read("one.key"), &plain[..]].concat()),
        (
            "trusted-after-plain",
            [unused.as_bytes(), &folder.read("for-servers")].concat(),
        ),
        ("only-other", unused.clone().into_bytes()),
        ("unsigned", unsigned(&plain)),
    ] {
        folder.write(name, &bytes);
    }
    let server = Server::new(&folder, "server");
    let shapes = [
        "trusted",
        "for-servers",
        "for-anything",
        "for-mail",
        "for-mail-and-servers",
        "not-for-servers",
        "not-for-anything",
        "not-for-mail",
        "contrary",
        "named",
        "named-for-servers",
        "plain",
        "marked",
        "old",
        "crlf",
        "second",
        "commented",
        "no-line-end",
        "key-first",
        "trusted-after-plain",
        "only-other",
        "unsigned",
    ];
    let mut believed = 0;
    for name in shapes {
        let openssl = folder.run(&format!(
            "verify -purpose sslserver -CAfile {name} server.crt"
        ));
        let answer = get(&folder.trusting(name, Version::Tls12), &server.1);
        let told = answer.as_ref().err().map(ToString::to_string);
        assert_eq!(answer.is_ok(), openssl, "{name}: {told:?}");
        believed += usize::from(openssl);
    }
    println!(
        "{believed} of {} shapes believed, as by openssl verify",
        shapes.len()
    );
    assert!(
        (10..shapes.len()).contains(&believed),
        "both verdicts occur"
    );
    // More than OpenSSL takes: what PowerShell's `>` makes of a certificate, and files laid end to end.
    folder.write("wide", &wide);
    folder.write(
        "end-to-end",
        format!("{}{text}", unused.trim_end()).as_bytes(),
    );
    for name in ["wide", "end-to-end"] {
        let answer = get(&folder.trusting(name, Version::Tls12), &server.1);
        assert_eq!(answer, Ok(200), "{name}");
    }
    for (name, bytes, words) in [
        ("none", &b"nothing here"[..], "no certificate in it"),
        ("cut", &plain[..plain.len() / 2], "not in PEM form"),
        (
            "nobody",
            &folder.read("not-for-servers"),
            "none of the authorities",
        ),
    ] {
        folder.write(name, bytes);
        let fault = get(&folder.trusting(name, Version::Tls12), &server.1);
        let fault = fault.expect_err(name).to_string();
        assert!(fault.contains(words), "{name}: {fault}");
    }
}
