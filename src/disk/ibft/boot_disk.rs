//! A disk behind iSCSI that a firmware boots from: its name, where it is, and how to prove who asks for it.

use std::fmt;
use std::net::SocketAddr;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::small_sort;

/// A disk behind iSCSI, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootDisk {
    /// The machine's own name; perhaps empty.
    pub initiator: String,
    /// The target's name.
    pub target: String,
    /// Where it answers.
    pub portal: SocketAddr,
    /// Which of its units, as Linux numbers them.
    pub lun: u64,
    /// How to prove who asks.
    pub chap: Option<Chap>,
}

/// RFC 1994, as iSCSI uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chap {
    /// What the machine calls itself.
    pub user: String,
    /// What both know.
    pub secret: Secret,
    /// With these the target is to prove itself too.
    pub back: Option<(String, Secret)>,
}

/// A machine's disks out of what is said of each target: whether the firmware booted by it, and it; none for one that nobody can log in to.
/// Those that were booted from come first. An error if there are only such ones.
pub fn disks(initiator: &str, targets: Vec<Option<(bool, BootDisk)>>) -> Result<Vec<BootDisk>> {
    let is_told = !targets.is_empty();
    let mut disks: Vec<_> = targets.into_iter().flatten().collect();
    if is_told && disks.is_empty() {
        return Err(Error::plain(
            "the firmware's iBFT names a target that cannot be used: its name, its address or what is to be logged in with is missing or damaged",
        ));
    }
    small_sort::by_key(&mut disks, |(selected, _)| !selected);
    let disks = disks.into_iter().map(|(_, disk)| BootDisk {
        initiator: initiator.to_owned(),
        ..disk
    });
    Ok(disks.collect())
}

impl fmt::Display for BootDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (LUN {}) at {}", self.target, self.lun, self.portal)
    }
}
