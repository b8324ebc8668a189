//! Commands, tokens and the server itself from their beginning to their end.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use ironlet::codec::json::Value;
use ironlet::net::tls::certificate::{Curve, generate};
use ironlet::net::tls::connection::{Acceptor, Connector};
use ironlet::net::tls::trust_settings::{Trust, Version};

use crate::caller::{Api, DEPLOY, Reply, SECOND, SHORT, SYNC, TOKEN, listed, read_reply};
use crate::support::fake_agent::{Surroundings, text_at};

#[test]
fn others_are_served_while_one_waits_and_commands_stand_in_order() {
    let (api, go) = Api::holding(|_| ());
    let first = api.command("POST", "", "", SYNC);
    let running = api.command("POST", "", "wait=false", DEPLOY);
    let id = text_at(&running, &["id"]).to_owned();
    assert_eq!(text_at(&running, &["command_status"]), "RUNNING");
    let query = format!("wait=True&agent_token={TOKEN}");
    let waiting = [
        format!("/v1/commands/{id}?{query}"),
        format!("/commands/{id}?{query}"),
    ]
    .map(|target| {
        let mut client = api.client();
        client.request("GET", &target, "");
        client
    });
    for _ in 0..20 {
        let commands = listed(&api);
        let each = commands.iter().map(|c| match c {
            Value::Object(command) => (command.len(), text_at(command, &["id"])),
            other => panic!("not {other:?}"),
        });
        let ids: Vec<_> = each.collect();
        assert_eq!(ids, [(5, text_at(&first, &["id"])), (5, &*id)]);
        let busy = api.call(
            "POST",
            &format!("/v1/commands/?wait=true&agent_token={TOKEN}"),
            SYNC,
        );
        assert_eq!(busy.status, 409);
        assert_eq!(
            busy.fault(),
            "Agent is busy: executing command prepare_image"
        );
    }
    go.send(()).expect("the deploy waits for it");
    for mut client in waiting {
        let reply = client.reply().object();
        assert_ne!(text_at(&reply, &["command_status"]), "RUNNING");
    }
}

#[test]
fn nobody_is_let_in_before_there_is_a_token() {
    let api = Api::with(Surroundings::new(), |service| service.token = None);
    for query in [
        "agent_token=",
        "agent_token=None",
        &format!("agent_token={TOKEN}"),
    ] {
        let target = format!("/v1/commands/?{query}");
        assert_eq!(
            api.call("GET", &target, "").fault(),
            "401 Unauthorized: Token invalid."
        );
        assert_eq!(api.call("POST", &target, SYNC).status, 401);
    }
    assert_eq!(api.call("GET", "/v1/status", "").status, 200);
    assert!(api.engine.list().is_empty());
}

#[test]
fn a_command_hears_that_its_reply_is_out() {
    let mut around = Surroundings::new();
    around.clock = ironlet::clock::Clock::real();
    let told = around.told.clone();
    let api = Api::with(around, |_| ());
    let began = Instant::now();
    api.command(
        "POST",
        "",
        "wait=false",
        r#"{"name":"standby.power_off","params":{}}"#,
    );
    api.engine.join();
    assert!(told.all().contains(&"power off"), "{:?}", told.all());
    // Without word of the reply it waits five seconds.
    assert!(began.elapsed() < 2 * SECOND);
}

#[test]
fn a_stopped_api_is_gone_and_cuts_off_who_would_wait_for_long() {
    let (api, go) = Api::holding(|limits| limits.stop = SHORT);
    let running = api.command("POST", "", "", DEPLOY);
    let mut waiting = api.client();
    let id = text_at(&running, &["id"]);
    waiting.request(
        "GET",
        &format!("/commands/{id}?wait=true&agent_token={TOKEN}"),
        "",
    );
    let mut idle = api.client();
    idle.request("GET", "/status", "");
    assert_eq!(idle.reply().status, 200);
    let port = api.server.port();
    let began = Instant::now();
    api.server.stop();
    assert!(began.elapsed() < SECOND);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(idle.rest(), "");
    assert!(!waiting.rest().contains("200 OK"));
    drop(go);
}

#[test]
fn the_same_goes_over_tls() {
    let address = "127.0.0.1".parse().expect("an address");
    let own = generate(address, "host", Curve::P256).expect("a certificate");
    let key = own.key.expose().as_bytes();
    let acceptor =
        Acceptor::new(own.certificate.as_bytes(), key, Version::Tls13).expect("it is good");
    let api = Api::with(Surroundings::new(), |service| {
        service.acceptor = Some(acceptor);
        service.limits.handshake = Duration::from_millis(200);
    });
    let trust = Trust {
        ca_pem: vec![own.certificate.as_bytes().to_vec()],
        ..Trust::default()
    };
    let mut stream = Connector::new(trust)
        .connect("127.0.0.1", api.client().0)
        .unwrap_or_else(|fault| panic!("{}", fault.error));
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:9999\r\n\r\n");
    let mut ask = |request: String| -> Reply {
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is open");
        read_reply(&mut stream, "GET")
    };
    assert!(ask(get("/")).body.contains("https://127.0.0.1:9999/v1"));
    assert_eq!(ask(get("/commands/")).status, 401);
    assert_eq!(
        ask(get(&format!("/commands/?agent_token={TOKEN}"))).body,
        r#"{"commands":[]}"#
    );
    // Who speaks no TLS, or does not speak at all, is not kept.
    let mut plain = api.client();
    plain.send(get("/status"));
    assert!(!plain.rest().contains("200 OK"));
    assert_eq!(api.client().rest(), "");
}
