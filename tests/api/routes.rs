//! Which request gets which reply.

use ironlet::codec::json::{Object, Value};

use crate::caller::{Api, SYNC, TOKEN, listed};
use crate::support::fake_agent::{at, text_at};

fn links(object: &Object, name: &str) -> Vec<(String, String)> {
    let Value::Array(links) = at(object, &[name]) else {
        panic!("{name} is a list")
    };
    let each = links.iter().map(|link| match link {
        Value::Object(link) => (
            text_at(link, &["href"]).to_owned(),
            text_at(link, &["rel"]).to_owned(),
        ),
        other => panic!("a link is an object, not {other:?}"),
    });
    each.collect()
}

#[test]
fn documents_link_to_the_host_the_client_named() {
    let api = Api::start();
    let root = api.call("GET", "/", "").object();
    assert_eq!(
        text_at(&root, &["name"]),
        "OpenStack Ironic Python Agent API"
    );
    let version = at(&root, &["default_version"]);
    assert!(matches!(at(&root, &["versions"]), Value::Array(v) if v.len() == 1));
    let Value::Object(version) = version else {
        panic!("a version is an object")
    };
    let own = ("http://192.0.2.1:9999/v1".to_owned(), "self".to_owned());
    assert_eq!(links(version, "links")[0], own);
    let document = api.call("GET", "/v1/", "").object();
    assert_eq!(text_at(&document, &["id"]), "v1");
    let pairs = [
        (
            "http://192.0.2.1:9999/v1/commands".to_owned(),
            "self".to_owned(),
        ),
        (
            "http://192.0.2.1:9999/commands".to_owned(),
            "bookmark".to_owned(),
        ),
    ];
    assert_eq!(links(&document, "commands"), pairs);
    assert!(document.contains_key("media_types"));
    for path in ["/v1/status", "/status", "/status?wait=true"] {
        let reply = api.call("GET", path, "");
        assert_eq!(reply.header("Content-Type"), Some("application/json"));
        assert_eq!(
            reply.body,
            r#"{"started_at":1795360816.25,"version":"1.2.3"}"#
        );
    }
}

#[test]
fn every_route_answers_with_the_status_of_upstream() {
    let api = Api::start();
    let started = api.command("POST", "", "wait=true", SYNC);
    let known = format!("/v1/commands/{}", text_at(&started, &["id"]));
    let id = known.trim_start_matches("/v1");
    let own = format!("agent_token={TOKEN}");
    let escaped = format!("agent%5Ftoken={}%30{}", "", &TOKEN[1..]);
    let [read, both] = ["HEAD, GET", "HEAD, GET, POST"];
    for (method, path, query, status, allow) in [
        ("GET", "/", "", 200, ""),
        ("GET", "/v1/", "q", 200, ""),
        ("GET", "/v1/commands/", &own, 200, ""),
        ("GET", "/commands/", &own, 200, ""),
        ("GET", "/v1/%63ommands/", &escaped, 200, ""),
        ("GET", &known, &own, 200, ""),
        ("GET", id, &own, 200, ""),
        ("POST", "/commands/", &own, 200, ""),
        ("GET", "/v1/commands/", "", 401, ""),
        ("GET", "/v1/commands/", "agent_token=", 401, ""),
        ("GET", "/v1/commands/", "agent_token=wrong", 401, ""),
        (
            "GET",
            "/v1/commands/",
            &format!("agent_token=bad&{own}"),
            401,
            "",
        ),
        (
            "GET",
            "/v1/commands/",
            &format!("{own}&agent_token=bad"),
            200,
            "",
        ),
        ("GET", "/v1/commands/", &format!("{own};x"), 401, ""),
        ("GET", "/v1/commands/", &own[..own.len() - 1], 401, ""),
        ("GET", &known, "", 401, ""),
        ("GET", "/commands/nope", "wait=true", 401, ""),
        ("POST", "/v1/commands/", "wait=true", 401, ""),
        (
            "POST",
            "/v1/commands/",
            "wait=true&agent_token=wrong",
            401,
            "",
        ),
        ("GET", "/v1/commands/nope", &own, 404, ""),
        ("GET", "/v1/status/", "", 404, ""),
        ("GET", &format!("{known}/"), &own, 404, ""),
        ("GET", &format!("{known}/x"), &own, 404, ""),
        ("GET", "/nonexistent", "", 404, ""),
        ("GET", "/v2/commands/", &own, 404, ""),
        ("GET", "/V1/status", "", 404, ""),
        ("GET", "/v1/../status", "", 404, ""),
        ("GET", "/v1//nope", "", 404, ""),
        ("OPTIONS", "*", "", 404, ""),
        ("PUT", "/v1", "", 404, ""),
        ("PUT", "/v1/commands", "", 404, ""),
        ("PUT", "/v1/commands/", &own, 405, both),
        ("DELETE", "/commands/", "", 405, both),
        ("OPTIONS", "/v1/", "", 405, read),
        ("POST", "/", "", 405, read),
        ("POST", "/status", "", 405, read),
        ("POST", &known, &own, 405, read),
        ("FOO", "/v1/status", "", 405, read),
    ] {
        let target = match query {
            "" => path.to_owned(),
            query => format!("{path}?{query}"),
        };
        let reply = api.call(method, &target, if method == "POST" { SYNC } else { "" });
        assert_eq!(reply.status, status, "{method} {target}: {}", reply.body);
        assert_eq!(
            reply.header("Allow").unwrap_or_default(),
            allow,
            "{method} {target}"
        );
        assert_eq!(reply.header("Server"), Some("ironic-python-agent"));
        if status >= 400 {
            let fault = reply.fault();
            assert!(fault.starts_with(&status.to_string()) || fault.starts_with("Not found: "));
            assert!(!reply.body.contains(TOKEN), "{}", reply.body);
        }
    }
}

