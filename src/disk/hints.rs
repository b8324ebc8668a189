//! Root device hints: which disk a person meant, in the grammar Ironic checks them by (protocol/inventory.md §7).
//!
//! ```text
//! {"model": "s== intel ssd", "size": ">= 400", "wwn": "<or> 0x5000 <or> 0x6000", "rotational": false}
//! ```
//! All of them must hold. Case and blanks around a value do not matter; blanks within it do.

use std::cmp::Ordering;
use std::fmt;

use super::list::Disk;
use crate::codec::json::{Object, Value, print};
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
}

static FIELDS: [(&str, Of); 12] = [
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
    ("by_path", Of::Text(|disk| disk.by_path.as_deref())),
    ("tran", Of::Text(|disk| disk.transport.as_deref())),
];

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(bool),
    Text(Relation, String),
    Contains(String),
    OneOf(Vec<String>),
    Number(Relation, f64),
    /// From, to; is the end itself within?
    Range((f64, bool), (f64, bool)),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Copy)]
enum Operator {
    Text(Relation),
    Number(Relation),
    In,
    Or,
    Range,
}

/// A longer sign stands before one it begins with. `=` alone has always meant at least.
static OPERATORS: [(&str, Operator); 16] = [
    ("<range-in>", Operator::Range),
    ("<or>", Operator::Or),
    ("<in>", Operator::In),
    ("s==", Operator::Text(Relation::Equal)),
    ("s!=", Operator::Text(Relation::Unequal)),
    ("s<=", Operator::Text(Relation::AtMost)),
    ("s>=", Operator::Text(Relation::AtLeast)),
    ("s<", Operator::Text(Relation::Less)),
    ("s>", Operator::Text(Relation::More)),
    ("==", Operator::Number(Relation::Equal)),
    ("!=", Operator::Number(Relation::Unequal)),
    ("<=", Operator::Number(Relation::AtMost)),
    (">=", Operator::Number(Relation::AtLeast)),
    ("=", Operator::Number(Relation::AtLeast)),
    ("<", Operator::Number(Relation::Less)),
    (">", Operator::Number(Relation::More)),
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
            Of::Text(_) | Of::Spellings(_) => text(&expression),
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
        }
    }
}

impl Test {
    fn number(&self, value: f64) -> bool {
        let order = |bound: f64| value.partial_cmp(&bound);
        match self {
            Test::Number(relation, wanted) => order(*wanted).is_some_and(|it| relation.holds(it)),
            Test::Range((low, from), (high, to)) => {
                let above = order(*low);
                let below = order(*high);
                (above == Some(Ordering::Greater) || *from && above == Some(Ordering::Equal))
                    && (below == Some(Ordering::Less) || *to && below == Some(Ordering::Equal))
            }
            _ => false,
        }
    }

    fn text(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        match self {
            // What says nothing matches nothing.
            _ if value.is_empty() => false,
            Test::Text(relation, wanted) => relation.holds(value.cmp(wanted)),
            Test::Contains(part) => value.contains(part),
            Test::OneOf(several) => several.contains(&value),
            Test::Number(..) | Test::Range(..) => {
                value.parse().is_ok_and(|value| self.number(value))
            }
            Test::Is(_) => false,
        }
    }
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Relation::Equal => order.is_eq(),
            Relation::Unequal => order.is_ne(),
            Relation::Less => order.is_lt(),
            Relation::AtMost => order.is_le(),
            Relation::More => order.is_gt(),
            Relation::AtLeast => order.is_ge(),
        }
    }
}

/// The operator an expression begins with, if any, and what follows.
fn operator(expression: &str) -> Result<(Option<Operator>, &str), String> {
    if expression.starts_with("<all-in>") {
        return Err(unfit(|_| true)); // for lists, which disks have none of
    }
    for (sign, operator) in &OPERATORS {
        if let Some(rest) = expression.strip_prefix(sign) {
            return match rest.trim() {
                "" => Err(format!("has nothing after {sign}")),
                rest => Ok((Some(*operator), rest)),
            };
        }
    }
    Ok((None, expression))
}

fn text(expression: &str) -> Result<Test, String> {
    let (operator, rest) = operator(expression)?;
    Ok(match operator {
        None => Test::Text(Relation::Equal, rest.to_owned()),
        Some(Operator::Text(relation)) => Test::Text(relation, rest.to_owned()),
        Some(Operator::In) => Test::Contains(rest.to_owned()),
        Some(Operator::Or) => {
            let several = rest.split("<or>").map(str::trim);
            Test::OneOf(several.map(str::to_owned).collect())
        }
        Some(Operator::Number(relation)) => Test::Number(relation, number(rest)?),
        Some(Operator::Range) => range(rest, number)?,
    })
}

fn size(expression: &str) -> Result<Test, String> {
    let (operator, rest) = operator(expression)?;
    match operator {
        None => Ok(Test::Number(Relation::Equal, whole(rest)?)),
        Some(Operator::Number(relation)) => Ok(Test::Number(relation, whole(rest)?)),
        Some(Operator::Range) => range(rest, whole),
        Some(Operator::Text(_) | Operator::In | Operator::Or) => {
            let numeric = |other| matches!(other, Operator::Number(_) | Operator::Range);
            Err(unfit(numeric))
        }
    }
}

/// `[ 10 20 )`: a square bracket takes the end in.
fn range(rest: &str, number: fn(&str) -> Result<f64, String>) -> Result<Test, String> {
    let words: Vec<_> = rest.split_whitespace().collect();
    let [from @ ("[" | "("), low, high, to @ ("]" | ")")] = words[..] else {
        return Err("is no range: <range-in> [ 10 20 ], with ( and ) for ends outside".to_owned());
    };
    let (low, high) = (number(low)?, number(high)?);
    match low <= high {
        true => Ok(Test::Range((low, from == "["), (high, to == "]"))),
        false => Err("ends before it begins".to_owned()),
    }
}

fn number(word: &str) -> Result<f64, String> {
    word.parse().map_err(|_| "is no number".to_owned())
}

/// Sizes are whole GiB.
fn whole(word: &str) -> Result<f64, String> {
    let number = word.parse::<u32>().ok().filter(|number| *number > 0);
    number
        .map(f64::from)
        .ok_or_else(|| "is no whole number of GiB above 0".to_owned())
}

fn boolean(word: &str) -> Result<Test, String> {
    match word {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(Test::Is(true)),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(Test::Is(false)),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// Which operators would go.
fn unfit(fit: impl Fn(Operator) -> bool) -> String {
    let fit = OPERATORS.iter().filter(|(_, operator)| fit(*operator));
    let signs: Vec<_> = fit.map(|(sign, _)| *sign).collect();
    let signs = signs.join(" ");
    format!("has an operator that does not go with it; these do: {signs}")
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
