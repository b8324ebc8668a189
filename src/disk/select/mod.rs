//! Which disk is meant: root device hints, disks to be left alone, and what may be written at all.

pub mod all_reported;
pub mod boot_medium;
pub mod cleanable;
pub mod cluster_filesystem;
pub mod edd;
pub mod firmware_bus_path;
pub mod hint_operators;
pub mod hints;
pub mod parameter_drive;
pub mod root_arrays;
pub mod root_device;
pub mod seen_disks;
pub mod skip_list;
mod unwritable;
pub mod verdicts;
pub mod write_permit;
