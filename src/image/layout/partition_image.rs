//! Deploys a partition image: the disk is divided for it, and the image becomes its last partition.
//!
//! Where everything goes is settled before anything is written. With the first byte of the image that leaves for
//! the disk the old table goes, and so does what the new partitions begin and end with; then come the image, the
//! partitions beside it and, once all of that is on stable storage, the table. At no moment is there half a
//! disk that anyone could start.

use std::ops::Range;

use log::{info, warn};

use crate::codec::uuid;
use crate::disk::exclusive_disk::ExclusiveDisk;
use crate::disk::filesystem::{ext4, fat, probe, swap};
use crate::disk::table::Table;
use crate::disk::table::partition_plan::{Part, Plan, Role, Scheme, Sizes};
use crate::error::{Context, Error, Kind, Result};
use crate::image::layout::config_drive::ConfigDrive;
use crate::image::layout::staged_disk::StagedDisk;
use crate::image::layout::staged_range_as_file::StagedRange;
use crate::image::layout::{Ephemeral, Partitions, random};
use crate::image::verify::readback::{Mismatch, Verdict};
use crate::image::write::disk_sink::DiskSink;
use crate::sys::block::{ALIGNMENT, Aligned};
use crate::sys::kernel;
use crate::units::{Bytes, MIB};
use crate::work_progress::WorkProgress;

/// The label of the ephemeral partition's file system (protocol/deploy.md §10).
const EPHEMERAL: &str = "ephemeral0";

/// A partition as it was left on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
    /// What it is for.
    pub role: Role,
    /// As the table counts it.
    pub number: u32,
    /// Of its file system, else the table's.
    pub uuid: String,
}

/// A disk and what becomes of it.
pub struct PartitionImage<'a> {
    disk: ExclusiveDisk,
    plan: Plan,
    drive: Option<&'a ConfigDrive>,
    ephemeral: Ephemeral,
    preserve: bool,
    /// In seconds since 1970.
    now: u64,
}

impl<'a> PartitionImage<'a> {
    /// Writes nothing. What cannot be done is an error here. `now`, seconds since 1970, is what a file system is dated.
    pub fn new(
        wanted: &Partitions,
        disk: &ExclusiveDisk,
        drive: Option<&'a ConfigDrive>,
        now: u64,
    ) -> Result<Self> {
        let mut sizes = wanted.sizes;
        sizes.drive = drive.map_or(0, |drive| drive.size().0.div_ceil(MIB));
        let planned = match wanted.preserve {
            true => preserved(wanted.scheme, sizes, disk),
            false => plan(wanted.scheme, &sizes, disk),
        };
        let refused = |error: Error| {
            let (disk, why) = (disk.path().display(), error.details());
            let why = format!("dividing {disk}: {why}; nothing was written");
            Error::new(Kind::DeploymentError, why)
        };
        let plan = planned.and_then(|plan| {
            for part in plan.parts() {
                let size = part.end - part.start;
                let (checked, kind) = match (part.role, wanted.ephemeral) {
                    (Role::Ephemeral, _) if wanted.preserve => continue,
                    (Role::Ephemeral, Ephemeral::Ext4) => (ext4::check(size), "ext4"),
                    (Role::Efi, _) | (Role::Ephemeral, Ephemeral::Vfat) => {
                        (fat::check(size, sector(disk)), "vfat")
                    }
                    _ => continue,
                };
                checked.with_context(|| format!("{} as {kind}", part.role.name()))?;
            }
            Ok(plan)
        });
        let plan = plan.map_err(refused)?;
        Ok(PartitionImage {
            disk: disk.part(0..disk.size().0),
            plan,
            drive,
            ephemeral: wanted.ephemeral,
            preserve: wanted.preserve,
            now,
        })
    }

    /// Where the image goes: the root partition.
    pub fn root(&self) -> Result<DiskSink> {
        let stale = self.stale().into_iter().map(|range| self.disk.part(range));
        let root = DiskSink::new(self.disk.part(self.range_of_root()))?;
        Ok(root.among(stale.collect(), too_large))
    }

