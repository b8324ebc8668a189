//! The closed table of clean, deploy and service steps: what is not in it is neither listed nor run.

pub mod boot_mode;
mod burnin;
mod burnin_options;
mod declined;
pub mod deployed_disk_record;
mod erase;
pub mod erase_options;
pub mod find_boot_medium;
pub mod image;
pub mod image_info;
pub mod inject_files;
pub mod kexec;
mod metadata;
pub mod node;
mod nvram;
mod phase;
mod pstore;
mod raid;
pub mod step_context;
mod step_table;
mod warnings;

use log::info;

use crate::codec::json::{self, Array, Fields, Object, Value, gather, number, object, print, text};
use crate::error::{Context, Error, Kind, Result};
use crate::steps::step_context::{Machine, Settings};
use crate::steps::step_table::{STEPS, Step};
pub use declined::missing;
use node::Node;
pub use phase::Phase;

/// The steps of a phase, in the shape of protocol/steps.md §1.
pub fn list(phase: Phase, machine: &Machine, params: &Object) -> Result<Value> {
    remember_node(machine, params)?;
    let settings = machine.settings();
    let steps = STEPS
        .iter()
        .filter_map(|step| describe(step, phase, settings));
    let by_source = object([("GenericHardwareManager", Value::Array(steps.collect()))]);
    let listed = [
        (format!("{}_steps", phase.word()), by_source),
        ("hardware_manager_version".to_owned(), version()),
    ];
    Ok(Value::Object(gather(listed)))
}

/// As Ironic wants it listed; none if it is no step of this phase.
fn describe(step: &Step, phase: Phase, settings: &Settings) -> Option<Value> {
    let offer = step.offers.iter().find(|offer| offer.phase == phase)?;
    let mut described = vec![
        ("step", text(step.name)),
        ("interface", text(step.interface)),
        ("priority", number(offer.priority.of(settings))),
        ("reboot_requested", Value::Bool(false)),
    ];
    if offer.abortable {
        described.push(("abortable", Value::Bool(true)));
    }
    let told = step.arguments.iter().filter(|own| !own.help.is_empty());
    let told = told.map(|own| {
        let about = object([
            ("description", text(own.help)),
            ("required", Value::Bool(own.required)),
        ]);
        (own.name.to_owned(), about)
    });
    let told = gather(told);
    if !told.is_empty() {
        described.push(("argsinfo", Value::Object(told)));
    }
    let named = described
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Some(Value::Object(gather(named)))
}

/// Runs the step that `params` names; the result is in the shape of protocol/steps.md §3.
pub fn execute(phase: Phase, machine: &Machine, mut params: Object) -> Result<Value> {
    let word = phase.word();
    remember_node(machine, &params)?;
    check_version(params.remove(&format!("{word}_version")))?;
    let Some(Value::Object(mut asked)) = params.remove("step") else {
        let why = "'step' must be an object";
        return Err(Error::new(Kind::InvalidCommandParamsError, why));
    };
    let Some(name) = asked.string("step")?.map(str::to_owned) else {
        let why = format!("Malformed {word}_step, no \"step\" key");
        return Err(Error::new(Kind::CommandExecutionError, why));
    };
    // Further parameters are arguments too; the step's own win.
    params.retain(|name, _| !["node", "ports"].contains(&name.as_str()));
    match asked.remove("args") {
        Some(Value::Object(arguments)) => params.extend(arguments),
        Some(Value::Null) | None => (),
        Some(_) => {
            let why = "'args' of the step must be an object";
            return Err(Error::new(Kind::InvalidCommandParamsError, why));
        }
    }
    let step = find(phase, &name)?;
    step.accepts(&params).kind(phase.failure())?;
    info!("{word} step {name} starts");
    let result = (step.run)(machine, &mut params).kind(phase.failure())?;
    let done = [
        (format!("{word}_result"), result),
        (format!("{word}_step"), echo(&asked, &params)),
    ];
    Ok(Value::Object(gather(done)))
}

fn find(phase: Phase, name: &str) -> Result<&'static Step> {
    STEPS
        .iter()
        .find(|step| step.name == name && step.offers.iter().any(|offer| offer.phase == phase))
        .ok_or_else(|| declined::missing(name, phase))
}

/// Every command of a step describes the node anew; the newest description counts.
fn remember_node(machine: &Machine, params: &Object) -> Result<()> {
    if let Some(node) = params.object("node")? {
        let none = Array::new();
        let ports = params.array("ports")?.unwrap_or(&none);
        machine.set_node(Node::new(node).with_ports(ports));
    }
    Ok(())
}

/// Changes with what the steps do: Ironic starts over when it meets another one than it listed.
fn version() -> Value {
    object([("generic_hardware_manager", text(env!("CARGO_PKG_VERSION")))])
}

fn check_version(asked: Option<Value>) -> Result<()> {
    match asked {
        None | Some(Value::Null) => Ok(()),
        Some(asked) if print(&asked) == print(&version()) => Ok(()),
        Some(asked) => {
            let (own, asked) = (print(&version()), print(&asked));
            let why = format!("this agent has {own}, Ironic expects {asked:.300}");
            Err(Error::new(Kind::VersionMismatch, why))
        }
    }
}

/// The step as asked for, fit to be listed for ever: Ironic compares only interface and step, and
/// arguments hold config drives and passwords.
fn echo(step: &Object, arguments: &Object) -> Value {
    let small = |from: &Object, names: &[&str]| -> Object {
        let kept = names.iter().filter_map(|name| {
            let value = from.get(*name)?;
            let fits = match value {
                Value::String(text) => {
                    text.len() <= 256 && !text.contains("://") && !text.contains('?')
                }
                value => matches!(value, Value::Null | Value::Bool(_) | Value::Number(_)),
            };
            fits.then(|| ((*name).to_owned(), value.clone()))
        });
        gather(kept)
    };
    let mut echo = small(
        step,
        &[
            "interface",
            "step",
            "priority",
            "abortable",
            "reboot_requested",
        ],
    );
    if let Some(Value::Object(info)) = arguments.get("image_info") {
        let shown = small(
            info,
            &[
                "id",
                "disk_format",
                "checksum",
                "os_hash_algo",
                "os_hash_value",
            ],
        );
        let shown = json::object([("image_info", Value::Object(shown))]);
        echo.insert("args".to_owned(), shown);
    }
    Value::Object(echo)
}
