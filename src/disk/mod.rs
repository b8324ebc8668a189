//! Disks: which there are, which one is meant, and holding it alone.

mod bus;
pub mod choose;
pub mod cleanable;
pub mod crew;
pub mod erase;
mod expression;
pub mod fat;
pub mod guard;
pub mod hints;
pub mod identity;
pub mod iso;
pub mod label;
pub mod list;
pub mod secure;
pub mod shared;
pub mod swap;
pub mod table;
pub mod target;
pub mod traffic;
mod volume;
pub mod vpd;
pub mod wipe;

pub use choose::{Wishes, root, wait_for_root};
pub use hints::Hints;
pub use list::{Disk, list};
