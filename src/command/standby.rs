//! The `standby` extension: image, cache, flush, power off and restart, lock-down.

use super::Entry;
use crate::codec::json::{Fields, Object, Value};
use crate::error::{Context, Kind, Result};
use crate::steps::image_info;
use crate::steps::step_context::Machine;

pub(super) fn check_image(machine: &Machine, params: &Object) -> Result<()> {
    let info = params.object("image_info")?;
    image_info::validate(info, machine.settings())
}

/// Of a whole disk, its signature; of one that was divided, its partitions; nothing before an image was written.
pub(super) fn partition_uuids(machine: &Machine, _: &Entry, _: Object) -> Result<Value> {
    let written = machine.written();
    Ok(Value::Object(
        written.map_or_else(Object::new, |written| written.uuids),
    ))
}

pub(super) fn sync(machine: &Machine, _: &Entry, _: Object) -> Result<Value> {
    machine.agent.flush().map(|()| Value::Null)
}

pub(super) fn power_off(machine: &Machine, entry: &Entry, _: Object) -> Result<Value> {
    entry.wait_answered(&machine.clock);
    let outcome = machine.agent.power_off().kind(Kind::SystemRebootError);
    outcome.map(|()| Value::Null)
}

/// The name is historical: the machine restarts, from whatever it boots next.
pub(super) fn run_image(machine: &Machine, entry: &Entry, _: Object) -> Result<Value> {
    entry.wait_answered(&machine.clock);
    let outcome = machine.agent.reboot().kind(Kind::SystemRebootError);
    outcome.map(|()| Value::Null)
}
