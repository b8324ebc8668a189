//! Disks: which there are, which one is meant, and holding it alone.

pub mod assemble;
pub mod block_device;
pub mod boot_sector;
pub mod burnin;
pub mod bytes_written;
pub mod erase;
pub mod exclusive_disk;
pub mod filesystem;
pub mod ibft;
pub mod identity;
pub mod list;
pub mod multipath;
pub mod raid;
pub mod secure_erase;
pub mod select;
pub mod table;
pub mod wipe;
pub mod worker_threads;

pub use crate::disk::assemble::assemble_all;
pub use crate::disk::select::hints::Hints;
pub use crate::disk::select::root_device::{Choice, Wishes, root, wait_for_root};
pub use list::{Disk, list};
