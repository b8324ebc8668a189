//! Inspection from end to end: the collectors on a recorded machine, and the agent that posts what they find.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::codec::base64;
use ironlet::codec::json::{Fields, Object, Value, parse, print};
use ironlet::disk::Wishes;
use ironlet::inventory::BootFacts;
use ironlet::inventory::collectors::{Collected, Subject, TABLE, run};
use ironlet::system_logs;

#[path = "support/fake_conductor.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod fake_conductor;
#[path = "support/machine.rs"]
#[allow(dead_code)]
mod machine;

use fake_conductor::{FakeConductor, Reply};
use machine::Machine;

const UUID: &str = "d0b14430-d3a3-4290-a152-e1e829bdfb17";
const POST: &str = "POST /v1/continue_inspection";

fn collected(machine: &Machine, names: &[&str]) -> Collected {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    run(&Subject {
        host: &machine.host(),
        clock: &Clock::fake(),
        boot: &BootFacts {
            bootif: Some("01-52-54-00-aa-bb-01".to_owned()),
            ..BootFacts::default()
        },
        wishes: &Wishes::default(),
        names: &names,
        lldp_timeout: Duration::ZERO,
        archive: system_logs::archive,
    })
}

fn object(value: &Value) -> &Object {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other:?}"),
    }
}

#[test]
fn the_default_collectors_tell_what_upstream_s_tell() {
    let machine = Machine::recorded("lab-uefi");
    let Collected { data, failures } = collected(&machine, &["default", "logs"]);
    assert!(failures.is_empty(), "{failures:?}");
    let keys: Vec<_> = data.keys().map(String::as_str).collect();
    let all = [
        "boot_interface",
        "configuration",
        "inventory",
        "logs",
        "root_disk",
    ];
    assert_eq!(keys, all);
    let boot = object(object(&data["inventory"]).field("boot").expect("boot"));
    for bootif in [data.string("boot_interface"), boot.string("pxe_interface")] {
        assert_eq!(bootif, Ok(Some("01-52-54-00-aa-bb-01")));
    }
    let interfaces = object(&data["inventory"]).array("interfaces");
    let interfaces = interfaces.expect("a list").expect("there");
    assert!(!interfaces.is_empty());
    for nic in interfaces {
        assert!(
            object(nic)
                .string("mac_address")
                .is_ok_and(|mac| mac.is_some())
        );
    }
    assert_eq!(
        object(&data["root_disk"]).string("name"),
        Ok(Some("/dev/sda"))
    );
    let configuration = print(&data["configuration"]);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        configuration,
        format!(
            r#"{{"collectors":["default","logs"],"managers":[{{"name":"generic_hardware_manager","version":"{version}"}}]}}"#
        )
    );
    let Some(Value::String(logs)) = data.get("logs") else {
        panic!("logs are text")
    };
    let packed = base64::decode(logs).expect("base64");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut tar)
        .expect("gzip");
    assert!(tar.starts_with(b"agent.log\0"));
}

#[test]
fn a_machine_without_disks_reports_none_and_that_is_no_failure() {
    let machine = Machine::recorded("lab-uefi").without("/sys/block");
    let Collected { data, failures } = collected(&machine, &["default"]);
    assert!(failures.is_empty(), "{failures:?}");
    assert!(!data.contains_key("root_disk"));
    assert!(data.contains_key("inventory"));
}

#[test]
fn one_that_is_not_there_is_told_and_the_others_run_once_each() {
    let machine = Machine::recorded("lab-uefi");
    let names = ["logs", "no such\nthing", "default", "logs", "Default"];
    let Collected { data, failures } = collected(&machine, &names);
    assert!(data.contains_key("inventory") && data.contains_key("logs"));
    let [first, second] = &failures[..] else {
        panic!("{failures:?}")
    };
    assert!(first.starts_with("there is no collector 'no such\nthing': this agent has default, "));
    assert!(second.contains("'Default'"));
    let none = collected(&machine, &[]);
    assert!(none.data.is_empty() && none.failures.is_empty());
}

