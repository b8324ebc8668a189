//! Pure bytes → bytes. Knows nothing of machines, networks or Ironic.

pub mod hex;
pub mod json;
