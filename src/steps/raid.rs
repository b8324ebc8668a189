//! Software RAID as Ironic asks for it: the steps `create_configuration`, `delete_configuration` and `apply_configuration`.

use log::{info, warn};

use crate::codec::json::{Fields, Object, Value};
use crate::disk::raid::apart;
use crate::disk::raid::configuration::{Circumstances, Volume, is_ours, parse};
use crate::disk::raid::create::{self, create};
use crate::disk::raid::delete::{self, delete};
use crate::disk::raid::fate::{ESP, Fate, fates};
use crate::disk::raid::kernel_array;
use crate::disk::raid::layout::{Bare, plan};
use crate::disk::raid::members::{Array, arrays, is_array};
use crate::disk::select::cleanable::cleanable;
use crate::disk::select::hints::Fit;
use crate::disk::select::skip_list::skipped;
use crate::disk::wipe::partition_ranges::Places;
use crate::disk::{Disk, Hints, list};
use crate::error::{Context, Error, Kind, Result};
use crate::steps::boot_mode;
use crate::steps::step_context::Machine;
use crate::system_root::SystemRoot;

/// Makes the node's `target_raid_config`; an empty object where that wants nothing of the agent.
pub(super) fn create_configuration(machine: &Machine, _: &mut Object) -> Result<Value> {
    let node = machine.node();
    match node.target_raid() {
        None => {
            info!("the node has no target_raid_config");
            Ok(Value::Object(Object::new()))
        }
        Some(Value::Object(config)) if config.is_empty() => {
            info!("the node's target_raid_config is empty");
            Ok(Value::Object(Object::new()))
        }
        Some(Value::Object(config)) => make(machine, config),
        Some(_) => Err(wrong("target_raid_config must be an object")),
    }
}

/// Deletes every array but those that are to be spared.
pub(super) fn delete_configuration(machine: &Machine, _: &mut Object) -> Result<Value> {
    remove(machine)?;
    Ok(Value::Null)
}

/// Checks `raid_config`, deletes what there is unless `delete_existing` is false, and makes it.
pub(super) fn apply_configuration(machine: &Machine, arguments: &mut Object) -> Result<Value> {
    let Some(config) = arguments.object("raid_config")? else {
        return Err(wrong("RAID config contains no logical disks"));
    };
    let delete_existing = arguments.boolean("delete_existing")?.unwrap_or(true);
    volumes(machine, config, &candidates(machine)?)?;
    if delete_existing {
        remove(machine)?;
    }
    make(machine, config)
}

fn make(machine: &Machine, config: &Object) -> Result<Value> {
    if let Err(why) = is_ours(config) {
        warn!(
            "no array is made: target_raid_config wants no software RAID, as {why}; the agent makes what has 'controller': 'software'"
        );
        return Ok(Value::Object(Object::new()));
    }
    let host = &machine.host;
    let mut disks = candidates(machine)?;
    let all = volumes(machine, config, &disks)?;
    let (wanted, there) = but_those_there(machine, all)?;
    for volume in wanted.iter().filter(|_| host.is_ramdisk()) {
        kernel_array::load(host, volume.level.number())?;
    }
    let (used, members) = choose(&disks, &wanted)?;
    disks = used.iter().map(|at| disks[*at].clone()).collect();
    must_be_bare(&disks)?;
    let bare: Vec<_> = disks.iter().map(bare).collect();
    let scheme = boot_mode::scheme(&machine.node(), host);
    let layouts = plan(scheme, &bare, &wanted, &members)?;
    let mut roots = there.roots;
    if wanted.is_empty() {
        info!(
            "all volumes of target_raid_config are there already: {}",
            there.names.join(", ")
        );
        machine.note_root_volumes(&roots);
        return Ok(Value::Object(config.clone()));
    }
    let stage = format!("making {} arrays of {} disks", wanted.len(), disks.len());
    machine.gauge().begin(stage, None);
    let order = create::Order {
        disks: &disks,
        layouts: &layouts,
        volumes: &wanted,
        members: &members,
        now: machine.clock.unix() as u64,
    };
    let names = create(host, &machine.tools.permit, &order)?;
    let made = names.iter().zip(&wanted);
    roots.extend(made.filter_map(|(name, volume)| Some((name.clone(), volume.root?))));
    machine.note_root_volumes(&roots);
    Ok(Value::Object(config.clone()))
}

