//! Which disk is meant: root device hints, disks to be left alone, and what may be written at all.

pub mod boot_medium;
pub mod bus_place;
pub mod cleanable;
pub mod cluster_filesystem;
pub mod edd;
pub mod hint_operators;
pub mod hints;
pub mod root_device;
pub mod skip_list;
pub mod write_permit;
