//! The table made for a partition image: which partitions the disk gets, where each lies, and the bytes that
//! say so.
//!
//! Pure: sizes in, bytes out. Order and sizes without another source are those of protocol/deploy.md §10.

use crate::codec::uuid;
use crate::disk::table::gpt;
use crate::disk::table::gpt::Gpt;
use crate::disk::table::gpt_geometry::Piece;
use crate::disk::table::{Partition, Table, mbr};
use crate::error::{Error, Result};
use crate::units::{Bytes, MIB};

/// In MiB; the two that only the firmware asks for, unless somebody says otherwise.
pub const EFI: u64 = 550;
/// For GRUB's core, which takes a tenth of it.
pub const BIOS_BOOT: u64 = 1;
/// In MiB: what lies before the first partition.
const LEAD: u64 = 1;

// GRUB manual, 3.4, BIOS installation: 21686148-6449-6E6F-744E-656564454649.
const BIOS_BOOT_TYPE: [u8; 16] = *b"Hah!IdontNeedEFI";
// Discoverable Partitions Specification: 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F, swap.
const SWAP_TYPE: [u8; 16] = [
    0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43, 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f,
];
// What parted gives them in an MBR (libparted/labels/dos.c, PARTITION_LINUX_SWAP and PARTITION_LINUX).
const MBR_SWAP: u8 = 0x82;
const MBR_LINUX: u8 = 0x83;
/// What parted calls each partition of a GPT that is given no name.
const NAME: &str = "primary";

/// The table, and what the firmware wants beside the partitions Ironic asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A GPT with an EFI system partition.
    Uefi,
    /// A GPT with room for a boot loader that the gap before the first partition has in an MBR.
    BiosGpt,
    /// A master boot record.
    Mbr,
}

/// What a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The EFI system partition.
    Efi,
    /// Where GRUB has its core on a BIOS machine with a GPT.
    BiosBoot,
    /// Scratch space of the instance.
    Ephemeral,
    /// Swap space.
    Swap,
    /// The config drive.
    Drive,
    /// The image.
    Root,
}

/// In MiB; of those that are 0 there is no partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// In MiB; at least as large as the image.
    pub root: u64,
    /// In MiB; 0 for none.
    pub swap: u64,
    /// In MiB; 0 for none.
    pub ephemeral: u64,
    /// In MiB; 0 for none.
    pub drive: u64,
    /// What the firmware asks for, in MiB; none is as much as everywhere. An MBR has none.
    pub firmware: Option<u64>,
}

/// In bytes from the start of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is for.
    pub role: Role,
    /// From 1, without a gap.
    pub number: u32,
    /// In bytes from the start of the disk.
    pub start: u64,
    /// The first byte after it.
    pub end: u64,
}

/// The partitions of a disk that has room for all of them.
#[derive(Clone, Debug)]
pub struct Plan {
    scheme: Scheme,
    sector: u64,
    /// Of the disk.
    size: u64,
    parts: Vec<Part>,
}

impl Scheme {
    /// `GPT` or `MBR`.
    pub fn kind(self) -> &'static str {
        match self {
            Scheme::Uefi | Scheme::BiosGpt => "GPT",
            Scheme::Mbr => "MBR",
        }
    }
}

impl Role {
    /// As Ironic is told of it (protocol/deploy.md §12).
    pub fn name(self) -> &'static str {
        match self {
            Role::Efi => "efi system partition",
            Role::BiosBoot => "BIOS Boot partition",
            Role::Ephemeral => "ephemeral",
            Role::Swap => "swap",
            Role::Drive => "configdrive",
            Role::Root => "root",
        }
    }

    fn of_gpt(self) -> [u8; 16] {
        match self {
            Role::Efi => gpt::EFI_SYSTEM,
            Role::BiosBoot => BIOS_BOOT_TYPE,
            Role::Swap => SWAP_TYPE,
            Role::Ephemeral | Role::Drive | Role::Root => gpt::LINUX,
        }
    }
}

impl Part {
    fn entry(&self) -> Partition {
        Partition {
            number: self.number,
            start: self.start,
            end: self.end,
            name: NAME.to_owned(),
        }
    }
}

