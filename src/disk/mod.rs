//! Disks: which there are, which one is meant, and holding it alone.

pub mod guard;
pub mod target;
