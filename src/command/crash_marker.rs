//! Marks the running command in /run, so that an agent started again can call it FAILED.
//!
//! A restarted agent starts with an empty list, which Ironic reads as "the step is done". The mark
//! turns into a FAILED entry instead. It stays until the next command replaces it: Ironic may not have
//! asked yet, and a second restart does not lose it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use log::{error, warn};

use crate::codec::json;
use crate::codec::json::{Fields, Value, object, text};
use crate::command::started_command::Entry;
use crate::disk::erase::state_file;
use crate::error::{Context, Error, Kind, Result};
use crate::system_root::SystemRoot;
use crate::work_progress::WorkProgress;

/// Of why a command failed, in characters: enough for a person to go on.
const REASON: usize = 2000;
/// More than an id, a name and a reason ever take, every character escaped.
const LARGEST: u64 = 32 << 10;

pub(super) struct CrashMarker(SystemRoot);

impl CrashMarker {
    pub fn of(host: &SystemRoot) -> Self {
        CrashMarker(host.clone())
    }

    fn path(&self) -> PathBuf {
        self.0.run("command")
    }

    /// A command that starts without its mark is still better than one that does not start.
    pub fn set(&self, entry: &Entry) {
        state_file::forget(&self.0);
        self.write(entry, "running", Value::Null);
    }

    /// The command has failed, and nobody may know yet.
    pub fn failed(&self, entry: &Entry, error: &Error) {
        let reason: String = error.to_string().chars().take(REASON).collect();
        self.write(entry, "failed", text(reason));
    }

    fn write(&self, entry: &Entry, state: &str, reason: Value) {
        let content = object([
            ("id", text(entry.id())),
            ("name", text(entry.full_name())),
            ("reason", reason),
        ]);
        if let Err(error) = replace(&self.path(), &json::print(&content)) {
            warn!("marking {} as {state}: {error}", entry.full_name());
        }
    }

    pub fn clear(&self) {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("removing {}: {error}", self.path().display());
            }
            _ => (),
        }
    }

    /// The command an earlier agent process died in, or the last one that failed there, as FAILED.
    pub fn left_over(&self, gauge: WorkProgress) -> Option<Entry> {
        let mut content = String::new();
        let file = match fs::File::open(self.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            file => file,
        };
        let read = file.and_then(|file| file.take(LARGEST).read_to_string(&mut content));
        let (id, name, reason) = read
            .map_err(Error::from)
            .and_then(|_| fields(&content))
            .unwrap_or_else(|error| {
                warn!("reading {}: {error}", self.path().display());
                ("unknown".to_owned(), "unknown".to_owned(), None)
            });
        let entry = Entry::running(id, name, gauge);
        let why = reason.unwrap_or_else(|| {
            let disks = state_file::left_over(&self.0).map(|disks| format!(" (disks: {disks})"));
            format!(
                "the agent died while executing {}; its work is unfinished{}. The agent's console and \
                 system logs say more; start the operation again",
                entry.name(),
                disks.unwrap_or_default()
            )
        });
        let failure = Error::new(Kind::CommandExecutionError, why);
        error!("left by an earlier process: {failure}");
        entry.end(Err(failure));
        Some(entry)
    }
}

/// Id, name, and why it failed; none for a command that was running.
fn fields(content: &str) -> Result<(String, String, Option<String>)> {
    let Value::Object(mark) = json::parse(content)? else {
        return Err(Error::plain("no object"));
    };
    match (mark.string("id")?, mark.string("name")?) {
        (Some(id), Some(name)) => {
            let reason = mark.string("reason")?.map(str::to_owned);
            Ok((id.to_owned(), name.to_owned(), reason))
        }
        _ => Err(Error::plain("no id or no name")),
    }
}

/// The new content is there in whole or not at all, for root alone.
fn replace(path: &Path, content: &str) -> Result<()> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let new = path.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("writing {}", path.display()))
}
