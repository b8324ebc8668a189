//! Is it what was ordered: digests and checksum files before the commit, read-back after.

pub mod algorithm;
pub mod checksum;
pub mod content_encoding;
pub mod digest;
pub mod minisign;
pub mod readback;
pub mod region_sums;
