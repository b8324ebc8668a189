//! The disks there were at an earlier moment: where the very same are still there, nobody has to wait for more.

use std::time::Duration;

use crate::clock::Clock;
use crate::disk::list::{Disk, list};
use crate::system_root::SystemRoot;

/// Disks of one controller show up within moments of each other, after their driver is loaded.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// The disks there were at one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    at: Duration,
    disks: Vec<Disk>,
}

impl Seen {
    /// Those there are now.
    pub fn now(host: &SystemRoot, clock: &Clock) -> Self {
        Seen {
            at: clock.elapsed(),
            disks: list(host),
        }
    }

    /// Was it long ago, and are the very same there still?
    pub(super) fn is_settled(&self, host: &SystemRoot, clock: &Clock) -> bool {
        let disks = list(host);
        clock.elapsed() - self.at >= SETTLE
            && self.disks.len() == disks.len()
            && self
                .disks
                .iter()
                .zip(&disks)
                .all(|(old, new)| same(old, new))
    }
}

/// Is it the same device, not only the same name?
pub(super) fn same(one: &Disk, other: &Disk) -> bool {
    (&one.path, one.size, &one.identity) == (&other.path, other.size, &other.identity)
}
