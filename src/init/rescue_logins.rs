//! Lets people into the machine, where its ramdisk has the programs for it: by key if `sshkey=` says so, by password once the agent is
//! done and has left the mark of a rescue.

use std::io::PipeWriter;

use crate::init::mounts;
use crate::init::programs::Program;
use crate::rescue;
use crate::rescue::accounts;
use crate::system_root::SystemRoot;

/// Who is let in, and how far that has come.
pub struct RescueLogins {
    host: SystemRoot,
    keys: Vec<String>,
    has_server: bool,
    /// Dropped when the machine is its tenant's: then Ironic moves its port to another network.
    moved: Option<PipeWriter>,
    is_open: bool,
}

impl RescueLogins {
    /// Those with one of these keys may come in.
    pub fn new(host: &SystemRoot, keys: &[String], moved: Option<PipeWriter>) -> Self {
        RescueLogins {
            host: host.clone(),
            keys: keys.to_vec(),
            has_server: false,
            moved,
            is_open: false,
        }
    }

    /// What is to run from the start.
    pub fn by_key(&mut self) -> Option<Program> {
        if self.keys.is_empty() {
            return None;
        }
        if let Some(why) = rescue::lacking(&self.host) {
            log::error!("sshkey=: {why}");
            return None;
        }
        let made = accounts::make(&self.host, None);
        if let Err(error) = made.and_then(|()| accounts::admit(&self.host, &self.keys)) {
            log::error!("sshkey=: {error}");
            return None;
        }
        log::warn!("sshkey=: whoever has that key may log in as root");
        Some(self.server())
    }

    /// What is to run besides, once the agent has ended well; nothing unless that was a rescue, and only once.
    pub fn by_password(&mut self) -> Vec<Program> {
        if self.is_open || !rescue::is_marked(&self.host) {
            return Vec::new();
        }
        self.is_open = true;
        self.moved = None;
        log::info!(
            "rescue: 'rescue' may log in by SSH and on the consoles; addresses are asked for anew"
        );
        let mut programs = Program::console_logins(&self.host);
        if !self.has_server {
            programs.push(self.server());
        }
        programs
    }

    fn server(&mut self) -> Program {
        self.has_server = true;
        if let Err(error) = mounts::mount_terminals(&self.host) {
            log::error!("{error}; nobody who logs in has a terminal");
        }
        Program::ssh_server(&self.host)
    }
}
