//! Who a disk is, in the words udev and lsblk have for it: model, serial number, world-wide name, path.

pub mod by_path;
pub mod raid_volume_name;
pub mod serial_and_wwn;
pub mod vpd;
