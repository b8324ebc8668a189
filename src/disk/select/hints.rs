//! Root device hints: which disk a person meant, in the grammar Ironic checks them by (protocol/inventory.md §7).
//!
//! ```text
//! {"model": "s== intel ssd", "size": ">= 400", "wwn": "<or> 0x5000 <or> 0x6000", "rotational": false}
//! ```
//! All of them must hold. Case and blanks around a value do not matter; blanks within it do.

use std::fmt;

use log::warn;

use crate::codec::json::{Object, Value, print};
use crate::disk::identity::raid_volume_name;
use crate::disk::list::Disk;
use crate::disk::raid::array_name::ArrayName;
use crate::disk::select::hint_operators::{Relation, Test, boolean, size, text};
use crate::error::{Error, Kind, Result};
use crate::system_root::device_name;
use crate::units::GIB;

/// What a disk must be: all of it.
#[derive(Clone, Debug)]
pub struct Hints(Vec<Hint>);

#[derive(Clone, Debug)]
struct Hint {
    name: &'static str,
    of: Of,
    test: Test,
    /// As written, for messages.
    given: String,
}

/// Does a disk fit?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is what is described.
    Yes,
    /// Why not, in words.
    No(String),
    /// It may be: what would tell could not be read. Why, in words.
    Unknown(String),
}

/// Where a disk has it.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// In bytes; hints count in GiB.
    Size,
    Rotational,
    /// By the kernel's name too, without a directory, and of an array by udev's link to it, where one name is asked for.
    Name,
    /// Any of several spellings, the one to show first; it is unlike a text only if all of them are.
    Spellings(fn(&Disk) -> Vec<&str>, Lacking),
    /// The volumes it is a member of, which only the disk itself tells. What cannot be read may be a member.
    Volumes,
}

/// What a disk lacks reads so, for most hints.
const NONE: &str = "none";

/// What is compared of a disk that lacks it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lacking {
    /// The word `none`, as upstream has it.
    None,
    /// Nothing: no test holds.
    Nothing,
}

static FIELDS: [(&str, Of); 13] = [
    ("size", Of::Size),
    (
        "model",
        Of::Spellings(|disk| one(&disk.identity.model), Lacking::None),
    ),
    ("wwn", Of::Spellings(wwns, Lacking::Nothing)),
    (
        "serial",
        Of::Spellings(|disk| all(&disk.identity.serials), Lacking::Nothing),
    ),
    (
        "vendor",
        Of::Spellings(|disk| one(&disk.identity.vendor), Lacking::None),
    ),
    (
        "wwn_with_extension",
        Of::Spellings(|disk| one(&disk.identity.wwn_with_extension), Lacking::None),
    ),
    (
        "wwn_vendor_extension",
        Of::Spellings(
            |disk| one(&disk.identity.wwn_vendor_extension),
            Lacking::None,
        ),
    ),
    ("name", Of::Name),
    ("rotational", Of::Rotational),
    ("hctl", Of::Spellings(|disk| one(&disk.hctl), Lacking::None)),
    ("by_path", Of::Spellings(paths, Lacking::None)),
    ("tran", Of::Spellings(transports, Lacking::None)),
    ("volume_name", Of::Volumes),
];

impl Hints {
    /// A `DeviceNotFound` says which hint is wrong and what would be right.
    pub fn parse(object: &Object) -> Result<Self> {
        if object.is_empty() {
            return Err(wrong("there is none in it"));
        }
        object
            .iter()
            .map(|(name, value)| Hint::parse(name, value))
            .collect::<Result<_>>()
            .map(Hints)
    }

    /// As root device hints: is `disk` what all of them describe?
    pub fn fit(&self, disk: &Disk) -> Fit {
        self.all(disk, false)
    }

    /// As an entry of a skip list: is `disk` to be spared? What it lacks reads `none` here in every field, as upstream's
    /// cleaning has it, so that `s!=` spares a disk that has no serial number.
    pub fn spare(&self, disk: &Disk) -> Fit {
        self.all(disk, true)
    }

    /// Is it about a software RAID volume, and about nothing else a disk has?
    pub fn is_of_volumes(&self) -> bool {
        self.0.iter().all(|hint| matches!(hint.of, Of::Volumes))
    }

    /// Does it describe the array of this name, as a volume?
    pub fn is_volume(&self, name: &ArrayName) -> bool {
        self.is_of_volumes() && self.0.iter().all(|hint| hint.test.array(name))
    }

    /// What is surely not so counts before what is not known.
    fn all(&self, disk: &Disk, spare: bool) -> Fit {
        let mut fit = Fit::Yes;
        for hint in &self.0 {
            match hint.fit(disk, spare) {
                Fit::Yes => {}
                unknown @ Fit::Unknown(_) => fit = unknown,
                no @ Fit::No(_) => return no,
            }
        }
        fit
    }
}

impl fmt::Display for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, hint) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{} '{}'", hint.name, hint.given)?;
        }
        Ok(())
    }
}

