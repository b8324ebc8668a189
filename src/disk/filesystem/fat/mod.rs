//! FAT: the file system of EFI system partitions, and of config drives on disks with large sectors.
//!
//! Read without belief in anything it says: chains that go round, folders within themselves and numbers out of
//! range end in an error, in bounded memory and time. Made so that fsck.vfat has nothing to say. The one crate
//! for it does neither: it follows such chains for ever, and its folders are repaired away.

mod allocation_table;
mod device;
mod directory_entry;
mod file;
mod folder_index;
mod format;
mod geometry;
mod short_name;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::io::Read;

use crate::disk::filesystem::fat::allocation_table::Clusters;
pub use crate::disk::filesystem::fat::device::Device;
use crate::disk::filesystem::fat::device::fetch;
use crate::disk::filesystem::fat::directory_entry::{Entries, Entry, FILE, FOLDER, SLOT, VOLUME};
use crate::disk::filesystem::fat::folder_index::FolderIndex;
use crate::disk::filesystem::fat::geometry::Shape;
use crate::error::{Context, Error, Result};
pub use file::File;
pub use format::{check, format};

/// The most bytes of one folder that are read, and of all folders below the root.
const FOLDER_LIMIT: u64 = 512 << 10;
const FOLDERS_LIMIT: u64 = 32 << 20;
/// The most bytes of a path, and folders seen but not yet looked into.
const LONGEST: usize = 1024;
const MOST_WAITING: usize = 4096;

/// A FAT12, FAT16 or FAT32 file system.
pub struct Volume<'a> {
    clusters: RefCell<Clusters<'a>>,
    shape: Shape,
    /// Of folders that files were put into, by their first clusters.
    indexes: RefCell<BTreeMap<u32, FolderIndex>>,
}

impl<'a> Volume<'a> {
    /// The file system at the start of `device`.
    pub fn open(device: &'a mut dyn Device) -> Result<Self> {
        let mut boot = [0; 512];
        fetch(device, 0, &mut boot).context("reading the boot sector")?;
        let shape = Shape::read(&boot)?;
        Ok(Volume {
            clusters: RefCell::new(Clusters::new(device, shape.clone())),
            shape,
            indexes: RefCell::default(),
        })
    }

    /// The number it is known by: `7B77-95E7` is 0x7B7795E7.
    pub fn id(&self) -> u32 {
        self.shape.id
    }

    /// The label in the root folder, else that of the boot sector.
    pub fn label(&self) -> Result<String> {
        let root = self.folder(0, &mut FOLDERS_LIMIT.clone())?;
        let in_root = root.chunks_exact(SLOT).take_while(|slot| slot[0] != 0);
        let mut labels = in_root.filter(|slot| slot[0] != 0xe5 && slot[11] & 0x3f == VOLUME);
        let label = labels
            .next()
            .map_or(&self.shape.label[..], |slot| &slot[..11]);
        Ok(String::from_utf8_lossy(label).trim_end().to_owned())
    }

    /// Every file and its size, by paths with '/' between: those of a folder before those of the folders in it.
    pub fn files(&self, each: &mut dyn FnMut(&str, u64) -> Result<()>) -> Result<()> {
        self.each_file(&mut |path, file| each(path, file.size()))
    }

    /// Every file, by paths as above.
    pub fn each_file(&self, each: &mut dyn FnMut(&str, File) -> Result<()>) -> Result<()> {
        let mut left = FOLDERS_LIMIT;
        let mut waiting = vec![(String::new(), 0)];
        while let Some((path, first)) = waiting.pop() {
            let folder = self
                .folder(first, &mut left)
                .with_context(|| format!("reading folder /{path}"))?;
            let before = waiting.len();
            for Entry {
                name,
                attributes,
                first,
                size,
            } in Entries::new(&folder, self.shape.bits == 32)
            {
                let path = match path.is_empty() {
                    true => name,
                    false => format!("{path}/{name}"),
                };
                if path.len() > LONGEST || waiting.len() > MOST_WAITING {
                    return Err(too_much());
                }
                match attributes {
                    a if a & VOLUME != 0 => {}
                    a if a & FOLDER == 0 => each(&path, File::new(self, first, size))?,
                    _ => waiting.push((path, first)),
                }
            }
            waiting[before..].reverse();
        }
        Ok(())
    }

