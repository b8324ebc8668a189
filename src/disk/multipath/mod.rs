//! Disks that several ways lead to: one disk, never two. join.rs tells which ways lead to the same, map.rs has the kernel use
//! all of them, so that a way may fail while the disk is written.

pub mod join;
pub mod map;
