//! Writing an image to the machine's disk, as a step and as a command of its own.

use log::{info, warn};

use super::machine::Machine;
use super::order;
use crate::codec::json::{Fields, Object, Value, object, text};
use crate::disk;
use crate::error::{Context, Kind, Result};
use crate::image;
use crate::image::drive::Source;

/// The step `write_image`.
pub(super) fn step(machine: &Machine, arguments: &Object) -> Result<Value> {
    prepare(machine, arguments)
}

/// `arguments` holds `image_info` and perhaps `configdrive`. All refusals come before the first write.
pub fn prepare(machine: &Machine, arguments: &Object) -> Result<Value> {
    let empty = Object::new();
    let info = arguments.object("image_info")?.unwrap_or(&empty);
    let mut request = order::request(info, machine.settings())?;
    request.drive =
        drive(arguments, info)?.map(|drive| drive.anew(machine.settings().rebuild_drive));
    let disk = choose_disk(machine)?;
    let place = disk.path.display();
    info!("image {} goes to {place}", request.id);
    machine.set_written(None);
    let receipt = image::deploy(&request, &disk.path, &machine.tools)
        .with_context(|| format!("writing image {} to {place}", request.id))
        .kind(Kind::ImageWriteError)?;
    // How Ironic knows a whole disk from others: by the signature in its boot record.
    let signature = format!("{:#010x}", receipt.signature);
    machine.set_written(Some(&signature));
    // protocol/api.md §11: the words of the reference agent.
    let result = format!(
        "prepare_image: image ({}) written to device {place} root_uuid={signature}",
        request.id
    );
    Ok(object([
        ("result", text(result)),
        ("receipt", receipt.to_json()),
    ]))
}

/// The config drive, if there is one: the step's own argument wins.
fn drive(arguments: &Object, info: &Object) -> Result<Option<Source>> {
    let given = match arguments.string("configdrive")? {
        None => info.string("configdrive")?,
        own => own,
    };
    let given = given.filter(|text| !text.is_empty());
    given.map(Source::new).transpose()
}

/// The disk an image goes to. A node without hints is looked up once more: they may just have been set.
pub fn choose_disk(machine: &Machine) -> Result<disk::Disk> {
    if !machine.node().has_hints() {
        match machine.agent.look_up() {
            Ok(node) => machine.set_node(node),
            Err(error) => warn!("the node as last sent has to do, the lookup failed: {error}"),
        }
    }
    let mut wishes = machine.node().wishes()?;
    wishes.unguarded = !machine.guards()?;
    let (attempts, delay) = machine.settings().disk_wait;
    disk::wait_for_root(&machine.host, &machine.clock, attempts, delay, &wishes)
        .kind(Kind::DeviceNotFound)
}
