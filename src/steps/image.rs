//! Writing an image to the machine's disk, as a step and as a command of its own.

use std::path::Path;
use std::time::Duration;

use log::{info, warn};

use crate::codec::json::{Fields, Object, Value, gather, text};
use crate::disk::{self, Disk};
use crate::error::{Context, Error, Kind, Result};
use crate::image::deploy_receipt::Left;
use crate::image::layout::config_drive;
use crate::image::layout::config_drive::Source;
use crate::image::layout::partition_image::Laid;
use crate::image::{self, Layout};
use crate::steps::deployed_disk_record::{DeployedDisk, partition};
use crate::steps::step_context::Machine;
use crate::steps::warnings::{failed_with, warn_of};
use crate::steps::{boot_mode, image_info};
use crate::units::Bytes;

/// The step `write_image`.
pub(super) fn step(machine: &Machine, arguments: &mut Object) -> Result<Value> {
    prepare(machine, arguments)
}

/// `arguments` holds `image_info` and perhaps `configdrive`. All refusals come before the first write.
pub fn prepare(machine: &Machine, arguments: &mut Object) -> Result<Value> {
    let given = arguments.remove("configdrive");
    let empty = Object::new();
    let info = arguments.object("image_info")?.unwrap_or(&empty);
    let scheme = boot_mode::scheme(&machine.node(), &machine.host);
    let mut request = image_info::request(info, machine.settings(), scheme)?;
    let limit = match request.layout {
        Layout::Partition(_) => config_drive::MOST,
        Layout::Disk | Layout::Bytes => config_drive::LIMIT,
    };
    let drive = drive(given.as_ref(), info, limit)?;
    // As text it takes a third more, and is not needed any more.
    drop(given);
    request.drive = drive.map(|drive| drive.anew(machine.settings().rebuild_drive));
    let disk::Choice { disk, warnings, .. } = choose_disk(machine)?;
    let place = disk.path.display();
    let receipt = write(machine, &request, &disk);
    let written = receipt.and_then(|receipt| Ok((settle(machine, &disk, &receipt)?, receipt)));
    let (written, receipt) = written.map_err(|error| failed_with(error, &warnings))?;
    let root = written.root().unwrap_or_default();
    // protocol/api.md §11: the words of the reference agent.
    let mut result = format!(
        "prepare_image: image ({}) written to device {place} root_uuid={root}",
        request.id
    );
    if let (Some("uefi"), Some(efi)) = (info.string("deploy_boot_mode")?, written.efi()) {
        result += &format!(" efi_system_partition_uuid={efi}");
    }
    let mut told = gather([
        ("result".to_owned(), text(result)),
        ("receipt".to_owned(), receipt.to_json()),
    ]);
    warn_of(&mut told, &warnings);
    Ok(Value::Object(told))
}

/// The image on the disk.
pub fn write(machine: &Machine, request: &image::Request, disk: &Disk) -> Result<image::Receipt> {
    let place = disk.path.display();
    info!("image {} goes to {place}", request.id);
    machine.set_written(None);
    let mut tools = machine.tools.clone();
    tools.permit = tools.permit.of_chosen(std::slice::from_ref(disk));
    image::deploy(request, &disk.path, &tools)
        .with_context(|| format!("writing image {} to {place}", request.id))
        .kind(Kind::ImageWriteError)
}

/// All partitions of what was written are there; what is known of it is kept.
pub fn settle(machine: &Machine, disk: &Disk, receipt: &image::Receipt) -> Result<DeployedDisk> {
    if let Left::Parts(parts) = &receipt.left {
        wait_for(machine, &disk.path, parts)?;
    }
    let written = DeployedDisk::new(&disk.path, &receipt.left);
    machine.set_written(Some(&written));
    Ok(written)
}

/// The config drive, if there is one: the step's own argument, `given`, wins.
fn drive(given: Option<&Value>, info: &Object, limit: Bytes) -> Result<Option<Source>> {
    let given = match given {
        None | Some(Value::Null) => info.string("configdrive")?,
        Some(Value::String(text)) => Some(&**text),
        Some(_) => {
            let why = "'configdrive' must be a string";
            return Err(Error::new(Kind::InvalidCommandParamsError, why));
        }
    };
    let given = given.filter(|text| !text.is_empty());
    given.map(|text| Source::new(text, limit)).transpose()
}

/// In a ramdisk, where the kernel makes them, until every partition has a device.
fn wait_for(machine: &Machine, disk: &Path, parts: &[Laid]) -> Result<()> {
    let most = machine.settings().partition_attempts;
    if !machine.host.is_ramdisk() {
        return Ok(());
    }
    for part in parts {
        let device = partition(disk, part.number);
        let mut attempts = (1..=most).skip_while(|attempt| {
            let there = device.exists();
            if !there && *attempt < most {
                machine.clock.sleep(Duration::from_secs(1));
            }
            !there
        });
        if attempts.next().is_none() {
            let (device, name) = (device.display(), part.role.name());
            let why = format!(
                "the image is written, but the kernel shows no {device} for the {name} partition: is the disk in use?"
            );
            return Err(Error::new(Kind::DeploymentError, why));
        }
    }
    Ok(())
}

/// The disk an image goes to. A node without hints is looked up once more: they may just have been set.
pub fn choose_disk(machine: &Machine) -> Result<disk::Choice> {
    if !machine.node().has_hints() {
        match machine.agent.look_up() {
            Ok(node) => machine.set_node(node),
            Err(error) => warn!("the node as last sent has to do, the lookup failed: {error}"),
        }
    }
    let mut wishes = machine.wishes()?;
    wishes.unguarded = !machine.guards()?;
    let (attempts, delay) = machine.settings().disk_wait;
    disk::wait_for_root(&machine.host, &machine.clock, attempts, delay, &wishes)
        .kind(Kind::DeviceNotFound)
}
