//! The agent proper, as a contents page: config → inventory → enrol → serve → lock down.

use std::path::PathBuf;

use crate::disk::guard::Permit;
use crate::host::Host;

/// Where the agent finds itself: the machine, or what a person named instead.
pub struct Surroundings {
    /// What stands for `/`.
    pub root: PathBuf,
    /// Instead of the kernel command line.
    pub command_line: Option<String>,
    pub allowed_disks: Vec<PathBuf>,
}

impl Surroundings {
    pub fn host(&self) -> Host {
        Host::new(&self.root)
    }

    pub fn permit(&self) -> Permit {
        Permit::new(&self.host(), self.allowed_disks.clone())
    }
}
