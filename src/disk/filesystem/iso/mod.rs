//! The files of an ISO 9660 image: where a config drive usually is.
//!
//! ECMA-119 (4th edition) is the file system. Names are taken from Rock Ridge (IEEE P1282, in the areas of SUSP,
//! IEEE P1281), else from Joliet, else made lower-case as Linux does. Whoever made the image is not trusted:
//! everything lies within it, and there is an end to folders in folders, files and names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use crate::disk::filesystem::iso::directory_records::Source;
use crate::disk::filesystem::iso::directory_records::{
    FOLDER, Image, Record, Records, SECTOR, STRANGE, too_much,
};
use crate::disk::filesystem::iso::rock_ridge::Rock;
use crate::error::{Context, Error, Result};

/// More of anything is no config drive.
const MOST_FILES: usize = 10_000;
const MOST_FOLDER_BYTES: u64 = 16 << 20;
const MOST_PATH_BYTES: usize = 4 << 20;
const DEEPEST: usize = 16;
const LONGEST_NAME: usize = 255;

/// Where names are.
#[derive(Clone, Copy)]
enum Names {
    /// So many bytes into the area of each record.
    RockRidge(usize),
    Joliet,
    Plain,
}

struct Iso<'a> {
    image: Image<'a>,
    names: Names,
}

/// Where the content of a file lies in the image, all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub start: u64,
    /// Bytes.
    pub len: u64,
}

/// What an image has of what was wanted, by path, with '/' between.
#[derive(Debug, Default)]
pub struct Listing {
    /// Every file.
    pub files: BTreeMap<String, Place>,
    /// Every symbolic link, and where it says it leads.
    pub links: Vec<(String, String)>,
    path_bytes: usize,
}

/// Every file by its path, with '/' between, and its content. A symbolic link is what it leads to.
pub fn files(image: &[u8]) -> Result<Vec<(String, &[u8])>> {
    let mut listing = list(&image, &|_| true)?;
    for (path, to) in std::mem::take(&mut listing.links) {
        let Some(to) = resolved(&path, &to) else {
            continue;
        };
        for (rest, place) in listing.below(&to) {
            listing.add(format!("{path}{rest}"), place)?;
        }
    }
    // Each was seen to lie within the image.
    let content = |place: Place| &image[place.start as usize..][..place.len as usize];
    let files = listing.files.into_iter();
    Ok(files.map(|(path, place)| (path, content(place))).collect())
}

/// Is `path` the file or folder `to`, or a folder on the way to it? Letter case is no matter: what a [`list`] for `to` has to want.
pub fn is_on_the_way(path: &str, to: &str) -> bool {
    let above = to.match_indices('/').map(|(at, _)| &to[..at]);
    above
        .chain([to])
        .any(|part| part.eq_ignore_ascii_case(path))
}

/// The files and links at paths that `wants` says yes to, in folders that it says yes to; what else there is may be as it
/// likes.
pub fn list(source: &dyn Source, wants: &dyn Fn(&str) -> bool) -> Result<Listing> {
    let (iso, root) = Iso::open(source)?;
    let mut listing = Listing::default();
    let mut waiting = vec![(String::new(), root, 0)];
    let (mut bytes, mut seen) = (0, 0);
    while let Some((path, place, depth)) = waiting.pop() {
        bytes += place.len;
        if bytes > MOST_FOLDER_BYTES || depth > DEEPEST {
            return Err(too_much());
        }
        let mut folder = vec![0; place.len as usize];
        source
            .read(place.start, &mut folder)
            .with_context(|| format!("reading its folder /{path}"))?;
        // The first two are the folder itself and the one it is in.
        for record in Records(&folder).skip(2) {
            let record = record?;
            let (name, link) = iso.name(&record)?;
            seen += 1;
            if seen > MOST_FILES {
                return Err(too_much());
            }
            let path = match path.is_empty() {
                true => name.clone(),
                false => format!("{path}/{name}"),
            };
            if !wants(&path) {
                continue;
            }
            if name.is_empty()
                || name.len() > LONGEST_NAME
                || name == "."
                || name == ".."
                || name.contains(['/', '\0'])
            {
                return Err(Error::plain(format!(
                    "'{}' is no name of a file",
                    name.escape_debug()
                )));
            }
            if record.flags & STRANGE != 0 {
                return Err(Error::plain(format!(
                    "{path} is stored in a way nobody uses"
                )));
            }
            if let Some(to) = link {
                listing.links.push((path, to));
                continue;
            }
            let place = iso.place(&record)?;
            match record.flags & FOLDER {
                0 => listing.add(path, place)?,
                _ => waiting.push((path, place, depth + 1)),
            }
        }
    }
    Ok(listing)
}

