//! Switches the machine off or restarts it: disks flushed, hardware clock set, then reboot(2), then sysrq.

use std::fs::{self, File};
use std::time::Duration;

use crate::clock::{Clock, within};
use crate::error::{Context, Error, Kind, Result};
use crate::sys::kernel;
use crate::system_root::{SystemRoot, names};

pub use crate::sys::kernel::How;

/// A disk that takes longer is broken, and what was written to the others was flushed before.
const FLUSH: Duration = Duration::from_secs(20);

/// Does not come back unless it failed; refuses outside a ramdisk, where the machine is somebody's.
pub fn power(host: &SystemRoot, clock: &Clock, how: How) -> Result<()> {
    if !host.is_ramdisk() {
        return Err(Error::new(
            Kind::SystemRebootError,
            "this is not a ramdisk: the machine stays on",
        ));
    }
    log::info!("{}", going(how));
    let own = host.clone();
    if !within(clock, FLUSH, "flush", move || flush_disks(&own)) {
        log::warn!("a disk does not say that it is flushed; going all the same");
    }
    if let Err(error) = set_hardware_clock(host, clock) {
        log::warn!("the hardware clock stays as it is: {error}");
    }
    log::logger().flush();
    let error = kernel::reboot(how);
    log::error!("reboot(2) came back ({error}), trying sysrq");
    sysrq(host, how).kind(Kind::SystemRebootError)?;
    Err(Error::new(
        Kind::SystemRebootError,
        format!("reboot(2): {error}; sysrq had no effect either"),
    ))
}

/// Writes back every file system, then every whole disk's own cache.
pub fn flush_disks(host: &SystemRoot) {
    kernel::sync();
    for name in names(host.sys("block")) {
        // Opening a device without a medium fails, which leaves nothing to flush.
        if let Ok(disk) = File::open(host.dev(name.replace('!', "/")))
            && let Err(error) = disk.sync_all()
        {
            log::warn!("flushing {name}: {error}");
        }
    }
}

/// Sets the first hardware clock from the system clock, unless that is plainly wrong: where its driver
/// comes late the kernel starts in 1970, and what the hardware has is better.
pub fn set_hardware_clock(host: &SystemRoot, clock: &Clock) -> Result<()> {
    if !clock.is_set() {
        return Err(Error::plain("the system clock was never set"));
    }
    let path = host.dev("rtc0");
    let rtc = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    kernel::set_hardware_clock(&rtc, Duration::from_secs_f64(clock.unix()))
        .with_context(|| format!("setting {}", path.display()))
}

fn going(how: How) -> &'static str {
    match how {
        How::Off => "powering off",
        How::Reboot => "restarting the machine",
    }
}

fn sysrq(host: &SystemRoot, how: How) -> Result<()> {
    // Documentation/admin-guide/sysrq.rst: o powers off, b restarts at once.
    let command = match how {
        How::Off => "o",
        How::Reboot => "b",
    };
    let path = host.proc("sysrq-trigger");
    fs::write(&path, command).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_not_ours_stays_on() {
        // The tree has no proc/mounts: nobody says its root is a ramdisk.
        let host = SystemRoot::new("/nonexistent");
        let error = power(&host, &Clock::fake(), How::Off).expect_err("an error");
        assert_eq!(error.kind(), Kind::SystemRebootError);
        assert!(error.details().contains("not a ramdisk"));
    }

    #[test]
    fn a_clock_nobody_set_does_not_reach_the_hardware() {
        let error = set_hardware_clock(&SystemRoot::new("/nonexistent"), &Clock::fake());
        assert!(error.expect_err("1970").details().contains("never set"));
    }
}
