//! The items of `inject_files`: what Ironic sends, checked as a whole, and every fault of it told at once.

use std::collections::BTreeSet;

use log::warn;

use crate::codec;
use crate::codec::json::{Number, Object, Value};
use crate::error::{Error, Kind, Result};

/// linux/limits.h: PATH_MAX with its NUL, and NAME_MAX.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;
const MODES: u64 = 0o7777;
/// chown(2): -1 changes nothing; nobody has that number.
const MOST_OWNER: u64 = u32::MAX as u64 - 1;
/// Faults that are told; there may be more.
const TOLD: usize = 30;

const FIELDS: [&str; 8] = [
    "path",
    "partition",
    "content",
    "deleted",
    "mode",
    "dirmode",
    "owner",
    "group",
];

/// One file and what is to become of it.
pub struct Item {
    /// Names with `/` between, none at the start; no `.` or `..` among them.
    pub path: String,
    /// Which partition it is on.
    pub partition: Wanted,
    /// What is done.
    pub change: Change,
}

/// A partition, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first that has a folder of the name the path begins with.
    Any,
    /// As the table counts it.
    Number(u32),
    /// A device, a label or a UUID.
    Named(String),
}

/// What is done to a file.
pub enum Change {
    /// It goes.
    Delete,
    /// It comes, in place of what is there.
    Put(Put),
}

/// A file that comes; what is none stays as it is, or as it is by default.
pub struct Put {
    /// What is in it.
    pub content: Content,
    /// Of the file.
    pub mode: Option<u32>,
    /// Of its folder, if that has to be made.
    pub folder_mode: Option<u32>,
    /// Of the file.
    pub owner: Option<u32>,
    /// Of the file.
    pub group: Option<u32>,
}

/// Where the bytes of a file are.
pub enum Content {
    /// Here.
    Bytes(Vec<u8>),
    /// At a URL with fields to fill in.
    At(String),
}

/// The node's own files, then those of the step; an error tells all that is wrong with any.
pub fn parse(of_node: Option<Value>, of_step: Option<Value>) -> Result<Vec<Item>> {
    let mut faults = Faults::default();
    let mut items = Vec::new();
    for (whose, given) in [
        ("node.properties.inject_files", of_node),
        ("the argument 'files'", of_step),
    ] {
        let list = match given {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            Some(_) => {
                faults.add(format!("{whose} must be a list"));
                continue;
            }
        };
        for (index, item) in list.into_iter().enumerate() {
            let name = format!("{whose} [{index}]");
            match item {
                Value::Object(item) => items.extend(one(&name, item, &mut faults)),
                _ => faults.add(format!("{name} must be an object")),
            }
        }
    }
    let paths: BTreeSet<_> = items.iter().map(|item| (item.key(), &*item.path)).collect();
    for item in items
        .iter()
        .filter(|item| matches!(item.change, Change::Put(_)))
    {
        let (key, below) = (item.key(), format!("{}/", item.path));
        let next = paths.range((key.clone(), &*below)..).next();
        if let Some((_, other)) = next.filter(|(of, path)| *of == key && path.starts_with(&below)) {
            faults.add(format!(
                "/{} cannot be a file and the folder of /{other}",
                item.path
            ));
        }
    }
    faults.none(
        Kind::InvalidCommandParamsError,
        "Validation of files failed",
    )?;
    Ok(last_of_each(items))
}

/// One after the other, the last for a file would be all that is left of them.
fn last_of_each(items: Vec<Item>) -> Vec<Item> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for item in items.into_iter().rev() {
        match seen.insert((item.key(), item.path.clone())) {
            true => kept.push(item),
            false => warn!(
                "/{:.100} is there more than once: the last one counts",
                item.path
            ),
        }
    }
    kept.reverse();
    kept
}

impl Item {
    /// Items with the same one are on the same partition.
    fn key(&self) -> String {
        format!("{:?}", self.partition)
    }
}

/// All that is wrong.
#[derive(Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// One more.
    pub fn add(&mut self, fault: String) {
        self.0.push(fault);
    }

    /// One more, if it is one.
    pub fn extend(&mut self, fault: Option<String>) {
        self.0.extend(fault);
    }

    /// An error that tells of all, unless there are none.
    pub fn none(&self, kind: Kind, what: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut told = self.0[..self.0.len().min(TOLD)].join("; ");
        if self.0.len() > TOLD {
            told += &format!("; and {} more", self.0.len() - TOLD);
        }
        Err(Error::new(
            kind,
            format!("{what}: {told}; no file was touched"),
        ))
    }
}

