//! Disks: which there are, which one is meant, and holding it alone.

pub mod crew;
pub mod erase;
pub mod filesystem;
pub mod identity;
pub mod list;
pub mod secure;
pub mod select;
pub mod table;
pub mod target;
pub mod traffic;
pub mod wipe;

pub use crate::disk::select::hints::Hints;
pub use crate::disk::select::root_device::{Choice, Wishes, root, wait_for_root};
pub use list::{Disk, list};
