//! The names of a disk below disk/by-path: the way to it through the buses, as udev's path_id spells it, now and formerly.
//!
//! ```text
//!  /sys/devices/pci0000:00/0000:00:07.0/host6/port-6:0/end_device-6:0/target6:0:0/6:0:0:0/block/sda
//!               pci-0000:00:07.0        - sas-phy0-lun-0                  ◀── walked from here
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk::identity::scsi_by_path::{Part, scsi};
use crate::disk::identity::unreadable_fields::Reader;
use crate::system_root::{SystemRoot, link_name};

/// Without `/dev/disk/by-path/` before them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ByPath {
    /// Those that udev makes. Upstream tells whichever it happens to read last; the first is the one to show.
    pub names: Vec<String>,
    /// Those that former versions of it made, or that sg3_utils makes.
    pub others: Vec<String>,
}

/// What a bus adds to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bus {
    /// `pci-0000:00:07.0`: its own name and the device's. Is it a transport for disks by itself?
    Named {
        carries: bool,
    },
    /// Nothing, but it is a transport for disks.
    Carries,
    /// Something of its own.
    Scsi,
    Usb,
    Nvme,
    Cciss,
    Bcma,
    Ap,
    Spi,
    /// Nothing.
    Silent,
}

/// systemd 257, udev-builtin-path_id.c; and the buses and classes between a disk and its adapter of which it makes nothing.
static BUSES: [(&str, Bus); 36] = [
    ("pci", Bus::Named { carries: false }),
    ("platform", Bus::Named { carries: true }),
    ("acpi", Bus::Named { carries: false }),
    ("amba", Bus::Named { carries: true }),
    ("xen", Bus::Named { carries: false }),
    ("scm", Bus::Named { carries: true }),
    ("ccw", Bus::Named { carries: true }),
    ("ccwgroup", Bus::Named { carries: true }),
    ("iucv", Bus::Named { carries: true }),
    ("virtio", Bus::Carries),
    ("scsi", Bus::Scsi),
    ("usb", Bus::Usb),
    ("nvme", Bus::Nvme),
    ("nvme-subsystem", Bus::Nvme),
    ("cciss", Bus::Cciss),
    ("bcma", Bus::Bcma),
    ("ap", Bus::Ap),
    ("spi", Bus::Spi),
    ("block", Bus::Silent),
    ("css", Bus::Silent),
    ("fcoe", Bus::Silent),
    ("firewire", Bus::Silent),
    ("memstick", Bus::Silent),
    ("memstick_host", Bus::Silent),
    ("mmc", Bus::Silent),
    ("mmc_host", Bus::Silent),
    ("nd", Bus::Silent),
    ("net", Bus::Silent),
    ("nvme-fabrics", Bus::Silent),
    ("nvmem", Bus::Silent),
    ("ps3_system_bus", Bus::Silent),
    ("soc", Bus::Silent),
    ("thunderbolt", Bus::Silent),
    ("vio", Bus::Silent),
    ("visorbus", Bus::Silent),
    ("vmbus", Bus::Silent),
];

/// `block` is the disk's directory in sysfs, links followed.
pub fn by_path(host: &SystemRoot, block: &Path, reader: &mut Reader) -> ByPath {
    let sys = fs::canonicalize(host.sys("")).unwrap_or_else(|_| host.sys(""));
    let mut walk = Walk {
        host,
        block,
        sys: &sys,
        reader,
        parts: Vec::new(),
        carried: false,
        unique: false,
        shared: false,
        whole: None,
    };
    let mut at = Some(block.to_owned());
    while let Some(device) = at {
        let above = match link_name(device.join("subsystem")) {
            Some(subsystem) => walk.step(&device, &subsystem),
            None => Some(device),
        };
        at = above.and_then(|above| above.parent().map(Path::to_owned));
    }
    walk.names()
}

/// The way up, so far.
struct Walk<'a> {
    host: &'a SystemRoot,
    block: &'a Path,
    sys: &'a Path,
    reader: &'a mut Reader,
    /// From the disk on.
    parts: Vec<Part>,
    /// Is there a transport whose disks are told apart?
    carried: bool,
    /// Is there a place that no other machine's disk, and no other of this one, can have?
    unique: bool,
    /// Is it an NVMe namespace with several ways to it?
    shared: bool,
    /// A name of its own, beside the others.
    whole: Option<String>,
}