/// One item, if it is one; `name` is how faults call it until its path is known.
fn one(name: &str, mut item: Object, faults: &mut Faults) -> Option<Item> {
    let mut good = true;
    let mut fault = |why: String| {
        good = false;
        faults.add(why);
    };
    let unknown: Vec<_> = item
        .keys()
        .filter(|key| !FIELDS.contains(&key.as_str()))
        .collect();
    if !unknown.is_empty() {
        fault(format!(
            "{name}: unexpected fields {unknown:.100?}, there are {}",
            FIELDS.join(", ")
        ));
    }
    let partition = partition(item.get("partition")).unwrap_or_else(|why| {
        fault(format!("{name}: {why}"));
        Wanted::Any
    });
    let path = match item.get("path") {
        Some(Value::String(path)) => self::path(path),
        _ => Err("expected a path".to_owned()),
    };
    let path = path.unwrap_or_else(|why| {
        fault(format!("{name}: {why}"));
        String::new()
    });
    let name = if path.is_empty() {
        name.to_owned()
    } else {
        format!("{name} (/{path:.100})")
    };
    if !path.is_empty() && !path.contains('/') && partition == Wanted::Any {
        fault(format!(
            "{name}: a file in the root directory requires 'partition'"
        ));
    }
    let mut number = |field: &str, most: u64| {
        match item.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::Number(Number::U64(number))) if *number <= most => Some(*number as u32),
            // As for chown.
            Some(Value::Number(Number::I64(-1))) if most == MOST_OWNER => None,
            _ => {
                fault(format!(
                    "{name}: '{field}' must be a number from 0 to {most}"
                ));
                None
            }
        }
    };
    // Upstream takes 0 for none.
    let mode = number("mode", MODES).filter(|mode| *mode > 0);
    let folder_mode = number("dirmode", MODES).filter(|mode| *mode > 0);
    let owner = number("owner", MOST_OWNER);
    let group = number("group", MOST_OWNER);
    let deleted = match item.get("deleted") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(deleted)) => *deleted,
        Some(_) => {
            fault(format!("{name}: 'deleted' must be true or false"));
            false
        }
    };
    let content = match (item.remove("content"), deleted) {
        (None | Some(Value::Null), true) => None,
        (Some(Value::String(content)), true) if content.is_empty() => None,
        (_, true) => {
            fault(format!("{name}: content cannot be used with deleted"));
            None
        }
        (Some(Value::String(content)), false) => match content_of(content) {
            Ok(content) => Some(content),
            Err(why) => {
                fault(format!("{name}: {why}"));
                None
            }
        },
        (_, false) => {
            fault(format!("{name}: needs 'content', a text, or 'deleted'"));
            None
        }
    };
    let change = match content {
        None => Change::Delete,
        Some(content) => Change::Put(Put {
            content,
            mode,
            folder_mode,
            owner,
            group,
        }),
    };
    good.then_some(Item {
        path,
        partition,
        change,
    })
}

fn content_of(text: String) -> Result<Content, String> {
    if text.contains("://") {
        return Ok(Content::At(text));
    }
    match codec::base64::decode(&text) {
        Some(bytes) => Ok(Content::Bytes(bytes)),
        None => Err("'content' is neither base64 nor a URL".to_owned()),
    }
}

fn path(given: &str) -> Result<String, String> {
    if given.is_empty() {
        return Err("expected a path".to_owned());
    }
    if given.ends_with('/') {
        return Err(format!(
            "'{given:.100}' is a directory, which is not supported"
        ));
    }
    let names = given
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".");
    let names: Vec<_> = names.collect();
    let wrong = |name: &&&str| {
        **name == ".." || name.len() > LONGEST_NAME || name.contains(char::is_control)
    };
    if let Some(name) = names.iter().find(wrong) {
        let shown = given.escape_debug();
        let name = name.escape_debug();
        return Err(format!(
            "'{name:.40}' in path '{shown:.100}' is no name of a file"
        ));
    }
    let path = names.join("/");
    match path.len() {
        0 => Err(format!("'{given:.100}' is no path of a file")),
        1..=LONGEST_PATH => Ok(path),
        _ => Err(format!("a path of {} bytes is too long", path.len())),
    }
}

/// As upstream has it, nothing that counts as false is any.
fn partition(given: Option<&Value>) -> Result<Wanted, String> {
    let wrong = || "'partition' must be a number from 1 on, a device or a label".to_owned();
    match given {
        None | Some(Value::Null) => Ok(Wanted::Any),
        Some(Value::String(text)) if text.is_empty() => Ok(Wanted::Any),
        Some(Value::Number(Number::U64(number))) => match u32::try_from(*number) {
            Ok(number) if number > 0 => Ok(Wanted::Number(number)),
            _ => Err(wrong()),
        },
        Some(Value::String(text)) => match text.trim().parse() {
            Ok(0) => Err(wrong()),
            Ok(number) => Ok(Wanted::Number(number)),
            Err(_) if text.contains(char::is_control) => Err(wrong()),
            Err(_) => Ok(Wanted::Named(text.clone())),
        },
        Some(_) => Err(wrong()),
    }
}
