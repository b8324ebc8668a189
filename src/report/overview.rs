//! This machine and its work at one moment, as its page shows it and its reports tell it: plain values, with whatever secrets are in them.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::codec::json::{Fields, Value};
use crate::inventory::dmi::Tables;
use crate::inventory::{Interface, interfaces, memory_and_vendor, processor};
use crate::logger;
use crate::logger::status::{self, Phase, Row, Status};
use crate::redaction::clean;
use crate::report::advice::advice;
use crate::sys::kernel;
use crate::system_root::{SystemRoot, attribute};
use crate::units::Bytes;
use crate::work_progress::Reading;

/// A card is asked much for its address, and says a new one seldom.
const CARDS: Duration = Duration::from_secs(5);

/// What the machine is; empty text for what is not known.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Who made it.
    pub vendor: String,
    /// What they call it.
    pub product: String,
    /// Of the whole machine.
    pub serial: String,
    /// As its firmware has it, lower case.
    pub uuid: String,
    /// Model of the processors.
    pub processor: String,
    /// How many of them the kernel has.
    pub processors: u64,
    /// All there is.
    pub memory: Bytes,
    /// `uefi` or `bios`.
    pub firmware: &'static str,
    /// Another at every start.
    pub boot_id: String,
}

/// This machine at one moment.
#[derive(Clone)]
pub struct Overview {
    /// Of the agent.
    pub version: &'static str,
    /// Since the kernel began.
    pub uptime: Duration,
    /// UNIX time; none while the clock is plainly wrong.
    pub unix: Option<f64>,
    /// What it is.
    pub machine: Machine,
    /// Its network cards.
    pub cards: Vec<Interface>,
    /// What it is at.
    pub status: Status,
    /// How far the work is; none while nothing is being done.
    pub progress: Option<Reading>,
    /// In words: what it does, or waits for.
    pub state: String,
    /// How the work failed last, and what to try; none before.
    pub failure: Option<(String, &'static str)>,
}

/// Looks at a machine; what is slow to read is read seldom.
pub struct Watcher {
    host: SystemRoot,
    clock: Clock,
    version: &'static str,
    machine: Machine,
    cards: Mutex<(Option<Duration>, Vec<Interface>)>,
}

impl Watcher {
    /// `version` is the agent's.
    pub fn new(host: &SystemRoot, clock: &Clock, version: &'static str) -> Self {
        Watcher {
            host: host.clone(),
            clock: clock.clone(),
            version,
            machine: Machine::read(host),
            cards: Mutex::default(),
        }
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// As it is now.
    pub fn look(&self) -> Overview {
        let status = status::now();
        let failure = status.failure.as_ref();
        Overview {
            version: self.version,
            uptime: kernel::uptime(),
            unix: self.clock.is_set().then(|| self.clock.unix()),
            machine: self.machine.clone(),
            cards: self.cards(),
            progress: progress(&status),
            state: status.row(Row::State).to_owned(),
            failure: failure.map(|error| (error.details().to_owned(), advice(error))),
            status,
        }
    }

    fn cards(&self) -> Vec<Interface> {
        let mut cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        if cards.0.is_none_or(|read| now.saturating_sub(read) >= CARDS) {
            *cards = (Some(now), interfaces(&self.host));
        }
        cards.1.clone()
    }
}

/// How far the work is; once it is done what it came to, whatever the last of it was.
fn progress(status: &Status) -> Option<Reading> {
    if status.phase != Phase::Done {
        return status.progress();
    }
    let (bytes, took) = status.written?;
    Some(Reading {
        stage: "written".to_owned(),
        done: bytes,
        total: Some(bytes),
        rate: (bytes.0 as f64 / took.as_secs_f64().max(0.001)) as u64,
        left: Some(Duration::ZERO),
    })
}

/// The last `most` lines of the log, oldest first, without secrets.
pub fn log_lines(most: usize) -> Vec<String> {
    let log = logger::last_lines(most);
    clean(&log).lines().map(str::to_owned).collect()
}

impl Machine {
    fn read(host: &SystemRoot) -> Self {
        let tables = Tables::read(host);
        let (vendor, memory, cpu) = (
            memory_and_vendor::vendor(host, &tables),
            memory_and_vendor::memory(host, &tables),
            processor::object_of(host, &tables),
        );
        let text = |of: &Value, name: &str| {
            let found = match of {
                Value::Object(fields) => fields.string(name).ok().flatten(),
                _ => None,
            };
            found.unwrap_or_default().to_owned()
        };
        let number = |of: &Value, name: &str| match of {
            Value::Object(fields) => fields.integer(name).ok().flatten().unwrap_or(0),
            _ => 0,
        };
        let dmi = |name: &str| attribute(host.sys("class/dmi/id").join(name));
        let boot_id = fs::read_to_string(host.proc("sys/kernel/random/boot_id"));
        Machine {
            vendor: text(&vendor, "manufacturer"),
            product: text(&vendor, "product_name"),
            serial: text(&vendor, "serial_number"),
            uuid: dmi("product_uuid").unwrap_or_default().to_lowercase(),
            processor: text(&cpu, "model_name"),
            processors: number(&cpu, "count"),
            memory: Bytes::mib(number(&memory, "physical_mb")),
            firmware: match host.sys("firmware/efi").is_dir() {
                true => "uefi",
                false => "bios",
            },
            boot_id: boot_id.unwrap_or_default().trim().to_owned(),
        }
    }
}
