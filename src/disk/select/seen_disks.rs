//! The disks there were at an earlier moment: where the very same are still there, nobody has to wait for more.

use std::time::Duration;

use crate::clock::Clock;
use crate::disk::list::{Disk, list};
use crate::disk::select::all_reported::{self, Reported};
use crate::disk::select::boot_medium::is_external;
use crate::system_root::SystemRoot;

/// Disks of one controller show up within moments of each other, after their driver is loaded.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// The disks there were at one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    at: Duration,
    disks: Vec<Disk>,
    reported: Reported,
}

impl Seen {
    /// Those there are now.
    pub fn now(host: &SystemRoot, clock: &Clock) -> Self {
        // In this order: a disk that comes in between shows.
        let reported = all_reported::look(host);
        Seen {
            at: clock.elapsed(),
            disks: list(host),
            reported,
        }
    }

    /// Was it long ago, or were all there that `chosen` could have to stand back for, and are the very same there still? `own_first`: it
    /// stands back for none that can be pulled out.
    pub(super) fn is_settled(
        &self,
        host: &SystemRoot,
        clock: &Clock,
        chosen: &Disk,
        own_first: bool,
    ) -> bool {
        let disks = list(host);
        let are_in = match self.reported {
            Reported::Unknown => false,
            Reported::Own => own_first && !is_external(chosen),
            Reported::All => true,
        };
        (are_in || clock.elapsed() - self.at >= SETTLE)
            && self.disks.len() == disks.len()
            && self
                .disks
                .iter()
                .zip(&disks)
                .all(|(old, new)| same(old, new))
    }
}

/// Is it the same device, not only the same name?
pub fn same(one: &Disk, other: &Disk) -> bool {
    (&one.path, one.size, &one.identity) == (&other.path, other.size, &other.identity)
}