impl Walk<'_> {
    /// Above which directory the walk goes on; none ends it.
    fn step(&mut self, device: &Path, subsystem: &str) -> Option<PathBuf> {
        let name = device.file_name()?.to_str()?;
        let stay = device.to_owned();
        let bus = BUSES.iter().find(|(known, _)| *known == subsystem);
        let Some((_, bus)) = bus else {
            let why = format!(
                "it hangs on {subsystem}, a bus of which it is not known how disks on it are named"
            );
            self.reader.note(&["by_path"], &why);
            return Some(stay);
        };
        match *bus {
            Bus::Silent => return Some(stay),
            Bus::Carries => {
                self.carried = true;
                return Some(stay);
            }
            Bus::Named { carries } => {
                self.carried |= carries;
                self.unique = true;
                self.add(format!("{subsystem}-{name}"));
            }
            Bus::Scsi => {
                self.carried = true;
                let path = device.strip_prefix(self.sys).unwrap_or(device);
                let step = scsi(device, &path.to_string_lossy(), self.reader);
                let Some(step) = step else {
                    return Some(stay);
                };
                self.unique |= step.unique;
                self.whole = step.whole;
                self.parts.extend(step.part);
                return step.from;
            }
            Bus::Usb => {
                self.carried = true;
                let Some((_, port)) = name.split_once('-') else {
                    return Some(stay);
                };
                let hub = top(device, subsystem);
                self.parts.push(Part {
                    // Buses are counted as they are found; the port on one stays.
                    name: format!("usb-0:{port}"),
                    also: revision(&hub, self.reader)
                        .map(|number| format!("usbv{number}-0:{port}")),
                    former: None,
                });
            }
            Bus::Nvme => {
                let Some(number) = self.reader.text("by_path", &self.block.join("nsid")) else {
                    return Some(stay);
                };
                (self.carried, self.unique) = (true, true);
                self.add(format!("nvme-{number}"));
                if subsystem == "nvme-subsystem" {
                    self.shared = true;
                    // Its own directory is nowhere; that of its controller is not, unless that is reached over a network.
                    let controller = self.controller();
                    self.unique = controller.is_some();
                    return Some(top(&controller?, "nvme"));
                }
            }
            Bus::Cciss => {
                self.carried = true;
                // `c0d1` is disk 1 of controller 0.
                let disk = name.strip_prefix('c').and_then(|rest| rest.split_once('d'));
                self.add(format!("cciss-disk{}", digits(disk?.1)));
            }
            Bus::Bcma => {
                self.carried = true;
                self.add(format!("bcma-{}", digits(name.split_once(':')?.1)));
                return Some(stay);
            }
            Bus::Ap => {
                (self.carried, self.unique) = (true, true);
                let mut read = |name: &str| self.reader.text("by_path", &device.join(name));
                let functions = read("type").zip(read("ap_functions"));
                self.add(match functions {
                    Some((kind, functions)) => format!("ap-{kind}-{functions}"),
                    None => format!("ap-{name}"),
                });
            }
            Bus::Spi => {
                let number = name.rsplit(|c: char| !c.is_ascii_digit()).next();
                self.add(format!(
                    "cs-{}",
                    number.filter(|number| !number.is_empty())?
                ));
            }
        }
        Some(top(device, subsystem))
    }

    fn add(&mut self, name: String) {
        self.parts.push(Part::new(name));
    }

    /// The directory of the controller that a shared namespace has its name from; none if that is nowhere, too.
    fn controller(&self) -> Option<PathBuf> {
        let namespace = self.block.file_name()?.to_str()?;
        let number = digits(namespace.strip_prefix("nvme")?);
        let link = self.host.sys("class/nvme").join(format!("nvme{number}"));
        let controller = fs::canonicalize(link).ok()?;
        (!self.is_nowhere(&controller)).then_some(controller)
    }

    fn is_nowhere(&self, device: &Path) -> bool {
        device.starts_with(self.sys.join("devices/virtual"))
    }

    fn names(self) -> ByPath {
        // udev gives no path to what is nowhere: arrays, NVMe over a network.
        if self.parts.is_empty() || !self.unique || self.is_nowhere(self.block) && !self.shared {
            return ByPath::default();
        }
        let joined = |part: fn(&Part) -> Option<&String>| {
            let parts = self.parts.iter().rev();
            let other = self.parts.iter().any(|own| part(own).is_some());
            let parts: Vec<_> = parts
                .map(|own| part(own).unwrap_or(&own.name).as_str())
                .collect();
            other.then(|| parts.join("-"))
        };
        let name = joined(|part| Some(&part.name));
        let also = joined(|part| part.also.as_ref());
        let mut found = ByPath {
            names: Vec::new(),
            others: joined(|part| part.former.as_ref())
                .into_iter()
                .chain(self.whole.clone())
                .collect(),
        };
        if !self.carried {
            // Former versions named these as well: SD cards behind PCI, Xen's disks.
            found.others.extend(name);
            return found;
        }
        let kernel = self.block.file_name().and_then(|name| name.to_str());
        let virtio = kernel.is_some_and(|kernel| kernel.starts_with("vd"));
        let prefixed = name
            .as_ref()
            .filter(|name| virtio && name.starts_with("pci-"));
        let prefixed = prefixed.map(|name| format!("virtio-{name}"));
        found.names = [prefixed, name, also].into_iter().flatten().collect();
        found
    }
}

/// The highest of the directories of `subsystem` that lie one in the other.
fn top(device: &Path, subsystem: &str) -> PathBuf {
    let of_it = |above: &&Path| link_name(above.join("subsystem")).as_deref() == Some(subsystem);
    let last = device.ancestors().take_while(of_it).last();
    last.unwrap_or(device).to_owned()
}

/// Of which USB the root hub is: 1, 2 or 3.
fn revision(hub: &Path, reader: &mut Reader) -> Option<u8> {
    let protocol = reader.text("by_path", &hub.join("bDeviceProtocol"))?;
    // linux/usb/ch11.h: 0 has no translator for slow devices, 1 has one, 2 several, 3 is SuperSpeed.
    match protocol.trim_start_matches('0') {
        "" => {
            let speed = reader.text("by_path", &hub.join("speed"))?;
            Some(if speed == "480" { 2 } else { 1 })
        }
        "1" | "2" => Some(2),
        "3" => Some(3),
        _ => None,
    }
}

/// The number `text` begins with.
fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}
