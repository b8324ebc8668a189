//! The disk an image would go to, chosen as a deploy would choose it: the last step of an examination, and what a plan is of. No disk is
//! written.

use std::path::Path;

use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::agent::order_desk::{is_called, kernel_name, meant};
use crate::config::Config;
use crate::disk::select::boot_medium::BootMedium;
use crate::disk::select::verdicts::{tell_named, tell_none};
use crate::disk::{self, Choice, Wishes};
use crate::error::{Context, Error, Result};
use crate::order::Order;
use crate::steps::erase_options::EraseOptions;
use crate::steps::find_boot_medium::{boot_medium, is_unknown};
use crate::steps::node::Node;
use crate::sys::block;
use crate::system_root::SystemRoot;
use crate::units::Bytes;

/// The disk that `order` would be carried out on; without one, that of a deploy by Ironic which says `node` of the node. Of every disk
/// whoever looks at this machine is told what was decided.
pub fn chosen(
    host: &SystemRoot,
    config: Option<&Config>,
    order: Option<&Order>,
    node: &Node,
) -> Result<Choice> {
    let medium = boot_medium(host, config.and_then(|config| config.medium.as_deref()));
    let guard = config.is_none_or(|config| config.guard);
    if let Some(path) = order.and_then(|order| order.disk.as_deref()) {
        return named(host, path, &medium, guard).inspect_err(|error| {
            let name = kernel_name(path);
            tell_none(&disk::list(host), &|disk| match is_called(disk, &name) {
                true => error.details(),
                false => "is not the one named by ironlet.disk",
            });
        });
    }
    let node = order.map_or(node, |order| &order.node);
    let wishes = Wishes {
        medium: medium.clone(),
        unguarded: !EraseOptions::guard(node, guard)?,
        own_first: order.is_some(),
        ..node.wishes()?
    };
    let choice = disk::root(host, &wishes)?;
    let disks = disk::list(host);
    let is_unasked = order.is_some() && !node.has_hints();
    let unknown = is_unasked.then(|| is_unknown(host, &medium, &disks));
    if let Some(why) = unknown.flatten() {
        tell_none(&disks, &|_| why.as_str());
        return Err(Error::plain(why));
    }
    Ok(choice)
}

/// The one that `ironlet.disk` names.
fn named(host: &SystemRoot, path: &Path, medium: &BootMedium, guard: bool) -> Result<Choice> {
    let mut disk = meant(host, path, medium, guard)?;
    // Nobody lists it: a file, or a loop device.
    let mut disks = disk::list(host);
    if !disks.iter().any(|listed| listed.name == disk.name) {
        if !path.exists() {
            return Err(Error::plain(format!("there is no disk {}", path.display())));
        }
        let size = block::open_reading(path).and_then(|file| block::size(&file));
        disk.size = Bytes(size.with_context(|| format!("looking at {}", disk.name))?);
        disks.push(disk.clone());
        tell_named(&disks, &disk, "ironlet.disk");
    }
    if disk.size.0 == 0 {
        let why = "has no bytes: there is no medium in it, or no file behind it";
        return Err(Error::plain(format!("{} {why}", disk.name)));
    }
    if disk.read_only {
        return Err(Error::plain(format!("{} is write-protected", disk.name)));
    }
    Ok(Choice {
        disk,
        why: "as ironlet.disk names it".to_owned(),
        warnings: Vec::new(),
    })
}

/// Which disk an image would go to that takes so many bytes, as far as it is known what is wished.
pub fn disk(
    host: &SystemRoot,
    config: Option<&Config>,
    order: Option<&Order>,
    takes: Option<Bytes>,
) -> State {
    let wrong = |why: String, remedy: &str| {
        State::Wrong(Trouble {
            step: Step::Disks,
            why,
            remedy: remedy.to_owned(),
        })
    };
    match chosen(host, config, order, &Node::default()) {
        Ok(Choice { disk, why, .. }) => match takes.filter(|takes| *takes > disk.size) {
            Some(takes) => wrong(
                format!(
                    "the image takes {} bytes, and {} has {}: {} ({}): {why}",
                    takes.0, disk.name, disk.size.0, disk.name, disk.size
                ),
                "have another disk taken, by root_device in the order or by ironlet.disk, or make the image smaller (qemu-img resize --shrink)",
            ),
            None => State::Fine(format!("{} ({}): {why}", disk.name, disk.size)),
        },
        Err(error) if error.details().contains("write-protected") => wrong(
            error.details().to_owned(),
            "take the write protection off: a switch on the disk, its adapter or the card reader, the RAID controller's setup, or a volume \
             that its SAN exports read-only; or name another disk",
        ),
        Err(error) => wrong(
            error.details().to_owned(),
            "hold what is said of each disk against root_device, skip_block_devices and ironlet.disk; \
             where a disk is lacking: its controller's driver, its cable, and the RAID controller's own setup",
        ),
    }
}
