//! The partitions of the disk that files are put on, what is in each, and their file systems mounted one at a time or all.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::{debug, warn};

use crate::clock::Clock;
use crate::disk::filesystem::probe;
use crate::error::{Context, Error, Result};
use crate::steps::inject_files::item::Wanted;
use crate::sys::rooted::Folder;
use crate::sys::{kernel, mount};
use crate::system_root::{SystemRoot, attribute, device_name, names};

/// In /run.
const PLACE: &str = "inject";

/// How each file system is mounted, for looking and for writing. Looking must change nothing: no journal is replayed. What an
/// image says is to be done after errors, which may be to stop the machine, is not.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("ext4", "noload,errors=remount-ro", "errors=remount-ro"),
    ("xfs", "norecovery,nouuid", "nouuid"),
    ("btrfs", "rescue=nologreplay", ""),
    ("vfat", "utf8", "utf8"),
];

/// Checksums, which file systems ask the kernel for by a name of their own: one that is built in is not there as a module.
const CHECKSUMS: [&str; 2] = ["crc32c_intel", "crc32c_generic"];

/// How often, and how far apart, a file system is let go of that somebody still looks at.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// What is to be done to a file system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing, and what its journal holds is not seen.
    Look,
    /// What its journal holds is put in its place: as at any mount, after a power cut.
    Replay,
    /// Files are written.
    Write,
}

/// A partition as the kernel shows it.
pub struct Partition {
    /// As the table counts it.
    pub number: u32,
    /// Its node.
    pub device: PathBuf,
    /// The kernel's name for the driver of what is in it; none if no file can be put there.
    pub driver: Option<&'static str>,
    /// By what it is known: label, UUID, and both of the table.
    names: [(&'static str, &'static str, String); 4],
}

/// All of a disk, in the order of their numbers.
pub fn list(host: &SystemRoot, disk: &Path) -> Result<Vec<Partition>> {
    let disk = disk.file_name().unwrap_or_default().to_string_lossy();
    let folder = host.sys("class/block").join(&*disk);
    let mut found = Vec::new();
    for name in names(&folder) {
        let Some(number) = attribute(folder.join(&name).join("partition")) else {
            continue;
        };
        let Ok(number) = number.parse() else {
            continue;
        };
        let device = host.dev(&name);
        let mut start = Vec::new();
        let read = File::open(&device).and_then(|file| {
            file.take(probe::LOOK_FOR_UUID as u64)
                .read_to_end(&mut start)
        });
        if let Err(error) = read {
            warn!("partition {number} of {disk} is passed over: {error}");
        }
        let event = fs::read_to_string(folder.join(&name).join("uevent")).unwrap_or_default();
        let said = |key: &str| {
            let mut lines = event.lines().filter_map(|line| line.strip_prefix(key));
            lines.next().unwrap_or_default().to_owned()
        };
        found.push(Partition {
            number,
            device,
            driver: probe::driver(&start),
            names: [
                ("LABEL=", "disk/by-label/", probe::label(&start)),
                (
                    "UUID=",
                    "disk/by-uuid/",
                    probe::uuid(&start).unwrap_or_default(),
                ),
                ("PARTLABEL=", "disk/by-partlabel/", said("PARTNAME=")),
                ("PARTUUID=", "disk/by-partuuid/", said("PARTUUID=")),
            ],
        });
    }
    found.sort_by_key(|partition: &Partition| partition.number);
    Ok(found)
}

impl Partition {
    /// Is it the one that is asked for by number or name?
    pub fn is(&self, wanted: &Wanted) -> bool {
        let name = match wanted {
            Wanted::Any => return false,
            Wanted::Number(number) => return *number == self.number,
            Wanted::Named(name) => name,
        };
        let own = self.device.file_name().unwrap_or_default();
        *name == device_name(&own.to_string_lossy())
            || self.names.iter().any(|(key, folder, value)| {
                let by = [(*key).to_owned(), device_name(folder)];
                let mut asked = by.iter().filter_map(|by| name.strip_prefix(by.as_str()));
                !value.is_empty() && asked.any(|asked| asked == value)
            })
    }

    /// Mounts it; `load` loads a kernel module by its name, if there is one.
    pub fn mount(&self, host: &SystemRoot, load: &dyn Fn(&str), access: Access) -> Result<Mounted> {
        let Some((driver, look, write)) = OPTIONS.iter().find(|own| Some(own.0) == self.driver)
        else {
            let known: Vec<_> = OPTIONS.iter().map(|(driver, ..)| *driver).collect();
            let why = format!(
                "it holds none of the file systems files are put into: {}",
                known.join(", ")
            );
            return Err(Error::plain(why)).with_context(|| self.title());
        };
        CHECKSUMS
            .iter()
            .chain([driver])
            .for_each(|module| load(module));
        let folder = host.run(PLACE).join(self.number.to_string());
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let options = if access == Access::Look { look } else { write };
        let writes = access == Access::Write;
        // From here on it is let go of, whatever comes.
        let mut mounted = Mounted {
            title: self.title(),
            folder,
            root: None,
            is_attached: false,
        };
        mount::attach(&self.device, &mounted.folder, driver, options, !writes)
            .map_err(|error| Error::plain(format!("{error}{}", advice(&error))))
            .with_context(|| format!("mounting {}", self.title()))?;
        mounted.is_attached = true;
        debug!("{} is mounted", self.title());
        mounted.root = Some(Folder::open(&mounted.folder)?);
        Ok(mounted)
    }

    /// `partition 2 (/dev/sda2, ext4)`
    pub fn title(&self) -> String {
        let (number, device) = (self.number, self.device.display());
        let driver = self.driver.map(|driver| format!(", {driver}"));
        format!(
            "partition {number} ({device}{})",
            driver.unwrap_or_default()
        )
    }
}

fn advice(error: &io::Error) -> &'static str {
    // errno(3): ENODEV, EUCLEAN, EINVAL.
    match error.raw_os_error() {
        Some(19) => {
            ": this ramdisk has no driver for it; initramfs/filesystems.part has, for --modules-list"
        }
        Some(117 | 22 | 5) => {
            ": the file system is damaged, or has features this kernel does not know; the kernel's log says which"
        }
        Some(16) => ": it is in use",
        _ => "",
    }
}

/// A mounted file system, let go of at the end.
pub struct Mounted {
    title: String,
    folder: PathBuf,
    root: Option<Folder>,
    is_attached: bool,
}

impl Mounted {
    /// What no path leads out of.
    pub fn root(&self) -> Result<&Folder> {
        self.root
            .as_ref()
            .ok_or_else(|| Error::plain("it is not mounted any more"))
    }

    /// Bytes that are free; none where nobody can tell.
    pub fn free(&self) -> Option<u64> {
        kernel::space(&self.folder).ok().map(|(_, free)| free)
    }

    /// Lets go of it; what was written is on the disk then.
    pub fn close(mut self) -> Result<()> {
        self.detach()
            .with_context(|| format!("unmounting {}", self.title))
    }

    fn detach(&mut self) -> io::Result<()> {
        // While it is open the kernel calls it busy.
        self.root = None;
        let clock = Clock::real();
        let mut attempts = 0;
        while self.is_attached
            && let Err(error) = mount::detach(&self.folder)
        {
            attempts += 1;
            // A program that is just being started has a copy of every open file, until it runs.
            if error.kind() != io::ErrorKind::ResourceBusy || attempts > ATTEMPTS {
                return Err(error);
            }
            clock.sleep(PAUSE);
        }
        self.is_attached = false;
        // Gone already, if this was done before.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = self.detach() {
            warn!("unmounting {}: {error}", self.title);
        }
    }
}
