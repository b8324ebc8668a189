//! What a BIOS says of the disk it started from: Enhanced Disk Drive services, as the module `edd` shows them.

use crate::disk::select::boot_medium::{Clue, Sign};
use crate::system_root::{SystemRoot, attribute};

/// By the number boot loaders have (Documentation/arch/x86/boot.rst, type_of_loader, with SYSLINUX's own variants):
/// those that start from a disk, and those that certainly do not.
const FROM_DISK: [(u8, &str); 3] = [(0x31, "SYSLINUX"), (0x33, "ISOLINUX"), (0x34, "EXTLINUX")];
const PXELINUX: u8 = 0x32;
const QEMU: u8 = 0xb;
/// GRUB starts from disks and from the network.
const GRUB: u8 = 7;

/// The boot loader that a BIOS started from a disk of this machine's, as far as loaders tell: by name. None where UEFI did, and where
/// the network may have.
pub fn loader_from_disk(host: &SystemRoot) -> Option<&'static str> {
    if host.sys("firmware/efi").exists() || started_by_network(host) {
        return None;
    }
    let loader = loader(host)?;
    let known = FROM_DISK.iter().find(|(number, _)| *number == loader);
    let known = known.map(|(_, name)| *name);
    known.or_else(|| (loader >> 4 == GRUB).then_some("GRUB"))
}

fn loader(host: &SystemRoot) -> Option<u8> {
    attribute(host.proc("sys/kernel/bootloader_type"))?
        .parse()
        .ok()
}

/// Says the kernel command line so? BOOTIF is from who booted it by a card; GRUB names what it read from.
fn started_by_network(host: &SystemRoot) -> bool {
    let line = host.command_line().unwrap_or_default();
    let by_network = |word: &str| {
        word.starts_with("BOOTIF=")
            || ["(tftp", "(http", "(pxe"].iter().any(|device| {
                word.strip_prefix("BOOT_IMAGE=")
                    .is_some_and(|path| path.starts_with(device))
            })
    };
    line.split_whitespace().any(by_network)
}

/// A BIOS calls the disk it started from the first, 0x80; started from the network or a CD, the first hard disk has that
/// number. So it takes a loader that starts from disks alone, or a disk that is not the machine's own.
pub fn clue(host: &SystemRoot) -> Option<Clue> {
    if host.sys("firmware/efi").exists() {
        return None;
    }
    let loader = loader(host)?;
    let first = host.sys("firmware/edd/int13_dev80/mbr_signature");
    let digits = attribute(first)?;
    let signature = u32::from_str_radix(digits.strip_prefix("0x")?, 16).ok()?;
    let known = FROM_DISK.iter().find(|(number, _)| *number == loader);
    // QEMU's own loader and PXELINUX read no disk, and a card that booted the machine no more than they.
    let elsewhere =
        loader == PXELINUX || loader >> 4 == QEMU || known.is_none() && started_by_network(host);
    if signature == 0 || elsewhere {
        return None;
    }
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