impl Plan {
    /// For a disk of `size` bytes in sectors of `sector`; an error shows what does not add up.
    pub fn new(scheme: Scheme, sizes: &Sizes, sector: u64, size: u64) -> Result<Self> {
        let (efi, bios_boot) = match scheme {
            Scheme::Uefi => (sizes.firmware.unwrap_or(EFI), 0),
            Scheme::BiosGpt => (0, sizes.firmware.unwrap_or(BIOS_BOOT)),
            Scheme::Mbr => (0, 0),
        };
        let wanted = [
            (Role::Efi, efi),
            (Role::BiosBoot, bios_boot),
            (Role::Ephemeral, sizes.ephemeral),
            (Role::Swap, sizes.swap),
            (Role::Drive, sizes.drive),
            (Role::Root, sizes.root),
        ];
        let wanted = || wanted.iter().filter(|(_, mib)| *mib > 0);
        let mut end = Some(LEAD);
        let mut sum = format!("{LEAD} MiB");
        for (role, mib) in wanted() {
            end = end.and_then(|end| end.checked_add(*mib));
            sum += &format!(" + {mib} MiB {}", role.name());
        }
        let limit = match scheme {
            Scheme::Mbr => size,
            _ => Gpt::new([0; 16], sector, size)?.limit(),
        };
        if end.is_none_or(|end| end > limit / MIB) {
            let end = end.map_or("more than can be counted".to_owned(), |end| {
                format!("{end} MiB")
            });
            let (kind, limit, size) = (scheme.kind(), limit / MIB, Bytes(size));
            let why = format!(
                "{sum} = {end}, and with a {kind} the disk of {size} has room for {limit} MiB"
            );
            return Err(Error::plain(why));
        }
        let mut start = LEAD * MIB;
        let part = |(number, (role, mib)): (u32, &(Role, u64))| {
            let part = Part {
                role: *role,
                number,
                start,
                end: start + mib * MIB,
            };
            start = part.end;
            part
        };
        let parts: Vec<Part> = (1..).zip(wanted()).map(part).collect();
        let reach = u64::from(u32::MAX) * sector;
        let beyond = |part: &&Part| part.start > reach || part.end - part.start > reach;
        if let (Scheme::Mbr, Some(part)) = (scheme, parts.iter().find(beyond)) {
            let (name, reach) = (part.role.name(), Bytes(reach));
            let why = format!(
                "{sum}: an MBR reaches no further than {reach}, and {name} would begin or last beyond: a GPT \
                 (the capability disk_label:gpt) has no such limit"
            );
            return Err(Error::plain(why));
        }
        Ok(Plan {
            scheme,
            sector,
            size,
            parts,
        })
    }

    /// In the order they lie on the disk.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The one with this role.
    pub fn part(&self, role: Role) -> Option<&Part> {
        self.parts.iter().find(|part| part.role == role)
    }

    /// The bytes of the table. The first sector comes last: without it nobody takes the rest for a table.
    pub fn pieces(&self, mut random: impl FnMut() -> Result<[u8; 16]>) -> Result<Vec<Piece>> {
        let mut guid = || random().map(|random| uuid::swapped(uuid::version_4(random)));
        if self.scheme == Scheme::Mbr {
            let [a, b, c, d, ..] = guid()?;
            let entry = |part: &Part| {
                let root = part.role == Role::Root;
                let swap = part.role == Role::Swap;
                let kind = if swap { MBR_SWAP } else { MBR_LINUX };
                (kind, part.start..part.end, root)
            };
            let entries: Vec<_> = self.parts.iter().map(entry).collect();
            // 0 stands for no signature.
            let signature = u32::from_le_bytes([a, b, c, d]).max(1);
            let record = mbr::boot_record(signature, self.sector, &entries);
            return Ok(vec![(0, record.to_vec())]);
        }
        let mut gpt = Gpt::new(guid()?, self.sector, self.size)?;
        for part in &self.parts {
            gpt.put(&part.entry(), part.role.of_gpt(), guid()?);
        }
        let mut pieces = gpt.pieces().to_vec();
        pieces.push((0, mbr::protective(gpt.sectors()).to_vec()));
        Ok(pieces)
    }

    /// An error unless `table` has these partitions and no other.
    pub fn must_be(&self, table: &Table) -> Result<()> {
        let (own, found) = (self.scheme.kind(), table.kind());
        if own != found {
            let why = format!("this deploy wants a {own}, and the disk has a {found}");
            return Err(Error::plain(why));
        }
        let all = table.partitions();
        for part in &self.parts {
            let own = range(part.start, part.end);
            let other = all.iter().find(|other| other.number == part.number);
            let found = match other {
                Some(other) if (other.start, other.end) == (part.start, part.end) => continue,
                Some(other) => format!("lies at {} there", range(other.start, other.end)),
                None => "is not there".to_owned(),
            };
            let (number, name) = (part.number, part.role.name());
            let why =
                format!("partition {number}, {name}, belongs at {own} of the disk, and {found}");
            return Err(Error::plain(why));
        }
        match all.len() > self.parts.len() {
            true => Err(Error::plain(format!(
                "the disk has {} partitions, this deploy {}",
                all.len(),
                self.parts.len()
            ))),
            false => Ok(()),
        }
    }
}

fn range(start: u64, end: u64) -> String {
    format!("{} to {}", Bytes(start), Bytes(end))
}
