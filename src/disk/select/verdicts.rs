//! What was decided of each disk, and why: gathered while one is chosen, told to whoever looks at this machine.

use crate::disk::list::Disk;
use crate::logger::status::{self, DiskLine};
use crate::units::Bytes;

/// Why disks were passed over, in the order they were.
#[derive(Default)]
pub struct Verdicts {
    passed: Vec<(String, Bytes, String)>,
    /// Why the one that was chosen is the one.
    pub choice: String,
}

impl Verdicts {
    /// This one is not taken.
    pub fn pass_over(&mut self, disk: &Disk, why: String) {
        self.passed.push((disk.name.clone(), disk.size, why));
    }

    /// `/dev/sda (1 GiB) is smaller than 4 GiB`, semicolons between.
    pub fn told(&self) -> String {
        let told = self.passed.iter();
        let told = told.map(|(name, size, why)| format!("{name} ({size}) {why}"));
        told.collect::<Vec<_>>().join("; ")
    }

    /// Tells of all `disks`, of which one may be `chosen`.
    pub fn tell(&self, disks: &[Disk], chosen: Option<&Disk>) {
        let line = |disk: &Disk| {
            let passed = self.passed.iter().find(|(name, ..)| *name == disk.name);
            let is_chosen = chosen.is_some_and(|chosen| chosen.name == disk.name);
            let why = match passed {
                _ if is_chosen => &*self.choice,
                Some((.., why)) => why,
                None if chosen.is_none() => "was not judged",
                None => "would do as well",
            };
            of(disk, is_chosen, why)
        };
        status::disks(disks.iter().map(line).collect());
    }
}

/// Tells of all `disks`, of which a person has named one, in the parameter `by`.
pub fn tell_named(disks: &[Disk], named: &Disk, by: &str) {
    let line = |disk: &Disk| match disk.name == named.name {
        true => of(disk, true, &format!("named by {by}")),
        false => of(disk, false, &format!("is not the one named by {by}")),
    };
    status::disks(disks.iter().map(line).collect());
}

/// Tells of all `disks` that none is taken, and `why` each is not.
pub fn tell_none<'a>(disks: &[Disk], why: &dyn Fn(&Disk) -> &'a str) {
    let disks = disks.iter();
    status::disks(disks.map(|disk| of(disk, false, why(disk))).collect());
}

fn of(disk: &Disk, is_chosen: bool, why: &str) -> DiskLine {
    let identity = &disk.identity;
    let known = [&identity.vendor, &identity.model].map(|text| text.as_deref());
    let known = known.into_iter().chain([identity.serial()]).flatten();
    DiskLine {
        name: disk.name.clone(),
        size: disk.size,
        known_as: known.collect::<Vec<_>>().join(" "),
        why: why.to_owned(),
        is_chosen,
    }
}
