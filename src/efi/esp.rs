//! The EFI system partition of a disk: where it is, and which loaders it holds.

use std::fs::File;
use std::io::Read;

use super::loader::{self, Loader};
use crate::disk::Disk;
use crate::disk::filesystem::fat::Volume;
use crate::disk::filesystem::partition_reader::PartitionReader;
use crate::disk::table::gpt::EFI_SYSTEM;
use crate::disk::table::mbr::SIGNATURE_OF_DISK;
use crate::disk::table::{Partition, Table};
use crate::efi::device_path::{HardDrive, Signature};
use crate::error::{Context, Error, Kind, Result};
use crate::units::MIB;

// UEFI 2.10, 5.2.2: the type in an MBR.
const MBR_TYPE: u8 = 0xef;

/// An EFI system partition, open for reading.
pub struct Esp {
    disk: File,
    start: u64,
    len: u64,
    /// What a device path says of it.
    pub drive: HardDrive,
}

impl Esp {
    /// The first partition with the type of one; else that whose file system, entry or label is called `wanted`.
    pub fn find(disk: &Disk, wanted: Option<&str>) -> Result<Self> {
        let looking = || format!("looking for the EFI system partition of {}", disk.name);
        let (file, head) = open(disk).with_context(looking)?;
        let table = Table::read(&head, &[disk.logical_sector], disk.size.0)
            .with_context(looking)
            .kind(Kind::DeviceNotFound)?;
        let partitions = table
            .iter()
            .flat_map(|table| table.partitions().into_iter().map(move |own| (table, own)));
        let all: Vec<_> = partitions
            .map(|(table, own)| candidate(table, own, &head))
            .collect();
        let typed = all.iter().position(|one| one.typed);
        let called = || {
            let wanted = wanted.filter(|text| !text.is_empty())?;
            all.iter().position(|one| one.is_called(wanted, &file))
        };
        let Some(at) = typed.or_else(called) else {
            let named = match wanted {
                Some(wanted) => format!("of the type of one, or called {wanted:.100}"),
                None => "of the type of one".to_owned(),
            };
            let why = format!(
                "{}: none of its {} partitions is {named}: is the image made for UEFI firmware?",
                looking(),
                all.len()
            );
            return Err(Error::new(Kind::DeviceNotFound, why));
        };
        let Candidate {
            partition,
            signature,
            ..
        } = &all[at];
        let len = partition.end - partition.start;
        Ok(Esp {
            disk: file,
            start: partition.start,
            len,
            drive: HardDrive {
                number: partition.number,
                start: partition.start / disk.logical_sector,
                sectors: len / disk.logical_sector,
                signature: *signature,
            },
        })
    }

    /// Its first byte on the disk.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// All of it.
    pub fn reader(&self) -> PartitionReader<'_> {
        PartitionReader::new(&self.disk, self.start, self.len)
    }

    /// What of it the firmware can start.
    pub fn loaders(&self) -> Result<Vec<Loader>> {
        let mut stretch = self.reader();
        Volume::open(&mut stretch)
            .and_then(|volume| loader::find(&volume))
            .context("reading the EFI system partition")
    }
}

/// The disk as it is now, and its first MiB.
fn open(disk: &Disk) -> Result<(File, Vec<u8>)> {
    let file = File::open(&disk.path)?;
    let mut head = Vec::new();
    (&file).take(MIB).read_to_end(&mut head)?;
    Ok((file, head))
}

struct Candidate {
    partition: Partition,
    typed: bool,
    signature: Signature,
    /// PARTUUID, in the words of udev.
    entry: Option<String>,
}

fn candidate(table: &Table, partition: Partition, head: &[u8]) -> Candidate {
    let number = partition.number;
    let (typed, signature) = match table {
        Table::Gpt(gpt) => (
            gpt.kind(number) == Some(EFI_SYSTEM),
            Signature::Gpt(gpt.guid(number).unwrap_or_default()),
        ),
        Table::Mbr(mbr) => {
            let own = head
                .get(SIGNATURE_OF_DISK.start..)
                .and_then(|rest| rest.first_chunk());
            (
                mbr.kind(number) == Some(MBR_TYPE),
                Signature::Mbr(own.copied().unwrap_or_default()),
            )
        }
    };
    Candidate {
        partition,
        typed,
        signature,
        entry: table.partition_uuid(head, number),
    }
}

impl Candidate {
    fn is_called(&self, wanted: &str, disk: &File) -> bool {
        let same = |own: &String| own.eq_ignore_ascii_case(wanted);
        if self.entry.as_ref().is_some_and(same) {
            return true;
        }
        let Partition { start, end, .. } = self.partition;
        let mut stretch = PartitionReader::new(disk, start, end - start);
        let Ok(volume) = Volume::open(&mut stretch) else {
            return false;
        };
        let id = volume.id();
        same(&format!("{:04X}-{:04X}", id >> 16, id & 0xffff))
            || volume.label().is_ok_and(|label| label == wanted)
    }
}