    /// A file of at most `limit` bytes; letter case is ignored in its path.
    pub fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>> {
        let mut file = self.file(path)?;
        if file.size() > limit as u64 {
            let why = format!(
                "{path} has {} bytes, and {limit} are the most it may have",
                file.size()
            );
            return Err(Error::plain(why));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .with_context(|| format!("reading {path}"))?;
        Ok(bytes)
    }

    /// The file at `path`, folders apart by `/`, in any letter case; an error if there is none or it is a folder.
    pub fn file(&self, path: &str) -> Result<File<'_, 'a>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = 0;
        for part in parts(folder) {
            at = match self.look(at, part)? {
                Some(entry) if entry.is_folder() => entry.first,
                _ => {
                    return Err(Error::plain(format!(
                        "there is no folder {part} for {path}"
                    )));
                }
            };
        }
        match self.look(at, name)? {
            Some(entry) if !entry.is_folder() => Ok(File::new(self, entry.first, entry.size)),
            _ => Err(Error::plain(format!("there is no file {path}"))),
        }
    }

    /// Makes a file and the folders of its path, and tells its size.
    pub fn add(&self, path: &str, content: &mut dyn Read) -> Result<u64> {
        self.insert(path, content)
            .with_context(|| format!("making {path}"))
    }

    fn insert(&self, path: &str, content: &mut dyn Read) -> Result<u64> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = 0;
        for part in parts(folder) {
            at = match self.indexed(at, |folder| folder.find(part))? {
                Some(Some(first)) => first,
                Some(None) => return Err(Error::plain(format!("{part} is a file"))),
                None => self.make_folder(at, part)?,
            };
        }
        if self.indexed(at, |folder| folder.find(name))?.is_some() {
            return Err(Error::plain(
                "it is there already, perhaps in other letter case",
            ));
        }
        let (first, size) = file::pour(&mut self.clusters.borrow_mut(), content)?;
        self.enter(at, name, FILE, first, size)?;
        self.clusters.borrow_mut().flush()?;
        Ok(size.into())
    }

    fn make_folder(&self, parent: u32, name: &str) -> Result<u32> {
        let first = self.clear_cluster(None)?;
        let mut start = [0; 2 * SLOT];
        for (index, (name, first)) in [(b".          ", first), (b"..         ", parent)]
            .into_iter()
            .enumerate()
        {
            let mut slot = [0; SLOT];
            slot[..11].copy_from_slice(name);
            directory_entry::stamp(&mut slot, FOLDER, first, 0);
            start[index * SLOT..][..SLOT].copy_from_slice(&slot);
        }
        self.clusters
            .borrow_mut()
            .write(self.shape.at(first)?, &start)?;
        self.enter(parent, name, FOLDER, first, 0)?;
        Ok(first)
    }

    /// Writes the slots of a file into a folder, behind all others.
    fn enter(&self, folder: u32, name: &str, attributes: u8, first: u32, size: u32) -> Result<()> {
        let short = match directory_entry::is_name(name) {
            true => self.indexed(folder, |index| index.short.find(name))?,
            false => None,
        };
        let Some(short) = short else {
            let name = name.escape_debug();
            return Err(Error::plain(format!("FAT has no name like '{name}'")));
        };
        let mut new = directory_entry::slots(name, &short, attributes, first, size);
        new.push([0; SLOT]); // nothing of what may follow counts
        let places = self.indexed(folder, |index| self.room(folder, index, new.len()))??;
        for (place, slot) in places.iter().zip(&new) {
            self.clusters.borrow_mut().write(*place, slot)?;
        }
        let made = (attributes & FOLDER != 0).then_some(first);
        self.indexed(folder, |index| index.entered(name, made, new.len() - 1))
    }

    /// Places for so many more slots, the last of them perhaps beyond the end. All places before the first slot: half a
    /// name is worse than none.
    fn room(&self, folder: u32, index: &mut FolderIndex, slots: usize) -> Result<Vec<u64>> {
        let needed = ((index.used + slots) * SLOT) as u64;
        let mut room = index.pieces.iter().map(|(_, len)| len).sum::<u64>();
        while room + (SLOT as u64) < needed {
            if folder == 0 && self.shape.root_len > 0 {
                return Err(Error::plain("the root folder is full"));
            }
            if room + self.shape.cluster > FOLDER_LIMIT {
                return Err(Error::plain("the folder has too many files"));
            }
            let last = index
                .pieces
                .last()
                .map(|(at, _)| self.shape.cluster_at(*at));
            let added = self.clear_cluster(last)?;
            index
                .pieces
                .push((self.shape.at(added)?, self.shape.cluster));
            room += self.shape.cluster;
        }
        let pieces = index.pieces.iter();
        let places = pieces.flat_map(|(at, len)| (*at..at + len).step_by(SLOT));
        Ok(places.skip(index.used).take(slots).collect())
    }

    /// Asks the index of a folder, or changes it; the folder is read if it is the first time.
    fn indexed<T>(&self, folder: u32, ask: impl FnOnce(&mut FolderIndex) -> T) -> Result<T> {
        let mut indexes = self.indexes.borrow_mut();
        let index = match indexes.entry(folder) {
            Slot::Occupied(index) => index.into_mut(),
            Slot::Vacant(place) => {
                let slots = self.folder(folder, &mut FOLDERS_LIMIT.clone())?;
                let pieces = self.pieces(folder)?;
                place.insert(FolderIndex::new(&slots, self.shape.bits == 32, pieces))
            }
        };
        Ok(ask(index))
    }

    /// One more cluster of zeros.
    fn clear_cluster(&self, after: Option<u32>) -> Result<u32> {
        let mut clusters = self.clusters.borrow_mut();
        let cluster = clusters.claim(after)?;
        clusters.write(
            self.shape.at(cluster)?,
            &vec![0; self.shape.cluster as usize],
        )?;
        Ok(cluster)
    }

    fn look(&self, folder: u32, name: &str) -> Result<Option<Entry>> {
        let folder = self.folder(folder, &mut FOLDERS_LIMIT.clone())?;
        let mut entries = Entries::new(&folder, self.shape.bits == 32)
            .filter(|entry| entry.attributes & VOLUME == 0);
        Ok(entries.find(|entry| entry.name.eq_ignore_ascii_case(name)))
    }

    /// The slots of the folder that begins with a cluster, up to the one that says there are no more. What is
    /// read counts against `left`.
    fn folder(&self, first: u32, left: &mut u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (at, len) in self.pieces(first)? {
            *left = left.checked_sub(len).ok_or_else(too_much)?;
            let start = bytes.len();
            bytes.resize(start + len as usize, 0);
            self.clusters.borrow_mut().read(at, &mut bytes[start..])?;
            if bytes[start..].chunks_exact(SLOT).any(|slot| slot[0] == 0) {
                break;
            }
        }
        Ok(bytes)
    }

    /// Places and lengths of the parts of a folder.
    fn pieces(&self, first: u32) -> Result<Vec<(u64, u64)>> {
        let mut cluster = match (first, self.shape.root_len) {
            (0, 0) => self.shape.root_cluster,
            (0, len) => return Ok(vec![(self.shape.root, len)]),
            (first, _) => first,
        };
        let mut pieces = Vec::new();
        loop {
            pieces.push((self.shape.at(cluster)?, self.shape.cluster));
            match self.clusters.borrow_mut().next(cluster)? {
                None => return Ok(pieces),
                Some(_) if pieces.len() as u64 * self.shape.cluster >= FOLDER_LIMIT => {
                    return Err(too_much());
                }
                Some(next) => cluster = next,
            }
        }
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn too_much() -> Error {
    Error::plain(
        "there are more folders, or larger ones, than anybody makes: the file system goes in circles",
    )
}
