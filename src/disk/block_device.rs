//! A disk of the machine as sysfs describes it: no udev, no lsblk.
//!
//! What counts as a disk is what upstream lists: whole disks and RAID arrays; not loop devices, RAM disks, floppies, CD drives, other
//! device-mapper volumes than those of several ways to a disk, or empty slots.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::identity::by_path::by_path;
use crate::disk::identity::serial_and_wwn::Identity;
use crate::disk::identity::transport::{hctl, transport};
use crate::disk::identity::unreadable_fields::{Reader, Unread};
use crate::disk::multipath::ways::ways;
use crate::system_root::{SystemRoot, attribute, device_name, names};
use crate::units::Bytes;

/// A whole disk, as sysfs describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// What the machine calls it: `/dev/sda`.
    pub name: String,
    /// What to open.
    pub path: PathBuf,
    /// As the kernel has it now.
    pub size: Bytes,
    /// Model, serial number, world-wide name.
    pub identity: Identity,
    /// Does it turn?
    pub rotational: bool,
    /// `host:channel:target:lun`.
    pub hctl: Option<String>,
    /// `/dev/disk/by-path/…`, as udev would name it; the first is the one to show.
    pub by_path: Vec<String>,
    /// Of the same kind, as former versions and other rules than udev's own have it.
    pub other_paths: Vec<String>,
    /// In lsblk's words: `sata`, `nvme`, `usb`.
    pub transport: Option<String>,
    /// The word that newer ones have where older ones have none: `virtio`, `mmc`.
    pub newer_transport: Option<&'static str>,
    /// What of all this is not known, because it could not be read.
    pub unread: Vec<Unread>,
    /// Bytes in a sector as addressed, and as the medium has them.
    pub logical_sector: u64,
    /// Bytes in a sector as the medium has them; never less than the logical ones.
    pub physical_sector: u64,
    /// The kernel takes no writes for it.
    pub read_only: bool,
    /// Its medium can be taken out.
    pub removable: bool,
    /// Does it take discards? None where the kernel does not tell.
    pub discards: Option<bool>,
    /// What is built on the disk or a partition: arrays, volumes.
    pub holders: Vec<String>,
    /// Of an array: the devices it is made of.
    pub slaves: Vec<PathBuf>,
    /// More ways to the same disk; of a volume that the kernel made of several, all of them.
    pub paths: Vec<Disk>,
    /// The kernel's count of disks, where it has one: another disk of the same name has another. Not for drives
    /// whose medium can be taken out, as each medium counts.
    pub sequence: Option<u64>,
    /// Device numbers (`8:0`) and kernel names of the disk and its partitions.
    pub numbers: Vec<(String, String)>,
}

