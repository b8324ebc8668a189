//! `image.install_bootloader`: makes the boot entry for what was written.

use log::warn;

use crate::codec::json::{Fields, Object, Value};
use crate::command::Entry;
use crate::disk;
use crate::efi;
use crate::error::{Context, Error, Kind, Result};
use crate::steps::image::choose_disk;
use crate::steps::step_context::Machine;

/// protocol/deploy.md §13: boot entries on UEFI firmware; then, if a root file system was named, GRUB,
/// which Ironic itself forbids by default. A failure may be declared unimportant.
pub(super) fn install_bootloader(machine: &Machine, _: &Entry, params: Object) -> Result<Value> {
    make_bootable(machine, &params).map(|()| Value::Null)
}

/// The same for an order without Ironic.
pub fn make_bootable(machine: &Machine, params: &Object) -> Result<()> {
    let settings = machine.settings();
    let ignore = params.boolean("ignore_bootloader_failure")?;
    let ignore = ignore.unwrap_or(settings.ignore_bootloader_failure);
    let root = params.string("root_uuid")?;
    let partition = params.string("efi_system_part_uuid")?;
    params.string("prep_boot_part_uuid")?;
    let uefi = machine.host.sys("firmware/efi").exists();
    let mode = if uefi { "uefi" } else { "bios" };
    if let Some(target) = params.string("target_boot_mode")?
        && target != mode
    {
        warn!("this machine was started in {mode} mode, and is to start in {target:.20} mode");
    }
    if uefi {
        match boot_entries(machine, partition) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => forgive(ignore, error)?,
        }
    }
    // An image without a signature of its own, a GPT one, has all zeros there.
    if matches!(root, None | Some("0x00000000")) {
        return Ok(());
    }
    let why = match settings.bios_bootloader {
        true => {
            "installing GRUB is not in this build: use a whole-disk image, which brings its own boot loader"
        }
        false => {
            "installing a boot loader is disabled (enable_bios_bootloader_install is false, against \
             CVE-2026-43003): use a whole-disk image, which brings its own"
        }
    };
    let lack = match uefi {
        true => "the disk has no boot loader for UEFI, and ",
        false => "",
    };
    let why = format!("{lack}{why}");
    forgive(ignore, Error::new(Kind::InvalidImage, why))
}

/// False if the disk has no loader for UEFI.
fn boot_entries(machine: &Machine, partition: Option<&str>) -> Result<bool> {
    let disk = match machine.written() {
        Some(written) => {
            let mut disks = disk::list(&machine.host).into_iter();
            let same = disks.find(|disk| disk.path == written.disk);
            // Another one must not start in its place.
            same.ok_or_else(|| {
                let why = format!("{}, which was written, is gone", written.disk.display());
                Error::new(Kind::DeviceNotFound, why)
            })?
        }
        // An image may have come before this boot of the ramdisk.
        None => choose_disk(machine)?.disk,
    };
    let (permit, now) = (&machine.tools.permit, machine.clock.unix() as u64);
    efi::install(&machine.host, permit, &disk, partition, now)
        .with_context(|| format!("making boot entries for {}", disk.name))
        .kind(Kind::CommandExecutionError)
}

fn forgive(ignore: bool, error: Error) -> Result<()> {
    if !ignore {
        return Err(error);
    }
    warn!("boot loader: {error}; failures are to be ignored");
    Ok(())
}
