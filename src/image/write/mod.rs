//! The far end of the main path: decoded bytes to the disk, its two ends last.

pub mod ends;
pub mod sink;
pub mod writers;
pub mod zero_runs;
