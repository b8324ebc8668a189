//! The files of an ISO 9660 image: where a config drive usually is.
//!
//! ECMA-119 (4th edition) is the file system. Names are taken from Rock Ridge (IEEE P1282, in the areas of SUSP,
//! IEEE P1281), else from Joliet, else made lower-case as Linux does. Whoever made the image is not trusted:
//! everything lies within it, and there is an end to folders in folders, files and names.

mod rock;

use crate::disk::filesystem::iso::rock::Rock;
use crate::error::{Error, Result};

/// ECMA-119, 6.1.2.
const SECTOR: usize = 2048;
/// More of anything is no config drive.
const MOST_FILES: usize = 10_000;
const MOST_FOLDER_BYTES: usize = 16 << 20;
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
    image: &'a [u8],
    block: usize,
    names: Names,
}

/// ECMA-119, 9.1: what a folder says of a file or of a folder in it.
struct Record<'a> {
    start: usize,
    len: usize,
    flags: u8,
    name: &'a [u8],
    /// What others than ECMA-119 say.
    area: &'a [u8],
}

const FOLDER: u8 = 2;
/// Associated, with a structure of its own, and in several parts: nothing of it is in a config drive.
const STRANGE: u8 = 4 | 8 | 128;

/// Every file by its path, with '/' between, and its content. A symbolic link is what it leads to.
pub fn files(image: &[u8]) -> Result<Vec<(String, &[u8])>> {
    let (iso, root) = Iso::open(image)?;
    let (mut files, mut links) = (Vec::new(), Vec::new());
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
                    waiting.push((path, iso.content(&record)?, depth + 1))
                }
                None => files.push((path, iso.content(&record)?)),
            }
        }
    }
    for (path, to) in links {
        let Some(to) = resolved(&path, &to) else {
            continue;
        };
        let met = files.iter().filter_map(|(file, content)| {
            let rest = file.strip_prefix(&to)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| (format!("{path}{rest}"), *content))
        });
        let met: Vec<_> = met.take(MOST_FILES).collect();
        files.extend(met);
        if files.len() > MOST_FILES {
            return Err(too_much());
        }
    }
    Ok(files)
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
            image,
            block: usize::from(primary[128]) | usize::from(primary[129]) << 8,
            names: Names::Plain,
        };
        let root =
            |iso: &Self, descriptor: &'a [u8]| iso.content(&Record::new(&descriptor[156..190])?);
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

    fn content(&self, record: &Record) -> Result<&'a [u8]> {
        let start = record.start.checked_mul(self.block);
        let range = start.and_then(|start| Some(start..start.checked_add(record.len)?));
        let content = range.and_then(|range| self.image.get(range));
        content.ok_or_else(|| Error::plain("a part of it lies beyond its end"))
    }

    /// The name, and of a symbolic link where it leads.
    fn name(&self, record: &Record) -> Result<(String, Option<String>)> {
        let name = record.name;
        match self.names {
            Names::RockRidge(skip) => {
                let mut rock = Rock::default();
                rock.read(self, record.area.get(skip..).unwrap_or_default())?;
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

impl<'a> Record<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let named = bytes.get(32).map(|len| 33 + usize::from(*len));
        let Some(end) = named.filter(|end| *end <= bytes.len()) else {
            return Err(Error::plain("a folder of it is cut or damaged"));
        };
        Ok(Record {
            start: wide(bytes, 2) as usize + usize::from(bytes[1]),
            len: wide(bytes, 10) as usize,
            flags: bytes[25]
                | if bytes[26] | bytes[27] != 0 {
                    STRANGE
                } else {
                    0
                },
            name: &bytes[33..end],
            area: bytes.get(end.next_multiple_of(2)..).unwrap_or_default(),
        })
    }
}

/// The records of a folder; none goes from one sector into the next (ECMA-119, 6.8.1.1).
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.0.first() == Some(&0) {
            let rest = self.0.len().saturating_sub(1) / SECTOR * SECTOR;
            self.0 = &self.0[self.0.len() - rest..];
        }
        let len = usize::from(*self.0.first()?);
        let (record, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        Some(Record::new(record))
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

fn wide(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn too_much() -> Error {
    Error::plain("it has more files, or folders in folders, than a config drive")
}