impl Listing {
    fn add(&mut self, path: String, place: Place) -> Result<()> {
        self.path_bytes += path.len();
        if self.files.len() >= MOST_FILES || self.path_bytes > MOST_PATH_BYTES {
            return Err(too_much());
        }
        match self.files.entry(path) {
            Entry::Vacant(vacant) => drop(vacant.insert(place)),
            Entry::Occupied(first) => {
                let path = first.key().escape_debug();
                return Err(Error::plain(format!("it has {path} twice")));
            }
        }
        Ok(())
    }

    /// The file at `path`, or all in the folder of this name: what is behind `path` in theirs, and where they lie.
    fn below(&self, path: &str) -> Vec<(String, Place)> {
        let folder = format!("{path}/");
        let inside = self.files.range(folder.clone()..);
        let inside = inside.take_while(|(file, _)| file.starts_with(&folder));
        let own = self.files.get_key_value(path).into_iter();
        let all = own.chain(inside);
        all.map(|(file, place)| (file[path.len()..].to_owned(), *place))
            .collect()
    }
}

impl<'a> Iso<'a> {
    /// With where the root folder lies.
    fn open(source: &'a dyn Source) -> Result<(Self, Place)> {
        let (mut primary, mut joliet) = (None, None);
        // ECMA-119, 8.1: descriptors from sector 16 on, until one of type 255.
        for number in 16..48 {
            let mut sector = vec![0; SECTOR];
            let at = number * SECTOR as u64;
            if at + SECTOR as u64 > source.size() {
                break;
            }
            let read = source.read(at, &mut sector);
            read.with_context(|| format!("reading its descriptor at byte {at}"))?;
            match (sector[0], &sector[1..6]) {
                (1, b"CD001") => primary = primary.or(Some(sector)),
                // Joliet specification, "Escape Sequences": UCS-2 of level 1, 2 or 3.
                (2, b"CD001") if matches!(&sector[88..91], b"%/@" | b"%/C" | b"%/E") => {
                    joliet = Some(sector)
                }
                (2 | 3 | 0, b"CD001") => {}
                _ => break,
            }
        }
        let primary = primary.ok_or_else(|| Error::plain("it is no ISO 9660 file system"))?;
        let mut iso = Iso {
            image: Image {
                source,
                block: usize::from(primary[128]) | usize::from(primary[129]) << 8,
            },
            names: Names::Plain,
        };
        let root = |iso: &Self, descriptor: &[u8]| iso.place(&Record::new(&descriptor[156..190])?);
        let folder = root(&iso, &primary)?;
        let mut first = vec![0; folder.len.min(SECTOR as u64) as usize];
        let read = source.read(folder.start, &mut first);
        read.context("reading its root folder")?;
        let itself = Records(&first).next().transpose()?;
        // SUSP 5.3: it is there if the record of the root itself begins with SP.
        match itself.map(|record| record.area) {
            Some([b'S', b'P', 7, _, 0xbe, 0xef, skip, ..]) => {
                iso.names = Names::RockRidge((*skip).into())
            }
            _ if joliet.is_some() => iso.names = Names::Joliet,
            _ => {}
        }
        match (iso.names, joliet) {
            (Names::Joliet, Some(joliet)) => root(&iso, &joliet).map(|folder| (iso, folder)),
            _ => Ok((iso, folder)),
        }
    }

    fn place(&self, record: &Record) -> Result<Place> {
        Ok(Place {
            start: self.image.place(record)?,
            len: record.len as u64,
        })
    }

    /// The name, and of a symbolic link where it leads.
    fn name(&self, record: &Record) -> Result<(String, Option<String>)> {
        let name = record.name;
        match self.names {
            Names::RockRidge(skip) => {
                let mut rock = Rock::default();
                rock.read(&self.image, record.area.get(skip..).unwrap_or_default())?;
                let link = rock.is_link.then(|| text(&rock.link));
                Ok((
                    if rock.name.is_empty() {
                        plain(name)
                    } else {
                        text(&rock.name)
                    },
                    link,
                ))
            }
            Names::Joliet => {
                let letters: Vec<u16> = name
                    .chunks_exact(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect();
                let name = String::from_utf16_lossy(&letters);
                Ok((unversioned(&name).to_owned(), None))
            }
            Names::Plain => Ok((plain(name), None)),
        }
    }
}

/// Where the link at `path` leads; nowhere beyond the root.
fn resolved(path: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    if to.starts_with('/') {
        return None;
    }
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// As Linux shows it: `META_DAT.JSO;1` is meta_dat.jso.
fn plain(name: &[u8]) -> String {
    let name = text(name).to_ascii_lowercase();
    unversioned(&name).trim_end_matches('.').to_owned()
}

fn unversioned(name: &str) -> &str {
    name.split_once(';').map_or(name, |(name, _)| name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

mod directory_records;
mod rock_ridge;
