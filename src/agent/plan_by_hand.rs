//! Says for a person at the machine which disk an image would go to, and what else would be done there (`--plan`, `--root-disk`): chosen as
//! a deploy would choose it, and nothing is touched.

use log::warn;

use crate::agent::doctor::{chosen, impatient};
use crate::agent::order_desk::{Desk, Ordered};
use crate::agent::run_step_by_hand::given_node;
use crate::agent::{Agent, Surroundings, effective_config};
use crate::clock::{Bell, Clock};
use crate::codec::json::{Value, gather, object, print, text_or_null};
use crate::disk::Choice;
use crate::disk::select::seen_disks::Seen;
use crate::error::Result;
use crate::logger::status::{self, DiskLine};
use crate::order::drive::Drive;
use crate::order::{ERASES, Order, THENS};
use crate::redaction::clean;
use crate::report;
use crate::secret::redacted;
use crate::steps::node::Node;

/// The disk an image would go to, and why; `node` is what Ironic would say of the node.
pub fn root_disk(surroundings: &Surroundings, node: &Option<String>) -> Result<String> {
    let (_, choice) = decided(surroundings, node)?;
    let Choice { disk, why, .. } = choice?;
    Ok(format!("{} ({}): {why}", disk.name, disk.size))
}

/// Of every disk whether an image would go to it, and why: a line each, the chosen one first, then what the order says; or as JSON. Behind
/// it an error where no disk will do.
pub fn plan(
    surroundings: &Surroundings,
    node: &Option<String>,
    as_json: bool,
) -> Result<(String, Result<()>)> {
    let (ordered, choice) = decided(surroundings, node)?;
    let disks = status::now().disks;
    let told = match as_json {
        true => json(&disks, ordered.as_ref()),
        false => lines(&disks, ordered.as_ref()).join("\n"),
    };
    Ok((told, choice.map(drop)))
}

/// What is ordered, if that is no matter of Ironic's; and the disk for it.
fn decided(
    surroundings: &Surroundings,
    node: &Option<String>,
) -> Result<(Option<Ordered>, Result<Choice>)> {
    let config = surroundings.started()?;
    let is_alone = config.order.is_some() || config.standalone.is_some();
    if is_alone && node.is_some() {
        warn!("what --node says is planned, as if Ironic had sent it, and not the order");
    }
    let agent = Agent {
        config: impatient(config),
        host: surroundings.host(),
        clock: Clock::real(),
        permit: surroundings.permit(),
        bell: Bell::default(),
    };
    let ordered = match is_alone && node.is_none() {
        true => Some(ordered(&agent)?),
        false => None,
    };
    let order = ordered.as_ref().map(|ordered| &ordered.order);
    let node = Node::new(&given_node(node)?);
    let choice = chosen(&agent.host, Some(&agent.config), order, &node);
    for warning in choice.iter().flat_map(|choice| &choice.warnings) {
        warn!("{warning}");
    }
    Ok((ordered, choice))
}

/// As the agent would read it now.
fn ordered(agent: &Agent) -> Result<Ordered> {
    let tools = effective_config::tools(&agent.config, None, agent.permit.clone(), &agent.clock)?;
    let disks = Seen::now(&agent.host, &agent.clock);
    let desk = Desk::new(agent, disks, tools)?;
    desk.read().map_err(|unready| unready.error)
}

fn lines(disks: &[DiskLine], ordered: Option<&Ordered>) -> Vec<String> {
    let line = |disk: &DiskLine| {
        let taken = if disk.is_chosen { "write" } else { "leave" };
        let (name, size, why) = (&disk.name, disk.size, &disk.why);
        let known_as = match disk.known_as.as_str() {
            "" => String::new(),
            known_as => format!(", {}", clean(known_as.as_bytes())),
        };
        format!("{taken} {name} ({size}{known_as}): {why}")
    };
    let (taken, left): (Vec<_>, Vec<_>) = disks.iter().partition(|disk| disk.is_chosen);
    let mut lines: Vec<_> = taken.into_iter().chain(left).map(line).collect();
    if let Some(ordered) = ordered {
        let of_order = fields(ordered).into_iter();
        lines.extend(of_order.filter_map(|(name, value)| Some(format!("{name}: {}", value?))));
    }
    lines
}

fn json(disks: &[DiskLine], ordered: Option<&Ordered>) -> String {
    let disks = disks.iter().map(report::json::disk).collect();
    let order = ordered.map(|ordered| {
        let fields = fields(ordered).into_iter();
        Value::Object(gather(
            fields.map(|(name, value)| (name.to_owned(), text_or_null(value))),
        ))
    });
    print(&object([
        ("disks", Value::Array(disks)),
        ("order", order.unwrap_or(Value::Null)),
    ]))
}

/// What is to be told of an order, by the names of its fields.
fn fields(ordered: &Ordered) -> [(&'static str, Option<String>); 6] {
    let order = &ordered.order;
    let word = |found: Option<&'static str>| found.map(str::to_owned);
    let erase = ERASES.iter().find(|(_, erase)| *erase == order.erase);
    let then = THENS.iter().find(|(_, then)| *then == order.then);
    [
        ("order", ordered.place.clone()),
        ("serial", order.serial.map(|serial| serial.to_string())),
        ("image", Some(redacted(&order.request.urls.join(", ")))),
        ("configdrive", drive(order)),
        ("erase", word(erase.map(|(name, _)| *name))),
        ("then", word(then.map(|(name, _)| *name))),
    ]
}

fn drive(order: &Order) -> Option<String> {
    Some(match order.drive.as_ref()? {
        Drive::Given(given) if given.contains("://") => redacted(given),
        Drive::Given(_) => "as it is in the order".to_owned(),
        Drive::Files { label, files } => {
            format!("made of {} documents, labelled {label}", files.len())
        }
    })
}
