//! What a BIOS says of the disk it started from: Enhanced Disk Drive services, as the module `edd` shows them.

use crate::disk::select::boot_medium::{Clue, Sign};
use crate::system_root::{SystemRoot, attribute};

/// By the number boot loaders have (Documentation/arch/x86/boot.rst, type_of_loader, with SYSLINUX's own variants):
/// those that start from a disk, and those that certainly do not.
const FROM_DISK: [(u8, &str); 3] = [(0x31, "SYSLINUX"), (0x33, "ISOLINUX"), (0x34, "EXTLINUX")];
const NOT_FROM_DISK: [u8; 1] = [0x32];

/// A BIOS calls the disk it started from the first, 0x80; started from the network or a CD, the first hard disk has that
/// number. So it takes a loader that starts from disks alone, or a disk that is not the machine's own.
pub fn clue(host: &SystemRoot) -> Option<Clue> {
    if host.sys("firmware/efi").exists() {
        return None;
    }
    let loader = attribute(host.proc("sys/kernel/bootloader_type"))?;
    let loader: u8 = loader.parse().ok()?;
    let first = host.sys("firmware/edd/int13_dev80/mbr_signature");
    let digits = attribute(first)?;
    let signature = u32::from_str_radix(digits.strip_prefix("0x")?, 16).ok()?;
    if signature == 0 || NOT_FROM_DISK.contains(&loader) {
        return None;
    }
    let known = FROM_DISK.iter().find(|(number, _)| *number == loader);
    Some(Clue {
        sign: Sign::BootRecord {
            signature: signature.to_le_bytes(),
            external: known.is_none(),
        },
        by: match known {
            Some((_, name)) => {
                format!("it is the BIOS's first disk, and {name} starts from no other")
            }
            None => "it is the BIOS's first disk, and can be pulled out".to_owned(),
        },
    })
}
