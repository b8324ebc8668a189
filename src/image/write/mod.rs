//! The far end of the main path: decoded bytes to the disk, its two ends last.

pub mod disk_sink;
pub mod ends;
pub mod first_mib;
pub mod sink;
pub mod writers;
pub mod zero_runs;
