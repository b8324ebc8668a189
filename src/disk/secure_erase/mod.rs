//! Disks that erase themselves, by commands of their own: NVMe, ATA and SCSI.
//!
//! An attempt ends in one of four ways, and the difference between "nothing has changed" and "nobody knows"
//! is the one that counts: only after the first may something else be tried unasked.

pub mod ata;
pub mod ata_security_state;
pub mod nvme;
pub mod nvme_identify;
pub(in crate::disk) mod passthrough;
pub mod scsi;
pub mod scsi_sense;

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use log::{info, warn};

use crate::clock::{Bell, Clock};
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::list::{Disk, list};
use crate::disk::select::write_permit::Permit;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::block;
use crate::sys::scsi::{Answer, Data};
use crate::system_root::{SystemRoot, attribute};

/// What came of asking a disk to erase itself.
#[derive(Debug)]
pub enum Attempt {
    /// It has no such command, or is of a kind that may not be asked; nothing was sent. Why.
    Unsupported(String),
    /// Every block was erased by this method, in words ("NVMe format, cryptographic erase").
    Done(String),
    /// Refused or impossible before anything changed (frozen, locked, …).
    NotStarted(Error),
    /// It began and its end was not seen or was bad: nobody knows what is on the disk.
    Unknown(Error),
}

/// Which kinds of disks may be asked, and the names of those that must stay as they are: one command can
/// reach several disks that share a controller.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// NVMe disks.
    pub nvme: bool,
    /// ATA disks and all others but NVMe: the switch upstream has for them.
    pub ata: bool,
    /// By name: `/dev/nvme0n2`.
    pub spared: &'a [String],
}

/// Has `disk` erase itself by the best method it has. `tell` gets per mille done (None = no idea), from
/// time to time.
pub fn erase(
    disk: &Disk,
    permit: &Permit,
    allowed: Allowed,
    host: &SystemRoot,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    let nvme = disk.transport.as_deref() == Some("nvme");
    let unsupported = |why: &str| Attempt::Unsupported(format!("{}: {why}", disk.name));
    let attempt = match disk.transport.as_deref() {
        Some("nvme") if allowed.nvme => of_nvme(disk, permit, allowed, host, clock, tell),
        // A bridge that passes a command on may still lose patience, and the disk with it.
        Some("usb") => unsupported("disks behind USB are not asked to erase themselves"),
        _ if disk.hctl.is_none() && !nvme => unsupported("it has no command to erase itself"),
        _ if !allowed.ata || nvme => unsupported("asking it to erase itself is switched off"),
        _ => of_scsi(disk, permit, clock, tell),
    };
    if let Attempt::Done(method) = &attempt {
        info!("{} was erased: {method}", disk.name);
    }
    attempt
}

fn of_scsi(
    disk: &Disk,
    permit: &Permit,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    let target = match ExclusiveDisk::open(&disk.path, permit) {
        Ok(target) => target,
        Err(error) => return Attempt::NotStarted(error),
    };
    // SAT-3, INQUIRY: the vendor of every ATA disk behind a translation.
    let attempt = match disk.identity.vendor.as_deref() {
        Some("ATA") => ata::erase(target.file(), &disk.name, clock, tell),
        _ => scsi::erase(target.file(), &disk.name, clock, tell),
    };
    if let Attempt::Done(_) = attempt {
        forget(&target);
    }
    attempt
}

fn of_nvme(
    disk: &Disk,
    permit: &Permit,
    allowed: Allowed,
    host: &SystemRoot,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    // Disks of one controller one after the other: a command to one may hold, and may reach, the others.
    static SHARED: Mutex<()> = Mutex::new(());
    let siblings = siblings(disk, host);
    let _turn =
        (!siblings.is_empty()).then(|| SHARED.lock().unwrap_or_else(PoisonError::into_inner));
    let own = || {
        host.sys("block")
            .join(disk.path.file_name().unwrap_or_default())
    };
    let Some(namespace) = attribute(own().join("nsid")).and_then(|id| id.parse().ok()) else {
        let why = format!("the kernel does not say which namespace {} is", disk.name);
        return Attempt::Unsupported(why);
    };
    let target = match ExclusiveDisk::open(&disk.path, permit) {
        Ok(target) => target,
        Err(error) => return Attempt::NotStarted(error),
    };
    let others = || hold(&siblings, permit, allowed.spared);
    let attempt = nvme::erase(target.file(), &disk.name, namespace, &others, clock, tell);
    if let Attempt::Done(_) = attempt {
        forget(&target);
    }
    attempt
}

