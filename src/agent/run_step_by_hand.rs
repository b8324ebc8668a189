//! Runs one clean or deploy step for a person at the machine (`--step`), as Ironic would have it run.

use log::info;

use crate::agent::without_ironic::WithoutIronic;
use crate::agent::{Surroundings, effective_config, write_image_by_hand};
use crate::clock::Bell;
use crate::codec::json::{Object, Value, gather, parse, print, text};
use crate::codec::near_miss::near_miss;
use crate::conductor::lookup::Enrolment;
use crate::error::{Error, Kind, Result};
use crate::logger::progress_bar;
use crate::steps;
use crate::steps::Phase;
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
pub(super) fn given_node(json: &Option<String>) -> Result<Object> {
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
        let part = match value {
            Value::Object(part) => part,
            Value::Null => continue,
            _ if PARTS.contains(&name.as_str()) => {
                return wrong(format!(
                    "--node: {name} must be an object, as in {{\"{name}\": {{…}}}}"
                ));
            }
            _ => continue,
        };
        if !PARTS[..2].contains(&name.as_str()) {
            continue;
        }
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
