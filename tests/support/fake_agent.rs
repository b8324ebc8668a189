//! A machine in a directory and the agent around its commands, which records what it is told to do.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironlet::clock::{Bell, Clock};
use ironlet::codec::json::{Object, Value, parse};
use ironlet::command::{Agent, Call, Engine, Entry, Machine, Settings};
use ironlet::disk::select::write_permit::Permit;
use ironlet::error::{Error, Result};
use ironlet::image::Tools;
use ironlet::image::download::retry_policy::RetryPolicy;
use ironlet::net::http::client::Timeouts;
use ironlet::steps::node::Node;
use ironlet::system_root::{SystemRoot, names};
use ironlet::work_progress::WorkProgress;

use super::scratch::Scratch;

/// What the agent was told, in order.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<&'static str>>>);

impl Told {
    pub fn all(&self) -> Vec<&'static str> {
        self.0.lock().expect("no thread panics with it").clone()
    }

    fn note(&self, what: &'static str) {
        self.0.lock().expect("no thread panics with it").push(what);
    }
}

struct FakeAgent {
    told: Told,
    /// What lookups say; without it they fail.
    node: Option<Node>,
    /// A lookup answers when told to.
    gate: Option<Mutex<Receiver<()>>>,
}

impl Agent for FakeAgent {
    fn look_up(&self) -> Result<Node> {
        self.told.note("look up");
        if let Some(gate) = &self.gate {
            // An error means that the test is over.
            let _ = gate.lock().expect("no thread panics with it").recv();
        }
        let node = self.node.clone();
        node.ok_or_else(|| Error::plain("Ironic does not answer"))
    }

    fn flush(&self) -> Result<()> {
        self.told.note("flush");
        Ok(())
    }

    fn power_off(&self) -> Result<()> {
        self.told.note("power off");
        Ok(())
    }

    fn reboot(&self) -> Result<()> {
        self.told.note("reboot");
        Err(Error::plain("the machine stays on"))
    }

    fn load_module(&self, _: &str) {}

    fn lock_down(&self) {
        self.told.note("lock down");
    }

    fn hand_over(&self) {
        self.told.note("hand over");
    }
}

pub struct Surroundings {
    pub scratch: Scratch,
    pub host: SystemRoot,
    pub clock: Clock,
    pub bell: Bell,
    pub told: Told,
    pub gauge: WorkProgress,
    pub settings: Settings,
    pub node: Option<Node>,
    pub gate: Option<Mutex<Receiver<()>>>,
}

impl Surroundings {
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let host = SystemRoot::new(scratch.path("root"));
        for path in [host.proc(""), host.dev(""), host.sys("block")] {
            fs::create_dir_all(path).expect("a directory in the scratch");
        }
        let clock = Clock::fake();
        Surroundings {
            scratch,
            host,
            gauge: WorkProgress::new(clock.clone()),
            clock,
            bell: Bell::default(),
            told: Told::default(),
            settings: Settings::default(),
            node: None,
            gate: None,
        }
    }

    /// What a new agent process finds after this one died.
    pub fn again(&self) -> Self {
        Surroundings {
            host: self.host.clone(),
            ..Surroundings::new()
        }
    }

    /// From now on lookups, and so deploys, wait for a word on this channel.
    pub fn hold_lookups(&mut self) -> Sender<()> {
        let (go, gate) = channel();
        self.gate = Some(Mutex::new(gate));
        go
    }

    pub fn add_disk(&self) -> PathBuf {
        self.add_named("vda")
    }

    /// A virtio disk of 8 MiB that says it has 5 GiB, so that it is a root disk; may be written.
    pub fn add_named(&self, kernel: &str) -> PathBuf {
        let path = self.host.dev(kernel);
        fs::write(&path, vec![0xaa; 8 << 20]).expect("room for a small disk");
        let block = self.host.sys("block").join(kernel);
        fs::create_dir_all(block.join("queue")).expect("a directory in the scratch");
        for (name, value) in [
            ("size", "10485760"),
            ("ro", "0"),
            ("removable", "0"),
            ("queue/rotational", "1"),
            ("queue/logical_block_size", "512"),
        ] {
            fs::write(block.join(name), value).expect("a file in the scratch");
        }
        path
    }

    pub fn engine(&mut self) -> Engine {
        let agent = FakeAgent {
            told: self.told.clone(),
            node: self.node.clone(),
            gate: self.gate.take(),
        };
        let disks = names(self.host.sys("block"));
        let disks = disks.iter().map(|kernel| self.host.dev(kernel));
        let permit = Permit::new(&self.host, disks.collect());
        let soon = Duration::from_secs(2);
        let tools = Tools {
            trust: Default::default(),
            timeouts: Timeouts {
                connect: soon,
                read: soon,
            },
            patience: RetryPolicy {
                retries: 1,
                interval: soon,
                limit: None,
            },
            permit,
            readback: false,
            rate: None,
            clock: self.clock.clone(),
            gauge: self.gauge.clone(),
        };
        Engine::new(Arc::new(Machine::new(
            self.host.clone(),
            self.clock.clone(),
            self.bell.clone(),
            tools,
            Box::new(agent),
            self.settings.clone(),
        )))
    }
}

/// What a POST would do, without HTTP.
pub fn post(engine: &Engine, body: &str) -> Result<Entry> {
    Call::parse(body.as_bytes().to_vec()).and_then(|call| engine.start(call))
}

/// The same, to the end of the command.
pub fn post_and_wait(engine: &Engine, body: &str) -> Object {
    let entry = post(engine, body).expect(body);
    entry.answered();
    entry.wait();
    json(&entry)
}

pub fn json(entry: &Entry) -> Object {
    match entry.to_json() {
        Value::Object(object) => object,
        other => panic!("an entry is an object, not {other:?}"),
    }
}

pub fn object(text: &str) -> Object {
    match parse(text) {
        Ok(Value::Object(object)) => object,
        other => panic!("{text} is an object, not {other:?}"),
    }
}

/// The value at a path of names; null if it is not there.
pub fn at<'a>(object: &'a Object, path: &[&str]) -> &'a Value {
    static NULL: Value = Value::Null;
    let (first, rest) = path.split_first().expect("a path has a name");
    match (object.get(*first), rest) {
        (Some(value), []) => value,
        (Some(Value::Object(inner)), rest) => at(inner, rest),
        _ => &NULL,
    }
}

/// The text at a path of names; empty if there is none.
pub fn text_at<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    match at(object, path) {
        Value::String(text) => text,
        _ => "",
    }
}