/// Disks that arrays may be made of.
fn candidates(machine: &Machine) -> Result<Vec<Disk>> {
    let (host, permit) = (&machine.host, &machine.tools.permit);
    let found = cleanable(host, permit, &machine.wishes()?, true).kind(Kind::SoftwareRAIDError)?;
    let disks = found.disks.into_iter();
    Ok(disks
        .filter(|disk| !is_array(host, disk.kernel()))
        .collect())
}

fn volumes(machine: &Machine, config: &Object, disks: &[Disk]) -> Result<Vec<Volume>> {
    let node = machine.node();
    // Those that hold what there is now may be free by then.
    let held = list(&machine.host).into_iter();
    let held = held.filter(|disk| {
        let free = disks.iter().any(|other| other.name == disk.name);
        !free && !disk.holders.is_empty() && !is_array(&machine.host, disk.kernel())
    });
    let about = Circumstances {
        node: node.uuid.as_deref().unwrap_or("this node"),
        named: machine
            .wishes()?
            .skip
            .iter()
            .any(|hints| hints.is_of_volumes()),
        disks: disks.len() + held.count(),
    };
    parse(config, about)
}

/// Arrays that stay as they are.
#[derive(Default)]
struct There {
    names: Vec<String>,
    /// The kernel's name of each of which it is said whether it is the disk to deploy to. One that is to be spared never is.
    roots: Vec<(String, bool)>,
}

/// Those that are to be made: where volumes are spared, they and what shares their disks stay, if they are wanted; any other
/// array is in the way.
fn but_those_there(machine: &Machine, wanted: Vec<Volume>) -> Result<(Vec<Volume>, There)> {
    let found = arrays(&machine.host, &list(&machine.host));
    let wishes = machine.wishes()?;
    let fates = fates(&found, |array| spared(&machine.host, &wishes.skip, array));
    let mut there = There::default();
    for (array, fate) in found.iter().zip(&fates) {
        let name = array.said().volume();
        let mut by_name = wanted.iter();
        let volume = by_name.find(|volume| volume.name.as_deref() == Some(name));
        let stays = *fate != Fate::Delete && (volume.is_some() || name == ESP);
        if !stays {
            let why = format!(
                "Existing Software RAID device detected that should not: {}. Delete it first (delete_configuration)",
                array.describe()
            );
            return Err(wrong(why));
        }
        there.names.push(name.to_owned());
        let is_spared = matches!(fate, Fate::Keep(_));
        let root = volume.and_then(|volume| volume.root);
        let root = root.filter(|root| !root || !is_spared);
        there.roots.extend(array.running.clone().zip(root));
    }
    let is_there = |volume: &Volume| {
        volume
            .name
            .as_ref()
            .is_some_and(|name| there.names.contains(name))
    };
    let missing = wanted.into_iter().filter(|volume| !is_there(volume));
    Ok((missing.collect(), there))
}

/// Why an array is to be left alone.
fn spared(host: &SystemRoot, skip: &[Hints], array: &Array) -> Option<String> {
    let name = array.name();
    if skip.iter().any(|hints| hints.is_volume(&name)) {
        return Some("is on the skip list".to_owned());
    }
    let disks = list(host);
    let running = array.running.as_deref();
    let itself = disks.iter().find(|disk| Some(disk.kernel()) == running);
    // What is on it, nobody can tell.
    if !skip.is_empty() && itself.is_none_or(apart::is_member) {
        return Some(
            "is apart or part of another one, and skip_block_devices is not empty".to_owned(),
        );
    }
    if let Some(why) = itself.and_then(|disk| skipped(disk, &disks, skip)) {
        return Some(why);
    }
    let named: Vec<_> = skip
        .iter()
        .filter(|hints| !hints.is_of_volumes())
        .cloned()
        .collect();
    let mut own = disks.iter().filter(|disk| array.is_on(disk.kernel()));
    own.find_map(|disk| {
        let why = skipped(disk, &disks, &named)?;
        Some(format!("is on {}, which {why}", disk.name))
    })
}

