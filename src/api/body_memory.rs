//! Room in memory for request bodies: one is let in if the machine has room for it, for the copy of the config drive in it and
//! for all that others have been promised.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::api::route::Refusal;
use crate::available_memory::Memory;
use crate::system_root::SystemRoot;
use crate::units::MIB;

/// What bodies under way will still take: bytes promised, but not received yet.
#[derive(Default)]
pub struct BodyMemory(Mutex<u64>);

impl BodyMemory {
    /// Room for a body of `length` bytes, and as many once more: what it holds is copied out of it, and decoded only when
    /// it is gone. 503 if there is none.
    pub fn promise(&self, length: u64, host: &SystemRoot) -> Result<Promise<'_>, Refusal> {
        let mut promise = Promise {
            memory: self,
            left: 0,
        };
        promise.more(length, host)?;
        Ok(promise)
    }

    fn promised(&self) -> MutexGuard<'_, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one body; given back when dropped.
pub struct Promise<'a> {
    memory: &'a BodyMemory,
    left: u64,
}

impl Promise<'_> {
    /// Room for `length` more bytes of the body; 503 if there is none.
    pub fn more(&mut self, length: u64, host: &SystemRoot) -> Result<(), Refusal> {
        let mut promised = self.memory.promised();
        let both = length.saturating_mul(2);
        let room = Memory::of(host).room_for(promised.saturating_add(both), "request bodies");
        room.map_err(|error| Refusal::new(503, error.details()))?;
        *promised += both;
        self.left += both;
        Ok(())
    }

    /// A MiB was received: from now on it is missing from what the machine has left.
    pub fn received(&mut self) {
        let kept = self.left.min(MIB);
        self.left -= kept;
        *self.memory.promised() -= kept;
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        *self.memory.promised() -= self.left;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_body_has_room_for_itself_and_its_copy_beside_all_others() {
        let root = std::env::temp_dir().join(format!("ironlet-bodies-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        fs::create_dir_all(host.proc("")).expect("a temporary directory");
        // 40 MiB, of which the rest of the agent keeps 16.
        fs::write(host.proc("meminfo"), "MemAvailable: 40960 kB\n").expect("a file");
        let memory = BodyMemory::default();
        let fits = |length: u64| memory.promise(length * MIB, &host).is_ok();
        assert!(fits(12) && !fits(13));
        let mut first = memory.promise(8 * MIB, &host).expect("there is room");
        assert!(fits(4) && !fits(5));
        first.received();
        first.received();
        assert!(fits(5) && !fits(6));
        first.more(5 * MIB, &host).expect("a body in chunks grows");
        assert!(!fits(1));
        drop(first);
        assert!(fits(12) && *memory.promised() == 0);
        fs::remove_dir_all(root).expect("it was made here");
    }
}
