//! Puts files into a mounted file system, and takes them away: first everything under names of its own, then, once all of it is
//! there, in the place of what it replaces.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};

use crate::codec::hex;
use crate::error::{Context, Error, Result};
use crate::steps::inject_files::item::{Change, Content, Item, Put};
use crate::sys::kernel;
use crate::sys::rooted::{Folder, Kind, copy_attributes, set_mode};

/// Of files and folders that are new and asked for without one.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
/// As many links as the kernel follows (linux/namei.h, MAXSYMLINKS).
const LINKS: usize = 40;

/// Where a file is, or is to be: paths from the root of its file system.
struct Place {
    folder: String,
    name: String,
    /// The last names of `folder` that are not there yet.
    missing: usize,
    /// What has the name.
    taken: Option<Kind>,
}

/// A file that is there, but not yet in its place; or one that is to go.
pub struct Staged {
    folder: String,
    /// None: it goes.
    temporary: Option<String>,
    name: String,
}

/// All that has been done so far, for whoever has to undo it.
#[derive(Default)]
pub struct Session {
    staged: Vec<Staged>,
    /// Folder and name of folders that were made.
    made: Vec<(String, String)>,
}

/// Why the change cannot be made in the file system of `driver`; none if it can.
pub fn fault(root: &Folder, driver: &str, item: &Item) -> Option<String> {
    let put = match &item.change {
        Change::Put(put) => put,
        Change::Delete => {
            return match locate(root, &item.path, false) {
                Ok(place) if place.taken == Some(Kind::Folder) => {
                    Some("it is a folder, and only files are deleted".to_owned())
                }
                Ok(_) => None,
                Err(error) => Some(error.details().to_owned()),
            };
        }
    };
    if driver == "vfat"
        && (put.mode.is_some()
            || put.folder_mode.is_some()
            || put.owner.is_some()
            || put.group.is_some())
    {
        return Some("a vfat file system keeps no mode, owner and group".to_owned());
    }
    let place = match locate(root, &item.path, true) {
        Ok(place) => place,
        Err(error) => return Some(error.details().to_owned()),
    };
    match place.taken {
        Some(Kind::Folder) => Some("it is a folder".to_owned()),
        Some(Kind::Special) => Some("it is a device, a FIFO or a socket".to_owned()),
        Some(Kind::File | Kind::Link) | None => None,
    }
}

/// Finds the place of a file. A link is followed within the file system if `follows`, and replaced if it leads nowhere.
fn locate(root: &Folder, path: &str, follows: bool) -> Result<Place> {
    let mut path = path.to_owned();
    let mut link = None;
    for _ in 0..LINKS {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if matches!(name, "" | "." | "..") {
            return Err(Error::plain("it is a link to a folder"));
        }
        let (folder, name) = (folder.to_owned(), name.to_owned());
        let (open, missing) = deepest(root, &folder)?;
        let taken = if missing == 0 {
            open.kind(&name)?
        } else {
            None
        };
        let target = match taken {
            Some(Kind::Link) if follows => Some(open.link(&name)?),
            _ => None,
        };
        let place = Place {
            folder,
            name,
            missing,
            taken,
        };
        match (target, place.taken) {
            (Some(target), _) => {
                path = match target.starts_with('/') {
                    true => target,
                    false => format!("{}/{target}", place.folder),
                };
                link.get_or_insert(place);
            }
            (None, None) => return Ok(link.unwrap_or(place)),
            (None, Some(_)) => return Ok(place),
        }
    }
    Err(Error::plain("links in it go round in circles"))
}

