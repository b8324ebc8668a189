//! From the bytes of an image to the bytes of a disk: which format it is, and each format's decoder.

pub mod compressed_raw;
pub mod format;
pub mod format_inspector;
pub mod packing;
pub mod qcow2;
pub mod raw;
mod unpack_crew;
mod unpack_shelf;
mod unpack_threads;
