//! Kernel modules: found by name or by device, loaded once each, what they need first.

use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::drivers::modalias::Aliases;
use crate::error::{Context, Result};
use crate::sys::kernel;
use crate::system_root::SystemRoot;

/// Modules that do more than is wanted unless they are told not to: `bonding` makes a bond of its own.
const PARAMETERS: &[(&str, &CStr)] = &[("bonding", c"max_bonds=0")];

/// Loads the module `name` for something that is no device; one that is not there is built in, or the error tells later.
pub fn load_named(host: &SystemRoot, name: &str) {
    match Modules::open(host, &[]) {
        Ok(modules) => modules.load(&self::name(name), &mut Vec::new()),
        Err(error) => log::error!("{error}"),
    }
}

/// The modules of the running kernel.
pub struct Modules {
    directory: PathBuf,
    dependencies: HashMap<String, Module>,
    aliases: Aliases,
    forced: Vec<String>,
    /// Names that are not to be loaded for a device.
    denied: Vec<String>,
    /// Those that were tried, with whatever result.
    tried: Mutex<HashSet<String>>,
    /// Calls of the kernel that have not come back.
    under_way: AtomicUsize,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Module {
    file: String,
    /// Names of what must be there first.
    needs: Vec<String>,
}

impl Modules {
    /// Reads the lists of the running kernel; one that is not there is empty.
    pub fn open(host: &SystemRoot, denied: &[String]) -> Result<Self> {
        let release = kernel::release().context("asking for the kernel's release")?;
        let directory = host.modules(&release);
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let modules = Modules {
            dependencies: dependencies(&read("modules.dep")),
            aliases: Aliases::parse(&read("modules.alias")),
            forced: read("modules.force")
                .lines()
                .map(name)
                .filter(|name| !name.is_empty())
                .collect(),
            denied: denied.iter().map(|denied| name(denied)).collect(),
            tried: Mutex::default(),
            under_way: AtomicUsize::new(0),
            directory,
        };
        if modules.dependencies.is_empty() {
            log::warn!(
                "no modules in {}: only what is built into this kernel works",
                modules.directory.display()
            );
        }
        Ok(modules)
    }

    /// Has the kernel come back to everybody who loads one? The second of two that load the same may come back before what its drivers
    /// began beside is done.
    pub fn are_all_in(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    /// Loads what modules.force names.
    pub fn load_forced(&self) {
        for name in &self.forced {
            self.load(name, &mut Vec::new());
        }
    }

    /// Loads every module that claims the device.
    pub fn load_for(&self, device: &str) {
        for module in self.aliases.modules(device) {
            let name = name(module);
            if !self.denied.contains(&name) {
                self.load(&name, &mut Vec::new());
            }
        }
    }

    /// What the list does not know is built in, or left out on purpose. `path` holds those that need
    /// this one, against a list that goes in circles.
    fn load(&self, name: &str, path: &mut Vec<String>) {
        let Some(module) = self.dependencies.get(name) else {
            return;
        };
        // Noted only when done: two threads may both load a module, and the kernel has the second wait
        // for the first, but nobody goes on before what he needs is there.
        if self.tried().contains(name) || path.iter().any(|above| above == name) {
            return;
        }
        path.push(name.to_owned());
        for needed in module.needs.iter().rev() {
            self.load(needed, path);
        }
        path.pop();
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let loaded = self.load_file(&module.file);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        match loaded {
            Ok(true) => log::debug!("module {name} is loaded"),
            Ok(false) => log::debug!("module {name} was there, or has nothing to do"),
            Err(error) => log::warn!("module {name}: {error}"),
        }
        self.tried().insert(name.to_owned());
    }

    fn load_file(&self, file: &str) -> io::Result<bool> {
        let told = PARAMETERS.iter().find(|(module, _)| *module == name(file));
        let parameters = told.map_or(c"", |(_, parameters)| *parameters);
        // The three ways a distribution may pack modules (CONFIG_MODULE_COMPRESS_*).
        let compressed = [".gz", ".xz", ".zst"].iter().any(|end| file.ends_with(end));
        let file = File::open(self.directory.join(file))?;
        match kernel::load_module(&file, compressed, parameters) {
            Err(error) if compressed && error.kind() == io::ErrorKind::InvalidInput => {
                let said = format!("this kernel cannot unpack compressed modules ({error})");
                Err(io::Error::other(said))
            }
            other => other,
        }
    }

    fn tried(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// modules.dep: `<file>: <file it needs> …`, by name.
fn dependencies(text: &str) -> HashMap<String, Module> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(file, needs)| {
            let module = Module {
                file: file.to_owned(),
                needs: needs.split_ascii_whitespace().map(name).collect(),
            };
            (name(file), module)
        })
        .collect()
}

/// The name of a module, from it or from its file; dashes and underscores are the same.
fn name(file: &str) -> String {
    let base = file.trim().rsplit('/').next().unwrap_or_default();
    let name = base.split(".ko").next().unwrap_or(base);
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_dep_is_read_by_name() {
        let read = dependencies(
            "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko\n\
             kernel/net/core/failover.ko:\n\
             kernel/drivers/scsi/hpsa-x.ko.xz: kernel/drivers/scsi/scsi-mod.ko.xz\n\
             nonsense\n",
        );
        assert_eq!(read.len(), 3);
        assert_eq!(read["virtio_net"].needs, ["net_failover", "failover"]);
        assert_eq!(
            read["failover"],
            Module {
                file: "kernel/net/core/failover.ko".into(),
                needs: vec![]
            }
        );
        assert_eq!(read["hpsa_x"].file, "kernel/drivers/scsi/hpsa-x.ko.xz");
        assert_eq!(read["hpsa_x"].needs, ["scsi_mod"]);
    }

    #[test]
    fn a_list_that_goes_in_circles_ends() {
        let modules = Modules {
            directory: PathBuf::from("/nonexistent"),
            dependencies: dependencies("a.ko: b.ko\nb.ko: c.ko a.ko\nc.ko: c.ko b.ko\n"),
            aliases: Aliases::parse("alias x:* a\nalias x:* left-out\n"),
            forced: Vec::new(),
            denied: Vec::new(),
            tried: Mutex::default(),
            under_way: AtomicUsize::new(0),
        };
        modules.load_for("x:1");
        let mut tried: Vec<_> = modules.tried().iter().cloned().collect();
        tried.sort();
        assert_eq!(tried, ["a", "b", "c"]);
    }

    #[test]
    fn a_denied_module_is_not_loaded_for_a_device() {
        let modules = Modules {
            directory: PathBuf::from("/nonexistent"),
            dependencies: dependencies("no-such.ko:\n"),
            aliases: Aliases::parse("alias x:* no_such\n"),
            forced: Vec::new(),
            denied: vec![name("no-such")],
            tried: Mutex::default(),
            under_way: AtomicUsize::new(0),
        };
        modules.load_for("x:1");
        assert!(modules.tried().is_empty());
    }
}
