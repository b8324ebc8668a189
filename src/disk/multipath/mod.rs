//! Disks that several ways lead to: one disk, never two. join.rs tells which ways lead to the same, map.rs has the kernel use
//! all of them, so that a way may fail while the disk is written; ways.rs says what volumes of that kind there are.

pub mod join;
pub mod map;
pub mod ways;
