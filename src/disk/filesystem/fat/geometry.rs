//! Where everything is in a FAT file system: told by its boot sector, or planned for a new one.
//!
//! All numbers and fields are those of Microsoft's "FAT32 File System Specification" 1.03.

use crate::disk::filesystem::fat::device::{wide, word};
use crate::disk::filesystem::fat::directory_entry::SLOT;
use crate::error::{Error, Result};
use crate::units::{GIB, KIB, MIB};

/// Bytes from the start of the file system, unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub sector: u64,
    /// Bytes of a cluster, and how many there are; the first is number 2.
    pub cluster: u64,
    pub clusters: u32,
    /// Of an entry of the table: 12, 16 or 32.
    pub bits: u32,
    pub table: u64,
    pub table_len: u64,
    /// Copies of the table, one behind the other.
    pub tables: u64,
    /// The root folder; of length 0 with 32 bits, where it is the chain from this cluster on.
    pub root: u64,
    pub root_len: u64,
    pub root_cluster: u32,
    pub data: u64,
    /// Sector of the count of free clusters, with 32 bits; 0 for none.
    pub info: u64,
    pub id: u32,
    pub label: [u8; 11],
}

/// The number of clusters alone says how many bits an entry has: fewer than each of these.
const BELOW: [(u32, u32); 3] = [(12, 4085), (16, 65525), (32, 0x0fff_fff5)];
/// "Stay away from these values by at least 16": others count differently.
const MARGIN: u32 = 16;
/// Slots of the root folder where its place is fixed.
const ROOT_SLOTS: u64 = 512;

impl Shape {
    /// By the first bytes of a file system; nothing in them is believed.
    pub fn read(boot: &[u8; 512]) -> Result<Self> {
        let bad = |why: &str| Err(Error::plain(format!("it is no FAT file system: {why}")));
        if boot[510..] != [0x55, 0xaa] {
            return bad("the boot sector has no signature");
        }
        let [sector, per_cluster] = [word(boot, 11).into(), u64::from(boot[13])];
        if ![512, 1024, 2048, 4096].contains(&sector) || !per_cluster.is_power_of_two() {
            return bad("the size of its sectors or clusters is none");
        }
        let either = |short: u16, long: u32| match short {
            0 => u64::from(long),
            short => u64::from(short),
        };
        let long_table = word(boot, 22) == 0;
        let reserved = u64::from(word(boot, 14));
        let total = either(word(boot, 19), wide(boot, 32));
        let table = either(word(boot, 22), wide(boot, 36));
        let root = (u64::from(word(boot, 17)) * SLOT as u64).div_ceil(sector);
        let mut tables = u64::from(boot[16]);
        let data = reserved + tables * table + root;
        if reserved == 0 || tables == 0 || table == 0 || data >= total {
            return bad("its parts do not fit");
        }
        let clusters = (total - data) / per_cluster;
        // Linux takes a small one with a long table for what it says (fs/fat/inode.c, fat_fill_super).
        let kinds = if long_table { &BELOW[2..] } else { &BELOW[..2] };
        let Some((bits, _)) = kinds.iter().find(|(_, below)| clusters < (*below).into()) else {
            return bad("it has too many clusters");
        };
        // No cluster counts that the table has no entry for.
        let entries = table * sector * 8 / u64::from(*bits);
        let clusters = clusters.min(entries.saturating_sub(2)) as u32; // below 2^28, see above
        let mut first = reserved;
        if long_table && word(boot, 40) & 0x80 != 0 {
            // Only one copy is kept up to date: this one.
            let active = u64::from(word(boot, 40) & 0xf);
            if active >= tables {
                return bad("the table in use is none of its tables");
            }
            (first, tables) = (reserved + active * table, 1);
        }
        let told = if long_table { 67 } else { 39 };
        let mut label = [0; 11];
        label.copy_from_slice(&boot[told + 4..told + 15]);
        Ok(Shape {
            sector,
            cluster: per_cluster * sector,
            clusters,
            bits: *bits,
            table: first * sector,
            table_len: table * sector,
            tables,
            root: (data - root) * sector,
            root_len: root * sector,
            root_cluster: if long_table { wide(boot, 44) } else { 0 },
            data: data * sector,
            info: match long_table {
                true => Some(word(boot, 48).into())
                    .filter(|at| *at < reserved)
                    .unwrap_or(0),
                false => 0,
            },
            id: wide(boot, told),
            label,
        })
    }

