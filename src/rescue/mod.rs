//! What a rescue leaves on the machine: who may log in, and that Ironic is done with it. The command and process 1 say when; the programs
//! that let people in are Debian's, in ramdisks that were built with them.

pub mod accounts;
pub mod password_hash;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Context, Result};
use crate::system_root::SystemRoot;

/// The shell, and every other program of whoever logs in.
pub const SHELL: &str = "/bin/busybox";
/// The SSH server.
pub const SSH_SERVER: &str = "/usr/sbin/dropbear";

/// In /etc, as upstream has it: the agent is not to serve any more.
const MARK: &str = ".rescued";

/// Why nobody can be let in here, if that is so.
pub fn lacking(host: &SystemRoot) -> Option<String> {
    let lacking = [SHELL, SSH_SERVER]
        .into_iter()
        .find(|program| !host.seen(program).exists())?;
    Some(format!(
        "this ramdisk has no {lacking}: for rescues take one that was built with it (./build.sh --rescue), as rescue_ramdisk, \
         or as deploy_ramdisk of all"
    ))
}

/// From now on the machine is its tenant's: an agent that is started again serves nobody.
pub fn mark(host: &SystemRoot) -> Result<()> {
    write(&host.etc(MARK), "", 0o644)
}

/// Was it marked?
pub fn is_marked(host: &SystemRoot) -> bool {
    host.etc(MARK).exists()
}

/// The new content is there in whole or not at all.
fn write(path: &Path, content: &str, mode: u32) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(doing)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    // One that was left over would keep its own mode.
    let _ = fs::remove_file(&new);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .and_then(|()| fs::rename(&new, path))
        .with_context(doing)
}
