//! Network cards whose driver is not done with its start: they are not set up before it is.
//!
//! Drivers may show a card before it can bear that. e100 makes what opening needs only afterwards, and what the kernel
//! kills for it is our thread. Other systems escape by being slow.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::net::link::links::Link;
use crate::system_root::{SystemRoot, attribute};

/// A start that takes longer waits for the hardware, or for other cards of its driver.
const LONGEST: Duration = Duration::from_secs(10);
/// Documentation/ABI/testing/sysfs-module: coming, live, going.
const COMING: &str = "coming";
/// How often to look whether it is over: nobody tells.
pub const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Since when each waits, by the index of its link.
#[derive(Default)]
pub struct Starting(BTreeMap<u32, Duration>);

impl Starting {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn forget(&mut self, link: &Link) {
        self.0.remove(&link.index);
    }

    /// Is the card to be left alone, now that it is `now`?
    pub fn waits(&mut self, host: &SystemRoot, now: Duration, link: &Link) -> bool {
        let since = *self.0.entry(link.index).or_insert(now);
        let waits = driver_starts(host, link) && now.saturating_sub(since) < LONGEST;
        if !waits {
            self.forget(link);
        }
        waits
    }
}

/// Is the module of the card's driver not done yet, or may it be so?
fn driver_starts(host: &SystemRoot, link: &Link) -> bool {
    let driver = host.sys(format!("class/net/{}/device/driver", link.name));
    if let Some(state) = attribute(driver.join("module/initstate")) {
        return state == COMING;
    }
    // drivers/base/bus.c, bus_add_driver(): a driver gets the link to its module after it has probed what is there. Until then
    // it looks like one that is built in.
    driver.exists() && any_module_starts(host)
}

fn any_module_starts(host: &SystemRoot) -> bool {
    let modules = fs::read_dir(host.sys("module")).into_iter().flatten();
    let mut states = modules
        .flatten()
        .filter_map(|module| attribute(module.path().join("initstate")));
    states.any(|state| state == COMING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::link::links::Mac;

    #[test]
    fn a_card_waits_for_its_drivers_start_but_not_for_ever() {
        let root = std::env::temp_dir().join(format!("ironlet-starting-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let link = Link {
            index: 3,
            name: "eth0".into(),
            mac: Mac([2, 0, 0, 0, 0, 3]),
            mtu: 1500,
            up: false,
            carrier: false,
            card: true,
            made: false,
            gone: false,
        };
        let mut starting = Starting::default();
        let mut waits = |now| starting.waits(&host, Duration::from_secs(now), &link);
        assert!(!waits(0), "a card that is no device");
        let driver = host.sys("class/net/eth0/device/driver");
        let write = |file: std::path::PathBuf, state: &str| {
            fs::create_dir_all(file.parent().expect("a folder above"))
                .expect("a temporary directory");
            fs::write(file, format!("{state}\n")).expect("a file");
        };
        write(host.sys("module/e100/initstate"), "coming");
        assert!(!waits(1), "a card that has no driver");
        fs::create_dir_all(&driver).expect("a temporary directory");
        assert!(waits(2), "a driver that has no link to its module yet");
        write(host.sys("module/e100/initstate"), "live");
        assert!(
            !waits(3),
            "a driver that is built in, and no module that starts"
        );
        for (state, times) in [
            (
                "coming",
                &[(5, true), (14, true), (15, false), (16, true)][..],
            ),
            ("live", &[(17, false)]),
            ("coming", &[(30, true)]),
        ] {
            write(driver.join("module/initstate"), state);
            for (now, expected) in times {
                assert_eq!(waits(*now), *expected, "{state} {now}");
            }
        }
        assert!(!starting.is_empty());
        starting.forget(&link);
        assert!(starting.is_empty());
        fs::remove_dir_all(root).expect("it was made here");
    }
}