/// The last folder on the way that is there, and how many are not.
fn deepest(root: &Folder, folder: &str) -> Result<(Folder, usize)> {
    let (mut rest, mut missing) = (folder, 0);
    loop {
        match root.below(rest) {
            Ok(open) if missing == 0 => return Ok((open, 0)),
            Ok(open) => {
                let next = folder[rest.len()..]
                    .split('/')
                    .find(|name| !name.is_empty());
                return match open.kind(next.unwrap_or_default())? {
                    None => Ok((open, missing)),
                    Some(_) => Err(Error::plain(format!(
                        "/{rest} has a link that leads nowhere where there should be a folder"
                    ))),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !rest.is_empty() => {
                rest = rest.rsplit_once('/').map_or("", |(before, _)| before);
                missing += 1;
            }
            Err(error) => {
                return Err(Error::from(error)).with_context(|| format!("looking for /{rest}"));
            }
        }
    }
}

impl Session {
    /// Makes everything of an item but the last step; `fetch` writes what is at a URL into a file.
    pub fn stage(
        &mut self,
        root: &Folder,
        driver: &str,
        item: &Item,
        fetch: &dyn Fn(&str, &mut File) -> Result<()>,
    ) -> Result<()> {
        let place = locate(root, &item.path, matches!(item.change, Change::Put(_)))?;
        let Change::Put(put) = &item.change else {
            if place.taken.is_some() {
                self.staged.push(Staged {
                    folder: place.folder,
                    temporary: None,
                    name: place.name,
                });
            }
            return Ok(());
        };
        let folder = self.folder(root, &place, driver, put.folder_mode)?;
        let mut random = [0; 6];
        kernel::random(&mut random).context("drawing a name for a file")?;
        let temporary = format!(".ironlet-{}", hex::encode(&random));
        let mut file = folder.create(&temporary)?;
        self.staged.push(Staged {
            folder: place.folder.clone(),
            temporary: Some(temporary),
            name: place.name.clone(),
        });
        match &put.content {
            Content::Bytes(bytes) => file.write_all(bytes)?,
            Content::At(url) => fetch(url, &mut file)?,
        }
        if driver != "vfat" {
            let old = match place.taken {
                Some(Kind::File) => Some(folder.open_file(&place.name)?),
                _ => None,
            };
            dress(&file, old.as_ref(), put)?;
        }
        file.sync_all().map_err(Error::from)
    }

    /// The folder of a place, made if it is not there.
    fn folder(
        &mut self,
        root: &Folder,
        place: &Place,
        driver: &str,
        mode: Option<u32>,
    ) -> Result<Folder> {
        let names: Vec<_> = place.folder.split('/').collect();
        let (there, missing) = names.split_at(names.len() - place.missing.min(names.len()));
        let mut path = there.join("/");
        let mut folder = root.below(&path)?;
        for (index, name) in missing.iter().filter(|name| !name.is_empty()).enumerate() {
            let last = index + 1 == missing.len();
            let mode = mode.filter(|_| last).unwrap_or(FOLDER_MODE);
            let made = folder.make_folder(name, (driver != "vfat").then_some(mode));
            let made = made.with_context(|| format!("making folder {name} in /{path}"))?;
            folder.sync()?;
            self.made.push((path.clone(), (*name).to_owned()));
            path = if path.is_empty() {
                (*name).to_owned()
            } else {
                format!("{path}/{name}")
            };
            folder = made;
        }
        Ok(folder)
    }

    /// The last step of all items, in their order.
    pub fn commit(&mut self, root: &Folder) -> Result<()> {
        for staged in std::mem::take(&mut self.staged) {
            let doing = || format!("putting {} in its place in /{}", staged.name, staged.folder);
            let folder = root.below(&staged.folder).with_context(doing)?;
            let done = match &staged.temporary {
                Some(temporary) => folder.rename(temporary, &staged.name),
                None => folder.remove(&staged.name),
            };
            done.and_then(|()| folder.sync()).with_context(doing)?;
        }
        self.made.clear();
        Ok(())
    }

    /// Takes back what was staged and made.
    pub fn undo(&mut self, root: &Folder) {
        for staged in self.staged.drain(..) {
            let (Ok(folder), Some(temporary)) = (root.below(&staged.folder), &staged.temporary)
            else {
                continue;
            };
            if let Err(error) = folder.remove(temporary) {
                log::warn!("{temporary} stays in /{}: {error}", staged.folder);
            }
        }
        for (path, name) in self.made.drain(..).rev() {
            let removed = root
                .below(&path)
                .and_then(|folder| folder.remove_folder(&name));
            if let Err(error) = removed {
                log::warn!("folder {name} stays in /{path}: {error}");
            }
        }
    }
}

/// Owner, labels and mode: of the item, else of the file it replaces, else of a new file.
fn dress(file: &File, old: Option<&File>, put: &Put) -> Result<()> {
    let old_one = old.map(File::metadata).transpose()?;
    let owner = put.owner.or(old_one.as_ref().map(MetadataExt::uid));
    let group = put.group.or(old_one.as_ref().map(MetadataExt::gid));
    // The mode comes last: another owner costs a file the bits that run it as somebody else.
    fchown(file, owner, group).context("changing its owner")?;
    if let Some(old) = old {
        copy_attributes(old, file).context("copying the attributes of the file before it")?;
    }
    let mode = put.mode.or(old_one.map(|old| old.mode() & 0o7777));
    set_mode(file, mode.unwrap_or(FILE_MODE)).context("changing its mode")
}
