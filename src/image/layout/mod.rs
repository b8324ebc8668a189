//! What lies where on the disk: the image's own table fitted to it, or a table made around a partition image; config drives.

pub mod config_drive;
pub mod config_drive_vfat;
pub mod partition_image;
pub mod staged_disk;
pub mod staged_range_as_file;
pub mod whole_disk_image;

use crate::disk::table::partition_plan::{Scheme, Sizes};
use crate::error::{Context, Result};
use crate::sys::kernel;

/// What the image is to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All of it, whatever that is.
    Bytes,
    /// All of it, and without a partition good for nothing.
    Disk,
    /// One partition among others.
    Partition(Partitions),
}

/// What the image is to be surrounded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// Which table, and which partitions the firmware needs.
    pub scheme: Scheme,
    /// That of the config drive is its own.
    pub sizes: Sizes,
    /// What the ephemeral partition gets, if there is one.
    pub ephemeral: Ephemeral,
    /// The table stays as it is, and with it what the ephemeral partition holds.
    pub preserve: bool,
}

/// The file system of an ephemeral partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ephemeral {
    /// What Ironic asks for unless it is told otherwise.
    #[default]
    Ext4,
    /// FAT.
    Vfat,
    /// None: whatever was there is no longer seen.
    Bare,
}

/// What GUIDs and UUIDs are made of.
fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    kernel::random(&mut bytes).context("drawing random bytes for a UUID")?;
    Ok(bytes)
}
