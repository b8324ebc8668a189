//! `image.install_bootloader`: who boots what was written.

use log::warn;

use super::Entry;
use crate::codec::json::{Fields, Object, Value};
use crate::error::{Error, Kind, Result};
use crate::steps::machine::Machine;

/// protocol/deploy.md §13: boot entries on UEFI firmware; then, if a root file system was named, GRUB,
/// which Ironic itself forbids by default. A failure may be declared unimportant.
pub(super) fn install_bootloader(machine: &Machine, _: &Entry, params: Object) -> Result<Value> {
    let settings = machine.settings();
    let ignore = params.boolean("ignore_bootloader_failure")?;
    let ignore = ignore.unwrap_or(settings.ignore_bootloader_failure);
    let root = params.string("root_uuid")?;
    for name in [
        "efi_system_part_uuid",
        "prep_boot_part_uuid",
        "target_boot_mode",
    ] {
        params.string(name)?;
    }
    if machine.host.sys("firmware/efi").exists() {
        let why =
            "boot entries for UEFI firmware are not in this build; start this machine in BIOS mode";
        forgive(ignore, Error::new(Kind::CommandExecutionError, why))?;
    }
    // An image without a signature of its own, a GPT one, has all zeros there.
    if matches!(root, None | Some("0x00000000")) {
        return Ok(Value::Null);
    }
    let why = match settings.bios_bootloader {
        true => {
            "installing GRUB is not in this build: use a whole-disk image, which brings its own boot loader"
        }
        false => {
            "installing a BIOS boot loader is disabled (enable_bios_bootloader_install is false, against \
             CVE-2026-43003): use a whole-disk image, which brings its own"
        }
    };
    forgive(ignore, Error::new(Kind::InvalidImage, why))?;
    Ok(Value::Null)
}

fn forgive(ignore: bool, error: Error) -> Result<()> {
    if !ignore {
        return Err(error);
    }
    warn!("boot loader: {error}; failures are to be ignored");
    Ok(())
}
