//! Makes a config drive anew: the same files in a FAT file system with sectors as large as those of the disk.

use std::collections::BTreeSet;
use std::io::Cursor;

use crate::codec::gzip::Crc;
use crate::disk::filesystem::fat;
use crate::disk::filesystem::fat::Volume;
use crate::disk::filesystem::iso;
use crate::disk::filesystem::probe::Kind;
use crate::error::{Context, Error, Result};
use crate::sys::kernel;
use crate::units::{Bytes, KIB};

/// What readers of config drives look for in a vfat one.
pub const LABEL: &str = "CONFIG-2";
/// Honest ones have a hundred. Each costs a little time, and a cluster.
const MOST_FILES: usize = 10_000;

/// A file system called `label` with these files, by their paths, for sectors of 512 bytes; `most` is the most it may be. The same
/// files make the same one.
pub fn made(label: &str, files: &[(String, Vec<u8>)], most: u64) -> Result<Vec<u8>> {
    const SECTOR: u16 = 512;
    let (mut size, mut id) = (Size::new(SECTOR), Crc::new());
    for (path, content) in files {
        size.add(path, content.len() as u64)?;
        id.update(path.as_bytes());
        id.update(content);
    }
    let mut drive = size.format(most, SECTOR, label, id.sum())?;
    let new = Volume::open(&mut drive)?;
    for (path, content) in files {
        new.add(path, &mut &content[..])?;
    }
    drop(new);
    Ok(drive.into_inner())
}

/// The file system with the files of `plain`, which is of this kind, for sectors of `sector` bytes and called `label`; `most` is
/// the most it may be.
pub fn rebuilt(plain: Vec<u8>, kind: Kind, sector: u16, label: &str, most: u64) -> Result<Vec<u8>> {
    let mut size = Size::new(sector);
    match kind {
        Kind::Iso9660 => {
            let files = iso::files(&plain)?;
            for (path, content) in &files {
                size.add(path, content.len() as u64)?;
            }
            let mut drive = size.format(most, sector, label, drawn()?)?;
            let new = Volume::open(&mut drive)?;
            for (path, mut content) in files {
                new.add(&path, &mut content)?;
            }
            drop(new);
            Ok(drive.into_inner())
        }
        Kind::Fat => {
            let mut plain = Cursor::new(plain);
            let old = Volume::open(&mut plain)?;
            old.files(&mut |path, len| size.add(path, len))?;
            let mut drive = size.format(most, sector, label, drawn()?)?;
            let new = Volume::open(&mut drive)?;
            old.each_file(&mut |path, mut file| new.add(path, &mut file).map(drop))?;
            drop(new);
            Ok(drive.into_inner())
        }
        Kind::Ext => Err(Error::plain("the files of an ext file system are not read")),
    }
}

/// The number of a volume that is nothing but itself.
fn drawn() -> Result<u32> {
    let mut id = [0; 4];
    kernel::random(&mut id).context("drawing a volume's number")?;
    Ok(u32::from_le_bytes(id))
}

/// How large it has to be.
struct Size {
    /// Bytes of a cluster, or more.
    cluster: u64,
    bytes: u64,
    files: usize,
    folders: BTreeSet<String>,
}

impl Size {
    fn new(sector: u16) -> Self {
        Size {
            cluster: (2 * KIB).max(sector.into()),
            bytes: 0,
            files: 0,
            folders: BTreeSet::new(),
        }
    }

    fn add(&mut self, path: &str, len: u64) -> Result<()> {
        /// Of a file in its folder: a name in parts of 26 bytes, each in a slot of 32.
        const SLOTS: u64 = KIB;
        self.files += 1;
        if self.files > MOST_FILES {
            let why = format!("it has more than {MOST_FILES} files, which no config drive has");
            return Err(Error::plain(why));
        }
        self.bytes += len.next_multiple_of(self.cluster) + SLOTS;
        for (end, _) in path.match_indices('/') {
            if self.folders.insert(path[..end].to_owned()) {
                self.bytes += self.cluster + SLOTS;
            }
        }
        Ok(())
    }

    /// An empty file system that they fit into.
    fn format(self, most: u64, sector: u16, label: &str, id: u32) -> Result<Cursor<Vec<u8>>> {
        /// What comes before the tables, the root folder, and what ends within a step.
        const REST: u64 = 128 * KIB;
        // Two tables with up to four bytes for a cluster; clusters may be larger than hoped for.
        let tables = self.bytes / self.cluster * 8;
        let size = (self.bytes + self.bytes / 16 + tables + REST).next_multiple_of(64 * KIB);
        if size > most {
            let why = format!("its files need {} in a FAT file system", Bytes(size));
            return Err(Error::plain(why));
        }
        let mut drive = Cursor::new(vec![0; size as usize]);
        fat::format(&mut drive, size, sector, label, id)?;
        Ok(drive)
    }
}
