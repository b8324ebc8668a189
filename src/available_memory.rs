//! How much memory the machine has left: asked before something from outside is kept in it. A refusal can be read; the kernel's
//! OOM killer ends the agent, and what it had begun.

use std::io::{self, Read};

use crate::error::{Error, Result};
use crate::system_root::{SystemRoot, attribute};
use crate::units::{Bytes, KIB, MIB};

/// What the rest of the agent needs at any time.
const SPARE: u64 = 16 * MIB;

/// The memory of one machine.
pub struct Memory(SystemRoot);

impl Memory {
    /// Of the machine whose /proc `host` shows.
    pub fn of(host: &SystemRoot) -> Self {
        Memory(host.clone())
    }

    /// Of the machine this runs on, whatever stands for its `/`.
    pub fn here() -> Self {
        Memory(SystemRoot::new("/"))
    }

    /// What can be had without swapping (Documentation/filesystems/proc.rst); none if the kernel does not say.
    pub fn available(&self) -> Option<Bytes> {
        let text = attribute(self.0.proc("meminfo"))?;
        let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
        let kib = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
        Some(Bytes(kib.saturating_mul(KIB)))
    }

    /// An error if there is no room for `bytes` more, and what the agent needs anyway; `what` is to be kept there.
    pub fn room_for(&self, bytes: u64, what: &str) -> Result<()> {
        match self.available() {
            Some(available) if available.0 < bytes.saturating_add(SPARE) => {
                let bytes = Bytes(bytes);
                let why = format!(
                    "{available} of memory are left, and {} of them the agent's own: too few for {what} of {bytes}",
                    Bytes(SPARE)
                );
                Err(Error::plain(why))
            }
            _ => Ok(()),
        }
    }

    /// The same bytes, kept by whoever reads them; an error before the memory runs out.
    pub fn watch<R: Read>(self, inner: R) -> Watched<R> {
        Watched {
            inner,
            memory: self,
            unasked: 0,
        }
    }
}

/// A reader of what is kept in memory.
pub struct Watched<R> {
    inner: R,
    memory: Memory,
    /// Bytes that may pass before the next question.
    unasked: usize,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.unasked == 0 {
            let room = self.memory.room_for(MIB, "another part");
            room.map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error))?;
            self.unasked = MIB as usize;
        }
        let most = into.len().min(self.unasked);
        let count = self.inner.read(&mut into[..most])?;
        self.unasked -= count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_kept_is_cut_short_before_the_memory_is() {
        let root = std::env::temp_dir().join(format!("ironlet-memory-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        fs::create_dir_all(host.proc("")).expect("a temporary directory");
        let endless = || io::repeat(7).take(5 * MIB);
        let read = || {
            let mut kept = Vec::new();
            let result = Memory::of(&host).watch(endless()).read_to_end(&mut kept);
            result.map(|_| kept.len() as u64)
        };
        assert_eq!(read().expect("nobody says how much there is"), 5 * MIB);
        let say = |text: &str| fs::write(host.proc("meminfo"), text).expect("a file");
        say("MemTotal: 65536 kB\nMemAvailable:   20480 kB\n");
        let memory = Memory::of(&host);
        assert_eq!(memory.available(), Some(Bytes::mib(20)));
        assert!(memory.room_for(4 * MIB, "a drive").is_ok());
        let error = memory
            .room_for(5 * MIB, "a drive")
            .expect_err("16 are spare");
        let told = "20 MiB of memory are left, and 16 MiB of them the agent's own: too few for a drive of 5 MiB";
        assert_eq!(error.details(), told);
        assert!(read().is_ok());
        say("MemAvailable: 17000 kB\n");
        assert!(read().is_err());
        fs::remove_dir_all(root).expect("it was made here");
    }
}
