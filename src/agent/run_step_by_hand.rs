//! Runs one clean or deploy step for a person at the machine (`--step`), as Ironic would have it run.

use log::{info, warn};

use crate::agent::without_ironic::WithoutIronic;
use crate::agent::{Surroundings, effective_config, write_image_by_hand};
use crate::clock::Bell;
use crate::codec::json::{Object, Value, gather, parse, print, text};
use crate::codec::near_miss::near_miss;
use crate::conductor::lookup::Enrolment;
use crate::disk;
use crate::disk::{Choice, Wishes};
use crate::error::{Error, Kind, Result};
use crate::logger::progress_bar;
use crate::logger::status::{self, DiskLine};
use crate::redaction::clean;
use crate::report;
use crate::steps;
use crate::steps::Phase;
use crate::steps::find_boot_medium::boot_medium;
use crate::steps::node::Node;
use crate::steps::step_context::Machine;

/// A step as a person names it.
pub struct Step {
    /// As in the table of steps: `erase_devices`.
    pub name: String,
    /// What Ironic would say of the node: hints, skip lists, switches. JSON.
    pub node: Option<String>,
    /// The step's own arguments. JSON.
    pub arguments: Option<String>,
}

/// Runs the step to its end; its result as JSON.
pub fn run(surroundings: Surroundings, step: &Step) -> Result<String> {
    let config = surroundings.started()?;
    let (node, arguments) = (
        given_node(&step.node)?,
        given("arguments", &step.arguments)?,
    );
    let asked = [
        ("step".to_owned(), text(step.name.as_str())),
        ("args".to_owned(), Value::Object(arguments)),
    ];
    let tools = write_image_by_hand::tools(&surroundings, &config)?;
    let host = surroundings.host();
    let alone = WithoutIronic::new(&host, &Node::new(&node));
    let params = [
        ("step".to_owned(), Value::Object(gather(asked))),
        ("node".to_owned(), Value::Object(node)),
    ];
    let machine = Machine::new(
        host,
        tools.clock.clone(),
        Bell::default(),
        tools,
        Box::new(alone),
        effective_config::settings(&config, &Enrolment::default()),
    );
    let _bar = progress_bar::draw(machine.gauge(), &machine.clock);
    let done = steps::execute(Phase::Clean, &machine, gather(params))?;
    info!("step {} is done", step.name);
    Ok(print(&done))
}

/// The disk an image would go to, and why; `node` as for a step.
pub fn root_disk(surroundings: &Surroundings, node: &Option<String>) -> Result<String> {
    let Choice { disk, why, .. } = choice(surroundings, node)?;
    Ok(format!("{} ({}): {why}", disk.name, disk.size))
}

/// Of every disk whether an image would go to it, and why: a line each, the chosen one first, or as JSON.
pub fn plan(surroundings: &Surroundings, node: &Option<String>, as_json: bool) -> Result<String> {
    choice(surroundings, node)?;
    let disks = status::now().disks;
    if as_json {
        let disks = disks.iter().map(report::json::disk).collect();
        return Ok(print(&Value::Object(gather([(
            "disks".to_owned(),
            Value::Array(disks),
        )]))));
    }
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
    let lines: Vec<_> = taken.into_iter().chain(left).map(line).collect();
    Ok(lines.join("\n"))
}

fn choice(surroundings: &Surroundings, node: &Option<String>) -> Result<Choice> {
    let config = surroundings.started()?;
    let host = surroundings.host();
    let wishes = Wishes {
        medium: boot_medium(&host, config.medium.as_deref()),
        ..Node::new(&given_node(node)?).wishes()?
    };
    let choice = disk::root(&host, &wishes)?;
    for warning in &choice.warnings {
        warn!("{warning}");
    }
    Ok(choice)
}

/// Parts of a node that decide what is done, and what of them says which disks are meant.
const PARTS: [&str; 5] = [
    "properties",
    "instance_info",
    "driver_info",
    "driver_internal_info",
    "target_raid_config",
];
const OF_DISKS: [&str; 3] = ["root_device", "skip_block_devices", "capabilities"];

/// As Ironic has it. What is misspelled would spare no disk.
fn given_node(json: &Option<String>) -> Result<Object> {
    let node = given("node", json)?;
    let wrong = |why: String| Err(Error::new(Kind::InvalidCommandParamsError, why));
    for (name, value) in &node {
        if let Some(meant) = near_miss(name, PARTS) {
            return wrong(format!(
                "--node: '{name:.60}' is no part of a node; {meant} will be meant"
            ));
        }
        let beside = OF_DISKS.iter().any(|own| own == name) || near_miss(name, OF_DISKS).is_some();
        if beside {
            return wrong(format!(
                "--node: '{name:.60}' says nothing there: it belongs into properties, as in {{\"properties\": {{\"root_device\": …}}}}"
            ));
        }
        let (true, Value::Object(part)) = (PARTS[..2].contains(&name.as_str()), value) else {
            continue;
        };
        for inner in part.keys() {
            if let Some(meant) = near_miss(inner, OF_DISKS) {
                return wrong(format!(
                    "--node: nobody knows '{inner:.60}' in {name}; {meant} will be meant"
                ));
            }
        }
    }
    Ok(node)
}

fn given(flag: &str, json: &Option<String>) -> Result<Object> {
    match json.as_deref().map(parse).transpose() {
        Ok(None) => Ok(Object::new()),
        Ok(Some(Value::Object(object))) => Ok(object),
        Ok(Some(_)) | Err(_) => Err(Error::new(
            Kind::InvalidCommandParamsError,
            format!("--{flag} must be an object in JSON"),
        )),
    }
}
