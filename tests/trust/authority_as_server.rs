//! Server certificates that call themselves authorities: believed where OpenSSL believes them.

use ironlet::net::tls::trust_settings::Version;

use super::openssl::{Folder, P256, P521, Server, get};

/// Signed by that authority, with these lines as its extensions.
fn signed(folder: &Folder, name: &str, key: &str, by: &str, extensions: &str) {
    folder.write("san", format!("subjectAltName={extensions}\n").as_bytes());
    folder.server(name, key, by, "sha256");
}

#[test]
fn who_says_ca_true_is_believed_by_who_signed_it_as_with_openssl() {
    let folder = Folder::new("ca-true");
    for (name, key) in [
        ("authority", P256),
        ("large", P521),
        ("rsa", "rsa:2048"),
        ("stranger", P256),
    ] {
        folder.authority(name, key, "sha256");
    }
    let ours = "IP:127.0.0.1\nbasicConstraints=CA:TRUE";
    for (name, key, by, extensions) in [
        ("plain", P256, "authority", ours),
        (
            "critical",
            P256,
            "authority",
            "IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE",
        ),
        (
            "pathlen",
            P256,
            "authority",
            "IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE,pathlen:0",
        ),
        (
            "usage",
            P256,
            "authority",
            "IP:127.0.0.1\nbasicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth",
        ),
        (
            "client",
            P256,
            "authority",
            "IP:127.0.0.1\nbasicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth",
        ),
        (
            "elsewhere",
            P256,
            "authority",
            "IP:10.9.8.7\nbasicConstraints=CA:TRUE",
        ),
        ("by-large", P256, "large", ours),
        ("by-rsa", "rsa:2048", "rsa", ours),
        ("by-stranger", P256, "stranger", ours),
        (
            "not",
            P256,
            "authority",
            "IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE",
        ),
    ] {
        signed(&folder, name, key, by, extensions);
        let server = Server::new(&folder, name);
        for trusted in ["authority", "large", "rsa"] {
            let theirs = folder.run(&format!(
                "verify -CAfile {trusted}.crt -purpose sslserver -verify_ip 127.0.0.1 {name}.crt"
            ));
            for min in [Version::Tls12, Version::Tls13] {
                let ours = get(&folder.trusting(&format!("{trusted}.crt"), min), &server.1);
                assert_eq!(ours.is_ok(), theirs, "{name} by {trusted}: {ours:?}");
            }
        }
    }
}

#[test]
fn its_signature_is_checked_and_nobody_is_an_authority_by_it() {
    let folder = Folder::new("ca-true-forged");
    folder.authority("authority", P256, "sha256");
    signed(
        &folder,
        "inner",
        P256,
        "authority",
        "IP:127.0.0.1\nbasicConstraints=CA:FALSE",
    );
    signed(
        &folder,
        "good",
        P256,
        "authority",
        "IP:127.0.0.1\nbasicConstraints=CA:TRUE",
    );
    let trust = folder.trusting("authority.crt", Version::Tls12);
    // Another name in it than was signed.
    folder.openssl("x509 -in good.crt -outform DER -out good.der");
    let mut der = folder.read("good.der");
    let at = der
        .windows(4)
        .position(|some| some == b"good")
        .expect("its name");
    der[at] = b'f';
    folder.write("forged.der", &der);
    folder.openssl("x509 -inform DER -in forged.der -out forged.crt");
    folder.write("forged.key", &folder.read("good.key"));
    // Signed by who is no authority.
    signed(
        &folder,
        "leaf",
        P256,
        "inner",
        "IP:127.0.0.1\nbasicConstraints=CA:TRUE",
    );
    folder.write("leaf.chain", &folder.read("inner.crt"));
    for (name, why) in [
        ("forged", "nobody trusted signed"),
        ("leaf", "EndEntityUsedAsCa"),
    ] {
        let server = Server::new(&folder, name);
        let fault = get(&trust, &server.1).expect_err(name).to_string();
        assert!(fault.contains(why), "{name}: {fault}");
    }
    let server = Server::new(&folder, "good");
    assert_eq!(get(&trust, &server.1), Ok(200));
}
