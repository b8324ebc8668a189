//! URLs of link-local addresses, in a network namespace of their own: both spellings lead there, and nobody is told the zone.

use std::io::{Read, Write};
use std::net::{SocketAddrV6, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use ironlet::net::http::client::{Client, Method, Proxies, Request, Timeouts};
use ironlet::net::tls::trust_settings::Trust;

#[test]
fn both_spellings_of_a_zone_lead_there_and_host_has_none() {
    let own = std::env::current_exe().expect("this program");
    let output = Command::new("unshare")
        .args(["-r", "-n"])
        .arg(own)
        .args(["--ignored", "--exact", "inside", "--nocapture"])
        .output()
        .expect("unshare is there");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{log}"
    );
    println!("{told}");
}

#[test]
#[ignore = "only in a network namespace, where the other test runs it"]
fn inside() {
    for arguments in ["link set lo up", "addr add fe80::5/64 dev lo nodad"] {
        let done = Command::new("ip").args(arguments.split(' ')).status();
        assert!(done.expect("ip is there").success(), "ip {arguments}");
    }
    // The loopback is the first link.
    let listener = TcpListener::bind(SocketAddrV6::new(
        "fe80::5".parse().expect("an address"),
        0,
        0,
        1,
    ));
    let listener = listener.expect("a link-local port");
    let port = listener.local_addr().expect("bound").port();
    let server = thread::spawn(move || {
        let heads = listener.incoming().take(3).map(|stream| {
            let mut stream = stream.expect("a caller");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).expect("a request");
                head.extend(byte);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .expect("a reader");
            String::from_utf8(head).expect("text").to_ascii_lowercase()
        });
        heads.collect::<Vec<_>>()
    });
    let second = Duration::from_secs(5);
    let timeouts = Timeouts {
        connect: second,
        read: second,
    };
    let client = Client::new(&Trust::default(), &Proxies::default(), timeouts).expect("a client");
    for zone in ["%25lo", "%lo", "%251"] {
        let url = format!("http://[fe80::5{zone}]:{port}/x?y");
        let request = Request {
            method: Method::Get,
            url: &url,
            headers: &[],
            body: None,
            verified: false,
        };
        let answer = client.send(&request).map(|response| response.status());
        assert_eq!(answer, Ok(200), "{url}");
    }
    for head in server.join().expect("no panic") {
        assert!(head.starts_with("get /x?y http/1.1\r\n"), "{head}");
        let host = format!("host: [fe80::5]:{port}\r\n");
        assert!(head.contains(&host), "{head}");
        println!("{}", host.trim());
    }
}