#[test]
fn the_table_has_upstream_s_names_each_once() {
    let upstream = [
        "default",
        "logs",
        "pci-devices",
        "usb-devices",
        "numa-topology",
        "lldp",
        "dmi-decode",
        "extra-hardware",
    ];
    for (at, collector) in TABLE.iter().enumerate() {
        assert!(upstream.contains(&collector.name), "{}", collector.name);
        assert!(TABLE[..at].iter().all(|other| other.name != collector.name));
    }
}

/// The agent as a process, killed in the end.
struct Agent(Child, PathBuf);

impl Agent {
    /// On a recorded machine with these parameters, that waits for no disk and no address.
    fn start(machine: &Machine, parameters: &str) -> Self {
        let root = machine.host().sys("..");
        let log = root.join("log");
        let agent = Command::new(env!("CARGO_BIN_EXE_ironlet"))
            .arg("--agent")
            .arg("--root")
            .arg(&root)
            .arg("--cmdline")
            .arg(format!(
                "ipa-disk-wait-attempts=0 ipa-inspection-dhcp-wait-timeout=0 {parameters}"
            ))
            .stderr(std::fs::File::create(&log).expect("a file"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Agent(agent, log)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.1).expect("the log")
    }

    fn wait_for(&self, what: &str, mut is_there: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_there() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "no {what}: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn taken() -> Reply {
    Reply::new(202, &format!(r#"{{"uuid": "{UUID}"}}"#))
}

fn ironic(callback: Vec<Reply>) -> FakeConductor {
    FakeConductor::start(vec![
        (
            "GET / ",
            vec![Reply::new(
                200,
                r#"{"default_version": {"version": "1.115"}}"#,
            )],
        ),
        (POST, callback),
        (
            "GET /v1/lookup",
            vec![Reply::new(404, r#"{"faultstring": "Not found"}"#)],
        ),
    ])
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

#[test]
fn inspection_comes_before_the_lookup_and_tells_it_the_uuid() {
    for (callback, parameters, uuid, hint) in [
        (
            vec![taken()],
            "ipa-inspection-callback-url=URL/v1/continue_inspection",
            true,
            None,
        ),
        (
            vec![taken()],
            "ipa-inspection-collectors=default",
            true,
            None,
        ),
        (
            vec![taken()],
            "ipa-inspection-collectors=default,nonsense",
            false,
            Some(
                "inspection failed before: The following errors were encountered:\n* there is no collector 'nonsense'",
            ),
        ),
        (
            vec![Reply::new(404, r#"{"faultstring": "Node not found"}"#)],
            "ipa-inspection-collectors=default,logs",
            false,
            Some("; inspection failed before: "),
        ),
        (
            vec![Reply::new(200, "<html>welcome</html>")],
            "ipa-inspection-callback-url=URL/v1/continue_inspection",
            false,
            Some("that is not Ironic"),
        ),
    ] {
        let machine = Machine::recorded("lab-uefi");
        let ironic = ironic(callback);
        let parameters = parameters.replace("URL", &ironic.url());
        let agent = Agent::start(
            &machine,
            &format!("ipa-api-url={} {parameters}", ironic.url()),
        );
        agent.wait_for("lookup", || !ironic.seen_of("GET", "/v1/lookup").is_empty());
        let seen = ironic.seen();
        let posts: Vec<_> = seen.iter().filter(|seen| seen.method == "POST").collect();
        assert_eq!(posts.len(), 1, "{parameters}");
        assert_eq!(seen[0].method, "POST", "{parameters}");
        let body = parse(&posts[0].body).expect("JSON");
        let failed = object(&body)
            .string("error")
            .expect("text or null")
            .is_some();
        assert_eq!(failed, parameters.contains("nonsense"), "{parameters}");
        assert!(object(&body).contains_key("error") && object(&body).contains_key("inventory"));
        let lookup = &ironic.seen_of("GET", "/v1/lookup")[0];
        assert_eq!(
            lookup.path.contains(&format!("node_uuid={UUID}")),
            uuid,
            "{parameters}"
        );
        agent.wait_for("word of the failed lookup", || {
            agent.log().contains("this node is not found yet")
        });
        let line = agent.log();
        let line = &line[line
            .find("this node is not found yet")
            .expect("it is there")..];
        match hint {
            Some(hint) => assert!(line.replace("\\n", "\n").contains(hint), "{hint}: {line}"),
            None => assert!(!line.contains("inspection failed"), "{line}"),
        }
    }
}

#[test]
fn without_collectors_or_a_callback_nothing_is_posted() {
    for parameters in [
        "",
        "ipa-inspection-benchmarks=cpu,mem ipa-inspection-collectors=",
    ] {
        let machine = Machine::recorded("lab-uefi");
        let ironic = ironic(vec![taken()]);
        let agent = Agent::start(
            &machine,
            &format!("ipa-api-url={} {parameters}", ironic.url()),
        );
        agent.wait_for("lookup", || !ironic.seen_of("GET", "/v1/lookup").is_empty());
        assert!(ironic.seen_of("POST", "/").is_empty());
        let told = agent
            .log()
            .contains("ipa-inspection-benchmarks: this agent runs no benchmarks");
        assert_eq!(told, parameters.contains("benchmarks"));
    }
}

#[test]
fn an_agent_that_was_only_to_inspect_stays_and_lets_nobody_in() {
    for (reply, said) in [
        (taken(), "Ironic has taken it, this is node"),
        (Reply::new(404, ""), "HTTP status 404"),
        (
            Reply::new(202, "{}"),
            "without a word of which node this is",
        ),
    ] {
        let machine = Machine::recorded("lab-uefi");
        let (ironic, port) = (ironic(vec![reply]), free_port());
        let parameters = format!(
            "ipa-inspection-callback-url={}/v1/continue_inspection ipa-listen-host=127.0.0.1 ipa-listen-port={port}",
            ironic.url()
        );
        let mut agent = Agent::start(&machine, &parameters);
        agent.wait_for("API", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            let text = format!(
                "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
            );
            stream.write_all(text.as_bytes()).expect("sent");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            answer
        };
        for request in [
            "POST /v1/commands/",
            "POST /v1/commands/?agent_token=",
            "GET /v1/commands/?agent_token=None",
        ] {
            let answer = ask(request);
            assert!(answer.starts_with("HTTP/1.1 401 "), "{request}: {answer}");
        }
        assert!(ask("GET /v1/status").starts_with("HTTP/1.1 200 "));
        assert!(agent.log().contains(said), "{said}: {}", agent.log());
        let methods: Vec<_> = ironic.seen().into_iter().map(|seen| seen.method).collect();
        assert_eq!(methods, ["POST"], "one post, no lookup, no heartbeat");
        assert!(
            agent.0.try_wait().expect("a child").is_none(),
            "it still runs"
        );
    }
}

#[test]
fn an_agent_that_is_started_again_does_not_report_again() {
    let machine = Machine::recorded("lab-uefi");
    let token = "a-token-of-more-than-thirty-two-characters";
    let enrolled = format!(
        r#"{{"node": {{"uuid": "{UUID}"}}, "config": {{"heartbeat_timeout": 300, "agent_token": "{token}"}}}}"#
    );
    let ironic = FakeConductor::start(vec![
        (
            "GET / ",
            vec![Reply::new(
                200,
                r#"{"default_version": {"version": "1.115"}}"#,
            )],
        ),
        (POST, vec![taken()]),
        ("GET /v1/lookup", vec![Reply::new(200, &enrolled)]),
        ("POST /v1/heartbeat/", vec![Reply::new(202, "")]),
    ]);
    let parameters = format!(
        "ipa-api-url={} ipa-inspection-collectors=default ipa-advertise-host=127.0.0.1 ipa-listen-host=127.0.0.1 ipa-listen-port={}",
        ironic.url(),
        free_port()
    );
    for beats in 1..=2 {
        let agent = Agent::start(&machine, &parameters);
        agent.wait_for("heartbeat", || {
            ironic.seen_of("POST", "/v1/heartbeat/").len() >= beats
        });
    }
    assert_eq!(ironic.seen_of("POST", "/v1/continue_inspection").len(), 1);
    assert_eq!(ironic.seen_of("GET", "/v1/lookup").len(), 2);
}

#[test]
fn a_callback_that_never_answers_ends_the_process_which_starts_over() {
    // The pauses between five attempts are 28 s of real time.
    let machine = Machine::recorded("lab-uefi");
    let parameters = format!(
        "ipa-inspection-callback-url=http://127.0.0.1:{}",
        free_port()
    );
    let mut agent = Agent::start(&machine, &parameters);
    let log = machine.host().sys("../log");
    let started = Instant::now();
    let code = loop {
        if let Some(code) = agent.0.try_wait().expect("a child") {
            break code;
        }
        assert!(started.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(code.code(), Some(1));
    let log = std::fs::read_to_string(log).expect("the log");
    assert_eq!(
        log.matches("inspection: posting failed (attempt ").count(),
        4,
        "{log}"
    );
    assert!(
        log.contains("not posted in 5 attempts; the last: "),
        "{log}"
    );
}

/// `--inventory --post` on a recorded machine.
fn by_hand(machine: &Machine, urls: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironlet"));
    let root = machine.host().sys("..");
    command.arg("--root").arg(&root).args(["--cmdline", ""]);
    command.args(["--inventory", "--post", urls]);
    command
}

#[test]
fn a_person_posts_and_learns_the_uuid_or_why_not() {
    for (reply, code, printed, said) in [
        (taken(), 0, UUID, "Ironic has taken it"),
        (Reply::new(202, "{}"), 0, "", "without a word"),
        (Reply::new(404, ""), 1, "", "HTTP status 404"),
    ] {
        let machine = Machine::recorded("lab-uefi");
        let ironic = ironic(vec![reply]);
        let urls = format!(
            "http://127.0.0.1:1/v1, {}/v1/continue_inspection",
            ironic.url()
        );
        let output = by_hand(&machine, &urls)
            .output()
            .expect("the binary starts");
        let (out, log) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        assert_eq!(output.status.code(), Some(code), "{log}");
        assert_eq!(out.trim(), printed);
        assert!(log.contains(said), "{log}");
        let posts = ironic.seen_of("POST", "/v1/continue_inspection");
        let body = parse(&posts[0].body).expect("JSON");
        assert!(object(&body).contains_key("inventory") && posts.len() == 1);
    }
}

#[test]
fn a_person_who_names_no_url_is_told_so_at_once() {
    let machine = Machine::recorded("lab-uefi");
    for urls in [
        "",
        ",",
        "mdns",
        "ftp://x",
        "127.0.0.1:6385/v1",
        "http://127.0.0.1:99999/",
    ] {
        let started = Instant::now();
        let output = by_hand(&machine, urls).output().expect("the binary starts");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains("is no http:// or https:// URL"), "{log}");
        assert!(started.elapsed() < Duration::from_secs(4), "{urls}: {log}");
    }
}

#[test]
fn as_a_daemon_it_posts_again_whatever_becomes_of_it() {
    let machine = Machine::recorded("lab-uefi").with(
        "/etc/ironic-python-agent.d/daemon.conf =\n\t[DEFAULT]\n\tintrospection_daemon = true\n\tintrospection_daemon_post_interval = 1\n",
    );
    let ironic = ironic(vec![taken(), Reply::new(404, ""), taken()]);
    let mut command = by_hand(
        &machine,
        &format!("{}/v1/continue_inspection", ironic.url()),
    );
    let log = machine.host().sys("../log");
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let daemon = Agent(
        command.stdout(Stdio::null()).spawn().expect("it starts"),
        log,
    );
    daemon.wait_for("third post", || ironic.seen_of("POST", "/").len() >= 3);
}
