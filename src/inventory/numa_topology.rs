//! The collector `numa-topology`: memory, processors and network cards by NUMA node.

use std::fs;
use std::path::Path;

use crate::codec::json::{Number, Value, number, object, text};
use crate::error::{Context, Error, Result};
use crate::system_root::{SystemRoot, names, read_attribute};

/// `numa_topology`: `ram` [{`numa_node`, `size_kb`}], `cpus` [{`cpu`, `numa_node`, `thread_siblings`}], `nics` [{`name`,
/// `numa_node`}], by node, processor and name. All or nothing, as upstream has it: none if the kernel knows no nodes
/// or one thing cannot be read, said in the log.
pub fn collect(host: &SystemRoot) -> Result<Option<Value>> {
    let nodes = host.sys("devices/system/node");
    if !nodes.is_dir() {
        log::warn!("no NUMA topology: this kernel tells no nodes");
        return Ok(None);
    }
    let topology = topology(&nodes, &host.sys("class/net"));
    Ok(topology
        .inspect_err(|error| log::warn!("no NUMA topology: {error}"))
        .ok())
}

fn topology(nodes: &Path, nics: &Path) -> Result<Value> {
    let found = numbered(nodes, "node")?;
    let (mut ram, mut cpus) = (Vec::new(), Vec::new());
    for (node, name) in found {
        let directory = nodes.join(name);
        ram.push(object([
            ("numa_node", number(node)),
            ("size_kb", number(memory_kb(&directory)?)),
        ]));
        for (core, threads) in cores(&directory)? {
            let threads = threads.into_iter().map(number);
            cpus.push(object([
                ("cpu", integer(core)),
                ("numa_node", number(node)),
                ("thread_siblings", Value::Array(threads.collect())),
            ]));
        }
    }
    let list = |objects: Vec<Value>| Value::Array(objects.into_iter().collect());
    Ok(object([
        ("ram", list(ram)),
        ("cpus", list(cpus)),
        ("nics", list(network_cards(nics)?)),
    ]))
}

/// Directories called `prefix` and a number, in the order of the numbers; an error if what follows is no number.
fn numbered(directory: &Path, prefix: &str) -> Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    for name in names(directory) {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        if !directory.join(&name).is_dir() {
            continue;
        }
        let number = rest
            .parse()
            .map_err(|_| Error::plain(format!("{name} is not '{prefix}' and a number")))?;
        found.push((number, name));
    }
    crate::small_sort::by(&mut found, |one, other| one.0 < other.0);
    Ok(found)
}

fn memory_kb(node: &Path) -> Result<u64> {
    let path = node.join("meminfo");
    let info = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    // Documentation/ABI/stable/sysfs-devices-node: `Node 0 MemTotal:  1560000 kB`.
    let told = info.lines().find_map(|line| {
        let (name, amount) = line.split_once(':')?;
        name.ends_with("MemTotal").then_some(amount.trim())
    });
    told.and_then(|amount| amount.strip_suffix("kB")?.trim().parse().ok())
        .ok_or_else(|| Error::plain(format!("{} tells no MemTotal", path.display())))
}

/// The cores of a node, by their number, with the threads of each.
fn cores(node: &Path) -> Result<Vec<(i64, Vec<u64>)>> {
    let mut cores: Vec<(i64, Vec<u64>)> = Vec::new();
    for (thread, name) in numbered(node, "cpu")? {
        let core = signed(&node.join(name).join("topology/core_id"))?;
        match cores.iter_mut().find(|(known, _)| *known == core) {
            Some((_, threads)) => threads.push(thread),
            None => cores.push((core, vec![thread])),
        }
    }
    Ok(cores)
}

fn network_cards(all: &Path) -> Result<Vec<Value>> {
    fs::metadata(all).context("listing network cards")?;
    let mut cards = Vec::new();
    for name in names(all) {
        let path = all.join(&name).join("device/numa_node");
        if path.is_file() {
            let node = integer(signed(&path)?);
            cards.push(object([("name", text(name)), ("numa_node", node)]));
        }
    }
    Ok(cards)
}

fn signed(path: &Path) -> Result<i64> {
    let told = read_attribute(path).with_context(|| format!("reading {}", path.display()))?;
    told.and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Error::plain(format!("{} is not a number", path.display())))
}

/// -1 is a card or a core that belongs to no node.
fn integer(value: i64) -> Value {
    Value::Number(match u64::try_from(value) {
        Ok(value) => Number::U64(value),
        Err(_) => Number::I64(value),
    })
}
