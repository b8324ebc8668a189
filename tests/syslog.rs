//! The log as rsyslog gets it: by UDP, TCP and TLS, from before the server was there, and from an agent that nobody listens to.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "support/https_status.rs"]
#[allow(dead_code)]
mod https_status;
#[path = "trust/openssl.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod openssl;

use openssl::{Folder, P256};

/// rsyslogd, ended with the test.
struct Rsyslog {
    process: Child,
    written: PathBuf,
}

impl Rsyslog {
    /// With these inputs; what it understood of each message goes to a file.
    fn start(folder: &Path, global: &str, inputs: &str) -> Self {
        let written = folder.join("messages");
        let conf = folder.join("rsyslog.conf");
        let text = format!(
            "global(workDirectory=\"{0}\" {global})\n{inputs}\n\
             template(name=\"all\" type=\"string\" string=\"%syslogfacility-text%.%syslogseverity-text%|%timereported:::date-rfc3339%|\
             %hostname%|%app-name%|%procid%|%msgid%|%structured-data%|%msg%|%protocol-version%\\n\")\n\
             action(type=\"omfile\" file=\"{0}/messages\" template=\"all\" asyncWriting=\"off\" flushOnTXEnd=\"on\")\n",
            folder.display()
        );
        fs::write(&conf, text).expect("a file");
        // Debian confines /usr/sbin/rsyslogd to /var/log; a copy is nobody's.
        let program = folder.join("rsyslogd");
        fs::copy("/usr/sbin/rsyslogd", &program).expect("rsyslog is installed");
        let process = Command::new(program)
            .arg("-n")
            .arg("-f")
            .arg(&conf)
            .arg("-i")
            .arg(folder.join("pid"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("rsyslog.log")).expect("a file"))
            .spawn()
            .expect("rsyslogd starts");
        Rsyslog { process, written }
    }

    fn messages(&self) -> String {
        fs::read_to_string(&self.written).unwrap_or_default()
    }

    /// Waits until a message has this text.
    fn wait(&self, text: &str) -> String {
        let began = Instant::now();
        while !self.messages().contains(text) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "no {text:?} in:\n{}",
                self.messages()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        self.messages()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An agent that looks for an Ironic that is not there, for some seconds.
fn agent(folder: &Path, syslog: &str, files: &str) -> Child {
    let root = folder.join("root");
    for path in [
        "proc/sys/kernel",
        "sys/class/net",
        "etc/ironic-python-agent.d",
    ] {
        fs::create_dir_all(root.join(path)).expect("a directory");
    }
    fs::write(root.join("proc/sys/kernel/hostname"), "node-7\n").expect("a file");
    fs::write(root.join("etc/ironic-python-agent.d/a.conf"), files).expect("a file");
    let line = format!(
        "ipa-agent-token=sesame ipa-api-url=http://user:hunter2@127.0.0.1:1 ipa-lookup-timeout=4 ironlet.syslog={syslog}"
    );
    Command::new(env!("CARGO_BIN_EXE_ironlet"))
        .arg("--agent")
        .arg("--root")
        .arg(&root)
        .args(["--cmdline", &line])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ironlet runs")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// Every message is one of ours, the numbers have no gap, and no secret is in any.
fn check(messages: &str) {
    let mut next = 1;
    for message in messages.lines() {
        let fields: Vec<&str> = message.splitn(8, '|').collect();
        let [priority, time, host, app, process, room, data, _] = fields[..] else {
            panic!("{message}")
        };
        assert!(
            ["daemon.info", "daemon.warning", "daemon.err"].contains(&priority),
            "{message}"
        );
        assert!(time.starts_with("20") && time.contains('T'), "{message}");
        assert_eq!((host, app), ("node-7", "ironlet"), "{message}");
        assert!(
            process.parse::<u32>().is_ok() && !room.is_empty(),
            "{message}"
        );
        assert!(
            data.starts_with(&format!("[meta sequenceId=\"{next}\" sysUpTime=\"")),
            "{next}: {message}"
        );
        next += 1;
    }
    assert!(next > 2, "{messages}");
    assert!(
        !messages.contains("hunter2") && !messages.contains("sesame"),
        "{messages}"
    );
}

/// What the agent says when it ends.
const LAST: &str = "daemon.err|";

#[test]
fn rsyslog_understands_every_message_by_udp_and_tcp() {
    for scheme in ["", "tcp://"] {
        let folder = Folder::new(&format!("syslog-{}", scheme.len()));
        let port = match scheme {
            "" => UdpSocket::bind("127.0.0.1:0")
                .expect("a port")
                .local_addr()
                .expect("bound")
                .port(),
            _ => free_port(),
        };
        let input = match scheme {
            "" => format!(
                "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")"
            ),
            _ => format!(
                "module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")"
            ),
        };
        let server = Rsyslog::start(&folder.0, "", &input);
        // UDP tells nobody that nobody listens yet.
        std::thread::sleep(Duration::from_secs(if scheme.is_empty() { 2 } else { 0 }));
        let mut agent = agent(&folder.0, &format!("{scheme}127.0.0.1:{port}"), "");
        let messages = server.wait(LAST);
        assert!(!agent.wait().expect("it ends").success());
        check(&messages);
        println!(
            "{}: {} messages",
            if scheme.is_empty() { "udp" } else { "tcp" },
            messages.lines().count()
        );
    }
}

#[test]
fn tls_is_verified_and_lines_wait_until_the_server_is_there() {
    let folder = Folder::new("syslog-tls");
    folder.authority("ca", P256, "sha256");
    folder.authority("other", P256, "sha256");
    folder.server("server", P256, "ca", "sha256");
    let (port, at) = (free_port(), |name: &str| {
        folder.0.join(name).display().to_string()
    });
    let to = format!("tls://127.0.0.1:{port}");
    // Both start before there is a server.
    let mut believer = agent(
        &folder.0,
        &to,
        &format!("[DEFAULT]\ncafile = {}\n", at("ca.crt")),
    );
    std::thread::sleep(Duration::from_millis(500));
    let global = format!(
        "defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{}\" \
         defaultNetstreamDriverCertFile=\"{}\" defaultNetstreamDriverKeyFile=\"{}\"",
        at("ca.crt"),
        at("server.crt"),
        at("server.key")
    );
    let input = format!(
        "module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.Authmode=\"anon\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")"
    );
    let server = Rsyslog::start(&folder.0, &global, &input);
    let messages = server.wait(LAST);
    check(&messages);
    println!("tls: {} messages", messages.lines().count());
    let _ = believer.wait();
    let before = server.messages().lines().count();
    let mut stranger = agent(
        &folder.0,
        &to,
        &format!("[DEFAULT]\ncafile = {}\n", at("other.crt")),
    );
    let _ = stranger.wait();
    assert_eq!(
        server.messages().lines().count(),
        before,
        "sent to a server nobody vouches for"
    );
}

#[test]
fn a_server_that_takes_nothing_holds_nobody_up() {
    let folder = Folder::new("syslog-deaf");
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = deaf.local_addr().expect("bound").port();
    let began = Instant::now();
    let mut agent = agent(
        &folder.0,
        &format!("tcp://127.0.0.1:{port}"),
        "[DEFAULT]\ndebug = true\n",
    );
    let ended = agent.wait().expect("it ends");
    let took = began.elapsed();
    assert!(
        !ended.success() && took < Duration::from_secs(12),
        "{took:?}"
    );
}
