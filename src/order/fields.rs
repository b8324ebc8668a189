//! The fields of an order → an [`Order`] for one machine, or all that is wrong with it at once. Nothing is written and nobody is asked.

use crate::codec::json::{Object, Value};
use crate::error::{Error, Kind, Result};
use crate::order::drive::Drive;
use crate::order::facts::Facts;
use crate::order::machine_names::{KINDS, Names, is_same};
use crate::order::reader::{FIELDS, Reader, as_text};
use crate::order::words::{ERASES, Erase, THENS};
use crate::order::{Order, disks, image_fields, reader};

/// Problems that are told; who has more has sent something else.
const MOST_TOLD: usize = 20;

/// The order that these fields make for this machine.
///
/// # Errors
/// All that is wrong with them, each with the name of its field.
pub fn order(fields: &Object, facts: &Facts) -> Result<Order> {
    let mut reader = Reader::new(fields);
    let is_known =
        |name: &str| (FIELDS.iter()).any(|(own, other)| *own == name || other.contains(&name));
    for name in fields.keys().filter(|name| !is_known(name)) {
        reader.problem(&format!("{name:.60}"), "is no field of an order");
    }
    meant(&mut reader, facts.names);
    let serial = reader.number("serial");
    if facts.least_serial > serial.unwrap_or(0) {
        let least = facts.least_serial;
        let why = match serial {
            None => format!("is missing, and {least} or more is asked for (ironlet.order-serial)"),
            Some(serial) => format!(
                "{serial} is older than {least}, the least that is taken: is it an order from before?"
            ),
        };
        reader.problem("serial", why);
    }
    reader.text("description");
    let rate = reader.rate("rate");
    let verify = reader.choice("verify", &[("none", false), ("readback", true)]);
    let ignores = reader.boolean("ignore_bootloader_failure");
    let erase = reader.choice("erase", &ERASES).unwrap_or(Erase::Nothing);
    let then = reader.choice("then", &THENS).unwrap_or(facts.then);
    let node = disks::node(&mut reader);
    let drive = Drive::read(&mut reader, facts);
    let request = image_fields::request(&mut reader, &node, ignores, facts);
    if erase != Erase::Nothing && reader.boolean("preserve_ephemeral") == Some(true) {
        reader.problem(
            "erase",
            "and preserve_ephemeral: nothing is preserved on a disk that is erased",
        );
    }
    match (request, reader.problems()) {
        (Some(request), problems) if problems.is_empty() => Ok(Order {
            request,
            drive,
            node,
            disk: None,
            erase,
            then,
            serial,
            rate,
            readback: verify,
            ignore_bootloader_failure: ignores,
        }),
        (_, problems) => Err(wrong(&problems)),
    }
}

fn wrong(problems: &[String]) -> Error {
    let told = &problems[..problems.len().min(MOST_TOLD)];
    let more = match problems.len() - told.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let count = match problems.len() {
        1 => "one thing is".to_owned(),
        count => format!("{count} things are"),
    };
    let why = format!(
        "{count} wrong with the order, and nothing was written: {}{more}",
        told.join("; ")
    );
    // Of nothing but the image: that is what is to be looked at.
    let kind = match problems.iter().all(|problem| problem.starts_with("image")) {
        true => Kind::InvalidImage,
        false => Kind::InvalidCommandParamsError,
    };
    Error::new(kind, why)
}

/// Is it for this machine? Every kind of name in `for` must have one of this machine's.
fn meant(reader: &mut Reader, names: &Names) {
    let Some(wanted) = reader.object("for") else {
        if reader.find("for").is_none() && reader.is_there("for") {
            reader.problem("for", "names nobody: take it away if any machine is meant");
        }
        return;
    };
    if wanted.is_empty() {
        reader.problem("for", "names nobody: take it away if any machine is meant");
    }
    for (kind, value) in wanted {
        let meant = match value {
            Value::String(name) => vec![name.clone()],
            Value::Array(list) => list.iter().filter_map(as_text).collect(),
            _ => Vec::new(),
        };
        let field = format!("for.{kind:.40}");
        let own = match names.of(kind) {
            Ok(own) => own,
            Err(_) => {
                reader.problem(
                    &field,
                    format!("a machine is called by {}", KINDS.join(", ")),
                );
                continue;
            }
        };
        if meant.is_empty() {
            reader.problem(&field, "must be a name, or a list of names");
        } else if !(meant.iter()).any(|name| own.iter().any(|own| is_same(kind, own, name))) {
            let own = match own.is_empty() {
                true => "has none".to_owned(),
                false => format!("has {}", own.join(", ")),
            };
            reader.problem(
                &field,
                format!(
                    "the order is for {}, and this machine {own:.300}",
                    some(&meant)
                ),
            );
        }
    }
}

/// The first few of a list, as they may be told.
fn some(list: &[String]) -> String {
    let mut shown: Vec<String> = (list.iter().take(3))
        .map(|name| reader::shown(name, 80))
        .collect();
    if list.len() > shown.len() {
        shown.push("others".to_owned());
    }
    shown.join(", ")
}
