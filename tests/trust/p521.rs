//! Keys on the curve P-521: of servers, of authorities, of our own.

use std::fs;

use ironlet::net::tls::connection::Acceptor;
use ironlet::net::tls::trust_settings::{Identity, Trust, Version};

use super::openssl::{Folder, P256, P521, Server, get};

#[test]
fn keys_on_p521_are_believed_where_openssl_believes_them() {
    let folder = Folder::new("p521");
    folder.authority("large", P521, "sha256");
    folder.authority("other", P521, "sha512");
    folder.authority("small", P256, "sha256");
    for (name, key, by, digest) in [
        ("plain", "rsa:2048", "large", "sha256"),
        ("longer", "rsa:2048", "large", "sha384"),
        ("longest", P256, "large", "sha512"),
        ("leaf", P521, "small", "sha256"),
        ("both", P521, "large", "sha512"),
    ] {
        folder.server(name, key, by, digest);
        let server = Server::new(&folder, name);
        for min in [Version::Tls12, Version::Tls13] {
            let good = get(&folder.trusting(&format!("{by}.crt"), min), &server.1);
            assert_eq!(good, Ok(200), "{name} {min:?}");
            let bad = get(&folder.trusting("other.crt", min), &server.1);
            let bad = bad.expect_err("another authority").to_string();
            assert!(bad.contains("nobody trusted signed"), "{name}: {bad}");
        }
    }
}

#[test]
fn a_signature_by_a_key_on_p521_is_checked() {
    let folder = Folder::new("forged");
    folder.authority("real", P521, "sha256");
    folder.server("good", P256, "real", "sha256");
    // The same name, another key: only the signature tells.
    fs::create_dir(folder.0.join("forger")).expect("a folder");
    let forger = Folder(folder.0.join("forger"));
    forger.write("san", &folder.read("san"));
    forger.authority("real", P521, "sha256");
    forger.server("good", P256, "real", "sha256");
    let server = Server::new(&forger, "good");
    let trust = folder.trusting("real.crt", Version::Tls12);
    let fault = get(&trust, &server.1).expect_err("a forgery").to_string();
    assert!(fault.contains("nobody trusted signed"), "{fault}");
}

#[test]
fn a_key_on_p521_of_our_own_is_refused_by_name() {
    let folder = Folder::new("own");
    folder.authority("own", P521, "sha256");
    let (certificate, key) = (folder.read("own.crt"), folder.read("own.key"));
    let refused = Acceptor::new(&certificate, &key, Version::Tls12).err();
    let refused = refused.expect("it cannot sign").to_string();
    assert!(refused.contains("P-521"), "{refused}");
    let trust = Trust {
        identity: Some(Identity { certificate, key }),
        insecure: true,
        ..Trust::default()
    };
    folder.authority("anybody", P256, "sha256");
    let server = Server::new(&folder, "anybody");
    let fault = get(&trust, &server.1)
        .expect_err("it cannot sign")
        .to_string();
    assert!(
        fault.contains("using the client certificate: the key is on the curve P-521"),
        "{fault}"
    );
}