/// The other disks that are namespaces of the same controller.
pub fn siblings(disk: &Disk, host: &SystemRoot) -> Vec<Disk> {
    let controller = |disk: &Disk| {
        let block = host.sys("block").join(disk.path.file_name()?);
        std::fs::canonicalize(block.join("device")).ok()
    };
    let own = controller(disk);
    let others = list(host)
        .into_iter()
        .filter(|other| other.name != disk.name);
    others
        .filter(|other| own.is_some() && controller(other) == own)
        .collect()
}

/// Holds disks that a command will erase as well, alone; an error if one may not be touched or is in use.
pub fn hold(disks: &[Disk], permit: &Permit, spared: &[String]) -> Result<Vec<ExclusiveDisk>> {
    let held = |disk: &Disk| match spared.contains(&disk.name) {
        true => Err(Error::new(
            Kind::BlockDeviceError,
            format!("{} is to be left alone", disk.name),
        )),
        false => ExclusiveDisk::open(&disk.path, permit),
    };
    disks.iter().map(held).collect()
}

/// What the kernel remembers of an erased disk is no longer true.
fn forget(target: &ExclusiveDisk) {
    let dropped = block::drop_cache(target.file()).context("dropping what was cached of it");
    for outcome in [dropped, target.reread_partitions()] {
        if let Err(error) = outcome {
            warn!("{} is erased, but {error}", target.path().display());
        }
    }
}

/// How one command ended.
#[derive(Debug)]
pub enum End {
    /// It did what it was asked for.
    Good,
    /// Before anything changed.
    Refused(String),
    /// Nobody knows what it did.
    Bad(String),
}

/// What a disk says of an erasure it does in the background.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// Per mille done, if it says so.
    Busy(Option<u32>),
    /// It ended, and well.
    Good,
    /// It ended, and why not well.
    Bad(String),
}

/// Between two questions how far it is.
const PAUSE: Duration = Duration::from_secs(10);

/// Waits for the erasure `words` that `name` does in the background.
fn finish(
    name: &str,
    words: &str,
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
    ask: &mut dyn FnMut() -> Result<State>,
) -> Attempt {
    match wait(clock, tell, ask) {
        Ok(()) => Attempt::Done(words.to_owned()),
        Err(error) => Attempt::Unknown(of(name, words, error)),
    }
}

pub(in crate::disk) fn wait(
    clock: &Clock,
    tell: &mut dyn FnMut(Option<u32>),
    ask: &mut dyn FnMut() -> Result<State>,
) -> Result<()> {
    // A pass over 30 TB at 150 MB/s takes 56 hours; no disk needs more than one.
    const LIMIT: Duration = Duration::from_secs(72 * 3600);
    // A disk that is reset, or busy with the beginning, may be silent for a while.
    const SILENCES: u32 = 30;
    let (started, mut silent) = (clock.elapsed(), 0);
    loop {
        match ask() {
            Ok(State::Good) => return Ok(()),
            Ok(State::Bad(why)) => return Err(Error::plain(why)),
            Ok(State::Busy(done)) => {
                silent = 0;
                tell(done);
            }
            Err(error) if silent == SILENCES => return Err(error),
            Err(_) => {
                silent += 1;
                tell(None);
            }
        }
        if clock.elapsed().saturating_sub(started) > LIMIT {
            return Err(Error::plain("it did not end within 72 hours"));
        }
        clock.sleep(PAUSE);
    }
}

/// Does `work`, a command that ends when the erasure ends, in a thread of its own, and `tick` meanwhile.
fn meanwhile<T: Send>(
    clock: &Clock,
    work: impl FnOnce() -> T + Send,
    mut tick: impl FnMut(),
) -> io::Result<T> {
    let bell = Bell::default();
    let done = bell.clone();
    let body = move || {
        let result = work();
        done.ring();
        result
    };
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("disk-erase".to_owned())
            .spawn_scoped(scope, body)?;
        while !bell.wait(clock, PAUSE) {
            tick();
        }
        Ok(worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A command the kernel refused or lost.
fn unsent(error: io::Error) -> End {
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::Unsupported => End::Refused(error.to_string()),
        _ => End::Bad(error.to_string()),
    }
}

/// The trail: which disk, doing what.
fn of(name: &str, doing: &str, error: Error) -> Error {
    let details = format!("{name}: {doing}: {}", error.details());
    Error::new(Kind::BlockDeviceError, details)
}

impl scsi::Wire for File {
    fn send(&self, command: &[u8], data: Data, patience: Duration) -> io::Result<Answer> {
        crate::sys::scsi::send(self, command, data, patience)
    }
}

impl nvme::Controller for File {
    fn admin(&self, command: &crate::sys::nvme::Command, data: &mut [u8]) -> io::Result<u16> {
        crate::sys::nvme::admin(self, command, data)
    }
}
