//! Pure bytes → bytes. Knows nothing of machines, networks or Ironic.

pub mod base64;
pub mod blake2b;
pub mod crc32c;
pub mod gzip;
pub mod hex;
pub mod json;
pub mod json_low_memory;
pub mod near_miss;
pub mod tar;
pub mod text_encoding;
pub mod uuid;
pub mod xz;
mod xz_size_checks;
pub mod zstd;
