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
    if how == How::Kexec {
        let why = format!("reboot(2) into another kernel: {error}");
        return Err(Error::new(Kind::SystemRebootError, why));
    }
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

/// There while the system clock is good enough for certificates alone.
const UNCERTAIN: &str = "clock-is-uncertain";

/// May the hardware clock be set from the system clock later on? It may unless somebody said no.
pub fn believe_system_clock(host: &SystemRoot, believed: bool) -> Result<()> {
    let path = host.run(UNCERTAIN);
    let noted = match (believed, path.exists()) {
        (true, true) => fs::remove_file(&path),
        (false, false) => path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, "")),
        _ => Ok(()),
    };
    noted.with_context(|| format!("noting in {} what the clock is worth", path.display()))
}

/// Sets the first hardware clock from the system clock, unless that is plainly wrong or nobody's who can know: where its driver
/// comes late the kernel starts in 1970, and what the hardware has is better.
pub fn set_hardware_clock(host: &SystemRoot, clock: &Clock) -> Result<()> {
    if host.run(UNCERTAIN).exists() {
        return Err(Error::plain("no time server has set the system clock"));
    }
    if !clock.is_set() {
        return Err(Error::plain("the system clock was never set"));
    }
    let path = host.dev("rtc0");
    let rtc = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
    kernel::set_hardware_clock(&rtc, Duration::from_secs_f64(clock.unix()))
        .with_context(|| format!("setting {}", path.display()))
}

/// In words.
pub fn going(how: How) -> &'static str {
    match how {
        How::Off => "powering off",
        How::Reboot => "restarting the machine",
        How::Kexec => "starting the kernel of the system on the disk",
    }
}

fn sysrq(host: &SystemRoot, how: How) -> Result<()> {
    // Documentation/admin-guide/sysrq.rst: o powers off, b restarts at once.
    let command = match how {
        How::Off => "o",
        _ => "b",
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
    fn the_hardware_clock_does_not_get_a_time_that_is_uncertain() {
        let root = std::env::temp_dir().join(format!("ironlet-power-{}", std::process::id()));
        let (host, clock) = (SystemRoot::new(&root), Clock::fake());
        clock.sleep(Duration::from_secs(2 * Clock::OLDEST));
        let why = || {
            let error = set_hardware_clock(&host, &clock).expect_err("there is no rtc0");
            error.details().to_owned()
        };
        for (believed, words) in [
            (true, "opening "),
            (false, "no time server"),
            (false, "no time server"),
            (true, "opening "),
        ] {
            believe_system_clock(&host, believed).expect("a temporary directory");
            assert!(why().contains(words), "{}", why());
        }
        fs::remove_dir_all(root).expect("it was made here");
    }

    #[test]
    fn a_clock_nobody_set_does_not_reach_the_hardware() {
        let error = set_hardware_clock(&SystemRoot::new("/nonexistent"), &Clock::fake());
        assert!(error.expect_err("1970").details().contains("never set"));
    }
}
