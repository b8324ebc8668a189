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
