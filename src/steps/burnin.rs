//! The steps `burnin_cpu`, `burnin_memory` and `burnin_disk`: by the switches in the node's `driver_info` (protocol/steps.md §9).

use log::warn;

use crate::burnin::{cpu, memory};
use crate::codec::json::{Value, number, object};
use crate::disk::burnin as disk_burnin;
use crate::disk::select::cleanable::cleanable;
use crate::disk::select::cluster_filesystem;
use crate::error::Result;
use crate::steps::burnin_options as options;
use crate::steps::erase_options::EraseOptions;
use crate::steps::step_context::Machine;
use crate::steps::warnings::{failed_with, warn_of};

pub(super) fn cpu(machine: &Machine) -> Result<Value> {
    let node = machine.node();
    let order = options::cpu(&node)?;
    say_of_output(options::output_file(&node, "agent_burnin_cpu_outputfile"));
    let rounds = cpu::run(&machine.host, order, &machine.clock, machine.gauge())?;
    Ok(object([
        ("seconds", number(order.time.as_secs())),
        ("rounds", number(rounds)),
    ]))
}

pub(super) fn memory(machine: &Machine) -> Result<Value> {
    let node = machine.node();
    let order = options::memory(&node)?;
    say_of_output(options::output_file(&node, "agent_burnin_vm_outputfile"));
    let tried = memory::run(&machine.host, order, &machine.clock, machine.gauge())?;
    Ok(object([
        ("seconds", number(order.time.as_secs())),
        ("memory_bytes", number(tried.memory.0)),
        ("checked_bytes", number(tried.checked.0)),
    ]))
}

/// Whatever keeps a disk from being erased keeps it from this, which leaves as little of what was on it. All refusals come
/// before the first write.
pub(super) fn disks(machine: &Machine) -> Result<Value> {
    let (node, host) = (machine.node(), &machine.host);
    let order = options::disk(&node)?;
    let erase = EraseOptions::of(&node, machine.settings().guard, false)?;
    say_of_output(options::output_file(
        &node,
        "agent_burnin_fio_disk_outputfile",
    ));
    let permit = &machine.tools.permit;
    let found = cleanable(host, permit, &machine.wishes()?, erase.skip_read_only)?;
    if erase.guard {
        let guarded = cluster_filesystem::guard(&found.disks);
        guarded.map_err(|error| failed_with(error, &found.warnings))?;
    }
    let means = disk_burnin::Means {
        host,
        permit: &permit.of_chosen(&found.disks),
        clock: &machine.clock,
        gauge: machine.gauge(),
    };
    let result = disk_burnin::run(&found, &order, &means);
    let mut result = result.map_err(|error| failed_with(error, &found.warnings))?;
    if let Value::Object(by_disk) = &mut result {
        warn_of(by_disk, &found.warnings);
    }
    Ok(result)
}

/// A file would be in memory, and gone with it.
fn say_of_output(file: Option<String>) {
    if let Some(file) = file {
        warn!(
            "burn-in writes no file {file:.200}: what it found is in the log and in the result of the step"
        );
    }
}
