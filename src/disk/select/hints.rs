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
use crate::disk::select::hint_operators::{Relation, Test, boolean, size, text};
use crate::error::{Error, Kind, Result};
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

/// Where a disk has it.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// In bytes; hints count in GiB.
    Size,
    Rotational,
    /// What a disk lacks reads `none`.
    Text(fn(&Disk) -> Option<&str>),
    /// Any of several spellings; a disk without one never matches.
    Spellings(fn(&Disk) -> Vec<&str>),
    /// Any of its names; it is unlike a text only if all of them are.
    Names(fn(&Disk) -> &[String]),
    /// The volumes it is a member of, which only the disk itself tells. What cannot be read may be a member.
    Volumes,
}

static FIELDS: [(&str, Of); 13] = [
    ("size", Of::Size),
    ("model", Of::Text(|disk| disk.identity.model.as_deref())),
    ("wwn", Of::Spellings(wwns)),
    (
        "serial",
        Of::Spellings(|disk| disk.identity.serial.as_deref().into_iter().collect()),
    ),
    ("vendor", Of::Text(|disk| disk.identity.vendor.as_deref())),
    (
        "wwn_with_extension",
        Of::Text(|disk| disk.identity.wwn_with_extension.as_deref()),
    ),
    (
        "wwn_vendor_extension",
        Of::Text(|disk| disk.identity.wwn_vendor_extension.as_deref()),
    ),
    ("name", Of::Text(|disk| Some(&disk.name))),
    ("rotational", Of::Rotational),
    ("hctl", Of::Text(|disk| disk.hctl.as_deref())),
    ("by_path", Of::Names(|disk| &disk.by_path)),
    ("tran", Of::Text(|disk| disk.transport.as_deref())),
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

    /// Why `disk` is not the one, in words; none if it is.
    pub fn miss(&self, disk: &Disk) -> Option<String> {
        let hint = self.0.iter().find(|hint| !hint.holds(disk))?;
        Some(format!(
            "has {} {}, not '{}'",
            hint.name,
            hint.of.shown(disk),
            hint.given
        ))
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
            Of::Text(_) | Of::Spellings(_) | Of::Names(_) | Of::Volumes => text(&expression),
        };
        let test = test.map_err(|why| wrong(format!("{name} '{given:.200}' {why}")))?;
        Ok(Hint {
            name,
            of: *of,
            test,
            given,
        })
    }

    fn holds(&self, disk: &Disk) -> bool {
        match self.of {
            Of::Size => self.test.number(disk.size.0 as f64 / GIB as f64),
            Of::Rotational => self.test == Test::Is(disk.rotational),
            Of::Text(of) => self.test.text(of(disk).unwrap_or("none")),
            Of::Spellings(of) => of(disk).into_iter().any(|value| self.test.text(value)),
            Of::Volumes => match raid_volume_name::names(disk) {
                Ok(names) => names.iter().any(|name| self.test.text(name)),
                Err(error) => {
                    warn!(
                        "{error}; the disk is taken for a member of '{}'",
                        self.given
                    );
                    true
                }
            },
            Of::Names(of) => match (of(disk), &self.test) {
                ([], test) => test.text("none"),
                (names, test @ Test::Text(Relation::Unequal, _)) => {
                    names.iter().all(|name| test.text(name))
                }
                (names, test) => names.iter().any(|name| test.text(name)),
            },
        }
    }
}

impl Of {
    fn shown(self, disk: &Disk) -> String {
        let quoted =
            |value: Option<&str>| value.map_or("none".into(), |value| format!("'{value}'"));
        match self {
            Of::Size => format!("{:.2} (GiB)", disk.size.0 as f64 / GIB as f64),
            Of::Rotational => disk.rotational.to_string(),
            Of::Text(of) => quoted(of(disk)),
            Of::Spellings(of) => quoted(of(disk).first().copied()),
            Of::Volumes => "of other volumes or none".to_owned(),
            Of::Names(of) => quoted(of(disk).first().map(String::as_str)),
        }
    }
}

/// The name with its vendor's extension, and without.
fn wwns(disk: &Disk) -> Vec<&str> {
    let (wwn, extension) = (&disk.identity.wwn, &disk.identity.wwn_vendor_extension);
    let short = wwn.as_deref().zip(extension.as_deref());
    let short =
        short.and_then(|(wwn, extension)| wwn.strip_suffix(extension.trim_start_matches("0x")));
    wwn.as_deref().into_iter().chain(short).collect()
}

fn wrong(why: impl fmt::Display) -> Error {
    let why = format!("a root device hint is wrong: {why}; no disk was touched");
    Error::new(Kind::DeviceNotFound, why)
}
