//! Devices, those there at the start and those that come later: their modules are loaded.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::drivers::modules::Modules;
use crate::error::{Context, Result};
use crate::small_sort;
use crate::sys::socket::{Netlink, readable};
use crate::system_root::{SystemRoot, attribute};

/// Slow drivers probe next to each other, not after each other.
const LOADERS: usize = 4;
/// lib/kobject_uevent.c: UEVENT_BUFFER_SIZE is 2 KiB, and the path goes before it.
const EVENT: usize = 16 << 10;

/// Loads the modules of every device there is, and of those that appear by that, until no more do.
pub fn load_all(host: &SystemRoot, modules: &Modules) {
    let mut seen = HashSet::new();
    loop {
        let mut new: Vec<String> = aliases(host)
            .into_iter()
            .filter(|alias| seen.insert(alias.clone()))
            .collect();
        if new.is_empty() {
            return;
        }
        small_sort::by_key(&mut new, |alias| rank(alias));
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..LOADERS.min(new.len()) {
                let work = || {
                    while let Some(alias) = new.get(next.fetch_add(1, Ordering::Relaxed)) {
                        modules.load_for(alias);
                    }
                };
                let started = thread::Builder::new()
                    .name(format!("modules-{number}"))
                    .spawn_scoped(scope, work);
                if started.is_err() {
                    work();
                }
            }
        });
    }
}

/// Loads the modules of devices that appear from the moment `events` was opened; comes back only on an error.
pub fn follow(host: &SystemRoot, modules: &Modules, events: &Netlink) -> Result<()> {
    let mut buffer = vec![0; EVENT];
    loop {
        readable([events.as_fd()], None).context("waiting for device events")?;
        loop {
            match events.receive(&mut buffer) {
                Ok(event) => {
                    if let Some(alias) = added(event) {
                        modules.load_for(alias);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // ENOBUFS: more came than the socket holds; what was lost is found by looking again.
                Err(error) => {
                    log::warn!("hearing device events: {error}; looking at every device again");
                    load_all(host, modules);
                    break;
                }
            }
        }
    }
}

/// The alias of a device the event says is new. Documentation/ABI/testing/sysfs-uevent: `ACTION@path`
/// and then `KEY=value`, a NUL after each.
pub fn added(event: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(event).ok()?;
    let mut lines = text.split('\0');
    let (action, _) = lines.next()?.split_once('@')?;
    let alias = lines.find_map(|line| line.strip_prefix("MODALIAS="))?;
    (action == "add" && !alias.is_empty()).then_some(alias)
}

/// The `modalias` of everything under /sys/devices, symbolic links not followed.
fn aliases(host: &SystemRoot) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories: Vec<PathBuf> = vec![host.sys("devices")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            } else if entry.file_name() == "modalias" {
                found.extend(attribute(entry.path()));
            }
        }
    }
    found
}

/// Network cards first, for they take longest until they are of use, then disks, then the rest.
fn rank(alias: &str) -> u8 {
    // PCI class codes: 02 network, 01 storage; virtio device ids: 1 network, 2 block, 8 SCSI.
    let virtio = |id: &str| alias.starts_with("virtio:d") && alias.contains(id);
    match alias {
        _ if alias.contains("bc02sc") || virtio("d00000001v") => 0,
        _ if alias.contains("bc01sc") || virtio("d00000002v") || virtio("d00000008v") => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_device_with_an_alias_matters() {
        let event = |action: &str, rest: &str| {
            format!("{action}@/devices/pci0/virtio1\0ACTION={action}\0{rest}SEQNUM=9\0")
        };
        let alias = "MODALIAS=virtio:d00000001v00001AF4\0";
        let new = Some("virtio:d00000001v00001AF4");
        for (event, expected) in [
            (event("add", alias), new),
            (event("remove", alias), None),
            (event("change", alias), None),
            (event("add", "SUBSYSTEM=net\0"), None),
            (event("add", "MODALIAS=\0"), None),
            ("libudev\0\u{fe}".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(added(event.as_bytes()), expected, "{event:?}");
        }
        assert_eq!(added(&[0xff, b'@', 0]), None);
    }

    #[test]
    fn network_cards_come_first() {
        let mut aliases = [
            "acpi:PNP0501:",
            "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00",
            "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00",
        ];
        aliases.sort_by_key(|alias| rank(alias));
        assert!(aliases[0].contains("bc02") && aliases[1].contains("bc01"));
        assert_eq!(rank("virtio:d00000001v00001AF4"), 0);
    }
}
