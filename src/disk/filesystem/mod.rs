//! What lies in a partition: told by its first bytes, read and made without mounting anything.

pub mod fat;
pub mod iso;
pub mod probe;
pub mod swap;
