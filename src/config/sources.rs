//! Where parameters stand, as text: the kernel command line, virtual media, the files of /etc.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::system_root::{self, SystemRoot};

/// What `key=value` words there are, in order: white space between, no quotes (lifecycle.md §2).
pub fn tokens(command_line: &str) -> Vec<(&str, &str)> {
    command_line
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .collect()
}

/// The words that process 1 found on virtual media, if `boot_method` says that this machine was booted from some.
pub fn from_media(host: &SystemRoot, boot_method: Option<&str>) -> Result<String> {
    let path = host.parameters_from_media();
    match boot_method == Some("vmedia") && path.exists() {
        true => read(&path).with_context(|| format!("reading {}", path.display())),
        false => Ok(String::new()),
    }
}

/// Those oslo.config reads when it is given `--config-dir /etc/ironic-python-agent.d`, in its order.
pub fn files(host: &SystemRoot) -> Vec<PathBuf> {
    let folder = host.etc("ironic-python-agent.d");
    let names = system_root::names(&folder);
    let conf = names.iter().filter(|name| name.ends_with(".conf"));
    let single = host.etc("ironic-python-agent.conf");
    let mut files: Vec<_> = single.exists().then_some(single).into_iter().collect();
    files.extend(conf.map(|name| folder.join(name)));
    files
}

/// The text of a configuration file, as far as any real one goes.
pub fn read(file: &Path) -> Result<String> {
    /// Far above any real one.
    const LIMIT: u64 = 1 << 20;
    let mut bytes = Vec::new();
    File::open(file)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
