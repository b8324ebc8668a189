//! Erasing disks: which are erased and which are not, by what, with what proof, and what is said of each.

mod support;

#[path = "erase/failing.rs"]
mod failing;
#[path = "erase/methods.rs"]
mod methods;
#[path = "erase/steps.rs"]
mod steps;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use ironlet::clock::Clock;
use ironlet::codec::json::Value;
use ironlet::disk::Disk;
use ironlet::disk::erase::{self, Means, Order, Tell};
use ironlet::disk::secure_erase::Attempt;
use ironlet::disk::select::cleanable::Cleanable;
use ironlet::disk::select::write_permit::Permit;
use ironlet::error::{Error, Result};
use ironlet::system_root::SystemRoot;
use ironlet::units::Bytes;
use ironlet::work_progress::WorkProgress;
use support::scratch::Scratch;

const MIB: usize = 1 << 20;
/// What disks held before.
const OLD: u8 = 0xaa;
/// How Ironic has it unless told otherwise, and one disk at a time.
const PLAIN: Order = Order {
    express: false,
    random: 1,
    zeros: true,
    nvme: true,
    fall_back: false,
    discard: false,
    at_once: 1,
};

/// What `path` is called, and where it is.
fn disk(name: &str, path: &Path) -> Disk {
    Disk {
        name: name.into(),
        path: path.into(),
        size: Bytes(8 * MIB as u64),
        logical_sector: 512,
        physical_sector: 512,
        ..Disk::default()
    }
}

/// A machine for the work below the steps, and what is done in place of commands of a disk's own.
struct Bench<'a> {
    scratch: Scratch,
    gauge: WorkProgress,
    own: &'a (dyn Fn(&Disk, Tell) -> Attempt + Sync),
    /// Disks whose metadata was erased.
    metadata: Mutex<Vec<String>>,
}

fn unasked(_: &Disk, _: Tell) -> Attempt {
    Attempt::Unsupported("it has no such command".into())
}

impl<'a> Bench<'a> {
    fn new(own: &'a (dyn Fn(&Disk, Tell) -> Attempt + Sync)) -> Self {
        Bench {
            scratch: Scratch::new(),
            gauge: WorkProgress::new(Clock::fake()),
            own,
            metadata: Mutex::default(),
        }
    }

    /// A file of 8 MiB for a disk of that name.
    fn disk(&self, name: &str) -> Disk {
        let path = self.scratch.path(name.rsplit('/').next().expect("a name"));
        fs::write(&path, vec![OLD; 8 * MIB]).expect("room for a small disk");
        disk(name, &path)
    }

    fn host(&self) -> SystemRoot {
        SystemRoot::new(self.scratch.path("root"))
    }

    fn erase(&self, disks: &[Disk], order: &Order) -> Result<Value> {
        let named = disks.iter().map(|disk| disk.path.clone()).collect();
        let found = Cleanable {
            disks: disks.to_vec(),
            passed_over: vec![("/dev/sr9".into(), "is virtual media".into())],
            warnings: Vec::new(),
        };
        let host = self.host();
        let means = Means {
            permit: &Permit::new(&host, named),
            host: &host,
            clock: &Clock::fake(),
            gauge: &self.gauge,
            own: self.own,
            metadata: &|disk| {
                let mut metadata = self.metadata.lock().expect("nobody panics with it");
                metadata.push(disk.name.clone());
                match disk.name.ends_with("bad") {
                    true => Err(Error::plain("its metadata cannot be erased")),
                    false => Ok(()),
                }
            },
        };
        erase::erase(&found, order, &means)
    }
}

fn content(disk: &Disk) -> Vec<u8> {
    fs::read(&disk.path).expect("the disk is a file")
}

fn all(bytes: &[u8], value: u8) -> bool {
    bytes.iter().all(|byte| *byte == value)
}
