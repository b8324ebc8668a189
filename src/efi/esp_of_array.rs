//! The EFI system partition of an array: a copy on each of its disks, in the room before its members, mirrored by an array of its own.
//!
//! That one has its superblock at the end, so that firmware, which knows no arrays, reads each member as a FAT file system.

use std::fs::File;
use std::io::Read;

use log::{info, warn};

use super::loader::{self, Loader};
use crate::codec::uuid;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::filesystem::fat::{self, Volume};
use crate::disk::filesystem::partition_reader::PartitionReader;
use crate::disk::raid::create::{Write, carry_out, one_member, put, random};
use crate::disk::raid::fate::ESP;
use crate::disk::raid::kernel_array;
use crate::disk::raid::level::Level;
use crate::disk::raid::members::{Array, arrays};
use crate::disk::raid::superblock;
use crate::disk::select::write_permit::Permit;
use crate::disk::table::gpt::{EFI_SYSTEM, Gpt};
use crate::disk::table::{Partition, Table};
use crate::disk::{Disk, list};
use crate::efi::device_path::{HardDrive, Signature};
use crate::efi::esp::Esp;
use crate::error::{Context, Error, Result};
use crate::sys::block;
use crate::system_root::SystemRoot;
use crate::units::{Bytes, MIB};

/// protocol/steps.md §10: so much is left before the first member, from the first MiB on.
const SIZE: u64 = 550 * MIB;

/// What boot entries are made of.
pub struct Copies {
    /// The same on every disk.
    pub loaders: Vec<Loader>,
    /// The partition of each.
    pub drives: Vec<HardDrive>,
}

