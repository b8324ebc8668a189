//! Disks that erase themselves.

use super::guard::Permit;
use super::list::Disk;
use crate::clock::Clock;
use crate::error::Error;
use crate::host::Host;

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

/// Which kinds of disks may be asked, and the names of those that must stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    pub nvme: bool,
    pub ata: bool,
    pub spared: &'a [String],
}

pub fn erase(
    disk: &Disk,
    _: &Permit,
    _: Allowed,
    _: &Host,
    _: &Clock,
    _: &mut dyn FnMut(Option<u32>),
) -> Attempt {
    Attempt::Unsupported(format!("{} has no command to erase itself", disk.name))
}
