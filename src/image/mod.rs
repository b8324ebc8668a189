//! The main path: HTTP body in, bootable disk out.

pub mod belt;
pub mod checksum;
pub mod format;
pub mod progress;
pub mod sink;
pub mod source;
