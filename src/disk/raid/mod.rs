//! Software RAID without mdadm: what target_raid_config asks for, where it lies, what says so on the disks, and the kernel's md.

pub mod apart;
pub mod array_name;
pub mod configuration;
pub mod create;
pub mod delete;
pub mod fate;
pub mod kernel_array;
pub mod layout;
pub mod level;
pub mod members;
pub mod superblock;
