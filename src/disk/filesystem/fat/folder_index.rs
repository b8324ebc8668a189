//! What has to be known of a folder to put one more file into it, read once: its names, and where it ends.

use std::collections::BTreeMap;

use crate::disk::filesystem::fat::directory_entry::{Entries, Entry, FOLDER, SLOT, VOLUME};
use crate::disk::filesystem::fat::short_name::ShortNames;

pub(super) struct FolderIndex {
    /// Names in small letters; the first cluster of what is a folder.
    names: BTreeMap<String, Option<u32>>,
    pub short: ShortNames,
    /// Slots in use, the deleted ones among them.
    pub used: usize,
    /// Places and lengths of the parts of the folder.
    pub pieces: Vec<(u64, u64)>,
}

impl FolderIndex {
    /// By the slots of a folder; `wide` as in [`Entries`].
    pub fn new(slots: &[u8], wide: bool, pieces: Vec<(u64, u64)>) -> Self {
        let used = slots.chunks_exact(SLOT).take_while(|slot| slot[0] != 0);
        let mut short = ShortNames::default();
        let taken = used.clone().filter_map(|slot| slot.first_chunk().copied());
        taken.for_each(|name| short.take(name));
        let mut index = FolderIndex {
            names: BTreeMap::new(),
            short,
            used: used.count(),
            pieces,
        };
        let files = Entries::new(slots, wide).filter(|entry| entry.attributes & VOLUME == 0);
        for Entry {
            name,
            attributes,
            first,
            ..
        } in files
        {
            let folder = (attributes & FOLDER != 0).then_some(first);
            // Of two by one name the first one counts.
            index
                .names
                .entry(name.to_ascii_lowercase())
                .or_insert(folder);
        }
        index
    }

    /// What has this name, letter case aside: a folder's first cluster, or none of a file.
    pub fn find(&self, name: &str) -> Option<Option<u32>> {
        self.names.get(&name.to_ascii_lowercase()).copied()
    }

    /// One more is there, in so many slots.
    pub fn entered(&mut self, name: &str, folder: Option<u32>, slots: usize) {
        self.names.insert(name.to_ascii_lowercase(), folder);
        self.used += slots;
    }
}
