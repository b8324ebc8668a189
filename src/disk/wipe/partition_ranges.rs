//! Where partitions are or were, be the tables that say so in order or not, and the kernel's own view of them.
//!
//! For erasing and for looking: too many places do no harm, one too few does. So no checksum is checked, both
//! copies of a GPT count, and each of two overlapping partitions.

use std::cmp::Reverse;

use crate::error::Result;
use crate::small_sort;
use crate::system_root::{SystemRoot, attribute, names};

/// block/partitions/msdos.c, parse_extended: so many links the kernel follows.
const LINKS: usize = 100;
/// Entries of a GPT that are looked at; the kernel shows at most 256 partitions (include/linux/genhd.h, DISK_MAX_PARTS).
const ENTRIES: usize = 256;
/// More than any disk has, in all its tables together.
const MOST: usize = 2 * ENTRIES;
/// UEFI 2.10, 5.3.3.
const ENTRY: u64 = 128;

/// What a table says a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The type in a GPT, as it lies on the disk.
    Guid([u8; 16]),
    /// The type in an MBR.
    Byte(u8),
    /// The kernel shows it and no table does.
    Unknown,
}

/// A partition, in bytes from the start of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As the kernel counts them.
    pub number: u32,
    /// In bytes from the start of the disk.
    pub start: u64,
    /// The first byte after it; never beyond the disk.
    pub end: u64,
    /// What the table says it is for.
    pub kind: Kind,
}

/// What there is on a disk besides its two ends.
#[derive(Debug, Default)]
pub struct Places {
    /// The last to begin comes first, as it is found by way of those before it.
    pub partitions: Vec<Place>,
    /// Boot records chained to the first one: each leads to the next, further on.
    pub records: Vec<u64>,
    /// Headers of a GPT, wherever they are.
    pub headers: Vec<u64>,
}

/// Reads bytes at an offset.
pub type Read<'a> = &'a mut dyn FnMut(u64, &mut [u8]) -> Result<()>;

impl Places {
    /// By the tables on a disk of `size` bytes in sectors of `sector`. What cannot be read is not there.
    pub fn read(size: u64, sector: u64, read: Read) -> Self {
        let mut places = Places::default();
        for own in [512, 4096] {
            for header in [Some(own), size.checked_sub(own)].into_iter().flatten() {
                if let Some(other) = places.gpt(size, own, header, read)
                    && other != header
                {
                    places.gpt(size, own, other, read);
                }
            }
        }
        places.boot_records(size, sector, read);
        places.sort();
        places
    }

    /// Those of the kernel, too: `kernel` is its name for the disk.
    pub fn with_kernel(mut self, host: &SystemRoot, kernel: &str, size: u64) -> Self {
        let disk = host.sys("block").join(kernel);
        for name in names(&disk) {
            let number = |file| attribute(disk.join(&name).join(file))?.parse::<u64>().ok();
            if let (Some(own), Some(start), Some(len)) =
                (number("partition"), number("start"), number("size"))
            {
                // Documentation/ABI/testing/sysfs-block: sectors of 512 bytes, whatever the disk's own are.
                self.add(own as u32, (start, start.saturating_add(len)), 512, size);
            }
        }
        self.sort();
        self
    }

    /// The partitions of a GPT, and where its other copy should be; none if there is no header.
    fn gpt(&mut self, size: u64, sector: u64, header: u64, read: Read) -> Option<u64> {
        let mut bytes = [0; 92];
        let there = header.checked_add(sector).is_some_and(|end| end <= size);
        if !there || read(header, &mut bytes).is_err() || !bytes.starts_with(b"EFI PART") {
            return None;
        }
        self.headers.push(header);
        let (other, entries) = (number(&bytes, 32), number(&bytes, 72));
        let (count, each) = (half(&bytes, 80) as usize, u64::from(half(&bytes, 84)));
        let entries = entries.checked_mul(sector).unwrap_or(size);
        if each >= ENTRY && each <= sector {
            let mut all = vec![0; count.min(ENTRIES) * each as usize];
            let room = usize::try_from(size.saturating_sub(entries)).unwrap_or(usize::MAX);
            all.truncate(room);
            if read(entries, &mut all).is_ok() {
                let used = all.chunks_exact(each as usize).zip(1..);
                for (entry, own) in used.filter(|(entry, _)| entry[..16] != [0; 16]) {
                    let mut kind = [0; 16];
                    kind.copy_from_slice(&entry[..16]);
                    let range = (number(entry, 32), number(entry, 40).saturating_add(1));
                    self.add_as(own, range, sector, size, Kind::Guid(kind));
                }
            }
        }
        other.checked_mul(sector)
    }