    /// For a new file system of `size` bytes, as mkfs.fat(8) would choose.
    pub fn plan(size: u64, sector: u64) -> Result<Self> {
        let sectors = size / sector;
        let large = match size {
            ..=0x1040_0000 => 512, // 260 MiB
            s if s <= 8 * GIB => 4 * KIB,
            s if s <= 16 * GIB => 8 * KIB,
            s if s <= 32 * GIB => 16 * KIB,
            _ => 32 * KIB,
        };
        let small = [2048, 1024, 512, 4096, 8192, 16384, 32768];
        let choices: [(u32, &[u64]); 4] = match size >= 512 * MIB {
            true => [
                (32, &[large, 4096]),
                (16, &small),
                (12, &small),
                (32, &[512]),
            ],
            false => [(16, &small), (12, &small), (32, &[512]), (32, &[1024])],
        };
        let fits = choices
            .iter()
            .flat_map(|(bits, clusters)| clusters.iter().map(|cluster| (*bits, *cluster)));
        let mut shapes = fits.filter_map(|(bits, cluster)| lay(sectors, sector, bits, cluster));
        shapes.next().ok_or_else(|| {
            let why = format!("no FAT file system has {sectors} sectors of {sector} bytes");
            Error::plain(why)
        })
    }

    /// Where a cluster begins, if it is one.
    pub fn at(&self, cluster: u32) -> Result<u64> {
        match cluster.checked_sub(2) {
            Some(index) if index < self.clusters => Ok(self.data + u64::from(index) * self.cluster),
            _ => Err(Error::plain(format!("there is no cluster {cluster}"))),
        }
    }

    /// The cluster that begins there.
    pub fn cluster_at(&self, at: u64) -> u32 {
        ((at - self.data) / self.cluster) as u32 + 2
    }
}

fn lay(sectors: u64, sector: u64, bits: u32, cluster: u64) -> Option<Shape> {
    // Everything in whole pages, as disks of 512-byte sectors have larger ones inside.
    let page = 4096 / sector;
    let per_cluster = cluster / sector;
    if per_cluster == 0 || sectors > u32::MAX.into() {
        return None;
    }
    let (reserved, root) = match bits {
        32 => (32, 0),
        _ => (page, ROOT_SLOTS * SLOT as u64 / sector),
    };
    let most = sectors.checked_sub(reserved + root)? / per_cluster + 2;
    let table = (most * u64::from(bits))
        .div_ceil(8 * sector)
        .next_multiple_of(page);
    let data = reserved + 2 * table + root;
    let clusters = u32::try_from(sectors.checked_sub(data)? / per_cluster).ok()?;
    let kind = BELOW.iter().position(|(other, _)| *other == bits)?;
    let least = kind
        .checked_sub(1)
        .map_or(1, |before| BELOW[before].1 + MARGIN);
    (least..BELOW[kind].1 - MARGIN)
        .contains(&clusters)
        .then_some(Shape {
            sector,
            cluster,
            clusters,
            bits,
            table: reserved * sector,
            table_len: table * sector,
            tables: 2,
            root: (data - root) * sector,
            root_len: root * sector,
            root_cluster: if bits == 32 { 2 } else { 0 },
            data: data * sector,
            info: if bits == 32 { 1 } else { 0 },
            id: 0,
            label: [b' '; 11],
        })
}
