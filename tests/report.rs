//! Reports of an agent that deploys without Ironic, to servers that take them and to those that do everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ironlet::codec::json::{Fields, Object, Value, parse};
use sha2_of::sha256;

#[path = "support/scratch.rs"]
#[allow(dead_code)]
mod scratch;

use scratch::Scratch;

mod sha2_of {
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// By coreutils, as a person would.
    pub fn sha256(bytes: &[u8]) -> String {
        let mut sum = Command::new("sha256sum")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("coreutils");
        let mut input = sum.stdin.take().expect("a pipe");
        input.write_all(bytes).expect("it reads");
        drop(input);
        let output = sum.wait_with_output().expect("it ends").stdout;
        String::from_utf8_lossy(&output)[..64].to_owned()
    }
}

const SIZE: usize = 8 << 20;

/// What a report server does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Take,
    Answer(&'static str),
    Drop,
    Hang,
    Trickle,
}

const BROKEN: Does = Does::Answer("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
const BUSY: Does = Does::Answer("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n");
const LOGIN: Does = Does::Answer(
    "HTTP/1.1 302 Found\r\nLocation: /login?next=hunter2\r\nContent-Length: 0\r\n\r\n",
);

/// An image at `/image`, and everything that was posted.
#[derive(Clone)]
struct Server {
    port: u16,
    posted: Arc<Mutex<Vec<String>>>,
    paths: Arc<Mutex<BTreeSet<String>>>,
    /// What else is there to be fetched, by its path, and what was fetched.
    documents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Does `first` with the first `count` reports, and takes those after.
    fn start(image: Vec<u8>, first: Does, count: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Server {
            port: listener.local_addr().expect("bound").port(),
            posted: Arc::default(),
            paths: Arc::default(),
            documents: Arc::default(),
            fetched: Arc::default(),
        };
        let own = server.clone();
        let image = Arc::new(image);
        let seen = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, image, seen) = (own.clone(), Arc::clone(&image), Arc::clone(&seen));
                thread::spawn(move || own.serve(stream, &image, first, count, &seen));
            }
        });
        server
    }

    fn serve(
        &self,
        stream: TcpStream,
        image: &[u8],
        first: Does,
        count: usize,
        seen: &Mutex<usize>,
    ) {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut line, mut length) = (String::new(), 0);
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let mut header = String::new();
            while reader.read_line(&mut header).unwrap_or(0) > 2 {
                if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                header.clear();
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let path = line.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
            self.paths.lock().expect("no panic").insert(path.clone());
            let mut stream = reader.get_ref();
            if line.starts_with("GET") {
                let documents = self.documents.lock().expect("no panic").clone();
                self.fetched.lock().expect("no panic").push(path.clone());
                let (status, body) = match documents.get(&path) {
                    Some(document) => ("200 OK", &document[..]),
                    None if path == "/image" || path == "/slow" => ("200 OK", image),
                    None => ("404 Not Found", &b"nothing"[..]),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let (some, rest) = body.split_at(body.len() / 2);
                if stream.write_all(&[head.as_bytes(), some].concat()).is_err() {
                    return;
                }
                if path == "/slow" {
                    thread::sleep(Duration::from_secs(7));
                }
                if stream.write_all(rest).is_err() {
                    return;
                }
                continue;
            }
            let number = {
                let mut seen = seen.lock().expect("no panic");
                *seen += 1;
                *seen
            };
            let does = if number <= count { first } else { Does::Take };
            match does {
                Does::Take => {
                    let text = String::from_utf8(body).expect("JSON is UTF-8");
                    self.posted.lock().expect("no panic").push(text);
                    let taken = b"HTTP/1.1 204 No Content\r\n\r\n";
                    if stream.write_all(taken).is_err() {
                        return;
                    }
                }
                Does::Answer(text) => {
                    if stream.write_all(text.as_bytes()).is_err() {
                        return;
                    }
                }
                Does::Drop => return,
                Does::Hang => thread::sleep(Duration::from_secs(60)),
                Does::Trickle => {
                    for byte in b"HTTP/1.1 200 OK\r\nX-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa".iter()
                    {
                        if stream.write_all(&[*byte]).is_err() {
                            return;
                        }
                        thread::sleep(Duration::from_secs(1));
                    }
                }
            }
        }
    }

    fn put(&self, path: &str, document: impl Into<Vec<u8>>) {
        let mut documents = self.documents.lock().expect("no panic");
        documents.insert(path.to_owned(), document.into());
    }

    /// How often it was fetched.
    fn count(&self, path: &str) -> usize {
        let fetched = self.fetched.lock().expect("no panic");
        fetched.iter().filter(|one| *one == path).count()
    }

    fn reports(&self) -> Vec<Object> {
        let posted = self.posted.lock().expect("no panic").clone();
        let object = |text: &String| match parse(text) {
            Ok(Value::Object(object)) => object,
            _ => panic!("no object: {text}"),
        };
        posted.iter().map(object).collect()
    }

    /// Waits until a report is as wanted.
    fn wait(&self, what: &str, is_it: impl Fn(&Object) -> bool) -> Object {
        let began = Instant::now();
        loop {
            if let Some(found) = self.reports().into_iter().find(&is_it) {
                return found;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "no report {what}: {:?}",
                self.posted.lock().expect("no panic")
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// An agent that deploys to a file; ended with the test.
struct Agent {
    process: Child,
    log: std::path::PathBuf,
    disk: std::path::PathBuf,
}

impl Agent {
    fn start(folder: &Scratch, server: &Server, image: &str, sum: &str) -> Self {
        let root = folder.path("root");
        for path in ["proc/sys/kernel", "sys/class/net", "sys/block", "etc"] {
            fs::create_dir_all(root.join(path)).expect("a directory");
        }
        let (log, disk) = (folder.path("log"), folder.disk(SIZE * 2, 0xaa));
        let port = server.port;
        let order = format!(
            "ironlet.image=http://127.0.0.1:{port}/{image}?signed=hunter2 ironlet.checksum=sha256:{sum} ironlet.disk={} ironlet.page=0",
            disk.display()
        );
        Agent::ordered(&root, log, disk, port, &order)
    }

    fn ordered(root: &Path, log: PathBuf, disk: PathBuf, port: u16, order: &str) -> Self {
        let line = format!(
            "{order} ipa-image-download-connection-retries=0 \
             ironlet.report=http://user:hunter2@127.0.0.1:{port}/reports?key=hunter2"
        );
        let process = Command::new(env!("CARGO_BIN_EXE_ironlet"))
            .arg("--agent")
            .arg("--root")
            .arg(root)
            .arg("--allow-disk")
            .arg(&disk)
            .args(["--cmdline", &line])
            .env("http_proxy", "http://127.0.0.1:1")
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("ironlet runs");
        Agent { process, log, disk }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How long it takes from now until the log says so.
    fn until(&self, text: &str) -> Duration {
        let began = Instant::now();
        while !self.log().contains(text) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "no {text:?} in:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn image() -> Vec<u8> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..SIZE / 8).flat_map(|_| next()).collect()
}

fn text<'a>(report: &'a Object, name: &str) -> &'a str {
    report.string(name).ok().flatten().unwrap_or_default()
}

fn holds(disk: &Path, image: &[u8]) -> bool {
    fs::read(disk).is_ok_and(|bytes| bytes[..image.len()] == *image)
}

/// What the agent says last on a host that is not its own: from the end of the deploy to there somebody waited for the last report.
const STAYS: &str = "the image is on the disk, but";

#[test]
fn a_deploy_is_told_from_its_beginning_to_its_receipt_and_log() {
    let (folder, image) = (Scratch::new(), image());
    let server = Server::start(image.clone(), Does::Take, 0);
    let agent = Agent::start(&folder, &server, "slow", &sha256(&image));
    let last = server.wait("of the end", |report| {
        text(report, "log").contains("verified")
    });
    assert!(
        agent.until(STAYS) < Duration::from_secs(3),
        "the end waits for a report that has arrived"
    );
    assert!(holds(&agent.disk, &image));
    assert_eq!(text(&last, "phase"), "done");
    let receipt = last
        .object("receipt")
        .expect("an object")
        .expect("is there");
    assert_eq!(receipt.integer("bytes"), Ok(Some(SIZE as u64)));
    assert_eq!(text(&last, "disk"), agent.disk.display().to_string());
    let progress = last.object("progress").ok().flatten().expect("is there");
    assert_eq!(text(progress, "stage"), "written");
    for of in ["bytes", "total"] {
        assert_eq!(progress.integer(of), Ok(Some(SIZE as u64)), "{of}");
    }
    let from = format!("http://127.0.0.1:{}/slow", server.port);
    assert_eq!(text(&last, "image"), from);
    assert_eq!(text(&last, "agent"), "ironlet");
    assert!(
        last.object("machine")
            .is_ok_and(|machine| machine.is_some())
    );
    let reports = server.reports();
    let numbers: Vec<_> = reports
        .iter()
        .map(|report| report.integer("sequence"))
        .collect();
    let rising = (1..=numbers.len() as u64).map(|number| Ok(Some(number)));
    assert_eq!(numbers, rising.collect::<Vec<_>>());
    let half = |report: &&Object| {
        let progress = report.object("progress").ok().flatten();
        progress.and_then(|progress| progress.integer("bytes").ok().flatten())
            == Some(SIZE as u64 / 2)
    };
    let under_way = reports.iter().filter(half).count();
    assert!(
        (1..4).contains(&under_way),
        "told {under_way} times in 7 s of half an image"
    );
    let all = server.posted.lock().expect("no panic").concat() + &agent.log();
    assert!(!all.contains("hunter2"), "a secret got out");
    println!(
        "{} reports, the last with {} bytes of log",
        reports.len(),
        text(&last, "log").len()
    );
}

#[test]
fn a_failure_comes_with_its_words_what_to_try_and_the_log() {
    let (folder, image) = (Scratch::new(), image());
    let server = Server::start(image.clone(), Does::Take, 0);
    let agent = Agent::start(&folder, &server, "image", &"0".repeat(64));
    let failed = server.wait("of a failure", |report| text(report, "phase") == "failed");
    let failure = failed
        .object("failure")
        .expect("an object")
        .expect("is there");
    assert!(
        text(failure, "message").contains("expected"),
        "{}",
        text(failure, "message")
    );
    assert!(text(failure, "try").contains("checksum"));
    assert!(
        text(&failed, "log").contains("the deploy failed"),
        "{}",
        text(&failed, "log")
    );
    // It is tried again, and that does not send the log again.
    server.wait("of another", |report| {
        report.integer("failures") == Ok(Some(2))
    });
    let logs = server
        .reports()
        .iter()
        .filter(|report| !text(report, "log").is_empty())
        .count();
    assert_eq!(logs, 1);
    drop(agent);
}

#[test]
fn what_to_try_is_about_what_failed() {
    let sum = "0".repeat(64);
    for (order, message, advice) in [
        (
            "\"image_checksum\": \"AT/maps/gone.bmap\"".to_owned(),
            "/maps/gone.bmap: HTTP status 404: nothing there by that name",
            "Is the URL right",
        ),
        (
            "\"image_checksum\": \"AT/maps/cut.bmap\"".to_owned(),
            "the block map cannot be used: it is cut short",
            "Make the block map anew",
        ),
        (
            "\"image_checksum\": \"AT/maps/long.bmap\"".to_owned(),
            "/maps/long.bmap: over 4 MiB is not a block map",
            "",
        ),
        (
            format!("\"image_checksum\": \"{sum}\", \"configdrive\": \"AT/drive\""),
            "the config drive: GET AT/drive: HTTP status 404: nothing there by that name",
            "Look at the config drive",
        ),
        (
            format!("\"image_checksum\": \"{sum}\", \"root_device\": {{\"serial\": \"none\"}}"),
            "no disk to deploy to with ",
            "root_device says in an order",
        ),
        // Words of a field that holds secrets are none.
        (
            format!(
                "\"image_checksum\": \"{sum}\", \"configdrive\": {{\"meta_data\": 5}}, \"image_http_proxy\": \"p\", \
                 \"image_server_auth_strategy\": \"http_basic\", \"image_server_user\": \"u\", \"image_server_password\": 5"
            ),
            "configdrive.meta_data: must be an object; image_http_proxy: the proxy 'p' is not of the form http://[user:password@]host:port or \
             https://… (SOCKS is not supported); image_server_password: must be text",
            "Mend what was ordered",
        ),
    ] {
        let folder = Scratch::new();
        let server = Server::start(Vec::new(), Does::Take, 0);
        let at = format!("http://127.0.0.1:{}", server.port);
        let (root, disk) = machine(&folder, "sys/firmware");
        let hints = match order.contains("root_device") {
            true => "",
            false => ", \"root_device\": {\"name\": \"/dev/vda\"}",
        };
        let order = order.replace("AT", &at);
        server.put(
            "/order.json",
            format!("{{\"image_source\": \"{at}/disk.raw\"{hints}, {order}}}"),
        );
        server.put("/maps/cut.bmap", "<bmap version=\"2.0\">");
        server.put("/maps/long.bmap", vec![b' '; 5 << 20]);
        let line = format!("ironlet.order={at}/order.json ironlet.page=0 ipa-disk-wait-attempts=1");
        let _agent = Agent::ordered(&root, folder.path("log"), disk, server.port, &line);
        let failed = server.wait("of a failure", |report| text(report, "phase") == "failed");
        let failure = failed.object("failure").ok().flatten().expect("is there");
        let (words, tried) = (text(failure, "message"), text(failure, "try"));
        assert!(words.contains(&message.replace("AT", &at)), "{words}");
        assert!(tried.contains(advice), "{words}: {tried}");
    }
}

/// The root of a machine that has one disk, and that disk.
fn machine(folder: &Scratch, firmware: &str) -> (PathBuf, PathBuf) {
    let root = folder.path("root");
    for path in [
        "proc/sys/kernel",
        "sys/class/net",
        "sys/block/vda/queue",
        firmware,
        "dev",
        "etc",
    ] {
        fs::create_dir_all(root.join(path)).expect("a directory");
    }
    let disk = root.join("dev/vda");
    fs::File::create(&disk)
        .and_then(|file| file.set_len(5 << 30))
        .expect("a sparse file");
    fs::write(root.join("sys/block/vda/size"), (5_u64 << 21).to_string()).expect("a file");
    (root, disk)
}

/// Of a machine with UEFI, for which an image has no loader.
#[test]
fn an_image_that_cannot_be_started_is_written_once_until_it_or_its_order_changes() {
    let (folder, mut image) = (Scratch::new(), image());
    // One partition, and no ESP.
    image[440..512].fill(0);
    image[446..462].copy_from_slice(&[
        0x80, 0x20, 0x21, 0, 0x83, 0xfe, 0xff, 0xff, 0, 8, 0, 0, 0, 0x38, 0, 0,
    ]);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    let server = Server::start(image.clone(), Does::Take, 0);
    let (root, disk) = machine(&folder, "sys/firmware/efi/efivars");
    let (log, port) = (folder.path("log"), server.port);
    let at = format!("http://127.0.0.1:{port}");
    let order = |more: &str| {
        format!(
            "{{\"image_source\": \"{at}/disk.raw\", \"image_checksum\": \"{at}/SHA256SUMS\", \"root_device\": {{\"name\": \"/dev/vda\"}}, \
             \"configdrive\": {{\"meta_data\": {{\"hostname\": \"x\"}}}}{more}}}"
        )
    };
    server.put("/disk.raw", image.clone());
    server.put("/SHA256SUMS", format!("{}  disk.raw\n", sha256(&image)));
    server.put("/order.json", order(""));
    let page = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let page = page.expect("a port").port();
    let line = format!(
        "ironlet.order={at}/order.json ironlet.page=1 ipa-listen-host=127.0.0.1 ipa-listen-port={page}"
    );
    let agent = Agent::ordered(&root, log, disk, port, &line);
    let failed = server.wait("of a second failure", |report| {
        report.integer("failures") == Ok(Some(2))
    });
    let failure = failed
        .object("failure")
        .expect("an object")
        .expect("is there");
    let (words, advice) = (text(failure, "message"), text(failure, "try"));
    for part in [
        "the image is on /dev/vda and verified",
        "none of its 2 partitions is of the type of one: is the image made for UEFI firmware?",
        "that alone is tried again",
    ] {
        assert!(words.contains(part), "{words}");
    }
    assert!(advice.contains("boot loader for its firmware"), "{advice}");
    let shown = shown_by(page);
    assert!(shown.contains("cannot be made to start from it"), "{shown}");
    assert!(
        agent
            .log()
            .contains("is on /dev/vda: what comes after that is tried again"),
        "{}",
        agent.log()
    );
    assert_eq!(server.count("/disk.raw"), 1, "{}", agent.log());
    assert!(server.count("/SHA256SUMS") >= 2 && server.count("/order.json") >= 2);
    // Another image of the same name is another image.
    image[SIZE - 1] ^= 1;
    server.put("/disk.raw", image.clone());
    server.put("/SHA256SUMS", format!("{}  disk.raw\n", sha256(&image)));
    server.wait("of a third failure", |report| {
        report.integer("failures") == Ok(Some(3))
    });
    assert_eq!(server.count("/disk.raw"), 2, "{}", agent.log());
    // And an order that was changed is taken.
    server.put(
        "/order.json",
        order(", \"ignore_bootloader_failure\": true"),
    );
    agent.until(STAYS);
    assert_eq!(server.count("/disk.raw"), 3, "{}", agent.log());
    let bytes = fs::File::open(&agent.disk).and_then(|file| {
        let mut bytes = vec![0; SIZE];
        (&file).read_exact(&mut bytes).map(|()| bytes)
    });
    // What has grown is the table.
    assert!(bytes.expect("a disk")[1 << 20..] == image[1 << 20..]);
}

/// The page of an agent, as a browser gets it.
fn shown_by(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the agent listens");
    let ask = b"GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).expect("it reads");
    let mut shown = String::new();
    stream.read_to_string(&mut shown).expect("a page");
    shown
}

#[test]
fn no_server_holds_up_a_deploy() {
    let image = image();
    let sum = sha256(&image);
    let cases = [
        (BROKEN, 2, 6),
        (BUSY, 2, 8),
        (Does::Drop, 2, 6),
        (LOGIN, usize::MAX, 11),
        (Does::Hang, usize::MAX, 11),
        (Does::Trickle, usize::MAX, 11),
    ];
    thread::scope(|scope| {
        for (does, count, end) in cases {
            let (image, sum) = (&image, &sum);
            scope.spawn(move || does_not_hold_up(image, sum, does, count, end));
        }
    });
}

/// A server that does so with the first `count` reports: the end waits for it for less than `end` seconds.
fn does_not_hold_up(image: &[u8], sum: &str, does: Does, count: usize, end: u64) {
    let folder = Scratch::new();
    let server = Server::start(image.to_vec(), does, count);
    let agent = Agent::start(&folder, &server, "image", sum);
    let written = agent.until(" verified, flushing");
    agent.until("the bottleneck");
    let waited = agent.until(STAYS);
    assert!(holds(&agent.disk, image), "{does:?}");
    assert!(
        written < Duration::from_secs(5),
        "{does:?}: {written:?} for 8 MiB"
    );
    assert!(
        waited < Duration::from_secs(end),
        "{does:?}: {waited:?} at the end"
    );
    if count != usize::MAX {
        server.wait("of the end", |report| text(report, "phase") == "done");
        agent.until("reports reach");
    }
    let log = agent.log();
    assert_eq!(
        log.matches("reports are not taken").count(),
        1,
        "{does:?}: {log}"
    );
    if does == LOGIN {
        assert!(
            log.contains("it answers 302 to /login: does it want a login?"),
            "{log}"
        );
        assert!(!server.paths.lock().expect("no panic").contains("/login"));
    }
    assert!(!log.contains("hunter2"), "{does:?}");
    println!("{does:?}: written after {written:.1?}, then waited for {waited:.1?}");
}

#[test]
fn what_is_no_url_is_said_and_costs_nothing() {
    let (folder, image) = (Scratch::new(), image());
    let server = Server::start(image.clone(), Does::Take, 0);
    let root = folder.path("root");
    fs::create_dir_all(root.join("sys/class/net")).expect("a directory");
    let mut process = Command::new(env!("CARGO_BIN_EXE_ironlet"))
        .arg("--agent")
        .arg("--root")
        .arg(&root)
        .args(["--cmdline", "ironlet.report=ftp://user:hunter2@h/x"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ironlet runs");
    let mut said = String::new();
    let mut stderr = process.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    process.wait().expect("it ends");
    assert!(
        said.contains("nothing is reported: 'ftp://h/x' is no http:// or https:// URL"),
        "{said}"
    );
    drop(server);
}