    /// The partitions of the boot record and of those chained to it.
    fn boot_records(&mut self, size: u64, sector: u64, read: Read) {
        let mut extended = None;
        for (own, (kind, start, len)) in (1..).zip(entries(0, read).into_iter().flatten()) {
            // What covers a GPT covers all.
            if kind != 0xee {
                self.add_as(own, (start, start + len), sector, size, Kind::Byte(kind));
            }
            if is_extended(kind) {
                extended = extended.or(Some(start));
            }
        }
        let Some(base) = extended else { return };
        let (mut link, mut own) = (base, 5);
        for _ in 0..LINKS {
            let at = link * sector;
            if self.records.contains(&at) || at >= size {
                return;
            }
            let Some(entries) = entries(at, read) else {
                return;
            };
            self.records.push(at);
            let mut next = None;
            for (kind, start, len) in entries {
                if is_extended(kind) {
                    next = next.or(Some(base + start));
                } else {
                    let start = link + start;
                    self.add_as(own, (start, start + len), sector, size, Kind::Byte(kind));
                    own += 1;
                }
            }
            match next {
                Some(next) => link = next,
                None => return,
            }
        }
    }

    fn add(&mut self, number: u32, sectors: (u64, u64), unit: u64, size: u64) {
        self.add_as(number, sectors, unit, size, Kind::Unknown);
    }

    /// Unless it is there, or none of it is on the disk. A kind that is known comes before one that is not.
    fn add_as(&mut self, number: u32, sectors: (u64, u64), unit: u64, size: u64, kind: Kind) {
        let byte = |sector: u64| sector.saturating_mul(unit).min(size);
        let (start, end) = (byte(sectors.0), byte(sectors.1));
        let known = |place: &Place| {
            (place.start, place.end) == (start, end)
                && (place.kind == kind || kind == Kind::Unknown)
        };
        let room = self.partitions.len() < MOST;
        if room && start < end && start > 0 && !self.partitions.iter().any(known) {
            self.partitions.push(Place {
                number,
                start,
                end,
                kind,
            });
        }
    }

    fn sort(&mut self) {
        let key = |place: &Place| Reverse((place.start, place.end));
        small_sort::by_key(&mut self.partitions, key);
        small_sort::by_key(&mut self.records, |at| Reverse(*at));
    }
}

/// Kind, start and length of the used entries of the boot record at `at`, if it is one.
fn entries(at: u64, read: Read) -> Option<Vec<(u8, u64, u64)>> {
    let mut sector = [0; 512];
    read(at, &mut sector).ok()?;
    let entries = sector[446..510].chunks_exact(16);
    // As `boot_sector::disarm` leaves a table.
    let disarmed = at == 0
        && [&sector[..446], &sector[510..]]
            .concat()
            .iter()
            .all(|byte| *byte == 0);
    // block/partitions/msdos.c, msdos_partition: any other value, and this is a file system's boot sector.
    let marked = sector.ends_with(&[0x55, 0xaa]) || disarmed;
    if !marked || entries.clone().any(|entry| entry[0] & 0x7f != 0) {
        return None;
    }
    let fields = |entry: &[u8]| (entry[4], half(entry, 8).into(), half(entry, 12).into());
    let used = |entry: &(u8, u64, u64)| entry.0 != 0 && entry.2 != 0;
    Some(entries.map(fields).filter(used).collect())
}

/// block/partitions/msdos.c, is_extended_partition.
fn is_extended(kind: u8) -> bool {
    [0x05, 0x0f, 0x85].contains(&kind)
}

fn half(bytes: &[u8], at: usize) -> u32 {
    let mut own = [0; 4];
    own.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(own)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from(half(bytes, at)) | u64::from(half(bytes, at + 4)) << 32
}
