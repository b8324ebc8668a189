//! Whether the agent gets on: told by those who do its work, for whoever would else say what stands in its way.

use std::sync::atomic::{AtomicBool, Ordering};

/// Something has worked: nobody need be told any more why nothing does.
static WORKS: AtomicBool = AtomicBool::new(false);
/// Something is at work that counts no bytes: a disk that erases itself takes hours.
static BUSY: AtomicBool = AtomicBool::new(false);

/// Ironic knows this machine, or its work is done.
pub fn works() {
    WORKS.store(true, Ordering::Relaxed);
}

/// Was that so?
pub fn has_worked() -> bool {
    WORKS.load(Ordering::Relaxed)
}

/// Whether work is under way that counts no bytes.
pub fn busy(is_so: bool) {
    BUSY.store(is_so, Ordering::Relaxed);
}

/// Is it?
pub fn is_busy() -> bool {
    BUSY.load(Ordering::Relaxed)
}
