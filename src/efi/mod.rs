//! UEFI boot entries, by the firmware's variables alone: no efibootmgr, nothing is mounted.

pub mod boot_current;
pub mod boot_order;
pub mod csv;
pub mod device_path;
pub mod efivars;
pub mod entry_patterns;
pub mod esp;
pub mod esp_of_array;
pub mod load_option;
pub mod loader;

use log::warn;

use crate::disk::Disk;
use crate::disk::select::write_permit::Permit;
use crate::efi::boot_order::BootOrder;
use crate::efi::device_path::HardDrive;
use crate::efi::efivars::Variables;
use crate::efi::load_option::LoadOption;
use crate::error::Result;
use crate::system_root::SystemRoot;
use esp::Esp;

/// Has the firmware start from `disk` before all else; `wanted` names the EFI system partition if its type
/// does not. Of an array each disk gets a copy of that partition and an entry. False if there is nothing on it to start.
pub fn install(
    host: &SystemRoot,
    permit: &Permit,
    disk: &Disk,
    wanted: Option<&str>,
    now: u64,
) -> Result<bool> {
    let esp = Esp::find(disk, wanted)?;
    if !disk.slaves.is_empty() {
        return install_array(host, permit, disk, &esp, now);
    }
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
        put(&mut menu, loader.label, &esp.drive, &loader.file)?;
    }
    Ok(true)
}

/// An entry for each disk, the first before the others.
fn install_array(
    host: &SystemRoot,
    permit: &Permit,
    disk: &Disk,
    esp: &Esp,
    now: u64,
) -> Result<bool> {
    // Before any disk is written: without a loader nothing is moved.
    if esp.loaders().is_ok_and(|loaders| loaders.is_empty()) {
        warn!(
            "partition {} of {}, for EFI, holds no loader",
            esp.drive.number, disk.name
        );
        return Ok(false);
    }
    let copies = esp_of_array::spread(host, permit, disk, esp, now)?;
    if copies.loaders.is_empty() {
        warn!("there is no loader for EFI on the disks of {}", disk.name);
        return Ok(false);
    }
    let mut menu = BootOrder::read(Variables::open(host)?)?;
    for (number, drive) in copies.drives.iter().enumerate().rev() {
        for loader in &copies.loaders {
            // protocol/deploy.md §13
            let label = format!("{} (RAID, part{number})", loader.label);
            put(&mut menu, label, drive, &loader.file)?;
        }
    }
    Ok(true)
}

fn put(menu: &mut BootOrder, label: String, drive: &HardDrive, file: &str) -> Result<()> {
    menu.put_first(&LoadOption {
        label,
        path: device_path::to_file(drive, file),
    })
}
