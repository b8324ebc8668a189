//! Which of the kernel's disks are ways to one and the same. Pure.

use std::mem;

use crate::disk::block_device::Disk;

impl Disk {
    /// Is it a device-mapper volume that stands for several ways to one disk?
    pub fn is_multipath(&self) -> bool {
        !self.paths.is_empty() && self.kernel().starts_with("dm-")
    }

    /// Does `other` lead to the same unit? Those that a USB bridge or a port of its own leads to have one way, and numbers that are
    /// often not their own.
    pub fn is_same_unit(&self, other: &Disk) -> bool {
        let single = |disk: &Disk| {
            disk.hctl.is_none() || matches!(disk.transport.as_deref(), Some("usb" | "sata" | "ata"))
        };
        !single(self)
            && !single(other)
            && self.identity.wwn_with_extension.is_some()
            && self.identity == other.identity
            && (self.size, self.logical_sector) == (other.size, other.logical_sector)
    }

    /// Is one of the ways to it called `kernel`, or it itself?
    pub fn is_or_leads_through(&self, kernel: &str) -> bool {
        self.kernel() == kernel || self.paths.iter().any(|path| path.kernel() == kernel)
    }

    /// What holds a way to it holds it, and where that is mounted, it is.
    fn add(&mut self, path: Disk) {
        let own = self.kernel().to_owned();
        let holders = path.holders.iter().filter(|holder| **holder != own);
        self.holders.extend(holders.cloned());
        self.numbers.extend(path.numbers.iter().cloned());
        self.read_only |= path.read_only;
        self.paths.push(path);
    }
}

/// Every disk once, with the ways to it; `mapped` of the kernel's volumes over several ways, each with the kernel's names of those.
pub fn join(disks: Vec<Disk>, mapped: Vec<(Disk, Vec<String>)>) -> Vec<Disk> {
    let mut joined: Vec<Disk> = Vec::new();
    let mut rest = disks;
    for (mut volume, ways) in mapped {
        let (own, others) = mem::take(&mut rest)
            .into_iter()
            .partition(|disk: &Disk| ways.iter().any(|way| way == disk.kernel()));
        rest = others;
        for (number, path) in Vec::into_iter(own).enumerate() {
            // What it says of itself, the volume does not.
            if number == 0 {
                volume.describe_as(&path);
            }
            volume.add(path);
        }
        joined.push(volume);
    }
    for disk in rest {
        let known = joined.iter_mut().find(|own| match own.paths.first() {
            Some(path) if own.is_multipath() => path.is_same_unit(&disk),
            _ => own.is_same_unit(&disk),
        });
        match known {
            Some(known) => known.add(disk),
            None => joined.push(disk),
        }
    }
    joined
}

impl Disk {
    fn describe_as(&mut self, path: &Disk) {
        self.identity = path.identity.clone();
        self.rotational = path.rotational;
        self.hctl = path.hctl.clone();
        self.by_path = path.by_path.clone();
        self.other_paths = path.other_paths.clone();
        self.transport = path.transport.clone();
        self.newer_transport = path.newer_transport;
        self.unread = path.unread.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::identity::serial_and_wwn::Identity;
    use crate::units::Bytes;

    fn disk(name: &str, wwn: &str, transport: &str) -> Disk {
        Disk {
            name: format!("/dev/{name}"),
            size: Bytes(1 << 30),
            logical_sector: 512,
            hctl: Some("0:0:0:0".to_owned()),
            transport: Some(transport.to_owned()),
            identity: Identity {
                serials: vec![format!("S{wwn}")],
                wwn_with_extension: Some(wwn.to_owned()).filter(|wwn| !wwn.is_empty()),
                ..Identity::default()
            },
            numbers: vec![(format!("8:{name}"), name.to_owned())],
            ..Disk::default()
        }
    }

    /// `a(b c)`: the disk a, to which b and c lead too.
    fn told(disks: &[Disk]) -> String {
        let names = disks.iter().map(|disk| {
            let ways: Vec<_> = disk.paths.iter().map(Disk::kernel).collect();
            format!("{}({})", disk.kernel(), ways.join(" "))
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_disk_is_listed_once_and_two_are_never_taken_for_one() {
        for (what, disks, mapped, expected) in [
            (
                "two ways each",
                vec![
                    disk("sda", "a", "fc"),
                    disk("sdb", "b", "fc"),
                    disk("sdc", "a", "fc"),
                    disk("sdd", "b", "fc"),
                ],
                vec![],
                "sda(sdc) sdb(sdd)",
            ),
            (
                "no name of its own",
                vec![disk("sda", "", "sas"), disk("sdb", "", "sas")],
                vec![],
                "sda() sdb()",
            ),
            (
                "bridges that all have one number",
                vec![disk("sda", "a", "usb"), disk("sdb", "a", "usb")],
                vec![],
                "sda() sdb()",
            ),
            (
                "another size",
                vec![
                    disk("sda", "a", "fc"),
                    Disk {
                        size: Bytes(1),
                        ..disk("sdb", "a", "fc")
                    },
                ],
                vec![],
                "sda() sdb()",
            ),
            (
                "mapped, and a third way that came later",
                vec![
                    disk("sda", "a", "fc"),
                    disk("sdb", "a", "fc"),
                    disk("sdc", "a", "fc"),
                    disk("sdd", "b", "fc"),
                ],
                vec![(
                    disk("dm-0", "", ""),
                    vec!["sda".to_owned(), "sdb".to_owned()],
                )],
                "dm-0(sda sdb sdc) sdd()",
            ),
        ] {
            assert_eq!(told(&join(disks, mapped)), expected, "{what}");
        }
    }

    #[test]
    fn what_is_on_any_way_is_on_the_disk() {
        let mut second = disk("sdb", "a", "fc");
        second.holders = vec!["dm-7".to_owned(), "md0".to_owned()];
        let mut volume = disk("dm-7", "", "");
        volume.transport = None;
        let ways = vec!["sda".to_owned(), "sdb".to_owned()];
        let [joined] = &join(vec![disk("sda", "a", "fc"), second], vec![(volume, ways)])[..] else {
            panic!("one disk");
        };
        assert_eq!(joined.holders, ["md0"], "it does not hold itself");
        assert_eq!(joined.identity.serials, ["Sa"]);
        assert_eq!(joined.numbers.len(), 3);
        assert!(joined.is_or_leads_through("sdb") && joined.is_or_leads_through("dm-7"));
    }
}
