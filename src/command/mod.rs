//! The commands Ironic may give: one table, and the engine that runs and remembers them.

pub mod command_runner;
mod crash_marker;
mod definition;
mod flow;
mod install_bootloader;
pub mod request;
mod rescue;
mod standby;
pub mod started_command;

pub use crate::steps::step_context::{Agent, Login, Machine, Settings};
pub use command_runner::Engine;
pub use install_bootloader::make_bootable;
pub use request::Call;
pub use started_command::Entry;

use self::definition::{Command, Mode, Names, Run, plain};
use crate::codec::json::{Object, Value, object, text};
use crate::error::{Error, Kind, Result};
use crate::inventory;
use crate::steps::{self, Phase};
use crate::system_logs;
use crate::system_root::SystemRoot;

/// No command of an agent before this one is to be told of: that was another Ironic's.
pub fn forget_last(host: &SystemRoot) {
    crash_marker::CrashMarker::of(host).clear();
}

const fn list(name: &'static str, run: Run) -> Command {
    plain(name, Mode::Sync, &["node", "ports"], &[], run)
}

const fn execute(name: &'static str, version: Names, run: Run) -> Command {
    Command {
        open: true,
        ..plain(name, Mode::Async, &["step", "node", "ports"], version, run)
    }
}

/// protocol/api.md §11. A command that is not here is not in this build.
#[rustfmt::skip]
static TABLE: [Command; 19] = [
    list("clean.get_clean_steps", |machine, _, params| steps::list(Phase::Clean, machine, &params)),
    list("deploy.get_deploy_steps", |machine, _, params| steps::list(Phase::Deploy, machine, &params)),
    list("service.get_service_steps", |machine, _, params| steps::list(Phase::Service, machine, &params)),
    execute("clean.execute_clean_step", &["clean_version"],
        |machine, _, params| steps::execute(Phase::Clean, machine, params)),
    execute("deploy.execute_deploy_step", &["deploy_version"],
        |machine, _, params| steps::execute(Phase::Deploy, machine, params)),
    execute("service.execute_service_step", &["service_version"],
        |machine, _, params| steps::execute(Phase::Service, machine, params)),
    Command {
        check: Some(standby::check_image),
        ..plain("standby.prepare_image", Mode::Async, &["image_info"], &["configdrive"],
            |machine, _, mut params| steps::image::prepare(machine, &mut params))
    },
    plain("standby.get_partition_uuids", Mode::Sync, &[], &[], standby::partition_uuids),
    plain("standby.sync", Mode::Sync, &[], &[], standby::sync),
    plain("standby.power_off", Mode::Async, &[], &[], standby::power_off),
    plain("standby.run_image", Mode::Async, &[], &[], standby::run_image),
    plain("image.install_bootloader", Mode::Async, &["root_uuid"],
        &["efi_system_part_uuid", "prep_boot_part_uuid", "target_boot_mode", "ignore_bootloader_failure"],
        install_bootloader::install_bootloader),
    plain("log.collect_system_logs", Mode::Sync, &[], &[],
        |machine, _, _| Ok(object([("system_logs", text(system_logs::archive(&machine.host, &machine.clock)?))]))),
    Command {
        after: Some(|machine| machine.agent.lock_down()),
        ..plain("system.lockdown", Mode::Sync, &[], &[], |_, _, _| Ok(Value::Null))
    },
    Command {
        after: Some(|machine| machine.agent.hand_over()),
        ..plain("rescue.finalize_rescue", Mode::Sync, &[], &["rescue_password", "hashed"], rescue::finalize_rescue)
    },
    // Ironic 39 has a step of that name for images that bring their own installer.
    plain("standby.execute_bootc_install", Mode::Async, &[], &["image_source", "instance_info", "pull_secret", "configdrive"],
        |_, _, _| Err(steps::missing("execute_bootc_install", Phase::Deploy))),
    Command {
        check: Some(|_, params| check_flow(params)),
        is_flow: true,
        ..plain("flow.start_flow", Mode::Async, &["flow"], &[], |machine, entry, params| flow::run(look_up, machine, entry, params))
    },
    plain("poll.set_node_info", Mode::Sync, &[], &["node_info"], |_, _, _| Err(Error::new(Kind::InvalidCommandError,
        "Node lookup data can only be set in standalone mode; this agent asks Ironic for it"))),
    plain("poll.get_hardware_info", Mode::Sync, &[], &[], |machine, _, _| Ok(inventory::collect(&machine.host, machine.settings().boot.clone()))),
];

/// An error unless `params` are those of a flow whose commands all exist.
pub fn check_flow(params: &Object) -> Result<()> {
    flow::check(look_up, params)
}

/// The command of a name, or who does not know it.
fn look_up(extension: &str, bare: &str) -> Result<&'static Command> {
    if let Some(command) = TABLE
        .iter()
        .find(|command| command.parts() == (extension, bare))
    {
        return Ok(command);
    }
    match TABLE.iter().any(|command| command.parts().0 == extension) {
        true => {
            let why = format!("Unknown command: {bare:.100}");
            Err(Error::new(Kind::InvalidCommandError, why))
        }
        false => {
            let why = format!("Extension with id {extension:.100} not found.");
            Err(Error::new(Kind::RequestedObjectNotFoundError, why))
        }
    }
}
