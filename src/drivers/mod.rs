//! Kernel modules, and hardware that does not work, and why: devices without a driver, drivers without their firmware, a
//! ramdisk that was cut while it was unpacked. For pid 1's console and for those who look for a disk.

pub mod firmware_requests_in_log;
pub mod kernel_log;
mod missing_firmware;
pub mod modalias;
pub mod modules;
pub mod nics_and_disk_controllers;
pub mod truncated_initramfs;

use crate::drivers::nics_and_disk_controllers::{Device, Purpose};
use crate::sys::kernel;
use crate::system_root::SystemRoot;
pub use missing_firmware::Lack;

/// More of one kind say nothing new.
const MOST: usize = 16;

/// What keeps hardware of one kind from working.
#[derive(Debug, Default)]
pub struct Faults {
    /// The ramdisk is not whole, in words: anything may be missing.
    pub cut: Option<String>,
    /// Devices that no driver has, in words.
    pub driverless: Vec<String>,
    /// Firmware that was asked for in vain.
    pub lacks: Vec<Lack>,
}

impl Faults {
    /// Looks at the machine and its kernel's log as they are now.
    pub fn look(host: &SystemRoot, purpose: Purpose) -> Self {
        let log = match host.is_here() {
            // Whoever may not read it still sees the devices.
            true => kernel::kernel_log().unwrap_or_default(),
            // A directory that stands for a machine may hold a log beside its devices.
            false => std::fs::read(host.dev("kmsg")).unwrap_or_default(),
        };
        Faults::of(host, purpose, &String::from_utf8_lossy(&log))
    }

    /// The same, with `log` as syslog(2) gives it.
    pub fn of(host: &SystemRoot, purpose: Purpose, log: &str) -> Self {
        let mut lacks = missing_firmware::all(host, log);
        // One whose device nobody knows may be of any purpose.
        lacks.retain(|lack| lack.purpose.is_none_or(|of| of == purpose));
        let idle = Device::all(host).into_iter().filter(|device| {
            // A driver that was there and gave up for want of its firmware is no driver that is missing.
            let explained = lacks.iter().any(|lack| lack.is_of(device));
            device.purpose == Some(purpose) && device.driver.is_none() && !explained
        });
        let driverless = idle.take(MOST).map(|device| {
            let (what, label) = (purpose.name(), &device.label);
            format!(
                "no driver in {} for the {what} {label}",
                missing_firmware::system(host)
            )
        });
        Faults {
            cut: truncated_initramfs::cut(host, log),
            driverless: driverless.collect(),
            lacks: lacks.into_iter().take(MOST).collect(),
        }
    }

    /// All of them, a line each.
    pub fn lines(&self) -> Vec<String> {
        let lacks = self.lacks.iter().map(ToString::to_string);
        let cut = self.cut.iter().cloned();
        cut.chain(lacks)
            .chain(self.driverless.iter().cloned())
            .collect()
    }
}
