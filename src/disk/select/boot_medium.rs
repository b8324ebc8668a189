//! Which disk the machine was started from: what the firmware, the boot loader, the kernel and a person say of it, held
//! against the disks there are. Nobody wants it overwritten, unless they name it.
//!
//! Who says what is gathered above (`steps/boot_medium.rs`); this knows disks alone.

use std::fs::File;
use std::io::Read;

use log::debug;

use crate::disk::filesystem::fat::Volume;
use crate::disk::filesystem::iso;
use crate::disk::filesystem::partition_reader::PartitionReader;
use crate::disk::filesystem::probe::{self, FileSystem, LOOK_FOR_UUID};
use crate::disk::list::Disk;
use crate::disk::select::firmware_bus_path::BusPlace;
use crate::disk::table::{Partition, Table};
use crate::error::Result;
use crate::system_root::{SystemRoot, device_name};
use crate::units::{Bytes, MIB};

/// Where boot loaders have their menus: GRUB, SYSLINUX and its kin, iPXE, the shell of UEFI. Folders apart by '/'.
const MENUS: [&str; 15] = [
    "boot/grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "grub/grub.cfg",
    "grub2/grub.cfg",
    "EFI/BOOT/grub.cfg",
    "syslinux.cfg",
    "syslinux/syslinux.cfg",
    "boot/syslinux/syslinux.cfg",
    "isolinux/isolinux.cfg",
    "boot/isolinux/isolinux.cfg",
    "extlinux.conf",
    "extlinux/extlinux.conf",
    "boot/extlinux/extlinux.conf",
    "autoexec.ipxe",
    "startup.nsh",
];
/// No menu is longer.
const LONGEST_MENU: u64 = 64 << 10;
/// As much of a kernel as has its version in it: up to 64 sectors that real mode runs.
const SETUP: u64 = 65 * 512;

/// What tells the boot medium from other disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// What a person calls it: `/dev/sdb`, a by-path name, a serial number or WWN, `LABEL=`, `UUID=`, `PARTUUID=`.
    Name(String),
    /// It has the partition with this GUID, as it lies on the disk.
    Partition([u8; 16]),
    /// Its boot record has this signature. `external`: only a disk that can be pulled out is meant.
    BootRecord {
        /// As it lies there.
        signature: [u8; 4],
        /// Might the machine have been started otherwise?
        external: bool,
    },
    /// It is there.
    Place(BusPlace),
    /// A FAT or ISO 9660 file system on it holds what runs here.
    Holds(Running),
    /// Its ISO 9660 file system was published as this.
    Published(String),
    /// It can be pulled out, is smaller than `below`, and its file system has one of these labels, in any letter case.
    Labelled {
        /// Which.
        labels: Vec<&'static str>,
        /// Larger ones are no medium of that kind.
        below: Bytes,
    },
}

/// The kernel that runs, as far as a disk may hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Where the boot loader says it had it from, folders apart by `/`.
    pub path: Option<String>,
    /// What it calls itself: its release and, after a blank, the rest.
    pub release: String,
    /// `#1 SMP …`, the last of that.
    pub version: String,
    /// Words of its command line that no other's has.
    pub words: Vec<String>,
}

/// One that says what the boot medium is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clue {
    /// What of.
    pub sign: Sign,
    /// Whose word it is.
    pub by: String,
}

/// All that is known of the boot medium; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootMedium(pub Vec<Clue>);

impl BootMedium {
    /// Why `disk`, one of `disks`, is not to be overwritten unasked; none if it is not the medium. Reads it if it has to.
    pub fn protects(&self, host: &SystemRoot, disk: &Disk, disks: &[Disk]) -> Option<String> {
        let contents = std::cell::OnceCell::new();
        let contents = || contents.get_or_init(|| Contents::read(disk)).as_ref();
        let hit = |clue: &&Clue| match &clue.sign {
            Sign::Name(name) => {
                is_called(disk, name) || contents().is_some_and(|found| found.is_called(name))
            }
            Sign::Partition(guid) => contents().is_some_and(|found| found.has_partition(guid)),
            Sign::BootRecord {
                signature,
                external,
            } => {
                (!external || is_external(disk))
                    && contents().is_some_and(|found| found.head.get(440..444) == Some(signature))
            }
            Sign::Place(place) => place.is_of(host, disk, disks),
            Sign::Holds(running) => contents().is_some_and(|found| found.hold(running)),
            Sign::Published(publisher) => {
                let own = contents().and_then(|found| probe::publisher(&found.head));
                own.is_some_and(|own| own.eq_ignore_ascii_case(publisher))
            }
            Sign::Labelled { labels, below } => {
                let label = || FileSystem::find(&contents()?.head).map(|system| system.label);
                let small = is_external(disk) && disk.size < *below;
                small
                    && label().is_some_and(|own| {
                        labels.iter().any(|label| own.eq_ignore_ascii_case(label))
                    })
            }
        };
        let clue = self.0.iter().find(hit)?;
        Some(format!(
            "is what this machine was started from: {}",
            clue.by
        ))
    }
}

/// Can it be pulled out? Such a disk is rarely the one that is meant.
pub fn is_external(disk: &Disk) -> bool {
    disk.removable || disk.transport.as_deref() == Some("usb")
}

/// By what the kernel and the disk itself call it.
fn is_called(disk: &Disk, name: &str) -> bool {
    let mut own = disk.identity.serials.iter().chain(&disk.identity.wwn);
    let partition = |(_, kernel): &(String, String)| device_name(kernel) == name;
    disk.name == name
        || disk.by_path.iter().any(|path| path == name)
        || disk.numbers.iter().any(partition)
        || own.any(|own| own.eq_ignore_ascii_case(name))
}

