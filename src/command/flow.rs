//! `flow.start_flow`: other commands, one after the other, as one command; it ends with the first that fails.

use log::info;

use super::Entry;
use crate::codec::json::{Object, Value, gather};
use crate::command::definition::Command;
use crate::error::{Context, Error, Kind, Result};
use crate::steps::step_context::Machine;

/// Finds a command by extension and name.
type LookUp = fn(&str, &str) -> Result<&'static Command>;

/// As it is called.
const NAME: &str = "flow.start_flow";

/// Refuses a flow with a command that does not exist, before any of them runs. Whether one fits its parameters shows when it is its turn.
pub(super) fn check(look_up: LookUp, params: &Object) -> Result<()> {
    for task in tasks(params)? {
        for (name, params) in task {
            command(look_up, name)?;
            if !matches!(params, Value::Object(_)) {
                return Err(invalid(format!(
                    "the parameters of {name:.100} must be an object"
                )));
            }
        }
    }
    Ok(())
}

/// Runs what [`check`] has let pass. `entry` is that of the whole flow; its commands have none.
pub(super) fn run(
    look_up: LookUp,
    machine: &Machine,
    entry: &Entry,
    params: Object,
) -> Result<Value> {
    for task in tasks(&params)? {
        for (name, params) in task {
            info!("{NAME}: {name} starts");
            let failed = |error: Error| {
                let why = format!("{name} was failed: {}", error.details());
                Error::new(Kind::CommandExecutionError, why)
            };
            one(look_up, machine, entry, name, params).map_err(failed)?;
        }
    }
    Ok(Value::Null)
}

fn one(
    look_up: LookUp,
    machine: &Machine,
    entry: &Entry,
    name: &str,
    params: &Value,
) -> Result<()> {
    let command = command(look_up, name)?;
    let params = match params {
        Value::Object(params) => gather(params.iter().map(|(k, v)| (k.clone(), v.clone()))),
        _ => Object::new(),
    };
    if let Some(check) = command.check {
        check(machine, &params)?;
    }
    command.accepts(&params)?;
    (command.run)(machine, entry, params).kind(Kind::CommandExecutionError)?;
    if let Some(after) = command.after {
        after(machine);
    }
    Ok(())
}

/// The command of this name, unless that is a flow itself.
fn command(look_up: LookUp, name: &str) -> Result<&'static Command> {
    let (extension, bare) = name.split_once('.').ok_or_else(|| {
        let form = "Command name must be of the form <extension>.<name>";
        Error::new(Kind::InvalidCommandError, form)
    })?;
    let command = look_up(extension, bare)?;
    match command.is_flow {
        false => Ok(command),
        true => Err(invalid(format!("a flow holds no {NAME}"))),
    }
}

fn tasks(params: &Object) -> Result<Vec<&Object>> {
    let Some(Value::Array(tasks)) = params.get("flow") else {
        return Err(invalid("'flow' must be a list of {command: parameters}"));
    };
    let tasks = tasks.iter().map(|task| match task {
        Value::Object(task) => Ok(task),
        _ => Err(invalid("'flow' must be a list of {command: parameters}")),
    });
    tasks.collect()
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidCommandParamsError, why)
}
