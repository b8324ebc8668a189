//! Erasing the machine's disks: the steps `erase_devices` and `erase_devices_express`.

use crate::codec::json::{Object, Value};
use crate::disk::erase::{self, Means, Order};
use crate::disk::secure_erase;
use crate::disk::secure_erase::Allowed;
use crate::disk::select::cleanable::{Cleanable, cleanable};
use crate::disk::select::cluster_filesystem;
use crate::disk::wipe;
use crate::error::Result;
use crate::steps::erase_options::EraseOptions;
use crate::steps::step_context::Machine;
use crate::steps::warnings::{failed_with, warn_of};

pub(super) fn devices(machine: &Machine, _: &Object) -> Result<Value> {
    run(machine, false)
}

pub(super) fn express(machine: &Machine, _: &Object) -> Result<Value> {
    run(machine, true)
}

/// All refusals come before the first disk is touched.
fn run(machine: &Machine, express: bool) -> Result<Value> {
    let (node, settings) = (machine.node(), machine.settings());
    let options = EraseOptions::of(&node, settings.guard, settings.discard)?;
    // protocol/steps.md §6: the express step never minds a read-only disk.
    let skip_read_only = express || options.skip_read_only;
    let permit = &machine.tools.permit;
    let found = cleanable(&machine.host, permit, &machine.wishes()?, skip_read_only)?;
    let result = erase(machine, &options, express, &found);
    let mut result = result.map_err(|error| failed_with(error, &found.warnings))?;
    if let Value::Object(by_disk) = &mut result {
        warn_of(by_disk, &found.warnings);
    }
    Ok(result)
}

fn erase(
    machine: &Machine,
    options: &EraseOptions,
    express: bool,
    found: &Cleanable,
) -> Result<Value> {
    let (host, clock) = (&machine.host, &machine.clock);
    let permit = &machine.tools.permit.of_chosen(&found.disks);
    if options.guard {
        cluster_filesystem::guard(&found.disks)?;
    }
    let spared: Vec<String> = found
        .passed_over
        .iter()
        .map(|(disk, _)| disk.clone())
        .collect();
    let allowed = Allowed {
        nvme: options.nvme,
        ata: options.ata,
        spared: &spared,
    };
    let order = Order {
        express,
        random: options.passes,
        zeros: options.zeroize,
        nvme: options.nvme,
        fall_back: options.fall_back,
        discard: options.discard,
        at_once: options.concurrency.min(found.disks.len()),
    };
    let means = Means {
        host,
        permit,
        clock,
        gauge: machine.gauge(),
        own: &|disk, tell| secure_erase::erase(disk, permit, allowed, host, clock, tell),
        metadata: &|disk| wipe::metadata(disk, permit, host).map(drop),
    };
    erase::erase(found, &order, &means)
}
