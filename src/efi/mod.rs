//! UEFI boot entries, by the firmware's variables alone: no efibootmgr, nothing is mounted.

pub mod boot_current;
pub mod boot_order;
pub mod csv;
pub mod device_path;
pub mod efivars;
pub mod entry_patterns;
pub mod esp;
pub mod load_option;
pub mod loader;

use log::warn;

use crate::disk::Disk;
use crate::efi::boot_order::BootOrder;
use crate::efi::efivars::Variables;
use crate::efi::load_option::LoadOption;
use crate::error::Result;
use crate::system_root::SystemRoot;
use esp::Esp;

/// Has the firmware start from `disk` before all else; `wanted` names the EFI system partition if its type
/// does not. False if there is nothing on it to start.
pub fn install(host: &SystemRoot, disk: &Disk, wanted: Option<&str>) -> Result<bool> {
    let esp = Esp::find(disk, wanted)?;
    let loaders = esp.loaders()?;
    if loaders.is_empty() {
        warn!(
            "partition {} of {}, for EFI, holds no loader",
            esp.drive.number, disk.name
        );
        return Ok(false);
    }
    let mut menu = BootOrder::read(Variables::open(host)?)?;
    for loader in loaders {
        menu.put_first(&LoadOption {
            label: loader.label,
            path: device_path::to_file(&esp.drive, &loader.file),
        })?;
    }
    Ok(true)
}
