//! Pure bytes → bytes. Knows nothing of machines, networks or Ironic.

pub mod base64;
pub mod blake2b;
pub mod bzip2;
pub mod crc32c;
pub mod gzip;
pub mod hex;
pub mod json;
pub mod json_low_memory;
pub mod near_miss;
pub mod packed_units;
pub mod tar;
pub mod tar_member;
pub mod text_encoding;
pub mod uuid;
pub mod xml_elements;
pub mod xz;
pub mod xz_blocks;
mod xz_sizes;
pub mod zstd;
pub mod zstd_frames;