impl Hint {
    fn parse(name: &str, value: &Value) -> Result<Self> {
        let Some((name, of)) = FIELDS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            return Err(wrong(format!("'{name:.60}' is none of {names}")));
        };
        let given = match (value, of) {
            (Value::String(text), _) => text.clone(),
            (Value::Number(_), Of::Size | Of::Rotational) | (Value::Bool(_), Of::Rotational) => {
                print(value)
            }
            _ => return Err(wrong(format!("'{name}' must be a string"))),
        };
        let expression = given.trim().to_lowercase();
        let test = match of {
            _ if expression.is_empty() => Err("is empty".to_owned()),
            Of::Rotational => boolean(&expression),
            Of::Size => size(&expression),
            Of::Name | Of::Spellings(..) | Of::Volumes => text(&expression),
        };
        let test = test.map_err(|why| wrong(format!("{name} '{given:.200}' {why}")))?;
        Ok(Hint {
            name,
            of: *of,
            test,
            given,
        })
    }

    fn fit(&self, disk: &Disk, spare: bool) -> Fit {
        let unread = self.unread(disk);
        let sure = self.holds(disk, spare, unread.is_some());
        match unread {
            // What is missing may be what it is, and what it must not be.
            Some(why) if !sure || self.is_unlike() => Fit::Unknown(format!(
                "may have {} '{}': that could not be read ({why})",
                self.name, self.given
            )),
            _ if sure => Fit::Yes,
            _ => Fit::No(format!(
                "has {} {}, not '{}'",
                self.name,
                self.of.shown(disk),
                self.given
            )),
        }
    }

    /// Why it is not known, or not in whole, what the disk has.
    fn unread<'a>(&self, disk: &'a Disk) -> Option<&'a str> {
        let mut unread = disk.unread.iter();
        let found = unread.find(|unread| unread.field == self.name)?;
        Some(&found.why)
    }

    fn is_unlike(&self) -> bool {
        matches!(self.test, Test::Text(Relation::Unequal, _))
    }

    /// Does it hold of what is known? `partly` of what is not known in whole.
    fn holds(&self, disk: &Disk, spare: bool, partly: bool) -> bool {
        match self.of {
            Of::Size => self.test.number(disk.size.0 as f64 / GIB as f64),
            Of::Rotational => !partly && self.test == Test::Is(disk.rotational),
            Of::Spellings(of, lacking) => {
                let mut known = of(disk);
                if known.is_empty() && (spare || lacking == Lacking::None) {
                    known.push(NONE);
                }
                // That there is none is not known either.
                known.retain(|own| !partly || *own != NONE);
                match self.is_unlike() {
                    true => !known.is_empty() && known.iter().all(|own| self.test.text(own)),
                    false => known.iter().any(|own| self.test.text(own)),
                }
            }
            Of::Volumes => self.is_any(disk, true),
            Of::Name => {
                let linked = |word: &str| word.starts_with(&device_name("md/")) && is_array(disk);
                let meant = |word: &String| {
                    word == disk.kernel() || linked(word) && self.is_any(disk, spare)
                };
                match self.test.words() {
                    [] => self.test.text(&disk.name),
                    words => {
                        let own = |word: &String| *word == disk.name.to_lowercase();
                        self.is_unlike() != words.iter().any(|word| own(word) || meant(word))
                    }
                }
            }
        }
    }
}

impl Hint {
    /// Is the disk, or a member on it, of an array that is meant? `unread` if that cannot be told.
    fn is_any(&self, disk: &Disk, unread: bool) -> bool {
        match raid_volume_name::names(disk) {
            Ok(names) => names.iter().any(|name| self.test.array(name)),
            Err(error) => {
                let part = if unread { "" } else { "not " };
                warn!(
                    "{error}; the disk is {part}taken for one of '{}'",
                    self.given
                );
                unread
            }
        }
    }
}

fn is_array(disk: &Disk) -> bool {
    disk.kernel().starts_with("md") && !disk.slaves.is_empty()
}

impl Of {
    fn shown(self, disk: &Disk) -> String {
        match self {
            Of::Size => format!("{:.2} (GiB)", disk.size.0 as f64 / GIB as f64),
            Of::Rotational => disk.rotational.to_string(),
            Of::Name => format!("'{}'", disk.name),
            Of::Volumes => "of other volumes or none".to_owned(),
            Of::Spellings(of, _) => match of(disk).first() {
                Some(value) => format!("'{value}'"),
                None => "none".to_owned(),
            },
        }
    }
}

fn one(value: &Option<String>) -> Vec<&str> {
    value.as_deref().into_iter().collect()
}

fn all(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// The name with its vendor's extension, and without.
fn wwns(disk: &Disk) -> Vec<&str> {
    let (wwn, extension) = (&disk.identity.wwn, &disk.identity.wwn_vendor_extension);
    let short = wwn.as_deref().zip(extension.as_deref());
    let short =
        short.and_then(|(wwn, extension)| wwn.strip_suffix(extension.trim_start_matches("0x")));
    wwn.as_deref().into_iter().chain(short).collect()
}

/// A disk that has only names of former versions has none today.
fn paths(disk: &Disk) -> Vec<&str> {
    let today = all(&disk.by_path);
    let none = today.is_empty().then_some(NONE);
    let others = disk.other_paths.iter().map(String::as_str);
    today.into_iter().chain(none).chain(others).collect()
}

fn transports(disk: &Disk) -> Vec<&str> {
    let today = disk.transport.as_deref().unwrap_or(NONE);
    [today].into_iter().chain(disk.newer_transport).collect()
}

fn wrong(why: impl fmt::Display) -> Error {
    let why = format!("a hint is wrong: {why}; no disk was touched");
    Error::new(Kind::DeviceNotFound, why)
}
