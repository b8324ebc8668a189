//! Starts the system that was just written without going through the firmware: finds the kernel its boot loader would take, and has
//! this kernel take it in (kexec). Whoever calls it goes through the firmware where this fails.

mod entry;
pub mod grub_config;
mod grub_script;
pub mod loader_entry;
pub mod unified_kernel_image;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use log::{debug, info};

use crate::available_memory::Memory;
use crate::error::{Context, Error, Result};
use crate::small_sort;
use crate::steps::inject_files::partitions::{self, Access, Mounted, Partition};
pub use crate::steps::kexec::entry::Entry;
use crate::steps::kexec::loader_entry::Listed;
use crate::steps::kexec::unified_kernel_image::Section;
use crate::sys::kexec;
use crate::sys::rooted::{Folder, Kind};
use crate::system_root::{SystemRoot, attribute};

/// A configuration is text that somebody wrote.
const LONGEST_CONFIG: u64 = 1 << 20;
/// COMMAND_LINE_SIZE of x86, the largest of any processor's this runs on.
const LONGEST_COMMAND_LINE: u64 = 2048;
/// As Linux follows them (MAXSYMLINKS is 40).
const MOST_LINKS: u32 = 16;
/// Kernels of years.
const MOST_ENTRIES: usize = 256;

/// Where GRUB's configuration lies, on the file system that has /boot in it and on one that is /boot.
const GRUB: [&str; 4] = [
    "boot/grub/grub.cfg",
    "grub/grub.cfg",
    "boot/grub2/grub.cfg",
    "grub2/grub.cfg",
];
/// Where loader/ and EFI/ lie: on the ESP, on /boot, on what has /boot in it.
const TOPS: [&str; 2] = ["", "boot/"];

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: &str = "x64";
#[cfg(not(target_arch = "x86_64"))]
const ARCHITECTURE: &str = "aa64";

/// What is to be started: files that are open, as the kernel reads them.
struct Start {
    title: String,
    linux: File,
    initrd: Option<File>,
    options: String,
}

/// Finds the system on `disk` and has the kernel take it in. `load` loads a kernel module by its name if there is one.
pub fn load(host: &SystemRoot, disk: &Path, load: &dyn Fn(&str)) -> Result<()> {
    let all = partitions::list(host, disk)?;
    for partition in all.iter().filter(|one| one.driver.is_some()) {
        let mounted = match partition.mount(host, load, Access::Look) {
            Ok(mounted) => mounted,
            Err(error) => {
                debug!("no system is looked for there: {error}");
                continue;
            }
        };
        let found = find(host, &mounted)
            .with_context(|| format!("looking for a kernel on {}", partition.title()))?;
        if let Some(start) = found {
            let taken = take_in(host, &start, partition);
            drop(start);
            mounted.close()?;
            return taken;
        }
        mounted.close()?;
    }
    Err(Error::plain(format!(
        "no boot loader's configuration was found on {}: neither loader/entries, EFI/Linux nor grub.cfg",
        disk.display()
    )))
}

fn take_in(host: &SystemRoot, start: &Start, partition: &Partition) -> Result<()> {
    let size = |file: &File| file.metadata().map_or(0, |about| about.len());
    let bytes = size(&start.linux) + start.initrd.as_ref().map_or(0, size);
    // The kernel reads both, and lays them where they are to be unpacked.
    Memory::of(host).room_for(bytes.saturating_mul(2), "another kernel and its initramfs")?;
    info!(
        "the kernel of '{}' on {} is taken in; its command line: {}",
        start.title.escape_debug(),
        partition.title(),
        start.options.escape_debug()
    );
    kexec::load(&start.linux, start.initrd.as_ref(), &start.options)
        .map_err(|error| Error::plain(format!("{error}{}", advice(host, &error))))
        .context("having the kernel take in another")
}

fn advice(host: &SystemRoot, error: &io::Error) -> String {
    // errno(3): EPERM, ENOEXEC, ENOSYS, EBADMSG, ENOKEY, EKEYREJECTED.
    match error.raw_os_error() {
        Some(1 | 74 | 126 | 129) => match attribute(host.sys("kernel/security/lockdown")) {
            Some(state) if !state.contains("[none]") => {
                ": this kernel is locked down (Secure Boot), and the other is not signed by whom it knows".to_owned()
            }
            _ => ": this kernel may not be replaced, or the other is not signed by whom it knows".to_owned(),
        },
        Some(8) => ": it is no kernel of this processor".to_owned(),
        Some(38) => ": this kernel was built without kexec".to_owned(),
        _ => String::new(),
    }
}

