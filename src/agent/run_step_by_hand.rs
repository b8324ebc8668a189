//! Runs one clean or deploy step for a person at the machine (`--step`), as Ironic would have it run.

use log::{info, warn};

use crate::agent::{Surroundings, write_image_by_hand};
use crate::clock::Bell;
use crate::codec::json::{Object, Value, gather, parse, print, text};
use crate::disk;
use crate::disk::{Choice, Wishes};
use crate::error::{Context, Error, Kind, Result};
use crate::logger;
use crate::logger::status::{self, DiskLine};
use crate::power;
use crate::redaction::clean;
use crate::report;
use crate::steps;
use crate::steps::Phase;
use crate::steps::find_boot_medium::boot_medium;
use crate::steps::node::Node;
use crate::steps::step_context::{Agent, Machine, Settings};

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
    logger::start(&surroundings.host(), false);
    let (node, arguments) = (
        given("node", &step.node)?,
        given("arguments", &step.arguments)?,
    );
    let asked = [
        ("step".to_owned(), text(step.name.as_str())),
        ("args".to_owned(), Value::Object(arguments)),
    ];
    let params = [
        ("step".to_owned(), Value::Object(gather(asked))),
        ("node".to_owned(), Value::Object(node)),
    ];
    let tools = write_image_by_hand::tools(&surroundings, false);
    let alone = Alone(surroundings);
    let machine = Machine::new(
        alone.0.host(),
        tools.clock.clone(),
        Bell::default(),
        tools,
        Box::new(alone),
        Settings::default(),
    );
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
    logger::start(&surroundings.host(), false);
    let host = surroundings.host();
    let wishes = Wishes {
        medium: boot_medium(&host, None),
        ..Node::new(&given("node", node)?).wishes()?
    };
    let choice = disk::root(&host, &wishes)?;
    for warning in &choice.warnings {
        warn!("{warning}");
    }
    Ok(choice)
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

/// There is no Ironic to ask, and the machine stays on.
struct Alone(Surroundings);

impl Agent for Alone {
    fn look_up(&self) -> Result<Node> {
        without_ironic()
    }

    fn flush(&self) -> Result<()> {
        power::flush_disks(&self.0.host());
        Ok(())
    }

    fn power_off(&self) -> Result<()> {
        without_ironic()
    }

    fn reboot(&self) -> Result<()> {
        without_ironic()
    }

    // On a host somebody else does.
    fn load_module(&self, _: &str) {}

    fn lock_down(&self) {}

    fn hand_over(&self) {}
}

fn without_ironic<T>() -> Result<T> {
    Err(Error::plain("there is no Ironic behind a step run by hand"))
        .kind(Kind::CommandExecutionError)
}