/// What a disk holds, as far as it tells whether it is the boot medium.
struct Contents {
    file: File,
    /// The first MiB.
    head: Vec<u8>,
    table: Option<Table>,
    size: u64,
}

impl Contents {
    /// None where nothing can be read: that disk started no machine.
    fn read(disk: &Disk) -> Option<Self> {
        let read = || -> Result<Contents> {
            let (file, mut head) = (File::open(&disk.path)?, Vec::new());
            (&file).take(MIB).read_to_end(&mut head)?;
            let table = Table::read(&head, &[disk.logical_sector], disk.size.0);
            let table = table.unwrap_or_default();
            Ok(Contents {
                file,
                head,
                table,
                size: disk.size.0,
            })
        };
        let read = read();
        read.inspect_err(|error| {
            debug!("looking whether {} is the boot medium: {error}", disk.name)
        })
        .ok()
    }

    fn partitions(&self) -> Vec<Partition> {
        self.table.iter().flat_map(Table::partitions).collect()
    }

    fn has_partition(&self, guid: &[u8; 16]) -> bool {
        let Some(Table::Gpt(gpt)) = &self.table else {
            return false;
        };
        let mut partitions = gpt.partitions().into_iter();
        partitions.any(|partition| gpt.guid(partition.number) == Some(*guid))
    }

    /// Where file systems may be: in all of it, and in each partition.
    fn stretches(&self) -> Vec<(u64, u64)> {
        let partitions = self.partitions().into_iter();
        let parts = partitions.map(|own| (own.start, own.end - own.start));
        [(0, self.size)].into_iter().chain(parts).collect()
    }

    fn is_called(&self, name: &str) -> bool {
        let Some((tag, value)) = name.split_once('=') else {
            return false;
        };
        let called =
            |text: Option<String>| text.is_some_and(|text| text.eq_ignore_ascii_case(value));
        if tag == "PARTUUID" {
            let table = self.table.as_ref();
            let uuid = |number| table.and_then(|table| table.partition_uuid(&self.head, number));
            let mut partitions = self.partitions().into_iter();
            return partitions.any(|partition| called(uuid(partition.number)));
        }
        self.stretches().into_iter().any(|(start, len)| {
            let mut begin = Vec::new();
            let reader = PartitionReader::new(&self.file, start, len);
            let read = reader.take(LOOK_FOR_UUID as u64).read_to_end(&mut begin);
            read.is_ok()
                && match tag {
                    "LABEL" => called(FileSystem::find(&begin).map(|system| system.label)),
                    "UUID" => called(probe::uuid(&begin)),
                    _ => false,
                }
        })
    }

    fn hold(&self, running: &Running) -> bool {
        self.stretches().into_iter().any(|(start, len)| {
            let mut reader = PartitionReader::new(&self.file, start, len);
            // A disc's image starts machines from any disk it was written to.
            running.is_on(&|path, most| iso_file(&self.file, (start, len), path, most))
                || Volume::open(&mut reader).is_ok_and(|volume| {
                    running.is_on(&|path, most| {
                        let (file, mut begin) = (volume.file(path).ok()?, Vec::new());
                        file.take(most).read_to_end(&mut begin).ok()?;
                        Some(begin)
                    })
                })
        })
    }
}

/// The first bytes of a file, `most` of them, in an ISO 9660 file system on a stretch of a disk.
fn iso_file(disk: &File, (start, len): (u64, u64), path: &str, most: u64) -> Option<Vec<u8>> {
    let image = PartitionReader::new(disk, start, len);
    let listing = iso::list(&image, &|own| iso::is_on_the_way(own, path));
    let (_, place) = listing.ok()?.files.pop_first()?;
    let mut begin = Vec::new();
    let file = PartitionReader::new(disk, start + place.start, place.len);
    file.take(most).read_to_end(&mut begin).ok()?;
    Some(begin)
}

impl Running {
    /// `read` gives the first bytes of a file.
    fn is_on(&self, read: &dyn Fn(&str, u64) -> Option<Vec<u8>>) -> bool {
        let menu = |path: &&'static str| {
            let menu = read(path, LONGEST_MENU).unwrap_or_default();
            let menu = String::from_utf8_lossy(&menu);
            let mut words = menu.split_whitespace();
            words.any(|word| self.words.iter().any(|own| own == word))
        };
        let kernel = |path: &String| {
            let start = read(path.trim_matches('/'), SETUP);
            start.is_some_and(|start| self.is(&start))
        };
        self.path.as_ref().is_some_and(kernel) || !self.words.is_empty() && MENUS.iter().any(menu)
    }

    /// Is this the file of the kernel that runs? Only a bzImage tells.
    fn is(&self, start: &[u8]) -> bool {
        let text = || {
            // Documentation/arch/x86/boot.rst: "HdrS", and behind it where the version is.
            (start.get(0x202..0x206)? == b"HdrS").then_some(())?;
            let at = u16::from_le_bytes([*start.get(0x20e)?, *start.get(0x20f)?]);
            let text = start.get(usize::from(at) + 0x200..)?;
            let end = text.iter().position(|byte| *byte == 0)?;
            std::str::from_utf8(&text[..end]).ok()
        };
        let (release, version) = (&self.release, &self.version);
        let own = |text: &str| {
            let rest = text.strip_prefix(release.as_str());
            rest.is_some_and(|rest| rest.starts_with(' ') && rest.ends_with(version.as_str()))
        };
        !release.is_empty() && text().is_some_and(own)
    }
}
