//! Arrays of which it was said, when they were made, whether they are the disk to deploy to.

use crate::disk::list::Disk;

/// The kernel's name of each; true for the one that is meant whatever the hints say, false for those that are not.
#[derive(Clone, Debug, Default)]
pub struct RootArrays(pub Vec<(String, bool)>);

impl RootArrays {
    fn said(&self, disk: &Disk) -> Option<bool> {
        let mut all = self.0.iter();
        all.find(|(name, _)| name == disk.kernel()).map(|row| row.1)
    }

    /// Is the one that is meant among these? One that is gone is not waited for.
    pub fn decide(&self, disks: &[Disk]) -> bool {
        disks.iter().any(|disk| self.said(disk) == Some(true))
    }

    /// Why it is not that disk; `decided` is what they say of all disks.
    pub fn pass_over(&self, disk: &Disk, decided: bool) -> Option<String> {
        match (decided, self.said(disk)) {
            (_, Some(false)) => Some("was made with is_root_volume false".to_owned()),
            (true, None) => Some("is not the array made with is_root_volume true".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_said_to_be_the_root_disk_is_it_whatever_the_hints_say() {
        let disks = ["md0", "md1", "sda"].map(|name| Disk {
            name: format!("/dev/{name}"),
            ..Disk::default()
        });
        let rows = |rows: &[(&str, bool)]| {
            let rows = rows.iter().map(|(name, root)| ((*name).to_owned(), *root));
            RootArrays(rows.collect())
        };
        for (said, fit) in [
            (&[][..], &["/dev/md0", "/dev/md1", "/dev/sda"][..]),
            (&[("md0", true), ("md1", false)], &["/dev/md0"]),
            (&[("md1", true)], &["/dev/md1"]),
            (&[("md0", false)], &["/dev/md1", "/dev/sda"]),
            (&[("md7", true)], &["/dev/md0", "/dev/md1", "/dev/sda"]),
        ] {
            let arrays = rows(said);
            let decided = arrays.decide(&disks);
            let left = disks
                .iter()
                .filter(|disk| arrays.pass_over(disk, decided).is_none());
            let left: Vec<_> = left.map(|disk| disk.name.as_str()).collect();
            assert_eq!(left, fit, "{said:?}");
        }
    }
}
