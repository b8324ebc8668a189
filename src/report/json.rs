//! An overview of a machine as JSON, for those who get its reports.

use crate::codec::json;
use crate::codec::json::{Number, Value, gather, number, text_or_null};
use crate::inventory::Interface;
use crate::logger::status::{DiskLine, Row};
use crate::redaction::clean;
use crate::report::overview::{Machine, Overview};
use crate::work_progress::Reading;

/// Report number `sequence`; with the whole log in it if there is one.
pub fn report(overview: &Overview, sequence: u64, log: Option<String>) -> Value {
    let Overview {
        status, machine, ..
    } = overview;
    let failure = overview
        .failure
        .as_ref()
        .map(|(words, advice)| object(vec![("message", text(words)), ("try", text(advice))]));
    object(vec![
        ("sequence", number(sequence)),
        ("agent", text("ironlet")),
        ("version", text(overview.version)),
        ("boot_id", known(&machine.boot_id)),
        ("uptime", decimal(overview.uptime.as_secs_f64())),
        ("time", overview.unix.map_or(Value::Null, decimal)),
        ("machine", identity(machine, &overview.cards)),
        ("node", known(status.row(Row::Node))),
        ("phase", text(status.phase.word())),
        ("state", text(&overview.state)),
        ("image", known(&status.image)),
        ("disk", known(&status.disk)),
        ("disks", list(&mut status.disks.iter().map(disk))),
        (
            "progress",
            overview.progress.as_ref().map_or(Value::Null, progress),
        ),
        ("failures", number(status.failures.into())),
        ("failure", failure.unwrap_or(Value::Null)),
        ("receipt", status.receipt.clone().unwrap_or(Value::Null)),
        ("log", text_or_null(log)),
    ])
}

fn identity(machine: &Machine, cards: &[Interface]) -> Value {
    let addresses = cards
        .iter()
        .flat_map(|card| card.ipv4.iter().chain(&card.ipv6));
    object(vec![
        ("vendor", known(&machine.vendor)),
        ("product", known(&machine.product)),
        ("serial", known(&machine.serial)),
        ("uuid", known(&machine.uuid)),
        ("processor", known(&machine.processor)),
        ("processors", number(machine.processors)),
        ("memory", number(machine.memory.0)),
        ("firmware", text(machine.firmware)),
        ("macs", list(&mut cards.iter().map(|card| text(&card.mac)))),
        (
            "addresses",
            list(&mut addresses.map(|address| text(address))),
        ),
    ])
}

/// One disk, and what was decided of it.
pub fn disk(disk: &DiskLine) -> Value {
    object(vec![
        ("name", text(&disk.name)),
        ("size", number(disk.size.0)),
        ("known_as", text(&disk.known_as)),
        ("chosen", Value::Bool(disk.is_chosen)),
        ("why", text(&disk.why)),
    ])
}

fn progress(reading: &Reading) -> Value {
    let known = |amount: Option<u64>| amount.map_or(Value::Null, number);
    object(vec![
        ("stage", text(&reading.stage)),
        ("bytes", number(reading.done.0)),
        ("total", known(reading.total.map(|total| total.0))),
        ("rate", number(reading.rate)),
        (
            "seconds_left",
            known(reading.left.map(|left| left.as_secs())),
        ),
    ])
}

/// Without secrets.
fn text(text: &str) -> Value {
    json::text(clean(text.as_bytes()))
}

/// The same, or null.
fn known(text: &str) -> Value {
    match text {
        "" => Value::Null,
        some => self::text(some),
    }
}

fn list(values: &mut dyn Iterator<Item = Value>) -> Value {
    Value::Array(values.collect())
}

/// One for objects of every size.
fn object(fields: Vec<(&str, Value)>) -> Value {
    let fields = fields.into_iter();
    Value::Object(gather(fields.map(|(name, value)| (name.to_owned(), value))))
}

/// To the millisecond.
fn decimal(number: f64) -> Value {
    Value::Number(Number::F64((number * 1000.0).round() / 1000.0))
}
