//! The far end of the main path: decoded bytes to the disk, its two ends last.

pub mod disk_sink;
pub mod first_mib_check;
pub mod held_back_ends;
pub mod mapped_ranges;
pub mod sink;
pub mod writer_threads;
pub mod zero_runs;
