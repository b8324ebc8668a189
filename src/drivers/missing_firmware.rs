//! Firmware that is lacking or damaged, by device: the requests of a log and the devices of the machine brought together.

use std::fmt;
use std::path::PathBuf;

use crate::drivers::firmware_requests_in_log::{Request, requests};
use crate::drivers::nics_and_disk_controllers::{Device, Purpose};
use crate::system_root::{SystemRoot, attribute};

/// One device, and the files its driver asked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lack {
    /// None if the log does not tell the device, or it is neither a network card nor a disk controller.
    pub purpose: Option<Purpose>,
    /// Who asked.
    pub driver: Option<String>,
    /// The device's network links.
    pub links: Vec<String>,
    /// Drivers that know several versions ask for one after the other.
    pub files: Vec<String>,
    /// It has no driver or cannot be set up: without the files it does not work at all.
    pub needed: bool,
    /// Its directory below /sys/devices.
    pub path: Option<PathBuf>,
    /// As in [`Device`].
    pub label: String,
    /// As in [`Request`].
    pub error: Option<u32>,
    /// As in [`Request`], of one of the files at least.
    pub damaged: bool,
    /// Where the files should be: `this ramdisk`.
    pub system: &'static str,
}

/// Files named in one line; iwlwifi asks for forty.
const NAMED: usize = 3;
/// Devices and files kept: the log is of one machine, but nothing bounds what its drivers say.
const MOST: usize = 64;

/// Every device that lacks firmware, in the log's order. Devices of other kinds (graphics, sound) are left out.
pub fn all(host: &SystemRoot, log: &str) -> Vec<Lack> {
    let mut lacks: Vec<Lack> = Vec::new();
    for request in requests(log) {
        let devices = devices(host, &request);
        // A driver repeats in its own words what the kernel's loader has said of the device; who names a device
        // that is not there names one that has gone, or none of these.
        let known = |lack: &Lack| lack.files.iter().any(|file| file == request.file);
        if devices.is_empty() && request.words.is_empty() && !lacks.iter().any(known) {
            add(host, &mut lacks, &request, None);
        }
        for device in devices
            .into_iter()
            .filter(|device| device.purpose.is_some())
        {
            add(host, &mut lacks, &request, Some(device));
        }
    }
    lacks
}

/// What is short of a driver or a file.
pub(super) fn system(host: &SystemRoot) -> &'static str {
    match host.is_here() && !host.is_ramdisk() {
        true => "this system",
        false => "this ramdisk",
    }
}

/// The devices a request is for: the link or the device it names, else all of its driver.
fn devices(host: &SystemRoot, request: &Request) -> Vec<Device> {
    let words = || request.driver.iter().chain(&request.words);
    let named = words().find_map(|word| Device::of_link(host, word));
    let named = named.or_else(|| words().find_map(|word| Device::named(host, word)));
    match (named, request.driver) {
        (Some(device), _) => vec![device],
        (None, Some(driver)) if request.words.is_empty() => Device::driven_by(host, driver),
        (None, _) => Vec::new(),
    }
}

fn add(host: &SystemRoot, lacks: &mut Vec<Lack>, request: &Request, device: Option<Device>) {
    let new = Lack::new(host, request, device);
    let same = |lack: &Lack| match (&lack.path, &new.path) {
        (None, None) => lack.driver == new.driver,
        (one, other) => one == other,
    };
    let Some(at) = lacks.iter().position(same) else {
        if lacks.len() < MOST {
            lacks.push(new);
        }
        return;
    };
    let lack = &mut lacks[at];
    if lack.files.len() < MOST && !lack.files.iter().any(|file| file == request.file) {
        lack.files.push(request.file.to_owned());
    }
    lack.error = lack.error.and(request.error);
    lack.damaged |= request.damaged;
}

impl Lack {
    fn new(host: &SystemRoot, request: &Request, device: Option<Device>) -> Self {
        let mut lack = Lack {
            driver: request.driver.map(str::to_owned),
            files: vec![request.file.to_owned()],
            error: request.error,
            damaged: request.damaged,
            needed: true,
            system: system(host),
            ..Lack::default()
        };
        if let Some(device) = device {
            lack.links = device.links();
            // Documentation/ABI/testing/sysfs-class-net: flags of netdevice(7), IFF_UP is bit 0.
            let up = |link: &String| {
                let flags = attribute(device.path.join("net").join(link).join("flags"));
                flags.is_some_and(|flags| flags.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
            };
            lack.needed = match device.purpose {
                Some(Purpose::Disk) => device.driver.is_none(),
                _ => !lack.links.iter().any(up),
            };
            lack.driver = device.driver.or(lack.driver);
            lack.purpose = device.purpose;
            lack.label = device.label;
            lack.path = Some(device.path);
        }
        lack
    }

    pub(super) fn is_of(&self, device: &Device) -> bool {
        self.path.as_ref() == Some(&device.path)
    }
}

/// `eth0 (e100) needs firmware e100/d101s_ucode.bin, which this ramdisk lacks`
impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.links.is_empty(), self.purpose) {
            (false, _) => f.write_str(&self.links.join(", "))?,
            (true, Some(purpose)) => write!(f, "the {} {}", purpose.name(), self.label)?,
            (true, None) => f.write_str("a device")?,
        }
        if let Some(driver) = &self.driver {
            write!(f, " ({driver})")?;
        }
        let verb = if self.needed { "needs" } else { "asked for" };
        write!(
            f,
            " {verb} firmware {}",
            self.files[..self.files.len().min(NAMED)].join(" or ")
        )?;
        if self.files.len() > NAMED {
            write!(f, " or {} more", self.files.len() - NAMED)?;
        }
        match self.error {
            None if self.damaged => write!(f, ", which is damaged in {}", self.system),
            None => write!(f, ", which {} lacks", self.system),
            // errno(3)
            Some(error) => write!(f, ", which could not be loaded (error {error})"),
        }
    }
}
