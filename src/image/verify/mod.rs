//! Is it what was ordered: digests, checksum files and signatures before the commit, read-back after.

pub mod algorithm;
pub mod block_map;
pub mod checksum;
pub mod content_encoding;
pub mod digest;
pub mod expected;
pub mod image_signature;
pub mod minisign;
pub mod readback;
pub mod region_sums;
