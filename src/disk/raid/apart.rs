//! Arrays of which nobody can tell what is on them: those that cannot be put together, and those that are part of another one. Where
//! something is to be spared, it may be on them.

use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::disk::list::Disk;
use crate::disk::raid::level;
use crate::disk::raid::members::{Array, arrays, is_array, read};
use crate::disk::raid::superblock::Member;
use crate::disk::wipe::partition_ranges::Places;
use crate::disk::wipe::signatures::SIGNATURES;
use crate::error::{Context, Result};
use crate::sys::block;
use crate::system_root::SystemRoot;

/// Arrays of other makers that mdadm puts together, and their signatures, at the end of a disk.
const OTHERS: &[(&str, &str)] = &[("Intel's", "isw_raid_member"), ("DDF's", "ddf_raid_member")];

/// Why each of `disks` may hold a part of what is to be spared, by the kernel's names; ironic-python-agent erases no member of any array.
pub fn parts(host: &SystemRoot, disks: &[Disk]) -> Vec<(String, String)> {
    let apart = arrays(host, disks)
        .into_iter()
        .filter(|array| array.running.is_none());
    let of_apart = apart.flat_map(|array: Array| {
        let why = format!(
            "is part of an array that is not put together, and skip_block_devices is not empty: {}",
            array.describe()
        );
        let members = array.members.into_iter();
        members
            .map(move |member| (member.disk, why.clone()))
            .collect::<Vec<_>>()
    });
    let nested = disks
        .iter()
        .filter(|disk| is_array(host, disk.kernel()) && is_member(disk));
    let nested = nested.map(|disk| {
        let why = "is an array that is part of another one, and skip_block_devices is not empty";
        (disk.kernel().to_owned(), why.to_owned())
    });
    of_apart.chain(nested).collect()
}

/// Why whoever writes to the device or file at `path` might lose something: it holds a member of an array that is not put together, so that
/// nobody can tell whether the others are only late; none if there is no superblock.
pub fn objection(path: &Path) -> Result<Option<String>> {
    let found = member_on(path)?;
    Ok(found.map(|array| format!("holds a member of an array that is not put together: {array}")))
}

/// Of which array there is a member on the device or file at `path`, or in one of its partitions, in words; none if there is no
/// superblock. Whoever has the device to themselves knows by that of an array that is not put together.
pub fn member_on(path: &Path) -> Result<Option<String>> {
    let reading = || format!("looking for members of arrays on {}", path.display());
    let file = block::open_reading(path).with_context(reading)?;
    let size = block::size(&file).with_context(reading)?;
    let sector = block::sector_size(&file).with_context(reading)?;
    let mut read = |at: u64, bytes: &mut [u8]| Ok(file.read_exact_at(bytes, at)?);
    let places = Places::read(size, sector, &mut read);
    let parts = places.partitions.iter();
    let parts = parts.map(|own| (own.start..own.end, format!(" in partition {}", own.number)));
    // A superblock at the end of the last partition is at the end of the disk as well, and means the partition.
    for (range, place) in parts.chain([(0..size, String::new())]) {
        let found = member_in(&range, &mut read).with_context(reading)?;
        if let Some(said) = found {
            let (name, level) = (said.volume(), level::name(said.level));
            return Ok(Some(format!("'{name}', {level} {}{place}", said.array())));
        }
    }
    for (maker, name) in OTHERS {
        for row in SIGNATURES.iter().filter(|row| row.name == *name) {
            for at in row.places(size) {
                let mut bytes = vec![0; row.longest() as usize];
                read(at, &mut bytes).with_context(reading)?;
                if row.is(&bytes) {
                    return Ok(Some(format!("one of {maker} ({name})")));
                }
            }
        }
    }
    Ok(None)
}

fn member_in(
    range: &Range<u64>,
    read: &mut dyn FnMut(u64, &mut [u8]) -> Result<()>,
) -> Result<Option<Member>> {
    Member::find(range.end.saturating_sub(range.start), &mut |at, bytes| {
        read(range.start + at, bytes)
    })
}

/// Is there a superblock on it, as of a member?
pub fn is_member(disk: &Disk) -> bool {
    read(&disk.path).is_ok_and(|found| found.is_some())
}
