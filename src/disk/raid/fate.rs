//! What becomes of each array when software RAID is deleted: volumes to be spared are, and with them their disks' partitions
//! (protocol/steps.md §10).

use crate::disk::raid::members::Array;

/// The volume of the EFI system partitions of arrays.
pub const ESP: &str = "esp";

/// What becomes of an array, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it is left.
    Delete,
    /// Its content goes; the array stays, for it shares a disk with one that is spared.
    Wipe(String),
    /// Nothing of it is touched.
    Keep(String),
}

/// For each array; `spared` says why one must not be touched.
pub fn fates(arrays: &[Array], spared: impl Fn(&Array) -> Option<String>) -> Vec<Fate> {
    let kept: Vec<_> = arrays.iter().map(spared).collect();
    let fate = |(array, own): (&Array, &Option<String>)| {
        if let Some(why) = own {
            return Fate::Keep(why.clone());
        }
        let shares = |(other, why): &(&Array, &Option<String>)| {
            why.is_some() && other.members.iter().any(|own| array.is_on(&own.disk))
        };
        match arrays.iter().zip(&kept).find(shares) {
            None => Fate::Delete,
            Some((other, _)) => {
                let why = format!("shares a disk with '{}', which is to be left alone", other.said().volume());
                match array.said().volume() == ESP {
                    true => Fate::Keep(why),
                    false => Fate::Wipe(why),
                }
            }
        }
    };
    arrays.iter().zip(&kept).map(fate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::raid::members::Device;
    use crate::disk::raid::superblock::Member;

    fn array(name: &str, disks: &[&str]) -> Array {
        let device = |disk: &&str| Device {
            disk: (*disk).to_owned(),
            kernel: format!("{disk}1"),
            path: "/dev/null".into(),
            number: (8, 1),
            holder: None,
            member: Member {
                version: (1, 2),
                uuid: [0; 16],
                name: name.to_owned(),
                level: 1,
                disks: 2,
                events: 1,
                role: Some(0),
                at: 4096,
            },
        };
        Array {
            running: None,
            members: disks.iter().map(device).collect(),
        }
    }

    #[test]
    fn what_shares_a_disk_with_a_spared_volume_is_wiped_and_no_more() {
        let arrays = [
            array("host:data", &["sda", "sdb"]),
            array("root", &["sda", "sdb"]),
            array("esp", &["sda", "sdb"]),
            array("other", &["sdc", "sdd"]),
            // By way of another it shares nothing.
            array("far", &["sdc", "sda"]),
        ];
        let spared = |array: &Array| (array.said().volume() == "data").then(|| "so".to_owned());
        let words = fates(&arrays, spared).into_iter().map(|fate| match fate {
            Fate::Delete => "delete",
            Fate::Wipe(_) => "wipe",
            Fate::Keep(_) => "keep",
        });
        assert_eq!(words.collect::<Vec<_>>(), ["keep", "wipe", "keep", "delete", "wipe"]);
        assert!(fates(&arrays, |_| None).iter().all(|fate| *fate == Fate::Delete));
    }
}