    /// What is left once the root partition has all of a verified image. With `proof` everything is read back.
    pub fn finish(
        &self,
        root: DiskSink,
        proof: bool,
        gauge: &WorkProgress,
    ) -> Result<(Verdict, Vec<Laid>)> {
        if let Verdict::Differs(Mismatch(ranges)) = root.commit()? {
            let start = self.range_of_root().start;
            let ranges = ranges.into_iter();
            let on_disk = ranges.map(|range| range.start + start..range.end + start);
            return Ok((Verdict::of(on_disk.collect()), Vec::new()));
        }
        gauge.begin("dividing the disk", None);
        let mut staged = StagedDisk::of(&self.disk, proof);
        for part in self.plan.parts() {
            let (name, size) = (part.role.name(), Bytes(part.end - part.start));
            info!("partition {}: {name}, {size}", part.number);
            self.fill(&mut staged, part)
                .with_context(|| format!("filling partition {}, {name}", part.number))?;
        }
        self.disk.flush()?;
        let mut differences = staged.differences()?;
        if differences.is_empty() && !self.preserve {
            differences = self.write_table(&mut staged)?;
        }
        if !differences.is_empty() {
            return Ok((Verdict::of(differences), Vec::new()));
        }
        if let Err(error) = self.disk.reread_partitions() {
            warn!("{error}");
        }
        Ok((Verdict::Complete, self.laid(&mut staged)?))
    }

    fn range_of_root(&self) -> Range<u64> {
        let root = self.plan.part(Role::Root);
        root.map_or(0..0, |root| root.start..root.end)
    }

    /// What goes with the first byte of the image: the old table, and at both ends of each new partition
    /// whatever could be taken for a file system. The root's own ends are its sink's.
    fn stale(&self) -> Vec<Range<u64>> {
        let mut stale = match self.preserve {
            true => Vec::new(),
            false => ends(0, self.disk.size().0).to_vec(),
        };
        for part in self.plan.parts() {
            if part.role != Role::Root && self.is_rewritten(part) {
                stale.extend(ends(part.start, part.end));
            }
        }
        stale
    }

    fn is_rewritten(&self, part: &Part) -> bool {
        !self.preserve || !matches!(part.role, Role::Ephemeral | Role::BiosBoot)
    }

    fn fill(&self, staged: &mut StagedDisk, part: &Part) -> Result<()> {
        let (start, size) = (part.start, part.end - part.start);
        let label = match part.role {
            // protocol/deploy.md §10
            Role::Efi => "efi-part",
            Role::Ephemeral if self.preserve => return Ok(()),
            Role::Ephemeral => match self.ephemeral {
                Ephemeral::Bare => return Ok(()),
                Ephemeral::Vfat => EPHEMERAL,
                Ephemeral::Ext4 => {
                    return self.fill_ext4(&mut StagedRange::new(staged, start, size));
                }
            },
            Role::Swap => {
                let uuid = uuid::version_4(random()?);
                let header = swap::header(size, kernel::page_size(), uuid, "swap1")?;
                return staged.write(start, &header);
            }
            Role::Drive => {
                let Some(drive) = self.drive else {
                    return Ok(());
                };
                let end = drive.write_to(staged, start)?;
                return staged.zeros(end, part.end - end);
            }
            Role::Root | Role::BiosBoot => return Ok(()),
        };
        let [a, b, c, d, ..] = random()?;
        let (sector, id) = (sector(&self.disk), u32::from_le_bytes([a, b, c, d]));
        let mut window = StagedRange::new(staged, start, size);
        fat::format(&mut window, size, sector, label, id)
    }

    fn fill_ext4(&self, place: &mut StagedRange) -> Result<()> {
        let named = ext4::Named {
            label: EPHEMERAL,
            uuid: uuid::version_4(random()?),
            hash_seed: random()?,
            made: self.now,
        };
        let size = place.size();
        ext4::format(place, size, &named)
    }