impl Disk {
    /// Its name without a directory, as sysfs has it.
    pub fn kernel(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// Its device number as one number, high bits and low as the C library packs them; the last there is for a disk without.
    pub fn device(&self) -> u64 {
        let whole = self.numbers.first().and_then(|(number, _)| {
            let (major, minor) = number.split_once(':')?;
            let (major, minor): (u64, u64) = (major.parse().ok()?, minor.parse().ok()?);
            // glibc, sysmacros.h: makedev.
            Some((major & 0xfff) << 8 | (major >> 12) << 44 | minor & 0xff | (minor >> 8) << 20)
        });
        whole.unwrap_or(u64::MAX)
    }

    /// A drive a management controller pretends to have, holding what the operator put there.
    pub fn is_virtual_media(&self) -> bool {
        let model = self.identity.model.as_deref().unwrap_or_default();
        model.to_lowercase().contains("virtual media")
    }
}

/// None for what is no disk, or has gone while it was read.
pub fn disk(host: &SystemRoot, kernel: &str) -> Option<Disk> {
    // The link's target tells the buses above, which its name does not.
    let block = fs::canonicalize(host.sys("block").join(kernel)).ok()?;
    // Documentation/ABI/stable/sysfs-block: sectors of 512 bytes, whatever the disk's own are.
    let size = Bytes(number(&block.join("size")).unwrap_or(0).checked_mul(512)?);
    let mapped = || ways(host, kernel).is_some();
    if size.0 == 0 || !is_disk(&block, kernel) && !mapped() {
        return None;
    }
    let queue = block.join("queue");
    let sector = |name: &str| number(&queue.join(name)).filter(|bytes| *bytes > 0);
    let flag = |path: &Path| attribute(path).is_some_and(|value| value == "1");
    let removable = flag(&block.join("removable"));
    let path = host.dev(kernel);
    let (identity, unread) = Identity::read(&block, &path, removable);
    let mut reader = Reader { unread };
    let by_path = by_path(host, &block, &mut reader);
    let links = |names: Vec<String>| {
        let links = names
            .iter()
            .map(|name| device_name(&format!("disk/by-path/{name}")));
        links.collect()
    };
    let (transport, newer_transport) = transport(host, &block, &mut reader);
    let rotational = reader.text("rotational", &queue.join("rotational"));
    Some(Disk {
        name: device_name(kernel),
        path,
        size,
        identity,
        rotational: rotational.is_some_and(|value| value == "1"),
        hctl: hctl(&block),
        by_path: links(by_path.names),
        other_paths: links(by_path.others),
        transport,
        newer_transport,
        unread: reader.unread,
        logical_sector: sector("logical_block_size").unwrap_or(512),
        physical_sector: sector("physical_block_size").unwrap_or(512),
        read_only: flag(&block.join("ro")),
        removable,
        // Documentation/ABI/stable/sysfs-block: 0 where there is no such command.
        discards: number(&queue.join("discard_max_bytes")).map(|bytes| bytes > 0),
        // Documentation/ABI/stable/sysfs-block
        sequence: number(&block.join("diskseq")).filter(|_| !removable),
        slaves: match block.join("md").exists() {
            true => {
                let slaves = names(block.join("slaves")).into_iter();
                slaves.map(|slave| host.dev(slave)).collect()
            }
            false => Vec::new(),
        },
        holders: whole_and_parts(&block)
            .flat_map(|(part, _)| names(part.join("holders")))
            .collect(),
        numbers: whole_and_parts(&block)
            .filter_map(|(part, name)| Some((attribute(part.join("dev"))?, name)))
            .collect(),
        paths: Vec::new(),
    })
}

fn is_disk(block: &Path, kernel: &str) -> bool {
    const NEVER: &[&str] = &["loop", "ram", "zram", "fd", "sr", "dm-"];
    let named = |prefix: &&str| {
        let number = kernel.strip_prefix(*prefix);
        number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if NEVER.iter().any(named) {
        return false;
    }
    // What an eMMC has beside its user area: a boot loader, and what it keeps for trusted code alone (drivers/mmc/core/block.c).
    let area = kernel.strip_prefix("mmcblk");
    let area = area.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    if area.is_some_and(|area| area.starts_with("boot") || area.starts_with("rpmb")) {
        return false;
    }
    // One path to an NVMe namespace that is shown as a whole elsewhere.
    if attribute(block.join("hidden")).is_some_and(|hidden| hidden == "1") {
        return false;
    }
    // Arrays count when they are RAID; linear ones and containers do not.
    if let Some(level) = attribute(block.join("md/level")) {
        return level.starts_with("raid");
    }
    // SPC-4 table 138: peripheral device type 0 is a disk, 5 a CD drive, and so on. Others have no `type`.
    let scsi = block.join("device/scsi_device").exists();
    !scsi || attribute(block.join("device/type")).is_none_or(|kind| kind == "0")
}

/// The disk's directory and those of its partitions, with their kernel names.
fn whole_and_parts(block: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    let part = |name: &String| block.join(name).join("partition").exists();
    let whole = block.file_name().and_then(|name| name.to_str());
    let whole = whole.map(|name| (block.to_owned(), name.to_owned()));
    let parts: Vec<_> = names(block).into_iter().filter(part).collect();
    let parts = parts.into_iter().map(|name| (block.join(&name), name));
    whole.into_iter().chain(parts)
}

fn number(path: &Path) -> Option<u64> {
    attribute(path)?.parse().ok()
}
