//! `inject_files`: puts files into the file systems of the root disk, by the kernel's own drivers.
//!
//! Whatever is wrong with any item is found before anything is changed: partitions are looked into read-only first. Then all files
//! are written beside their places, those from URLs too, and only when every one is there they get their names.

pub mod item;
pub(super) mod partitions;
mod put;
pub mod template;

use std::fs::File;
use std::path::Path;

use log::{info, warn};

use crate::codec::json::{Array, Fields, Object, Value};
use crate::error::{Context, Error, Kind, Result};
use crate::image::download::plain_file;
use crate::net::http::url;
use crate::secret::redacted;
use crate::steps::image::choose_disk;
use crate::steps::inject_files::item::{Change, Content, Faults, Item, Wanted};
use crate::steps::inject_files::partitions::{Access, Mounted, Partition};
use crate::steps::inject_files::put::Session;
use crate::steps::step_context::Machine;
use crate::system_root::SystemRoot;
use crate::units::Bytes;

/// The step.
pub(super) fn step(machine: &Machine, arguments: &mut Object) -> Result<Value> {
    let node = machine.node();
    let own = node.kept("properties", "inject_files").cloned();
    let mut items = item::parse(own, arguments.remove("files"))?;
    let is_verified = arguments.boolean("verify_ca")?.unwrap_or(true);
    fill_in(&mut items, node.told(), node.ports())?;
    if items.is_empty() {
        info!("there are no files to inject");
        return Ok(Value::Null);
    }
    let mut tools = machine.tools.clone();
    if !is_verified {
        warn!(
            "verify_ca is false: whoever answers is believed to be the server the files come from"
        );
        tools.trust.insecure = true;
    }
    let disk = match machine.written() {
        Some(written) => written.disk,
        None => choose_disk(machine)?.disk.path,
    };
    tools.permit.check(&disk)?;
    machine.gauge().begin("injecting files", None);
    let load = |module: &str| machine.agent.load_module(module);
    let fetch = |url: &str, file: &mut File| plain_file::fetch(&tools, url, file);
    inject(&machine.host, &disk, &items, &load, &fetch)?;
    info!("{} files are injected into {}", items.len(), disk.display());
    Ok(Value::Null)
}

/// URLs as they are to be asked for.
fn fill_in(items: &mut [Item], node: &Object, ports: &Array) -> Result<()> {
    let mut faults = Faults::default();
    for item in items {
        let Change::Put(put) = &mut item.change else {
            continue;
        };
        let Content::At(at) = &put.content else {
            continue;
        };
        let filled = template::fill(at, node, ports).and_then(|filled| {
            match url::is_http(&filled) && url::parse(&filled).is_some() {
                true => Ok(filled),
                false => Err(format!(
                    "'{:.100}' is no http or https URL",
                    redacted(&filled)
                )),
            }
        });
        match filled {
            Ok(filled) => put.content = Content::At(filled),
            Err(why) => faults.add(format!("/{}: {why}", item.path)),
        }
    }
    faults.none(
        Kind::InvalidCommandParamsError,
        "Validation of files failed",
    )
}

/// Does what the items ask for on the partitions of `disk`. `load` loads a kernel module by its name if there is one, `fetch` writes
/// what is at a URL into a file.
pub fn inject(
    host: &SystemRoot,
    disk: &Path,
    items: &[Item],
    load: &dyn Fn(&str),
    fetch: &dyn Fn(&str, &mut File) -> Result<()>,
) -> Result<()> {
    let all = partitions::list(host, disk).kind(Kind::CommandExecutionError)?;
    // A folder may be in a journal still: whoever was cut off there would find it at the next start.
    let places = look(host, disk, &all, items, load, Access::Look)
        .or_else(|_| look(host, disk, &all, items, load, Access::Replay))?;
    let mut open = Vec::new();
    for (index, partition) in all
        .iter()
        .enumerate()
        .filter(|(index, _)| places.contains(index))
    {
        let mounted = partition
            .mount(host, load, Access::Write)
            .kind(Kind::CommandExecutionError)?;
        open.push((
            index,
            partition.driver.unwrap_or_default(),
            mounted,
            Session::default(),
        ));
    }
    let done = change(&mut open, items, &places, fetch);
    if done.is_err() {
        for (_, _, mounted, session) in &mut open {
            if let Ok(root) = mounted.root() {
                session.undo(root);
            }
        }
    }
    let closed = open.into_iter().map(|(_, _, mounted, _)| mounted.close());
    let closed: Vec<Result<()>> = closed.collect();
    done.kind(Kind::CommandExecutionError)?;
    let closed: Result<()> = closed.into_iter().collect();
    closed.kind(Kind::CommandExecutionError)
}

