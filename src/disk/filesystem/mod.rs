//! What lies in a partition: told by its first bytes, read and made without mounting anything.

pub mod ext4;
pub mod fat;
pub mod iso;
pub mod partition_reader;
pub mod probe;
pub mod swap;