/// Copies the files of `esp`, a partition of the array `disk`, to every disk the array is on, as a file system of the same label and
/// number, and makes what it was unrecognisable. Where it is that already, the copies are what there is.
pub fn spread(
    host: &SystemRoot,
    permit: &Permit,
    disk: &Disk,
    esp: &Esp,
    now: u64,
) -> Result<Copies> {
    let disks = list(host);
    let found = arrays(host, &disks);
    let own = found
        .iter()
        .find(|array| array.running.as_deref() == Some(disk.kernel()));
    let own = own
        .ok_or_else(|| Error::plain(format!("it cannot be told what {} is made of", disk.name)))?;
    let holders: Vec<&Disk> = disks
        .iter()
        .filter(|disk| own.is_on(disk.kernel()))
        .collect();
    let is_copy = |array: &&Array| {
        let there = |disk: &&Disk| array.is_on(disk.kernel());
        array.said().volume() == ESP && array.running.is_some() && holders.iter().all(there)
    };
    let (array, name) = match found.iter().find(is_copy) {
        Some(array) => (array.clone(), array.running.clone().unwrap_or_default()),
        None => make(host, permit, &holders, now)?,
    };
    let path = host.dev(&name);
    let mut target = block::open_cached_exclusive(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    permit.check(&path)?;
    match copy(esp, &mut target, disk.logical_sector) {
        Ok(files) => {
            info!(
                "{files} files for EFI are on {name}, on each of {} disks",
                holders.len()
            );
            let whole = ExclusiveDisk::open(&disk.path, permit)?;
            put(&whole, esp.start(), &[0; 512])?;
            whole.flush()?;
        }
        // Done before, and the way to here was cut: the loaders are looked for anyway.
        Err(NotCopied::NoSource(error)) => warn!(
            "what there was for EFI on {} has moved to {name}: {}",
            disk.name,
            error.details()
        ),
        Err(NotCopied::Failed(error)) => return Err(error),
    }
    let size = block::size(&target)?;
    let loaders = Volume::open(&mut PartitionReader::new(&target, 0, size))
        .and_then(|volume| loader::find(&volume))
        .with_context(|| format!("reading {name}"))?;
    let drives = array.members.iter().map(|own| {
        let disk = disks.iter().find(|disk| disk.kernel() == own.disk);
        let disk = disk.ok_or_else(|| Error::plain(format!("{} is gone", own.disk)))?;
        drive(disk, &own.kernel).with_context(|| format!("describing {}", own.kernel))
    });
    Ok(Copies {
        loaders,
        drives: drives.collect::<Result<_>>()?,
    })
}

enum NotCopied {
    /// There is no file system in the partition.
    NoSource(Error),
    Failed(Error),
}

/// Makes `target` a file system with the files of `esp`; how many there are.
fn copy(esp: &Esp, target: &mut File, sector: u64) -> std::result::Result<usize, NotCopied> {
    let mut from = esp.reader();
    let from = Volume::open(&mut from).map_err(NotCopied::NoSource)?;
    let mut copied = || -> Result<usize> {
        let (mut files, mut bytes) = (0, 0u64);
        from.files(&mut |_, len| {
            files += 1;
            bytes = bytes.saturating_add(len);
            Ok(())
        })?;
        let size = block::size(target)?;
        if bytes > size {
            let why = format!(
                "its files have {}, and there is room for {}",
                Bytes(bytes),
                Bytes(size)
            );
            return Err(Error::plain(why));
        }
        let label = from.label()?;
        let label = if label.is_empty() || label == "NO NAME" {
            "esp"
        } else {
            &label
        };
        let sector = u16::try_from(sector).unwrap_or(4096);
        fat::format(target, size, sector, label, from.id())?;
        {
            let new = Volume::open(target)?;
            from.each_file(&mut |path, mut file| new.add(path, &mut file).map(drop))?;
        }
        target.sync_all()?;
        Ok(files)
    };
    copied()
        .context("copying the EFI system partition")
        .map_err(NotCopied::Failed)
}

/// A partition on each disk, and an array over all of them: its members and the kernel's name.
fn make(
    host: &SystemRoot,
    permit: &Permit,
    holders: &[&Disk],
    now: u64,
) -> Result<(Array, String)> {
    let mut plans = Vec::new();
    for disk in holders {
        let place =
            place(disk).with_context(|| format!("finding room for EFI on {}", disk.name))?;
        plans.push((*disk, place));
    }
    let array = superblock::Array {
        name: ESP.to_owned(),
        uuid: uuid::version_4(random()?),
        level: Level::Raid1,
        at_end: true,
        members: vec![SIZE; holders.len()],
        made: now,
    };
    let mut targets = Vec::new();
    let mut writes = Vec::new();
    for (member, (disk, (_, part))) in plans.iter().enumerate() {
        targets.push(ExclusiveDisk::open_beside(&disk.path, permit)?);
        writes.extend(one_member(
            member,
            &(part.start..part.end),
            &array,
            member,
            random()?,
        ));
    }
    writes.push(Write::Flush);
    carry_out(&writes, &targets)?;
    for (member, (target, (disk, (mut gpt, mut part)))) in targets.iter().zip(plans).enumerate() {
        part.name = format!("uefi-holder-{member}");
        gpt.put(&part, EFI_SYSTEM, uuid::swapped(uuid::version_4(random()?)));
        for (at, bytes) in gpt.pieces() {
            put(target, at, &bytes)?;
        }
        target.flush()?;
        target
            .add_partition(part.number, part.start..part.end)
            .with_context(|| {
                format!(
                    "showing the kernel partition {} of {}",
                    part.number, disk.name
                )
            })?;
    }
    drop(targets);
    let found = arrays(host, &list(host)).into_iter();
    let mut found = found.filter(|own| own.said().uuid == array.uuid);
    let made = found
        .next()
        .filter(|own| own.members.len() == holders.len());
    let made =
        made.ok_or_else(|| Error::plain("the kernel does not show the new partitions for EFI"))?;
    let free = (0..128)
        .rev()
        .find(|number| kernel_array::is_free(host, *number));
    let number = free.ok_or_else(|| Error::plain("there are 128 arrays already"))?;
    kernel_array::assemble(host, number, &made)?;
    let name = format!("md{number}");
    kernel_array::start_writing(host, &name)?;
    Ok((made, name))
}

fn table(disk: &Disk) -> Result<Gpt> {
    let mut head = Vec::new();
    File::open(&disk.path)?.take(MIB).read_to_end(&mut head)?;
    match Table::read(&head, &[disk.logical_sector], disk.size.0)? {
        Some(Table::Gpt(gpt)) => Ok(gpt),
        _ => Err(Error::plain(
            "it has no GPT: were its arrays made for UEFI?",
        )),
    }
}

/// Its table, and the partition that is to be.
fn place(disk: &Disk) -> Result<(Gpt, Partition)> {
    let gpt = table(disk)?;
    let parts = gpt.partitions();
    let (start, end) = (MIB, MIB + SIZE);
    if let Some(part) = parts.iter().find(|part| part.start < end) {
        let why = format!(
            "partition {} begins at {}, and {} are needed before it: were its arrays made for UEFI?",
            part.number,
            Bytes(part.start),
            Bytes(end)
        );
        return Err(Error::plain(why));
    }
    let taken = |number: &u32| parts.iter().any(|part| part.number == *number);
    let number = (1..=128).find(|number| !taken(number));
    let number = number.ok_or_else(|| Error::plain("its table is full"))?;
    let part = Partition {
        number,
        start,
        end,
        name: String::new(),
    };
    Ok((gpt, part))
}

/// The partition the kernel calls so.
fn drive(disk: &Disk, kernel: &str) -> Result<HardDrive> {
    let gpt = table(disk)?;
    let digits = kernel.strip_prefix(disk.kernel()).unwrap_or_default();
    let number: u32 = digits.trim_start_matches('p').parse().unwrap_or_default();
    let part = gpt
        .partitions()
        .into_iter()
        .find(|part| part.number == number);
    let part = part.ok_or_else(|| Error::plain(format!("its table has no partition {number}")))?;
    Ok(HardDrive {
        number,
        start: part.start / disk.logical_sector,
        sectors: (part.end - part.start) / disk.logical_sector,
        signature: Signature::Gpt(gpt.guid(number).unwrap_or_default()),
    })
}
