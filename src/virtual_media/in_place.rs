//! Puts what media held where it is looked for: files below /etc, the plan of the network where a config drive would have it,
//! parameters below /run, for root alone.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use log::{info, warn};

use crate::error::{Context, Result};
use crate::net::network_data;
use crate::system_root::SystemRoot;
use crate::virtual_media::parameters_txt;
use crate::virtual_media::scan::Found;

/// Names of parameters told on the console.
const NAMED: usize = 20;

impl Found {
    /// Every file, instead of one that is there; the log names each, and no value of a parameter. Refused where `host` is a
    /// machine with an owner.
    pub fn put_in_place(&self, host: &SystemRoot) -> Result<()> {
        host.must_not_be_owned("configuration")?;
        if let Some((device, content)) = &self.content {
            if content.files.is_empty() && content.network_data.is_none() {
                info!("{device} is the medium, and has no files for this machine");
            }
            for left_out in &content.left_out {
                warn!("{device}: {left_out}");
            }
            for (path, bytes) in &content.files {
                replace(&host.seen(path), bytes)?;
                info!("{} is from {device}", path.escape_debug());
            }
            if let Some(bytes) = &content.network_data {
                replace(&host.seen(network_data::PATH), bytes)?;
                info!("the network is planned by network_data.json of {device}");
            }
        }
        if let Some((device, words)) = &self.parameters {
            replace(&host.parameters_from_media(), words.expose().as_bytes())?;
            let names = parameters_txt::names(words.expose());
            let more = if names.len() > NAMED { ", …" } else { "" };
            let names: Vec<_> = names
                .iter()
                .take(NAMED)
                .map(|name| name.escape_debug().to_string())
                .collect();
            info!("parameters.txt of {device} sets {}{more}", names.join(", "));
        }
        Ok(())
    }
}

/// A new file, for root alone: there may be a key or a token in it.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(doing)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(doing);
        }
        _ => {}
    }
    let file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(doing)
}
