//! Finds cluster file systems, which other machines may be using: a disk with one is not this machine's to erase unless
//! its operator says so.

use std::fs::File;
use std::io::ErrorKind::UnexpectedEof;
use std::os::unix::fs::FileExt;

use log::warn;

use crate::disk::list::Disk;
use crate::disk::wipe::partition_ranges::{Kind as Purpose, Places};
use crate::disk::wipe::signatures::SIGNATURES;
use crate::error::{Context, Error, Kind, Result};

/// Names, and signatures on a disk or in a partition: rows of the one table.
const SHARED: &[(&str, &[&str])] = &[
    ("VMFS", &["VMFS", "VMFS_volume_member"]),
    ("GFS2", &["gfs2"]),
    ("OCFS2", &["ocfs", "ocfs2"]),
];

/// Names, and what a table says of the partition: protocol/steps.md §7. In a GPT the first three fields are little-endian.
const PURPOSES: &[(&str, Purpose)] = &[
    // AA31E02A-400F-11DB-9590-000C2911D1B8
    (
        "VMFS",
        Purpose::Guid([
            0x2a, 0xe0, 0x31, 0xaa, 0x0f, 0x40, 0xdb, 0x11, 0x95, 0x90, 0x00, 0x0c, 0x29, 0x11,
            0xd1, 0xb8,
        ]),
    ),
    ("VMFS", Purpose::Byte(0xfb)),
    // 37AFFC90-EF7D-4E96-91C3-2D7AE055B174
    (
        "GPFS",
        Purpose::Guid([
            0x90, 0xfc, 0xaf, 0x37, 0x7d, 0xef, 0x96, 0x4e, 0x91, 0xc3, 0x2d, 0x7a, 0xe0, 0x55,
            0xb1, 0x74,
        ]),
    ),
];

/// An error if any of the disks holds a cluster file system: for all of them before the first is touched.
pub fn guard(disks: &[Disk]) -> Result<()> {
    for disk in disks {
        let found = match file_system(disk) {
            Ok(found) => found,
            // A drive locked by a password reads nothing until it is unlocked to be erased; no two machines share one.
            Err(error) if disk.identity.vendor.as_deref() == Some("ATA") => {
                warn!(
                    "{}: {error}; taken to hold no cluster file system",
                    disk.name
                );
                continue;
            }
            Err(error) => {
                let why = format!(
                    "looking for cluster file systems, before any disk is erased: {}. A locked or failing disk can \
                     only be erased unseen: by wipe_special_filesystems=false in the node's driver_internal_info; or \
                     passed over: by skip_block_devices",
                    error.details()
                );
                return Err(Error::new(Kind::BlockDeviceEraseError, why));
            }
        };
        if let Some(found) = found {
            let why = format!(
                "Protected {found} located on device {}: other machines may be using it, so no disk was touched. \
                 Detach the volume; or, if it may be erased, set wipe_special_filesystems=false in the node's \
                 driver_internal_info or ipa-guard-special-filesystems=false among the agent's parameters",
                disk.name
            );
            return Err(Error::new(Kind::ProtectedDeviceError, why));
        }
    }
    Ok(())
}

/// The cluster file system on a disk or in one of its partitions: `VMFS in partition 3`.
/// An error when that cannot be told.
pub fn file_system(disk: &Disk) -> Result<Option<String>> {
    let reading = || format!("reading {}", disk.name);
    let file = File::open(&disk.path).with_context(reading)?;
    let read = &mut |at: u64, bytes: &mut [u8]| file.read_exact_at(bytes, at).map_err(Error::from);
    let places = Places::read(disk.size.0, disk.logical_sector, read);
    // What the tables say counts, be the rest of the disk unreadable.
    for place in &places.partitions {
        if let Some((name, _)) = PURPOSES.iter().find(|(_, own)| *own == place.kind) {
            return Ok(Some(format!("{name} in partition {}", place.number)));
        }
    }
    let mut outcome = Ok(None);
    let whole = (0..disk.size.0, String::new());
    let parts = places.partitions.iter().map(|place| {
        let place_of = format!(" in partition {}", place.number);
        (place.start..place.end, place_of)
    });
    for (range, place) in std::iter::once(whole).chain(parts) {
        match within(&file, range).with_context(reading) {
            Ok(Some(found)) => return Ok(Some(format!("{found}{place}"))),
            Ok(None) => {}
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}

fn within(file: &File, range: std::ops::Range<u64>) -> Result<Option<&'static str>> {
    for (name, signatures) in SHARED {
        let rows = SIGNATURES.iter();
        for row in rows.filter(|row| signatures.contains(&row.name)) {
            for at in row.places(range.end - range.start) {
                let mut bytes = [0; 16];
                let bytes = &mut bytes[..row.longest() as usize];
                match file.read_exact_at(bytes, range.start + at) {
                    Ok(()) if row.is(bytes) => return Ok(Some(name)),
                    Ok(()) => {}
                    // The disk has become smaller.
                    Err(error) if error.kind() == UnexpectedEof => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(None)
}
