//! The machine as steps see it where there is no Ironic, and what of earlier orders is remembered while it is on.

use std::fs;

use log::{info, warn};

use crate::agent;
use crate::agent::doctor::signs_of_life;
use crate::agent::without_ironic::WithoutIronic;
use crate::codec::json::{gather, object, text};
use crate::error::Result;
use crate::image::Tools;
use crate::order::Erase;
use crate::steps::node::Node;
use crate::steps::step_context::{Machine, Settings};
use crate::steps::{self, Phase};
use crate::system_root::{SystemRoot, attribute};

/// In /run: the serial of the last order that was taken.
const SERIAL: &str = "order-serial";

/// The machine, with `node` for what Ironic would say of it.
pub(super) fn machine(
    agent: &agent::Agent,
    tools: Tools,
    settings: &Settings,
    node: &Node,
) -> Machine {
    let alone = WithoutIronic::new(&agent.host, node);
    let machine = Machine::new(
        agent.host.clone(),
        agent.clock.clone(),
        agent.bell.clone(),
        tools,
        Box::new(alone),
        settings.clone(),
    );
    machine.set_node(node.clone());
    machine
}

/// By the step that Ironic would clean the machine with.
pub(super) fn erase(machine: &Machine, what: Erase) -> Result<()> {
    let step = match what {
        Erase::Nothing => return Ok(()),
        Erase::Metadata => "erase_devices_metadata",
        Erase::All => "erase_devices",
    };
    let params = gather([("step".to_owned(), object([("step", text(step))]))]);
    signs_of_life::busy(true);
    let erased = steps::execute(Phase::Clean, machine, params);
    signs_of_life::busy(false);
    erased?;
    info!("step {step} is done");
    Ok(())
}

/// That of the last order that was taken since the machine was started; 0 for none.
pub(super) fn last_serial(host: &SystemRoot) -> u64 {
    let kept = attribute(host.run(SERIAL));
    kept.and_then(|serial| serial.parse().ok()).unwrap_or(0)
}

/// No older order is taken from now on.
pub(super) fn note_serial(host: &SystemRoot, serial: u64) {
    let path = host.run(SERIAL);
    let noted =
        fs::create_dir_all(host.run("")).and_then(|()| fs::write(&path, serial.to_string()));
    if let Err(error) = noted {
        warn!(
            "noting the serial of the order in {}: {error}",
            path.display()
        );
    }
}
