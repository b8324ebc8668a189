//! A test that runs itself again as on a ramdisk: in namespaces of its own (mounts, network, processes, host name) with a
//! tmpfs as its root, so that the code under test takes the network for its own. Nothing of it is seen outside.
//!
//! Needs root, iproute2 and util-linux.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use ironlet::net::link::links::{self, Link};

pub const PATIENCE: Duration = Duration::from_secs(30);
/// The first argument when the program is inside its namespaces.
const INSIDE: &str = "inside-the-namespaces";

/// The new root: a tmpfs with this program, and this machine's programs and libraries as they are.
const ENTER: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$ROOT"
cd "$ROOT"
mkdir proc sys dev run etc tmp usr var
mount --bind /usr usr && mount -o remount,bind,ro usr
for name in bin sbin lib lib32 lib64; do [ -L /$name ] && cp -a /$name . ; done
ln -s /run var/run
mkdir -p var/lib var/log
chmod 755 .
mount -t proc proc proc
mount -t sysfs sysfs sys
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/random c 1 8
cp /etc/passwd /etc/group etc/
cp "$PROGRAM" program
for file in $FILES; do cp "$file" . ; done
exec chroot . /program "$INSIDE"
"#;

/// Runs `inside` there; `files` are copied to its root. The test's `main` is nothing but this.
pub fn run(name: &str, files: &[&str], inside: fn()) {
    match env::args().nth(1).as_deref() {
        Some(INSIDE) => {
            log::set_logger(&Printed).expect("the first logger");
            log::set_max_level(log::LevelFilter::Debug);
            inside();
        }
        // What the test runner asks about a program without its harness.
        Some("--list") => {}
        _ => outside(name, files),
    }
}

fn outside(name: &str, files: &[&str]) {
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir(&root).expect("a directory for the new root");
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR")))
        .collect();
    let namespaces = [
        "--mount",
        "--net",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
    ];
    let status = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", ENTER])
        .env("ROOT", &root)
        .env("PROGRAM", env::current_exe().expect("a program has a path"))
        .env("FILES", files.join(" "))
        .env("INSIDE", INSIDE)
        .status();
    fs::remove_dir(&root).expect("the root is empty again");
    assert!(status.expect("unshare").success(), "the test {name} failed");
}

/// The log of the code under test, in between what others say.
struct Printed;

impl log::Log for Printed {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        println!("ironlet: {} {}", record.level(), record.args());
    }
    fn flush(&self) {}
}

/// `ip` with these words, blanks between.
pub fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status();
    assert!(status.expect("ip").success(), "ip {words}");
}

/// What `ip` prints.
pub fn ip_says(words: &str) -> String {
    let output = Command::new("ip")
        .args(words.split(' '))
        .output()
        .expect("ip");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A card of ours and its other end, a port in the network namespace `side`; both up.
pub fn cable(card: &str, mac: &str, side: &str, port: &str) {
    ip(&format!(
        "link add {card} address {mac} type veth peer name {port} netns {side}"
    ));
    ip(&format!("-n {side} link set {port} up"));
    ip(&format!("link set {card} up"));
}

/// A program in the network namespace `side`, and the lines of its output and errors as they come.
pub fn start(side: &str, words: &[&str]) -> (Child, Receiver<String>) {
    let mut child = Command::new("ip")
        .args(["netns", "exec", side])
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let (sender, lines) = channel();
    let name = words[0].to_owned();
    let pass = |output: Box<dyn Read + Send>| {
        let (sender, name) = (sender.clone(), name.clone());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                println!("{name}: {line}");
                // Nobody listens any more only when the test is over.
                let _ = sender.send(line);
            }
        });
    };
    pass(Box::new(child.stdout.take().expect("a pipe")));
    pass(Box::new(child.stderr.take().expect("a pipe")));
    (child, lines)
}

pub fn stop(mut child: Child) {
    child.kill().expect("it is still there");
    child.wait().expect("it ends");
}

/// Waits for a line with `part` in it.
pub fn until(lines: &Receiver<String>, part: &str) -> String {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(part) => return line,
            Ok(_) => {}
            Err(error) => panic!("nobody said '{part}': {error}"),
        }
    }
}

pub fn link(name: &str) -> Link {
    let links = links::list().expect("links");
    let found = links.into_iter().find(|link| link.name == name);
    found.unwrap_or_else(|| panic!("there is no link {name}"))
}

/// Waits until `holds`, and says what it waited for when that does not happen.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let clock = ironlet::clock::Clock::real();
    while !holds() {
        assert!(clock.elapsed() < PATIENCE, "it never came to this: {what}");
        clock.sleep(Duration::from_millis(50));
    }
}
