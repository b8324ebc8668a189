//! Threads of the main path and what passes between them: blocks going round, reading ahead, how far and how fast.

pub mod belt;
pub mod meter;
pub mod progress;
pub mod read_ahead;