#[test]
fn a_missing_or_doubled_slash_is_a_redirect_that_keeps_the_query() {
    let api = Api::start();
    for (method, target, location) in [
        ("GET", "/v1", "/v1/"),
        ("GET", "/v1/commands", "/v1/commands/"),
        ("HEAD", "/commands", "/commands/"),
        (
            "GET",
            "/v1/commands?agent_token=bad",
            "/v1/commands/?agent_token=bad",
        ),
        (
            "POST",
            "/v1/commands?wait=true&agent_token=x",
            "/v1/commands/?wait=true&agent_token=x",
        ),
        ("GET", "/v1//status?x=1", "/v1/status?x=1"),
        ("GET", "/v1//commands", "/v1/commands/"),
        ("GET", "/v1/commands//", "/v1/commands/"),
        (
            "GET",
            "/v1/commands?a=<b>\"&c",
            "/v1/commands/?a=%3Cb%3E%22&c",
        ),
    ] {
        let reply = api.call(method, target, if method == "POST" { SYNC } else { "" });
        assert_eq!(reply.status, 308, "{method} {target}");
        let absolute = format!("http://192.0.2.1:9999{location}");
        assert_eq!(
            reply.header("Location"),
            Some(&*absolute),
            "{method} {target}"
        );
        assert!(!reply.body.contains("<b>") && !reply.body.contains("&c"));
    }
    assert!(api.engine.list().is_empty());
}

#[test]
fn head_is_get_without_the_body() {
    let api = Api::start();
    for target in ["/", "/v1/", "/status", "/nope", "/v1/commands/"] {
        let mut client = api.client();
        client.request("HEAD", target, "");
        client.request("GET", target, "");
        let (head, get) = (client.reply_to("HEAD"), client.reply());
        assert_eq!(
            (head.status, head.header("Content-Length")),
            (get.status, get.header("Content-Length"))
        );
        assert!(!get.body.is_empty(), "{target}");
    }
}

#[test]
fn refused_commands_say_why_and_leave_no_trace() {
    let api = Api::start();
    let malformed = "400 Bad Request: Missing or invalid name or params";
    let undecodable = "400 Bad Request: Failed to decode JSON object: ";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deeper = format!(r#"{{"name":"standby.sync","params":{{"a":{deep}}}}}"#);
    for (body, status, text) in [
        ("", 400, undecodable),
        ("not json", 400, undecodable),
        ("{\"name\":\"standby.sync\",\"params\":{}", 400, undecodable),
        ("\u{0}\u{1}\u{2}", 400, undecodable),
        (r#"{"params":{}}"#, 400, malformed),
        (r#"{"name":"standby.sync"}"#, 400, malformed),
        (r#"{"name":"standby.sync","params":[]}"#, 400, malformed),
        (r#"{"name":7,"params":{}}"#, 400, malformed),
        ("12", 400, malformed),
        ("null", 400, malformed),
        (&deep, 400, undecodable),
        (&deeper, 400, undecodable),
        (
            r#"{"name":"noext","params":{}}"#,
            400,
            "Invalid command: Command name must be of the form <extension>.<name>",
        ),
        (
            r#"{"name":"nosuch.thing","params":{}}"#,
            404,
            "Not found: Extension with id nosuch not found.",
        ),
        (
            r#"{"name":"standby.nosuch","params":{}}"#,
            400,
            "Invalid command: Unknown command: nosuch",
        ),
        (
            r#"{"name":"standby.prepare_image","params":{"image_info":{}}}"#,
            400,
            "Invalid command parameters: ",
        ),
    ] {
        let reply = api.call(
            "POST",
            &format!("/v1/commands/?wait=true&agent_token={TOKEN}"),
            body,
        );
        assert_eq!(
            reply.status,
            status,
            "{}: {}",
            body.get(..80).unwrap_or(body),
            reply.body
        );
        assert!(reply.fault().starts_with(text), "{}", reply.body);
    }
    assert!(listed(&api).is_empty());
    let unknown = api.call(
        "GET",
        &format!("/v1/commands/no\"pe?agent_token={TOKEN}"),
        "",
    );
    assert_eq!(
        unknown.fault(),
        "Not found: Command Result with id no\"pe not found."
    );
}