    /// All but the first sector, flushed; then that. Gives where the disk holds something else.
    fn write_table(&self, staged: &mut StagedDisk) -> Result<Vec<Range<u64>>> {
        let mut pieces = self.plan.pieces(random)?;
        let Some((at, first)) = pieces.pop() else {
            return Ok(Vec::new());
        };
        for (at, bytes) in pieces {
            staged.write(at, &bytes)?;
        }
        self.disk.flush()?;
        let differences = staged.differences()?;
        if !differences.is_empty() {
            return Ok(differences);
        }
        let written = staged.write(at, &first).and_then(|()| self.disk.flush());
        let proven = written.and_then(|()| staged.differences());
        if !matches!(&proven, Ok(differences) if differences.is_empty()) {
            // Whether it arrived is unknown, so it must not boot.
            let _ = self.disk.write_at(&Aligned::new(ALIGNMENT), 0);
        }
        proven
    }

    /// What Ironic is told of the partitions; the table and the file systems are asked, not remembered.
    fn laid(&self, staged: &mut StagedDisk) -> Result<Vec<Laid>> {
        let (table, head) = table(&self.disk)?;
        let mut start = vec![0; probe::LOOK_FOR_UUID];
        let laid = self.plan.parts().iter().map(|part| {
            staged.read(part.start, &mut start)?;
            let own = probe::uuid(&start);
            Ok(Laid {
                role: part.role,
                number: part.number,
                uuid: own
                    .or_else(|| table.partition_uuid(&head, part.number))
                    .unwrap_or_default(),
            })
        });
        laid.collect()
    }
}

/// The unit of the table: a file stands for a disk of the most usual kind.
fn sector(disk: &ExclusiveDisk) -> u16 {
    let unit = disk.table_units().first();
    unit.and_then(|unit| u16::try_from(*unit).ok())
        .unwrap_or(512) // ExclusiveDisk::open takes none beyond 4096
}

fn plan(scheme: Scheme, sizes: &Sizes, disk: &ExclusiveDisk) -> Result<Plan> {
    Plan::new(scheme, sizes, sector(disk).into(), disk.size().0)
}

/// The plan, if it is that of the table which is there. The partition of the config drive may be larger than
/// today's drive is.
fn preserved(scheme: Scheme, mut sizes: Sizes, disk: &ExclusiveDisk) -> Result<Plan> {
    let table = table(disk).map(|(table, _)| table);
    let kept = table.and_then(|table| {
        let wanted = plan(scheme, &sizes, disk)?;
        if let Some(drive) = wanted.part(Role::Drive) {
            let all = table.partitions();
            let there = all.iter().find(|found| found.number == drive.number);
            let room = there.map_or(0, |found| (found.end - found.start) / MIB);
            sizes.drive = sizes.drive.max(room);
        }
        let wanted = plan(scheme, &sizes, disk)?;
        wanted.must_be(&table).map(|()| wanted)
    });
    kept.context(
        "preserve_ephemeral is true, which takes a disk with the very partitions of this deploy",
    )
}

/// The table on the disk, and the first bytes of that.
fn table(disk: &ExclusiveDisk) -> Result<(Table, Aligned)> {
    let mut head = Aligned::new(MIB as usize);
    disk.read_at(&mut head, 0)?;
    let found = Table::read(&head, disk.table_units(), disk.size().0)?;
    let table = found.ok_or_else(|| Error::plain("there is no partition table on it"))?;
    Ok((table, head))
}

/// The first and the last MiB.
fn ends(start: u64, end: u64) -> [Range<u64>; 2] {
    let held = MIB.min(end - start);
    [start..start + held, end - held..end]
}

/// protocol/deploy.md §9: `root_mb` is what Ironic calls the size of the root partition.
fn too_large(image: Option<Bytes>, room: Bytes) -> Error {
    let root = room.0 / MIB;
    let why = match image {
        Some(image) => format!(
            "the root partition is too small for the image: that is {image} ({} MiB), and root_mb is {root}; nothing was written",
            image.0.div_ceil(MIB)
        ),
        None => format!(
            "the root partition is too small for the image: root_mb is {root}, and after that many MiB more comes; nothing bootable was left on the disk"
        ),
    };
    Error::new(Kind::InvalidCommandParamsError, why)
}
