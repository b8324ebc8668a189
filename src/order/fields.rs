//! The fields of an order → an [`Order`] for one machine, or all that is wrong with it at once. Nothing is written and nobody is asked.

use crate::codec::json::{Object, Value, gather};
use crate::error::{Error, Kind, Result};
use crate::order::drive::Drive;
use crate::order::facts::Facts;
use crate::order::machine_names::{KINDS, Names, is_same};
use crate::order::reader::{FIELDS, Reader, as_text};
use crate::order::words::{ERASES, Erase, THENS};
use crate::order::{Order, image_fields};
use crate::steps::node::Node;

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
    let verify = reader.choice("verify", &[("none", false), ("readback", true)]);
    let ignores = reader.boolean("ignore_bootloader_failure");
    let erase = reader.choice("erase", &ERASES).unwrap_or(Erase::Nothing);
    let then = reader.choice("then", &THENS).unwrap_or(facts.then);
    let node = node(&mut reader);
    let drive = Drive::read(&mut reader, facts);
    let request = image_fields::request(&mut reader, &node, ignores, facts);
    match (request, reader.problems()) {
        (Some(request), problems) if problems.is_empty() => Ok(Order {
            request,
            drive,
            node,
            disk: None,
            erase,
            then,
            serial,
            readback: verify,
            ignore_bootloader_failure: ignores,
        }),
        (_, problems) => Err(wrong(&problems)),
    }
}

fn wrong(problems: &[String]) -> Error {
    let count = match problems.len() {
        1 => "one thing is".to_owned(),
        count => format!("{count} things are"),
    };
    let why = format!(
        "{count} wrong with the order, and nothing was written: {}",
        problems.join("; ")
    );
    Error::new(Kind::InvalidCommandParamsError, why)
}

/// Is it for this machine? Every kind of name in `for` must have one of this machine's.
fn meant(reader: &mut Reader, names: &Names) {
    let Some(wanted) = reader.object("for") else {
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
                    shown(&meant)
                ),
            );
        }
    }
}

/// The first few of a list, as they may be told.
fn shown(list: &[String]) -> String {
    let mut shown: Vec<String> = (list.iter().take(3))
        .map(|name| format!("{:.80}", name.escape_debug()))
        .collect();
    if list.len() > shown.len() {
        shown.push("others".to_owned());
    }
    shown.join(", ")
}

/// Which disk is meant and which are not, in a node as Ironic sends one.
fn node(reader: &mut Reader) -> Node {
    let mut properties = Object::new();
    for name in ["root_device", "skip_block_devices", "capabilities"] {
        if let Some(value) = reader.find(name) {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    let node = Node::new(&gather([(
        "properties".to_owned(),
        Value::Object(properties),
    )]));
    if let Err(error) = node.wishes() {
        let said = error.details().trim_end_matches("; no disk was touched");
        reader.told(said);
    }
    node
}
