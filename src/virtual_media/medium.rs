//! One medium: what it is labelled, who published it, and those of its files that are for the agent.
//!
//! Nothing is mounted. Whoever made it is not trusted: few files of little size are taken, whole or not at all, and of the
//! rest of the medium not even the names.

use std::fs::File;
use std::io::Read;

use crate::disk::filesystem::fat::Volume;
use crate::disk::filesystem::iso;
use crate::disk::filesystem::partition_reader::PartitionReader;
use crate::disk::filesystem::probe::{self, FileSystem, Kind, LOOK};
use crate::error::{Context, Error, Result};
use crate::sys::block;
use crate::virtual_media::parameters_txt;
use crate::virtual_media::removable::Removable;

/// The most one file may have, all together, and how many there may be. Ironic puts in two and a network plan; the largest
/// is a file of authorities.
const MOST_BYTES: u64 = 1 << 20;
const MOST_BYTES_TOGETHER: u64 = 4 << 20;
const MOST_FILES: usize = 64;
/// The most letters of a name.
const LONGEST_NAME: usize = 255;

/// Where Ironic writes parameters on a medium.
const PARAMETERS: &str = "parameters.txt";
/// Where it plans the network.
const NETWORK_DATA: &str = "openstack/latest/network_data.json";
/// Files of these folders, as they are called on the medium and below `/etc`, are for the agent.
const FOLDERS: [&str; 2] = ["etc/ironic-python-agent", "etc/ironic-python-agent.d"];

/// A medium that is there, and what it begins with.
pub struct Medium {
    file: File,
    size: u64,
    kind: Kind,
    /// Of the file system.
    pub label: String,
    /// Whom an ISO 9660 file system names as its publisher; empty for nobody.
    pub publisher: String,
}

/// What a configuration medium has for the agent, in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Paths below `/`, and contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// `network_data.json`.
    pub network_data: Option<Vec<u8>>,
    /// What is there and was not taken, in words.
    pub left_out: Vec<String>,
}

impl Medium {
    /// Is there none in the drive?
    pub fn is_absent(device: &Removable) -> bool {
        // asm-generic/errno.h
        const ENOMEDIUM: i32 = 123;
        let opened = File::open(&device.path);
        opened.is_err_and(|error| error.raw_os_error() == Some(ENOMEDIUM))
    }

    /// None if there is no file system on it that could be one of Ironic's.
    pub fn open(device: &Removable) -> Result<Option<Self>> {
        let file = File::open(&device.path).context("opening it")?;
        let size = block::size(&file).context("asking for its size")?;
        let mut start = Vec::with_capacity(LOOK);
        let read = (&file).take(LOOK as u64).read_to_end(&mut start);
        read.context("reading its start")?;
        let Some(found) = FileSystem::find(&start) else {
            return Ok(None);
        };
        let mut medium = Medium {
            file,
            size,
            kind: found.kind,
            label: found.label,
            publisher: probe::publisher(&start).unwrap_or_default(),
        };
        if medium.kind == Kind::Fat {
            let mut reader = PartitionReader::new(&medium.file, 0, size);
            medium.label = Volume::open(&mut reader)?.label()?;
        }
        Ok(Some(medium))
    }

    /// In words: the kind of file system.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What `parameters.txt` sets, a word a line; none if there is no such file.
    pub fn parameters(&self) -> Result<Option<String>> {
        let mut files = Vec::new();
        let most = parameters_txt::LONGEST as u64;
        self.each_file(
            &|path| path.eq_ignore_ascii_case(PARAMETERS),
            &mut |_, len, content| {
                files.push(bounded(PARAMETERS, len, most, content)?);
                Ok(())
            },
        )?;
        files
            .pop()
            .map(|bytes| parameters_txt::parse(&bytes))
            .transpose()
    }

    /// All that is for the agent, or an error.
    pub fn content(&self) -> Result<Content> {
        let (mut found, mut together) = (Content::default(), 0);
        let links = self.each_file(&is_wanted, &mut |path, len, content| {
            let bytes = bounded(path, len, MOST_BYTES, content)?;
            together += bytes.len() as u64;
            if path.eq_ignore_ascii_case(NETWORK_DATA) {
                found.network_data = Some(bytes);
                return Ok(());
            }
            if found.files.len() == MOST_FILES || together > MOST_BYTES_TOGETHER {
                return Err(Error::plain(format!(
                    "it has more files for the agent than {MOST_FILES}, or more than {MOST_BYTES_TOGETHER} bytes of them"
                )));
            }
            match name_below_etc(path) {
                Some(path) => found.files.push((path, bytes)),
                None => found.left_out.push(format!("'{}' is no name for a file here", path.escape_debug())),
            }
            Ok(())
        })?;
        let links = links.iter();
        found.left_out.extend(links.map(|link| {
            format!(
                "{} is a symbolic link, and those are not followed",
                link.escape_debug()
            )
        }));
        Ok(found)
    }

