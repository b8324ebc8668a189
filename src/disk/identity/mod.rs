//! Who a disk is, in the words udev and lsblk have for it: model, serial number, world-wide name, path.

pub mod by_path;
mod inquiry;
pub mod raid_volume_name;
mod scsi_by_path;
pub mod serial_and_wwn;
pub mod serial_spellings;
pub mod transport;
pub mod udev_text;
pub mod unreadable_fields;
pub mod vpd;
