//! Dates of authorities.

use std::fs;

use ironlet::net::http::fault::Cause;
use ironlet::net::tls::trust_settings::{Trust, Version};
use ironlet::net::tls::{pem, x509::Fields};

use super::openssl::{Folder, P256, Server, get, unsigned};

/// An authority valid from one day to another, as `openssl ca` writes them; its key is that of `anybody`.
fn dated(folder: &Folder, name: &str, from: &str, to: &str) {
    folder.write("index", b"");
    folder.write("serial", b"01\n");
    folder.write(
        "ca.cnf",
        b"[ca]\ndefault_ca = own\n[own]\nnew_certs_dir = .\ndatabase = index\nserial = serial\n\
          default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n\
          [authority]\nbasicConstraints = critical,CA:TRUE\n",
    );
    folder.openssl(&format!(
        "req -new -nodes -newkey {P256} -subj /CN={name} -keyout {name}.key -out {name}.req"
    ));
    folder.openssl(&format!(
        "ca -batch -notext -selfsign -config ca.cnf -keyfile {name}.key -in {name}.req -startdate {from} -enddate {to} -extensions authority -out {name}.crt"
    ));
}

#[test]
fn an_authority_out_of_date_vouches_for_nobody_as_with_openssl() {
    let folder = Folder::new("dates");
    dated(&folder, "past", "20010101000000Z", "20011231000000Z");
    dated(&folder, "future", "20900101000000Z", "20991231000000Z");
    dated(&folder, "present", "20200101000000Z", "21200101000000Z");
    for name in ["past", "future", "present"] {
        folder.server(&format!("by-{name}"), P256, name, "sha256");
    }
    // The same authority renewed: the same name and key.
    fs::copy(folder.0.join("past.key"), folder.0.join("renewed.key")).expect("a key");
    folder.openssl("req -x509 -key past.key -days 9 -subj /CN=past -out renewed.crt");
    let all = |names: &[&str]| {
        names
            .iter()
            .flat_map(|name| folder.read(&format!("{name}.crt")))
            .collect::<Vec<_>>()
    };
    let now = "this machine's clock says";
    for (server, authorities, words) in [
        ("by-present", &["present"][..], ""),
        ("by-present", &["past", "future", "present"], ""),
        ("by-past", &["past"], "the authority 'past' in "),
        ("by-past", &["past"], "expired on 2001-12-31"),
        ("by-past", &["present", "past"], now),
        ("by-past", &["past", "renewed"], ""),
        ("by-past", &["renewed", "past"], ""),
        ("by-future", &["future"], "is valid only from 2090-01-01"),
        ("by-future", &["present", "past"], "nobody trusted signed"),
    ] {
        folder.write("file", &all(authorities));
        let openssl = folder.run(&format!(
            "verify -purpose sslserver -CAfile file {server}.crt"
        ));
        let running = Server::new(&folder, server);
        let answer = get(&folder.trusting("file", Version::Tls12), &running.1);
        let told = answer.err().map(|fault| fault.to_string());
        assert_eq!(
            told.is_none(),
            openssl,
            "{server} by {authorities:?}: {told:?}"
        );
        assert_eq!(
            told.is_none(),
            words.is_empty(),
            "{server} by {authorities:?}"
        );
        let told = told.unwrap_or_default();
        assert!(told.contains(words), "{server} by {authorities:?}: {told}");
    }
}

#[test]
fn for_the_time_a_chain_is_judged_at_its_own_dates() {
    let folder = Folder::new("own-dates");
    dated(&folder, "past", "20010101000000Z", "20400101000000Z");
    dated(&folder, "stranger", "20010101000000Z", "20400101000000Z");
    // What a machine whose clock says 1970 sees: dates that have not come.
    dated(&folder, "future", "20900101000000Z", "20991231000000Z");
    folder.server("by-past", P256, "past", "sha256");
    folder.server("by-stranger", P256, "stranger", "sha256");
    folder.write("serial", b"07\n");
    folder.openssl(&format!(
        "req -new -nodes -newkey {P256} -subj /CN=later -keyout later.key -out later.req"
    ));
    folder.openssl("ca -batch -notext -config ca.cnf -cert future.crt -keyfile future.key -in later.req -startdate 20910101000000Z -enddate 20920101000000Z -extfile san -out later.crt");
    for (server, authority, at_its_own_dates, words) in [
        ("later", "future", false, "valid only from 2091-01-01"),
        ("later", "future", true, ""),
        ("later", "past", true, "nobody trusted signed"),
        ("by-stranger", "past", true, "nobody trusted signed"),
        ("by-past", "past", true, ""),
    ] {
        let running = Server::new(&folder, server);
        let trust = Trust {
            at_its_own_dates,
            ..folder.trusting(&format!("{authority}.crt"), Version::Tls12)
        };
        let answer = get(&trust, &running.1);
        let by_date = answer
            .as_ref()
            .is_err_and(|fault| fault.cause == Cause::CertificateDate);
        assert_eq!(
            by_date,
            server == "later" && !at_its_own_dates,
            "{server} by {authority}"
        );
        let told = answer
            .err()
            .map_or_else(String::new, |fault| fault.to_string());
        assert_eq!(
            told.is_empty(),
            words.is_empty(),
            "{server} by {authority}: {told}"
        );
        assert!(told.contains(words), "{server} by {authority}: {told}");
    }
    let running = Server::new(&folder, "later");
    let trust = Trust {
        at_its_own_dates: true,
        ..folder.trusting("future.crt", Version::Tls12)
    };
    let elsewhere = get(&trust, &running.1.replace("127.0.0.1", "localhost"));
    assert!(
        elsewhere
            .expect_err("another name")
            .to_string()
            .contains("is for ")
    );
}

#[test]
fn every_public_authority_has_the_dates_that_openssl_reads() {
    let folder = Folder::new("public");
    let bundle = fs::read("/etc/ssl/certs/ca-certificates.crt").expect("Debian's bundle");
    let certificates = pem::certificates(&bundle).expect("PEM");
    assert!(certificates.len() > 50);
    for one in &certificates {
        folder.write("one.der", &one.der);
        let fields = Fields::of(&one.der).expect("a certificate");
        let told = folder.tell("x509 -inform DER -in one.der -noout -dates -dateopt iso_8601 -subject -nameopt multiline,utf8,-esc_msb");
        let day = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.expect("a date").trim_end_matches('Z').to_owned()
        };
        assert_eq!(iso(fields.from), day("notBefore="), "{told}");
        assert_eq!(iso(fields.to), day("notAfter="), "{told}");
        let mut names = told
            .lines()
            .filter_map(|line| line.trim().strip_prefix("commonName"));
        let name = names
            .next_back()
            .map_or("", |name| name.trim_start_matches([' ', '=']));
        assert_eq!(fields.name, name, "{told}");
    }
    let packed = pem::certificates(&unsigned(&bundle)).expect("PEM");
    let fields = |all: &[pem::Certificate]| -> Vec<_> {
        all.iter().map(|one| Fields::of(&one.der)).collect()
    };
    assert_eq!(fields(&packed), fields(&certificates));
    println!(
        "{} public authorities, dates and names as openssl x509 has them",
        certificates.len()
    );
}

/// As `date -u '+%F %T'`.
fn iso(seconds: u64) -> String {
    let day = ironlet::calendar::Day(seconds);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{day} {hour:02}:{minute:02}:{second:02}")
}