/// What would be started from this file system; none if no loader has a configuration there.
fn find(host: &SystemRoot, mounted: &Mounted) -> Result<Option<Start>> {
    let root = mounted.root()?;
    for top in TOPS {
        let entries = folder(root, &format!("{top}loader/entries"))?;
        let listed = entries.iter().filter_map(|name| {
            let text = config(root, &format!("{top}loader/entries/{name}")).ok()?;
            loader_entry::parse(name, &text, ARCHITECTURE)
        });
        let settings = config(root, &format!("{top}loader/loader.conf")).unwrap_or_default();
        if let Some(entry) = loader_entry::chosen(listed.collect::<Vec<Listed>>(), &settings) {
            return start(host, root, entry).map(Some);
        }
        let mut images = folder(root, &format!("{top}EFI/Linux"))?;
        images.retain(|name| name.to_ascii_lowercase().ends_with(".efi"));
        small_sort::by(&mut images, |one, other| {
            loader_entry::versions(one, other).is_gt()
        });
        for name in images {
            if let Some(start) = unified(host, root, &format!("{top}EFI/Linux/{name}"))? {
                return Ok(Some(start));
            }
        }
    }
    for path in GRUB {
        if let Ok(text) = config(root, path)
            && let Some(entry) = grub_config::default_entry(&text)
        {
            return start(host, root, entry).map(Some);
        }
    }
    Ok(None)
}

/// The files of an entry. Of several initramfs one is made.
fn start(host: &SystemRoot, root: &Folder, entry: Entry) -> Result<Start> {
    let linux = open_below(root, &entry.linux)?;
    let initrd = match &entry.initrd[..] {
        [] => None,
        [one] => Some(open_below(root, one)?),
        several => {
            let mut whole = kexec::memory_file().context("making room for the initramfs")?;
            for path in several {
                let mut part = open_below(root, path)?;
                let len = part.metadata().map_or(0, |about| about.len());
                Memory::of(host).room_for(len, "an initramfs")?;
                io::copy(&mut part, &mut whole).with_context(|| format!("reading {path}"))?;
            }
            Some(whole)
        }
    };
    let title = match entry.title.is_empty() {
        true => entry.linux,
        false => entry.title,
    };
    Ok(Start {
        title,
        linux,
        initrd,
        options: entry.options,
    })
}

/// What is in a unified kernel image; none if it is none.
fn unified(host: &SystemRoot, root: &Folder, path: &str) -> Result<Option<Start>> {
    let mut image = open_below(root, path)?;
    let mut head = Vec::new();
    let reading = || format!("reading {path}");
    let begun = (&image)
        .take(unified_kernel_image::HEAD as u64)
        .read_to_end(&mut head);
    begun.with_context(reading)?;
    let Some(sections) = unified_kernel_image::sections(&head) else {
        return Ok(None);
    };
    let mut alone = |section: Section| -> Result<File> {
        Memory::of(host).room_for(section.len, "what is in a unified kernel image")?;
        let mut file = kexec::memory_file().with_context(reading)?;
        image
            .seek(SeekFrom::Start(section.at))
            .with_context(reading)?;
        let copied = io::copy(&mut (&image).take(section.len), &mut file).with_context(reading)?;
        match copied == section.len {
            true => Ok(file),
            false => Err(Error::plain(format!("{path} is cut short"))),
        }
    };
    let linux = alone(sections.linux)?;
    let initrd = sections.initrd.map(&mut alone).transpose()?;
    let mut options = String::new();
    if let Some(section) = sections.command_line {
        let mut line = alone(section)?;
        line.rewind().with_context(reading)?;
        line.take(LONGEST_COMMAND_LINE)
            .read_to_string(&mut options)
            .with_context(reading)?;
    }
    Ok(Some(Start {
        title: path.to_owned(),
        linux,
        initrd,
        options: options
            .trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .to_owned(),
    }))
}

/// The names in a folder below `root`; empty if there is no such folder.
fn folder(root: &Folder, path: &str) -> Result<Vec<String>> {
    let listed = root
        .below(path)
        .and_then(|folder| folder.names(MOST_ENTRIES));
    match listed {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Err(error).with_context(|| format!("reading {path}"))
        }
        listed => Ok(listed.unwrap_or_default()),
    }
}

fn config(root: &Folder, path: &str) -> Result<String> {
    let file = open_below(root, path)?;
    let mut bytes = Vec::new();
    let read = file.take(LONGEST_CONFIG).read_to_end(&mut bytes);
    read.with_context(|| format!("reading {path}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A regular file below `root`, links followed and none of them out of it.
fn open_below(root: &Folder, path: &str) -> Result<File> {
    let opening = || format!("opening {path} of the system on the disk");
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let (parent, name) = at.rsplit_once('/').unwrap_or(("", &at));
        let folder = root
            .below(parent.trim_start_matches('/'))
            .with_context(opening)?;
        at = match folder.kind(name).with_context(opening)? {
            Some(Kind::File) => return folder.open_file(name).with_context(opening),
            Some(Kind::Link) => {
                let target = folder.link(name).with_context(opening)?;
                match target.starts_with('/') {
                    true => target,
                    false => format!("{parent}/{target}"),
                }
            }
            Some(_) => return Err(Error::plain("it is no file")).with_context(opening),
            None => return Err(Error::plain("there is no such file")).with_context(opening),
        };
    }
    Err(Error::plain("its links go round")).with_context(opening)
}
