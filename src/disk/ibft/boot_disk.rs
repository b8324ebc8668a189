//! A disk behind iSCSI that a firmware boots from: its name, where it is, and how to prove who asks for it.

use std::fmt;
use std::net::SocketAddr;

use crate::secret::Secret;

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

impl fmt::Display for BootDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (LUN {}) at {}", self.target, self.lun, self.portal)
    }
}
