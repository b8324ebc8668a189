//! The address told to Ironic: wishes first, then the way packets take to an API that answers.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::conductor::callback_address::{Routes, Wish, address};
use ironlet::error::{Kind, Result};

use crate::fake_conductor::{FakeConductor, Reply};
use crate::shared::http_client;

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn wish<'a>(host: Option<&'a str>, interface: Option<&'a str>) -> Wish<'a> {
    Wish {
        host,
        interface,
        attempts: 6,
        pause: Duration::from_secs(10),
    }
}

fn find(
    wish: &Wish,
    urls: &[String],
    clock: &Clock,
    source: &dyn Fn(IpAddr) -> io::Result<IpAddr>,
) -> Result<String> {
    let routes = Routes {
        source,
        interface: &|name| match name {
            "eth0" => Ok(ip("10.0.0.9")),
            _ => Err(io::Error::other("no such interface")),
        },
    };
    address(wish, &routes, urls, &http_client(), clock)
}

#[test]
fn a_wish_is_granted_without_asking_anybody() {
    let clock = Clock::fake();
    let never = |_| -> io::Result<IpAddr> { panic!("no route is looked up") };
    assert_eq!(
        find(
            &wish(Some("node.example"), Some("eth0")),
            &[],
            &clock,
            &never
        ),
        Ok("node.example".into())
    );
    assert_eq!(
        find(&wish(None, Some("eth0")), &[], &clock, &never),
        Ok("10.0.0.9".into())
    );
    let error = find(&wish(None, Some("eth7")), &[], &clock, &never).expect_err("no interface");
    assert!(
        error.details().contains("eth7: no such interface"),
        "{error}"
    );
    assert_eq!(
        clock.elapsed(),
        Duration::from_secs(50),
        "six attempts, five pauses"
    );
}

#[test]
fn only_apis_that_answer_count_and_any_answer_does() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = format!("http://{}", nobody.local_addr().expect("bound"));
    drop(nobody);
    let ironic = FakeConductor::start(vec![("GET /", vec![Reply::new(500, "")])]);
    let clock = Clock::fake();
    let source = |to| {
        assert_eq!(to, ip("127.0.0.1"));
        Ok(ip("fd00::5"))
    };
    assert_eq!(
        find(
            &wish(None, None),
            &[dead.clone(), ironic.url()],
            &clock,
            &source
        ),
        Ok("fd00::5".into())
    );
    assert_eq!(clock.elapsed(), Duration::ZERO);

    let error = find(&wish(None, None), &[dead], &clock, &source).expect_err("nobody answers");
    assert_eq!(error.kind(), Kind::LookupAgentIPError);
    assert!(
        error.details().contains("refuses") && error.details().contains("ipa-advertise-host"),
        "{error}"
    );
}

#[test]
fn addresses_of_the_own_link_are_waited_out() {
    let ironic = FakeConductor::start(vec![("GET /", vec![Reply::new(200, "")])]);
    let clock = Clock::fake();
    let later = clock.clone();
    let source = |_| match later.elapsed().as_secs() {
        0 => Err(io::Error::from(io::ErrorKind::NetworkUnreachable)),
        10 => Ok(ip("169.254.3.4")),
        20 => Ok(ip("fe80::1")),
        _ => Ok(ip("172.22.0.50")),
    };
    assert_eq!(
        find(&wish(None, None), &[ironic.url()], &clock, &source),
        Ok("172.22.0.50".into())
    );
    assert_eq!(clock.elapsed(), Duration::from_secs(30));
    let never = |_| Ok(ip("fe80::1"));
    let error = find(&wish(None, None), &[ironic.url()], &clock, &never).expect_err("link-local");
    assert!(error.details().contains("fe80::1"), "{error}");
    let error = find(&wish(None, None), &[], &clock, &never).expect_err("no URL");
    assert!(error.details().contains("no URL"), "{error}");
}