fn remove(machine: &Machine) -> Result<()> {
    let (host, permit) = (&machine.host, &machine.tools.permit);
    let wishes = machine.wishes()?;
    let found = cleanable(host, permit, &wishes, true).kind(Kind::SoftwareRAIDError)?;
    for (disk, why) in &found.passed_over {
        info!("{disk} {why}");
    }
    let all = list(host);
    // What is part of an array is passed over when disks are cleaned, and is what this is about.
    let spares = |disk: &&Disk| {
        let held = !disk.holders.is_empty() && skipped(disk, &all, &wishes.skip).is_none();
        held || found.disks.iter().any(|other| other.name == disk.name)
    };
    let disks: Vec<_> = all
        .iter()
        .filter(spares)
        .map(|disk| disk.kernel().to_owned())
        .collect();
    machine.gauge().begin("deleting arrays".to_owned(), None);
    let order = delete::Order {
        spared: &|array| spared(host, &wishes.skip, array),
        disks: &disks,
    };
    delete(host, permit, &order).kind(Kind::SoftwareRAIDError)?;
    machine.note_root_volumes(&[]);
    Ok(())
}

/// The places of all disks that are used, and of those of each volume among them.
fn choose(disks: &[Disk], volumes: &[Volume]) -> Result<(Vec<usize>, Vec<Vec<usize>>)> {
    let mut used: Vec<usize> = Vec::new();
    let mut all = Vec::new();
    for volume in volumes {
        let mut own = Vec::new();
        for hints in &volume.physical {
            let mut fits = Vec::new();
            for (at, disk) in disks.iter().enumerate() {
                match hints.fit(disk) {
                    Fit::Yes => fits.push(at),
                    Fit::No(_) => {}
                    Fit::Unknown(why) => return Err(wrong(format!("{} {why}", disk.name))),
                }
            }
            let names: Vec<_> = disks.iter().map(|disk| disk.name.as_str()).collect();
            let free = fits.iter().find(|at| !own.contains(*at));
            let Some(at) = free else {
                let left = if fits.is_empty() { "" } else { "left " };
                let why = format!(
                    "No candidates {left}for physical disk {hints} from the list {names:?}"
                );
                return Err(wrong(why));
            };
            own.push(*at);
        }
        if volume.physical.is_empty() {
            own = (0..disks.len()).collect();
        }
        for at in own
            .iter()
            .filter(|at| !used.contains(at))
            .copied()
            .collect::<Vec<_>>()
        {
            used.push(at);
        }
        all.push(own);
    }
    // From here on by their places among those used.
    let place = |at: &usize| used.iter().position(|own| own == at).unwrap_or_default();
    let all = all
        .iter()
        .map(|own| own.iter().map(place).collect())
        .collect();
    Ok((used, all))
}

/// No disk has partitions, which somebody may want.
fn must_be_bare(disks: &[Disk]) -> Result<()> {
    let has_parts = |disk: &&Disk| -> bool {
        let file = std::fs::File::open(&disk.path);
        let read = &mut |at: u64, bytes: &mut [u8]| {
            let file = file.as_ref().map_err(Error::plain)?;
            std::os::unix::fs::FileExt::read_exact_at(file, bytes, at).map_err(Error::from)
        };
        disk.numbers.len() > 1
            || !Places::read(disk.size.0, disk.logical_sector, read)
                .partitions
                .is_empty()
    };
    let full: Vec<_> = disks
        .iter()
        .filter(has_parts)
        .map(|disk| disk.name.as_str())
        .collect();
    match full.is_empty() {
        true => Ok(()),
        false => Err(wrong(format!(
            "Partitions detected on devices {} during RAID config: delete_configuration or erase_devices_metadata removes them",
            full.join(", ")
        ))),
    }
}

fn bare(disk: &Disk) -> Bare {
    Bare {
        name: disk.name.clone(),
        size: disk.size.0,
        sector: disk.logical_sector,
    }
}

fn wrong(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::SoftwareRAIDError, why)
}
