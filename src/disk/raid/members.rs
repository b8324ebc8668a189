//! The arrays of the machine, by the superblocks on its disks and partitions, whether or not they are put together.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use log::warn;

use crate::disk::list::Disk;
use crate::disk::raid::array_name::ArrayName;
use crate::disk::raid::superblock::{LENGTH, Member};
use crate::error::{Context, Error, Result};
use crate::sys::block;
use crate::system_root::{SystemRoot, attribute, names};

/// A disk or partition that a superblock is on.
#[derive(Clone, Debug)]
pub struct Device {
    /// The kernel's name of the disk it is or is part of.
    pub disk: String,
    /// Its own.
    pub kernel: String,
    /// What to open.
    pub path: PathBuf,
    /// High and low part of its device number.
    pub number: (u32, u32),
    /// The kernel's name of the array that has it, if one does.
    pub holder: Option<String>,
    /// What its superblock says.
    pub member: Member,
}

/// An array, as far as its members are there.
#[derive(Clone, Debug)]
pub struct Array {
    /// The kernel's name, if it is put together.
    pub running: Option<String>,
    /// At least one.
    pub members: Vec<Device>,
}

impl Array {
    /// What the freshest of its members says.
    pub fn said(&self) -> &Member {
        let mut best = &self.members[0].member; // there is one
        for device in &self.members {
            if device.member.events > best.events {
                best = &device.member;
            }
        }
        best
    }

    /// What it is called.
    pub fn name(&self) -> ArrayName {
        ArrayName {
            full: self.said().name.clone(),
            kernels: self.running.iter().cloned().collect(),
        }
    }

    /// Volume, level and how many of its members are there.
    pub fn describe(&self) -> String {
        let said = self.said();
        let level = crate::disk::raid::level::name(said.level);
        let (there, all) = (self.members.len(), said.disks);
        let devices: Vec<_> = self.members.iter().map(|own| own.kernel.as_str()).collect();
        format!(
            "'{}', {level} {}, {there} of {all} members: {}",
            said.volume(),
            said.array(),
            devices.join(", ")
        )
    }

    /// Does it have a member on this disk?
    pub fn is_on(&self, disk: &str) -> bool {
        self.members.iter().any(|own| own.disk == disk)
    }
}

/// Is this one of the kernel's arrays, put together or not?
pub fn is_array(host: &SystemRoot, kernel: &str) -> bool {
    host.sys("block").join(kernel).join("md").exists()
}

/// All arrays that have a member on any of `disks`; of those a superblock cannot be read of it is told, and they are left out.
pub fn arrays(host: &SystemRoot, disks: &[Disk]) -> Vec<Array> {
    let mut arrays: Vec<Array> = Vec::new();
    for device in disks.iter().flat_map(|disk| devices(host, disk)) {
        let key = |own: &Device| (own.member.uuid, own.member.version);
        let known = arrays
            .iter_mut()
            .find(|array| key(&array.members[0]) == key(&device));
        match known {
            Some(array) => {
                array.running = array.running.take().or(device.holder.clone());
                array.members.push(device);
            }
            None => arrays.push(Array {
                running: device.holder.clone(),
                members: vec![device],
            }),
        }
    }
    arrays
}

/// The members on one disk: its partitions, and if none of them is one, the disk itself.
fn devices(host: &SystemRoot, disk: &Disk) -> Vec<Device> {
    let mut found = Vec::new();
    if is_array(host, disk.kernel()) {
        return found;
    }
    let whole = disk.numbers.iter().take(1);
    // A superblock 0.90 at the end of the last partition is at the end of the disk as well.
    for (number, kernel) in disk.numbers.iter().skip(1).chain(whole) {
        let own = kernel == disk.kernel();
        if own && !found.is_empty() {
            break;
        }
        match device(host, disk, number, kernel) {
            Ok(device) => found.extend(device),
            Err(error) => warn!("looking for an array's superblock on {kernel}: {error}"),
        }
    }
    found
}

fn device(host: &SystemRoot, disk: &Disk, number: &str, kernel: &str) -> Result<Option<Device>> {
    let path = host.dev(kernel);
    let Some(member) = read(&path)? else {
        return Ok(None);
    };
    let block = host.sys("block").join(disk.kernel());
    let block = if kernel == disk.kernel() {
        block
    } else {
        block.join(kernel)
    };
    let mut holders = names(block.join("holders")).into_iter();
    let parsed = number
        .split_once(':')
        .and_then(|(high, low)| Some((high.parse().ok()?, low.parse().ok()?)));
    let number = parsed.ok_or_else(|| Error::plain(format!("its number is '{number}'")))?;
    Ok(Some(Device {
        disk: disk.kernel().to_owned(),
        kernel: kernel.to_owned(),
        path,
        number,
        holder: holders.find(|holder| is_array(host, holder)),
        member,
    }))
}

/// What the superblock on the device at `path` says, past the page cache where that can be: the kernel writes past it.
pub fn read(path: &std::path::Path) -> Result<Option<Member>> {
    let file = block::open_direct(path).or_else(|_| File::open(path))?;
    let mut memory = block::Aligned::new(LENGTH);
    let size = block::size(&file)?;
    // The kernel shows the head of a chain of partitions as one; no member is that small.
    if size < 64 << 10 {
        return Ok(None);
    }
    Member::find(size, &mut |at, bytes| {
        file.read_exact_at(&mut memory, at)
            .with_context(|| format!("reading at byte {at}"))?;
        bytes.copy_from_slice(&memory[..bytes.len()]);
        Ok(())
    })
}

/// What an array of the kernel's is called, with the machine's name if it has one, by the superblocks of what it is built on; none if
/// it has no name.
pub fn full_name(slaves: &[PathBuf]) -> Result<Option<String>> {
    for slave in slaves {
        let member = read(slave)
            .with_context(|| format!("reading the superblock of {}", slave.display()))?;
        if let Some(member) = member {
            return Ok(Some(member.name).filter(|name| !name.is_empty()));
        }
    }
    Ok(None)
}

/// What sysfs says of a running array, from its folder `md`.
pub fn state(host: &SystemRoot, kernel: &str, name: &str) -> Option<String> {
    attribute(host.sys("block").join(kernel).join("md").join(name))
}
