//! Virtual media: what Ironic hands a machine on a medium that its controller pretends to have put in, when there is no
//! network to ask by.
//!
//! removable.rs says which devices count, medium.rs reads one, parameters_txt.rs its parameters, scan.rs waits for those that
//! are wanted, in_place.rs puts what they hold where config and net look for it; ram_disk.rs tells when there is none to wait for.

mod in_place;
mod medium;
pub mod parameters_txt;
pub mod ram_disk;
pub mod removable;
mod scan;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use log::{error, info, warn};

use crate::clock::{Clock, within};
use crate::system_root::SystemRoot;
pub use medium::{Content, Medium};
pub use scan::{CONFIG_LABELS, Found, PARAMETERS_LABEL, PATIENCE, find};

/// What the kernel's command line says of virtual media. Nothing but that line switches them on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `ir_pub_id`: only what was published as this is Ironic's for this boot.
    pub publisher: Option<String>,
    /// Does the line say where Ironic is? Else parameters are waited for.
    pub knows_ironic: bool,
    /// Is there a `BOOTIF`? A machine that was booted by its network asks that for addresses, unless Ironic says which
    /// medium is its own.
    pub booted_by_network: bool,
}

/// Any of these, and the agent knows what to do.
const PURPOSES: [&str; 4] = [
    "ipa-api-url",
    "ipa-use-mdns",
    "ipa-inspection-callback-url",
    "ironlet.image",
];
/// What a drive that does not answer may cost beyond [`PATIENCE`].
const HUNG: Duration = Duration::from_secs(30);

impl Wanted {
    /// None unless `boot_method=vmedia` stands on this line, which is the kernel's own.
    pub fn on(command_line: &str) -> Option<Self> {
        // lifecycle.md §2: the last of several wins.
        let value = |name: &str| {
            let words = command_line.split_whitespace().rev();
            let mut words = words.filter_map(|word| word.split_once('='));
            let found = words.find(|(key, _)| *key == name);
            found
                .map(|(_, value)| value)
                .filter(|value| !value.is_empty())
        };
        (value("boot_method") == Some("vmedia")).then(|| Wanted {
            publisher: value("ir_pub_id").map(str::to_owned),
            knows_ironic: PURPOSES.iter().any(|name| value(name).is_some()),
            booted_by_network: value("BOOTIF").is_some(),
        })
    }
}

/// Waits for the media that the kernel's `command_line` promises, and puts what they hold in place: for process 1, before the
/// network and the agent read their files. Comes back at once where none is promised; else the log tells what came of it.
pub fn take(host: &SystemRoot, clock: &Clock, command_line: &str) {
    let Some(wanted) = Wanted::on(command_line) else {
        return;
    };
    if ram_disk::is_there(host) {
        return info!(
            "this machine was started by HTTP from an image that its firmware keeps in memory: no drive holds it, and of what Ironic \
             put on it, only the kernel command line counts"
        );
    }
    let found = Arc::new(Mutex::new(None));
    let (seeker, seen, time) = (host.clone(), found.clone(), clock.clone());
    let looked = within(clock, PATIENCE + HUNG, "virtual-media", move || {
        let found = find(&seeker, &time, &wanted);
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    });
    if !looked {
        return warn!(
            "a drive has not answered for {} s: going on without it; take its medium out and put it in again at the controller",
            HUNG.as_secs()
        );
    }
    let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Err(failure)) = found.map(|found| found.put_in_place(host)) {
        error!("{failure}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_line_switches_them_on_and_the_last_word_counts() {
        for (line, publisher, knows, network) in [
            ("boot_method=vmedia", None, false, false),
            (
                "ir_pub_id=a boot_method=vmedia ir_pub_id=b ipa-api-url=http://a BOOTIF=01-02",
                Some("b"),
                true,
                true,
            ),
            (
                "boot_method=x boot_method=vmedia ir_pub_id= ipa-api-url=",
                None,
                false,
                false,
            ),
        ] {
            let wanted = Wanted::on(line).expect(line);
            let is = (
                wanted.publisher.as_deref(),
                wanted.knows_ironic,
                wanted.booted_by_network,
            );
            assert_eq!(is, (publisher, knows, network), "{line}");
        }
        for line in [
            "",
            "boot_method",
            "boot_method=VMEDIA",
            "boot_method=vmedia boot_method=",
            "xboot_method=vmedia",
        ] {
            assert_eq!(Wanted::on(line), None, "{line}");
        }
    }
}
