//! The mount table, the console as standard input and output, and the kernel settings pid 1 wants.

use std::fs::{self, File};
use std::path::Path;

use crate::error::{Context, Result};
use crate::sys::kernel;
use crate::system_root::SystemRoot;

struct Mount {
    kind: &'static str,
    target: &'static str,
    options: &'static str,
    /// False where the kernel makes the directory, and makes it only if there is something to mount.
    make: bool,
}

const fn mount(
    kind: &'static str,
    target: &'static str,
    options: &'static str,
    make: bool,
) -> Mount {
    Mount {
        kind,
        target,
        options,
        make,
    }
}

/// The kernel's file systems; /run is bounded so that nothing there can eat the memory an image needs.
const TABLE: &[Mount] = &[
    mount("proc", "/proc", "", true),
    mount("sysfs", "/sys", "", true),
    mount("devtmpfs", "/dev", "mode=0755", true),
    mount("tmpfs", "/run", "mode=0755,size=25%", true),
    mount("efivarfs", "/sys/firmware/efi/efivars", "", false),
    mount("pstore", "/sys/fs/pstore", "", false),
    // For the commands of the driver i40e.
    mount("debugfs", "/sys/kernel/debug", "mode=0700", false),
];

/// Below /proc/sys.
const SETTINGS: &[(&str, &str)] = &[
    // Documentation/admin-guide/sysctl/kernel.rst: without it the kernel drops our lines in a burst.
    ("kernel/printk_devkmsg", "on"),
    // Addresses by router advertisement, for links that do not exist yet.
    ("net/ipv6/conf/default/accept_ra", "1"),
    ("net/ipv6/conf/default/autoconf", "1"),
    // One machine among few on its link: there is no crowd of solicitations to spread.
    ("net/ipv6/conf/default/router_solicitation_delay", "0"),
];

/// Mounts what everything else needs. The failures come back because the log itself needs these mounts.
pub fn mount_first(host: &SystemRoot) -> Vec<String> {
    mount_some(host, |entry| entry.make)
}

/// Mounts what some machines have, once the modules for it are loaded.
pub fn mount_rest(host: &SystemRoot) -> Vec<String> {
    mount_some(host, |entry| !entry.make)
}

fn mount_some(host: &SystemRoot, wanted: impl Fn(&Mount) -> bool) -> Vec<String> {
    let wanted = TABLE.iter().filter(|entry| wanted(entry));
    wanted
        .filter_map(|entry| entry.mount(host).err())
        .map(|error| error.to_string())
        .collect()
}

/// Terminals for those who log in.
pub fn mount_terminals(host: &SystemRoot) -> Result<()> {
    mount("devpts", "/dev/pts", "gid=5,mode=620", true).mount(host)
}

/// Kernel settings; one the kernel does not have is no loss.
pub fn apply_settings(host: &SystemRoot) {
    for (name, value) in SETTINGS {
        if let Err(error) = fs::write(host.proc("sys").join(name), value) {
            log::debug!("{name} = {value}: {error}");
        }
    }
}

/// The kernel opens the console for pid 1 only if the initramfs has the node; devtmpfs always has it.
pub fn take_console(host: &SystemRoot) -> Result<()> {
    let path = host.dev("console");
    File::options()
        .read(true)
        .write(true)
        .open(&path)
        .and_then(|console| kernel::take_as_stdio(&console))
        .with_context(|| format!("opening {}", path.display()))
}

impl Mount {
    fn mount(&self, host: &SystemRoot) -> Result<()> {
        let target = Path::new(self.target);
        let absent = !target.is_dir() && !self.make;
        if absent || is_mounted(host, self.target) {
            return Ok(());
        }
        let doing = || format!("mounting {} on {}", self.kind, self.target);
        if self.make {
            fs::create_dir_all(target).with_context(doing)?;
        }
        kernel::mount(self.kind, target, self.options).with_context(doing)
    }
}

fn is_mounted(host: &SystemRoot, target: &str) -> bool {
    let mounts = fs::read_to_string(host.proc("mounts")).unwrap_or_default();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_is_known() {
        let host = SystemRoot::new("/");
        assert!(is_mounted(&host, "/proc"));
        assert!(!is_mounted(&host, "/proc/no/such"));
    }
}