/// The partition of each item, by its place among `all`; an error tells of all items that cannot be done. Nothing is changed.
fn look(
    host: &SystemRoot,
    disk: &Path,
    all: &[Partition],
    items: &[Item],
    load: &dyn Fn(&str),
    access: Access,
) -> Result<Vec<usize>> {
    let mut faults = Faults::default();
    let mut mounted: Vec<Option<Result<Mounted>>> = all.iter().map(|_| None).collect();
    let mut needed = vec![0; all.len()];
    let mut places = Vec::new();
    for item in items {
        let path = &item.path;
        let mut passed = Vec::new();
        let (first, _) = path.split_once('/').unwrap_or((path, ""));
        let mut place = None;
        for (index, partition) in all.iter().enumerate() {
            let any = item.partition == Wanted::Any;
            if !partition.is(&item.partition) && (!any || partition.driver.is_none()) {
                continue;
            }
            let mount = || partition.mount(host, load, access);
            match mounted[index]
                .get_or_insert_with(mount)
                .as_ref()
                .map(Mounted::root)
            {
                Ok(Ok(root)) if !any || root.below(first).is_ok() => {
                    let fault = put::fault(root, partition.driver.unwrap_or_default(), item);
                    faults.extend(
                        fault.map(|why| format!("/{path} on {}: {why}", partition.title())),
                    );
                    place = Some(index);
                    break;
                }
                Ok(Ok(_)) => passed.push(format!("{} has no /{first}", partition.title())),
                Ok(Err(error)) => passed.push(error.details().to_owned()),
                Err(error) => passed.push(error.details().to_owned()),
            }
        }
        match place {
            Some(place) => {
                if let Change::Put(put) = &item.change
                    && let Content::Bytes(bytes) = &put.content
                {
                    needed[place] += bytes.len() as u64;
                }
                places.push(place);
            }
            None => faults.add(format!("/{path}: {}", nowhere(disk, all, item, &passed))),
        }
    }
    for (index, mounted) in mounted.iter().enumerate() {
        if let Some(Ok(mounted)) = mounted {
            let free = mounted.free().unwrap_or(u64::MAX);
            if needed[index] > free {
                let (needed, free) = (Bytes(needed[index]), Bytes(free));
                let title = all[index].title();
                faults.add(format!(
                    "{title} has {free} free, and the files for it are {needed}"
                ));
            }
        }
    }
    for mounted in mounted.into_iter().flatten().flatten() {
        mounted.close().kind(Kind::CommandExecutionError)?;
    }
    faults.none(Kind::CommandExecutionError, "Files cannot be injected")?;
    Ok(places)
}

/// Why no partition is the one.
fn nowhere(disk: &Path, all: &[Partition], item: &Item, passed: &[String]) -> String {
    let disk = disk.display();
    if all.is_empty() {
        return format!("the kernel shows no partition of {disk}");
    }
    let seen = match passed.is_empty() {
        true => all.iter().map(Partition::title).collect(),
        false => passed.to_vec(),
    };
    let seen = seen.join(", ");
    match &item.partition {
        Wanted::Any => format!("no partition of {disk} has the folder it begins with: {seen}"),
        Wanted::Number(number) => format!("partition {number} of {disk}: {seen}"),
        Wanted::Named(name) => {
            format!(
                "'{:.100}' is no partition of {disk}, the root disk, which alone is written to: {seen}",
                name.escape_debug()
            )
        }
    }
}

type Open = (usize, &'static str, Mounted, Session);

/// All items are written; then, and not before, they take their places.
fn change(
    open: &mut [Open],
    items: &[Item],
    places: &[usize],
    fetch: &dyn Fn(&str, &mut File) -> Result<()>,
) -> Result<()> {
    for (item, place) in items.iter().zip(places) {
        let found = open.iter_mut().find(|(index, ..)| index == place);
        let (_, driver, mounted, session) =
            found.ok_or_else(|| Error::plain("a partition is not mounted any more"))?;
        session
            .stage(mounted.root()?, driver, item, fetch)
            .with_context(|| {
                format!("Failed to process file /{}: nothing was changed", item.path)
            })?;
    }
    for (_, _, mounted, session) in open.iter_mut() {
        session.commit(mounted.root()?)?;
    }
    Ok(())
}
