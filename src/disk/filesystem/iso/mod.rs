//! The files of an ISO 9660 image: where a config drive usually is.
//!
//! ECMA-119 (4th edition) is the file system. Names are taken from Rock Ridge (IEEE P1282, in the areas of SUSP,
//! IEEE P1281), else from Joliet, else made lower-case as Linux does. Whoever made the image is not trusted:
//! everything lies within it, and there is an end to folders in folders, files and names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::disk::filesystem::iso::directory_records::{
    FOLDER, Image, Record, Records, SECTOR, STRANGE, too_much,
};
use crate::disk::filesystem::iso::rock_ridge::Rock;
use crate::error::{Error, Result};

/// More of anything is no config drive.
const MOST_FILES: usize = 10_000;
const MOST_FOLDER_BYTES: usize = 16 << 20;
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

/// Every file by its path, with '/' between, and its content. A symbolic link is what it leads to.
pub fn files(image: &[u8]) -> Result<Vec<(String, &[u8])>> {
    let (iso, root) = Iso::open(image)?;
    let (mut files, mut links) = (Files::default(), Vec::new());
    let mut waiting = vec![(String::new(), root, 0)];
    let mut bytes = 0;
    let mut seen = 0;
    while let Some((path, folder, depth)) = waiting.pop() {
        bytes += folder.len();
        if bytes > MOST_FOLDER_BYTES || depth > DEEPEST {
            return Err(too_much());
        }
        // The first two are the folder itself and the one it is in.
        for record in Records(folder).skip(2) {
            let record = record?;
            let (name, link) = iso.name(&record)?;
            seen += 1;
            if seen > MOST_FILES {
                return Err(too_much());
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
            let path = match path.is_empty() {
                true => name,
                false => format!("{path}/{name}"),
            };
            if record.flags & STRANGE != 0 {
                return Err(Error::plain(format!(
                    "{path} is stored in a way nobody uses"
                )));
            }
            match link {
                Some(to) => links.push((path, to)),
                None if record.flags & FOLDER != 0 => {
                    waiting.push((path, iso.image.content(&record)?, depth + 1))
                }
                None => files.add(path, iso.image.content(&record)?)?,
            }
        }
    }
    for (path, to) in links {
        let Some(to) = resolved(&path, &to) else {
            continue;
        };
        for (rest, content) in files.below(&to) {
            files.add(format!("{path}{rest}"), content)?;
        }
    }
    Ok(files.by_path.into_iter().collect())
}

/// Files found so far.
#[derive(Default)]
struct Files<'a> {
    by_path: BTreeMap<String, &'a [u8]>,
    path_bytes: usize,
}

impl<'a> Files<'a> {
    fn add(&mut self, path: String, content: &'a [u8]) -> Result<()> {
        self.path_bytes += path.len();
        if self.by_path.len() >= MOST_FILES || self.path_bytes > MOST_PATH_BYTES {
            return Err(too_much());
        }
        match self.by_path.entry(path) {
            Entry::Vacant(place) => drop(place.insert(content)),
            Entry::Occupied(first) => {
                let path = first.key().escape_debug();
                return Err(Error::plain(format!("it has {path} twice")));
            }
        }
        Ok(())
    }

    /// The file at `path`, or all in the folder of this name: what is behind `path` in theirs, and their contents.
    fn below(&self, path: &str) -> Vec<(String, &'a [u8])> {
        let folder = format!("{path}/");
        let inside = self.by_path.range(folder.clone()..);
        let inside = inside.take_while(|(file, _)| file.starts_with(&folder));
        let own = self.by_path.get_key_value(path).into_iter();
        let all = own.chain(inside);
        all.map(|(file, content)| (file[path.len()..].to_owned(), *content))
            .collect()
    }
}

impl<'a> Iso<'a> {
    /// With the content of the root folder.
    fn open(image: &'a [u8]) -> Result<(Self, &'a [u8])> {
        let (mut primary, mut joliet) = (None, None);
        // ECMA-119, 8.1: descriptors from sector 16 on, until one of type 255.
        for sector in image.chunks_exact(SECTOR).skip(16).take(32) {
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
                bytes: image,
                block: usize::from(primary[128]) | usize::from(primary[129]) << 8,
            },
            names: Names::Plain,
        };
        let root = |iso: &Self, descriptor: &'a [u8]| {
            iso.image.content(&Record::new(&descriptor[156..190])?)
        };
        let folder = root(&iso, primary)?;
        let itself = Records(folder).next().transpose()?;
        // SUSP 5.3: it is there if the record of the root itself begins with SP.
        match itself.map(|record| record.area) {
            Some([b'S', b'P', 7, _, 0xbe, 0xef, skip, ..]) => {
                iso.names = Names::RockRidge((*skip).into())
            }
            _ if joliet.is_some() => iso.names = Names::Joliet,
            _ => {}
        }
        match (iso.names, joliet) {
            (Names::Joliet, Some(joliet)) => root(&iso, joliet).map(|folder| (iso, folder)),
            _ => Ok((iso, folder)),
        }
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
