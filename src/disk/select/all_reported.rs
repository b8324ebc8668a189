//! Have all controllers of disks told of theirs? By drivers whose start ends only when their disks are there: then nobody has to wait for
//! more of them. Whatever is not known to be so is waited for.
//!
//! The kernel has whoever loads a module wait for all that drivers began beside it (kernel/module/main.c: `async_synchronize_full`), which
//! has the scans of SCSI hosts and of libata's ports in it; `nvme` waits for its namespaces, `virtio_blk` does nothing beside. USB, SD cards, and
//! whatever is behind a network or an expander are found by other threads, at any time.

use std::fs;
use std::path::Path;

use crate::system_root::{SystemRoot, attribute, names};

/// Of PCI devices that are for disks.
const PROMPT: [&str; 4] = ["virtio-pci", "nvme", "ahci", "ata_piix"];
/// Of SCSI hosts, by `proc_name`.
const PROMPT_HOSTS: [&str; 3] = ["virtio_scsi", "ahci", "ata_piix"];
/// Numbers of virtio devices that are disks or have some: virtio 1.2, 5.
const VIRTIO_DISKS: [&str; 2] = ["0x0002", "0x0008"];
/// Where anything at all stands for disks that come when they come.
const SLOW: [&str; 5] = [
    "class/mmc_host",
    "bus/xen/devices",
    "bus/vmbus/devices",
    "bus/nd/devices",
    "firmware/devicetree/base",
];
/// In /run: the modules for all devices that there were at the start are loaded.
const LOADED: &str = "modules-loaded";

/// Which disks are known to be all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Of none is that known.
    Unknown,
    /// Those that cannot be pulled out.
    Own,
    /// All.
    All,
}

/// Notes that every module is loaded, and whoever loaded one has come back.
pub fn modules_are_loaded(host: &SystemRoot) -> std::io::Result<()> {
    fs::create_dir_all(host.run(""))?;
    fs::write(host.run(LOADED), "")
}

/// As it is now.
pub fn look(host: &SystemRoot) -> Reported {
    let prompt = host.run(LOADED).exists()
        && SLOW.iter().all(|place| names(host.sys(place)).is_empty())
        && each(host, "bus/pci/devices", |device| {
            let class = attribute(device.join("class")).unwrap_or_default();
            // PCI: mass storage; SD hosts; Fibre Channel.
            match ["0x01", "0x0805", "0x0c04"].map(|kind| class.starts_with(kind)) {
                [false, false, false] => true,
                _ => driver(device).is_some_and(|driver| PROMPT.contains(&&*driver)),
            }
        })
        && each(host, "bus/virtio/devices", |device| {
            let kind = attribute(device.join("device")).unwrap_or_default();
            !VIRTIO_DISKS.contains(&&*kind) || driver(device).is_some()
        })
        && each(host, "class/scsi_host", |own| {
            // One that USB brought is as slow as USB.
            let name = attribute(own.join("proc_name")).unwrap_or_default();
            name == "usb-storage" || name == "uas" || PROMPT_HOSTS.contains(&&*name)
        });
    match (prompt, names(host.sys("bus/usb/devices")).is_empty()) {
        (false, _) => Reported::Unknown,
        (true, false) => Reported::Own,
        (true, true) => Reported::All,
    }
}

fn each(host: &SystemRoot, place: &str, holds: impl Fn(&Path) -> bool) -> bool {
    let place = host.sys(place);
    names(&place).iter().all(|name| holds(&place.join(name)))
}

fn driver(device: &Path) -> Option<String> {
    let link = fs::read_link(device.join("driver")).ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_drivers_that_wait_for_their_disks_are_not_waited_for() {
        let root = std::env::temp_dir().join(format!("ironlet-reported-{}", std::process::id()));
        let host = SystemRoot::new(&root);
        let put = |path: &str, text: &str| {
            let path = host.sys(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        let bound = |path: &str, driver: &str| {
            symlink(
                format!("../drivers/{driver}"),
                host.sys(path).join("driver"),
            )
            .expect("writable");
        };
        assert_eq!(
            look(&host),
            Reported::Unknown,
            "nobody says that modules are loaded"
        );
        modules_are_loaded(&host).expect("writable");
        assert_eq!(look(&host), Reported::All, "there is nothing to wait for");
        put("bus/pci/devices/0/class", "0x020000");
        put("bus/pci/devices/1/class", "0x010802");
        assert_eq!(look(&host), Reported::Unknown, "no driver yet");
        bound("bus/pci/devices/1", "nvme");
        assert_eq!(look(&host), Reported::All);
        put("bus/virtio/devices/virtio0/device", "0x0001");
        put("bus/virtio/devices/virtio1/device", "0x0002");
        assert_eq!(look(&host), Reported::Unknown, "no driver yet");
        bound("bus/virtio/devices/virtio1", "virtio_blk");
        assert_eq!(look(&host), Reported::All);
        put("class/scsi_host/host0/proc_name", "ahci");
        assert_eq!(look(&host), Reported::All);
        put("bus/usb/devices/usb1/x", "");
        put("class/scsi_host/host1/proc_name", "usb-storage");
        assert_eq!(look(&host), Reported::Own);
        for slow in [
            ("class/mmc_host/mmc0/x", "", "class/mmc_host"),
            ("firmware/devicetree/base/x", "", "firmware"),
            (
                "class/scsi_host/host2/proc_name",
                "iscsi_tcp",
                "class/scsi_host/host2",
            ),
            ("class/scsi_host/host2/x", "", "class/scsi_host/host2"),
            ("bus/pci/devices/2/class", "0x010700", "bus/pci/devices/2"),
            ("bus/pci/devices/2/class", "0x0c0400", "bus/pci/devices/2"),
            ("bus/pci/devices/2/class", "0x080501", "bus/pci/devices/2"),
        ] {
            put(slow.0, slow.1);
            assert_eq!(look(&host), Reported::Unknown, "{slow:?}");
            fs::remove_dir_all(host.sys(slow.2)).expect("it was made here");
            assert_eq!(look(&host), Reported::Own, "{slow:?}");
        }
        put("bus/pci/devices/2/class", "0x010700");
        bound("bus/pci/devices/2", "mpt3sas");
        assert_eq!(
            look(&host),
            Reported::Unknown,
            "an expander's disks come later"
        );
        fs::remove_dir_all(root).expect("it was made here");
    }
}