    /// Calls `each` with path, length and content of each file that is wanted; wanted links come back.
    fn each_file(
        &self,
        wants: &dyn Fn(&str) -> bool,
        each: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<()>,
    ) -> Result<Vec<String>> {
        match self.kind {
            Kind::Iso9660 => {
                let image = PartitionReader::new(&self.file, 0, self.size);
                let listing = iso::list(&image, wants)?;
                for (path, place) in &listing.files {
                    let mut content = PartitionReader::new(&self.file, place.start, place.len);
                    each(path, place.len, &mut content)?;
                }
                Ok(listing.links.into_iter().map(|(path, _)| path).collect())
            }
            Kind::Fat => {
                let mut reader = PartitionReader::new(&self.file, 0, self.size);
                let volume = Volume::open(&mut reader)?;
                volume.each_file(&mut |path, mut file| match wants(path) {
                    true => each(path, file.size(), &mut file),
                    false => Ok(()),
                })?;
                Ok(Vec::new())
            }
            Kind::Ext => Err(Error::plain("files of an ext file system are not read")),
        }
    }
}

/// All of a file, which has `len` bytes.
fn bounded(path: &str, len: u64, most: u64, content: &mut dyn Read) -> Result<Vec<u8>> {
    if len > most {
        let why = format!("{path} has {len} bytes, and {most} are the most it may have");
        return Err(Error::plain(why));
    }
    let mut bytes = Vec::new();
    let read = content.take(len).read_to_end(&mut bytes);
    match read.with_context(|| format!("reading {path}"))? as u64 {
        read if read == len => Ok(bytes),
        read => Err(Error::plain(format!(
            "{path} ends after {read} of {len} bytes"
        ))),
    }
}

/// Is it a file for the agent, or a folder on the way to one? Letter case is no matter.
fn is_wanted(path: &str) -> bool {
    let above = path.rsplit_once('/').map(|(above, _)| above);
    iso::is_on_the_way(path, NETWORK_DATA)
        || FOLDERS.iter().any(|folder| {
            iso::is_on_the_way(path, folder)
                || above.is_some_and(|above| above.eq_ignore_ascii_case(folder))
        })
}

/// Where a file of the medium goes; none for a name that a path could be made of, or that no console should show.
fn name_below_etc(path: &str) -> Option<String> {
    let (above, name) = path.rsplit_once('/')?;
    let folder = FOLDERS
        .iter()
        .find(|folder| above.eq_ignore_ascii_case(folder))?;
    let is_name = !name.is_empty() && name != "." && name != ".." && name.len() <= LONGEST_NAME;
    let is_plain = !name.contains(|c: char| {
        c.is_control() || c == char::REPLACEMENT_CHARACTER || "/\\".contains(c)
    });
    (is_name && is_plain).then(|| format!("/{folder}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_for_the_agent_are_wanted() {
        for (path, wanted, below_etc) in [
            ("etc", true, None),
            ("ETC/Ironic-Python-Agent.d", true, None),
            (
                "etc/ironic-python-agent/ironic.crt",
                true,
                Some("/etc/ironic-python-agent/ironic.crt"),
            ),
            (
                "etc/ironic-python-agent.d/a.conf",
                true,
                Some("/etc/ironic-python-agent.d/a.conf"),
            ),
            ("etc/ironic-python-agent.d/..", true, None),
            ("etc/ironic-python-agent.d/a\\b", true, None),
            ("etc/ironic-python-agent.d/a\u{1b}[2J", true, None),
            ("etc/ironic-python-agent.d/sub/a.conf", false, None),
            ("etc/shadow", false, None),
            ("openstack/latest", true, None),
            ("openstack/latest/network_data.json", true, None),
            ("openstack/latest/user_data", false, None),
            ("vmlinuz", false, None),
        ] {
            assert_eq!(is_wanted(path), wanted, "{path}");
            assert_eq!(name_below_etc(path).as_deref(), below_etc, "{path}");
        }
    }
}
