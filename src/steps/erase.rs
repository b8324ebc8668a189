//! Erasing the machine's disks: the steps `erase_devices` and `erase_devices_express`.

use super::erasure::Erasure;
use super::machine::Machine;
use crate::codec::json::{Object, Value};
use crate::disk::cleanable::cleanable;
use crate::disk::erase::{self, Means, Order};
use crate::disk::secure::{self, Allowed};
use crate::disk::{shared, wipe};
use crate::error::Result;

pub(super) fn devices(machine: &Machine, _: &Object) -> Result<Value> {
    run(machine, false)
}

pub(super) fn express(machine: &Machine, _: &Object) -> Result<Value> {
    run(machine, true)
}

/// All refusals come before the first disk is touched.
fn run(machine: &Machine, express: bool) -> Result<Value> {
    let (host, clock) = (&machine.host, &machine.clock);
    let (node, settings) = (machine.node(), machine.settings());
    let erasure = Erasure::of(&node, settings.guard, settings.discard)?;
    // protocol/steps.md §6: the express step never minds a read-only disk.
    let skip_read_only = express || erasure.skip_read_only;
    let permit = &machine.tools.permit;
    let found = cleanable(host, permit, &node.wishes()?, skip_read_only)?;
    let permit = &permit.of_chosen(&found.disks);
    if erasure.guard {
        shared::guard(&found.disks)?;
    }
    let spared: Vec<String> = found
        .passed_over
        .iter()
        .map(|(disk, _)| disk.clone())
        .collect();
    let allowed = Allowed {
        nvme: erasure.nvme,
        ata: erasure.ata,
        spared: &spared,
    };
    let order = Order {
        express,
        random: erasure.passes,
        zeros: erasure.zeroize,
        nvme: erasure.nvme,
        fall_back: erasure.fall_back,
        discard: erasure.discard,
        at_once: erasure.concurrency.min(found.disks.len()),
    };
    let means = Means {
        host,
        permit,
        clock,
        gauge: machine.gauge(),
        own: &|disk, tell| secure::erase(disk, permit, allowed, host, clock, tell),
        metadata: &|disk| wipe::metadata(disk, permit, host).map(drop),
    };
    erase::erase(&found, &order, &means)
}
