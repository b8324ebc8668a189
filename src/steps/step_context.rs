//! What steps and commands work with: the machine, the rest of the agent, and what was agreed about both.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use log::warn;

use crate::clock::{Bell, Clock};
use crate::codec;
use crate::disk::Wishes;
use crate::disk::select::root_arrays::RootArrays;
use crate::disk::select::seen_disks::Seen;
use crate::error::Result;
use crate::image::Tools;
use crate::inventory::BootFacts;
use crate::secret::Secret;
use crate::steps::deployed_disk_record::DeployedDisk;
use crate::steps::erase_options::EraseOptions;
use crate::steps::find_boot_medium::boot_medium;
use crate::steps::node::Node;
use crate::system_root::SystemRoot;
use crate::work_progress::WorkProgress;

/// Everything steps and commands work with.
pub struct Machine {
    /// Its files.
    pub host: SystemRoot,
    /// For pauses and durations.
    pub clock: Clock,
    /// Rung when a command has ended: Ironic hears of it by a heartbeat.
    pub bell: Bell,
    /// What images are written with.
    pub tools: Tools,
    /// The rest of the agent.
    pub agent: Box<dyn Agent>,
    settings: Settings,
    node: Mutex<Node>,
}

/// In /run: which image is on the disk.
const WRITTEN: &str = "written";
/// In /run: which arrays were made as the disk to deploy to, or as none.
const ROOT_VOLUMES: &str = "root-volumes";

/// The rest of the agent and what it does to the whole machine, as commands see it.
pub trait Agent: Send + Sync {
    /// What Ironic says of the node now; the node may have changed since it was last sent.
    fn look_up(&self) -> Result<Node>;
    /// Everything written is on stable storage when it returns.
    fn flush(&self) -> Result<()>;
    /// Flushes, then switches off; comes back only to say why it did not.
    fn power_off(&self) -> Result<()>;
    /// Flushes, then starts again; comes back only to say why it did not.
    fn reboot(&self) -> Result<()>;
    /// Loads a module of the kernel by its name; one that is not there is built in, or the error tells later.
    fn load_module(&self, name: &str);
    /// Serves no more and takes the network down, for good.
    fn lock_down(&self);
    /// Serves no more and leaves the machine to whoever logs in.
    fn hand_over(&self);
}

/// Parameters and what the lookup reply changed about them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// May an MD5 digest vouch for an image?
    pub md5: bool,
    /// Whose signatures images must have, in base64; nobody's where there is none.
    pub image_keys: Vec<String>,
    /// Where an image's signature is, unless its order says that.
    pub image_signature: Option<String>,
    /// Image formats that may be deployed, raw aside.
    pub formats: Vec<String>,
    /// May an image declared raw be unpacked if its first bytes say that it is packed?
    pub unpack: bool,
    /// The image server's login by default (`ipa-image-server-…`); none without a strategy.
    pub login: Option<Login>,
    /// Go on where no boot entry could be made.
    pub ignore_bootloader_failure: bool,
    /// Was `enable_bios_bootloader_install` set?
    pub bios_bootloader: bool,
    /// Do cluster file systems protect their disks, unless the node says otherwise?
    pub guard: bool,
    /// May a disk that failed to erase itself be discarded, unless the node says otherwise?
    pub discard: bool,
    /// Is a config drive made anew on any disk?
    pub rebuild_drive: bool,
    /// Of an EFI system partition that is made, in MiB; none is as much as everywhere.
    pub efi_mib: Option<u64>,
    /// The same of a BIOS boot partition.
    pub bios_boot_mib: Option<u64>,
    /// How often, a second apart, to look for the device of a partition that was made.
    pub partition_attempts: u32,
    /// Of the step `inject_files`; 0 is only on request.
    pub inject_files_priority: u64,
    /// What a person calls the medium this machine was started from.
    pub medium: Option<String>,
    /// By default, are disks that can be pulled out the last to be taken?
    pub own_disks_first: bool,
    /// Disks there were before; where these are still there, a disk is chosen at once.
    pub seen_disks: Option<Seen>,
    /// What the inventory cannot find out by itself.
    pub boot: BootFacts,
    /// How often, and how long apart, to look for a disk before there is none.
    pub disk_wait: (u32, Duration),
}

/// For HTTP basic authentication; incomplete until somebody needs it.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// For the server.
    pub user: Option<String>,
    /// For the server.
    pub password: Option<Secret>,
}

