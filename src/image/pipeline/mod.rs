//! Threads of the main path and what passes between them: blocks going round, reading ahead, how far and how fast.

pub mod belt;
pub mod progress_reader;
pub mod read_ahead;
pub mod stage_times;
