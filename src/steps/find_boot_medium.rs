//! Gathers what the firmware, the boot loader, the kernel and a person say of the disk this machine was started from.

use std::fs::File;
use std::path::Path;

use crate::disk::Disk;
use crate::disk::select::boot_medium::{BootMedium, Clue, Running, Sign};
use crate::disk::select::edd;
use crate::efi::boot_current;
use crate::sys::block;
use crate::system_root::{SystemRoot, attribute};
use crate::units::Bytes;
use crate::virtual_media::removable::{self, TOO_LARGE};
use crate::virtual_media::{CONFIG_LABELS, PARAMETERS_LABEL, Wanted};

// Documentation/arch/x86/boot.rst, type_of_loader: whatever started what ran before, everything is in memory now.
const KEXEC: u8 = 0xd;

/// `named` is what a person calls the medium. Reads files of the kernel, and no disk.
pub fn boot_medium(host: &SystemRoot, named: Option<&str>) -> BootMedium {
    let named = named.map(|name| Clue {
        sign: Sign::Name(name.to_owned()),
        by: format!("ironlet.medium={name} says so"),
    });
    let mut clues: Vec<_> = named.into_iter().collect();
    clues.extend(virtual_media(host));
    let loader = attribute(host.proc("sys/kernel/bootloader_type"));
    let loader = loader.and_then(|number| number.parse::<u8>().ok());
    if loader.is_none_or(|number| number >> 4 != KEXEC) {
        clues.extend(boot_current::clues(host));
        clues.extend(edd::clue(host));
        clues.extend(running(host).map(|running| {
            Clue {
                sign: Sign::Holds(running),
                by: "it holds the kernel that runs here, or a boot menu with its command line"
                    .to_owned(),
            }
        }));
    }
    BootMedium(clues)
}

/// Why no disk may be chosen unasked: a BIOS started this machine from one of its disks or discs, and none is known to be that. Looks at
/// `disks`, and at what is in CD drives.
pub fn is_unknown(host: &SystemRoot, medium: &BootMedium, disks: &[Disk]) -> Option<String> {
    let loader = edd::loader_from_disk(host)?;
    let discs = removable::list(host)
        .into_iter()
        .flatten()
        .map(|drive| Disk {
            name: drive.name,
            size: size(&drive.path),
            path: drive.path,
            logical_sector: 2048,
            ..Disk::default()
        });
    let mut all = disks.iter().cloned().chain(discs);
    let known = all.any(|disk| medium.protects(host, &disk, disks).is_some());
    (!known).then(|| {
        format!(
            "{loader} started this machine from one of its disks, and nothing tells from which, so that any of them may be that: name the \
             disk to write by ironlet.disk=, or that one by ironlet.medium="
        )
    })
}

fn size(path: &Path) -> Bytes {
    let size = File::open(path).and_then(|file| block::size(&file));
    Bytes(size.unwrap_or_default())
}

/// What Ironic made for this boot, behind USB and not as a disc: firmware and controllers tell nothing of it.
fn virtual_media(host: &SystemRoot) -> Vec<Clue> {
    let line = host.command_line().unwrap_or_default();
    let Some(wanted) = Wanted::on(&line) else {
        return Vec::new();
    };
    let labels = match &wanted.publisher {
        // What another published may be somebody's data.
        Some(_) => vec![PARAMETERS_LABEL],
        None => [PARAMETERS_LABEL]
            .into_iter()
            .chain(CONFIG_LABELS)
            .collect(),
    };
    let labelled = Clue {
        sign: Sign::Labelled {
            labels,
            below: TOO_LARGE,
        },
        by: "it is labelled as virtual media of Ironic's, by which this machine was booted"
            .to_owned(),
    };
    let published = wanted.publisher.map(|publisher| Clue {
        by: format!("it was published as {publisher}, which ir_pub_id names"),
        sign: Sign::Published(publisher),
    });
    [labelled].into_iter().chain(published).collect()
}

/// None where no disk could be told by it.
fn running(host: &SystemRoot) -> Option<Running> {
    let line = host.command_line().ok()?;
    let value = |name: &str| {
        let mut words = line.split_whitespace();
        words.find_map(|word| Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    };
    // GRUB puts a disk of its own before it if one was written there: `(hd0,msdos1)/boot/vmlinuz`.
    let path = value("BOOT_IMAGE").map(|path| match path.split_once(')') {
        Some((_, path)) => path.to_owned(),
        None => path,
    });
    // Ironic and image servers have addresses, and no other disk has a menu with these.
    let words = line.split_whitespace().filter(|word| word.contains("://"));
    let running = Running {
        path,
        release: attribute(host.proc("sys/kernel/osrelease")).unwrap_or_default(),
        version: attribute(host.proc("sys/kernel/version")).unwrap_or_default(),
        words: words.map(str::to_owned).collect(),
    };
    (running.path.is_some() || !running.words.is_empty()).then_some(running)
}