impl Login {
    /// A complete Authorization header; none as long as a part of it is missing.
    pub fn header(&self) -> Option<Secret> {
        let (user, password) = (self.user.as_deref()?, self.password.as_ref()?.expose());
        if user.is_empty() || password.is_empty() {
            return None;
        }
        let pair = format!("{user}:{password}");
        let pair = codec::base64::encode(pair.as_bytes());
        Some(Secret::new(format!("Basic {pair}")))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            // protocol/lifecycle.md §8: Ironic allows it unless told otherwise.
            md5: true,
            image_keys: Vec::new(),
            image_signature: None,
            formats: ["raw", "gpt", "qcow2"].map(str::to_owned).to_vec(),
            unpack: false,
            login: None,
            ignore_bootloader_failure: false,
            bios_bootloader: false,
            guard: true,
            discard: false,
            efi_mib: None,
            bios_boot_mib: None,
            // protocol/deploy.md §15
            partition_attempts: 3,
            inject_files_priority: 0,
            medium: None,
            own_disks_first: false,
            seen_disks: None,
            rebuild_drive: false,
            boot: BootFacts::default(),
            // protocol/lifecycle.md §3: ipa-disk-wait-attempts and -delay.
            disk_wait: (10, Duration::from_secs(3)),
        }
    }
}

impl Machine {
    /// Of a machine nobody has described yet.
    pub fn new(
        host: SystemRoot,
        clock: Clock,
        bell: Bell,
        tools: Tools,
        agent: Box<dyn Agent>,
        settings: Settings,
    ) -> Self {
        Machine {
            host,
            clock,
            bell,
            tools,
            agent,
            settings,
            node: Mutex::default(),
        }
    }

    /// What was agreed on.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node as Ironic last described it.
    pub fn node(&self) -> Node {
        lock(&self.node).clone()
    }

    /// Ironic described it anew.
    pub fn set_node(&self, node: Node) {
        *lock(&self.node) = node;
    }

    /// Which disks Ironic means, and which nobody does.
    pub fn wishes(&self) -> Result<Wishes> {
        Ok(Wishes {
            medium: boot_medium(&self.host, self.settings.medium.as_deref()),
            arrays: RootArrays(self.root_volumes()),
            own_first: self.settings.own_disks_first,
            seen: self.settings.seen_disks.clone(),
            ..self.node().wishes()?
        })
    }

    /// Do cluster file systems protect their disks?
    pub fn guards(&self) -> Result<bool> {
        EraseOptions::guard(&self.node(), self.settings.guard)
    }

    /// How far the command that runs has come; for whoever works on it to say.
    pub fn gauge(&self) -> &WorkProgress {
        &self.tools.gauge
    }

    /// What was written since the machine started: also by a process before this one, which may have died
    /// between its success and Ironic's question.
    pub fn written(&self) -> Option<DeployedDisk> {
        let text = fs::read_to_string(self.host.run(WRITTEN)).ok()?;
        DeployedDisk::parse(&text)
    }

    /// Arrays made since the machine started of which it was said whether they are the disk to deploy to: the kernel's
    /// name of each, and what was said.
    fn root_volumes(&self) -> Vec<(String, bool)> {
        let text = fs::read_to_string(self.host.run(ROOT_VOLUMES)).unwrap_or_default();
        let row = |line: &str| {
            let (name, root) = line.split_once(' ')?;
            Some((name.to_owned(), root.parse().ok()?))
        };
        text.lines().filter_map(row).collect()
    }

    /// Keeps them over a restart of the agent, instead of those before.
    pub fn note_root_volumes(&self, volumes: &[(String, bool)]) {
        let lines = volumes
            .iter()
            .map(|(name, root)| format!("{name} {root}\n"));
        let text: String = lines.collect();
        let path = self.host.run(ROOT_VOLUMES);
        let noted = fs::create_dir_all(self.host.run("")).and_then(|()| fs::write(&path, text));
        if let Err(error) = noted {
            warn!(
                "noting in {} which array is the root disk: {error}",
                path.display()
            );
        }
    }

    /// Keeps it over a restart of the agent; none forgets it.
    pub fn set_written(&self, written: Option<&DeployedDisk>) {
        note_written(&self.host, written);
    }
}

/// What an agent for another Ironic wrote is none of ours.
pub fn forget_written(host: &SystemRoot) {
    note_written(host, None);
}

fn note_written(host: &SystemRoot, written: Option<&DeployedDisk>) {
    let path = host.run(WRITTEN);
    let outcome = match written {
        Some(written) => {
            fs::create_dir_all(host.run("")).and_then(|()| fs::write(&path, written.to_text()))
        }
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        },
    };
    if let Err(error) = outcome {
        warn!("noting in {} what is on the disk: {error}", path.display());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
