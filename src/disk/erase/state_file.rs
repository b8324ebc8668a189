//! The state of each disk of an erasure, kept in /run for a process that comes after a crash.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use log::warn;

use crate::disk::erase::outcome_report::State;
use crate::error::{Context, Result};
use crate::system_root::SystemRoot;

/// In /run.
const NAME: &str = "erasure";
/// Of what an earlier process left: enough for hundreds of disks.
const LARGEST: u64 = 16 << 10;

/// The states of all disks of one erasure, written to a file at each change.
pub struct StateFile {
    path: PathBuf,
    lines: Mutex<Vec<(String, State)>>,
}

impl StateFile {
    /// None of the disks was started yet.
    pub fn open(host: &SystemRoot, disks: impl Iterator<Item = String>) -> Self {
        let ledger = StateFile {
            path: host.run(NAME),
            lines: Mutex::new(disks.map(|disk| (disk, State::NotStarted)).collect()),
        };
        ledger.write(&ledger.lines.lock().unwrap_or_else(PoisonError::into_inner));
        ledger
    }

    /// To be told before the disk is touched, and when it is done.
    pub fn note(&self, disk: &str, state: State) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.iter_mut().filter(|(name, _)| name == disk) {
            line.1 = state;
        }
        self.write(&lines);
    }

    /// Disks can be erased without it.
    fn write(&self, lines: &[(String, State)]) {
        let lines: Vec<_> = lines
            .iter()
            .map(|(disk, state)| format!("{disk} {}", state.words()))
            .collect();
        if let Err(error) = self.replace(&lines.join(", ")) {
            warn!("noting which disks are erased: {error}");
        }
    }

    /// The new content is there in whole or not at all.
    fn replace(&self, content: &str) -> Result<()> {
        let directory = self.path.parent().unwrap_or(&self.path);
        let new = self.path.with_extension("new");
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&new, content))
            .and_then(|()| fs::rename(&new, &self.path))
            .with_context(|| format!("writing {}", self.path.display()))
    }
}

/// The step tells all by itself now.
impl Drop for StateFile {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// What a process that died in the middle noted: `/dev/sda done, /dev/sdb unknown`.
pub fn left_over(host: &SystemRoot) -> Option<String> {
    let mut content = String::new();
    let file = File::open(host.run(NAME)).ok()?;
    file.take(LARGEST).read_to_string(&mut content).ok()?;
    (!content.is_empty()).then_some(content)
}

/// What is begun now has nothing to do with it.
pub fn forget(host: &SystemRoot) {
    remove(&host.run(NAME));
}

fn remove(path: &std::path::Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!("removing {}: {error}", path.display());
        }
        _ => (),
    }
}
