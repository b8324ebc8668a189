//! Looks for the media that are wanted until they are there, and says what it found and what it passed over. Drives behind
//! USB show up seconds after the rest of the machine.

use std::collections::BTreeMap;
use std::time::Duration;

use log::{info, warn};

use crate::clock::Clock;
use crate::error::Result;
use crate::secret::Secret;
use crate::system_root::SystemRoot;
use crate::virtual_media::Wanted;
use crate::virtual_media::medium::{Content, Medium};
use crate::virtual_media::removable::{self, PassedOver, Removable};

/// How long media are waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// What may come beside what is there already comes within this: one controller has all of them.
const SETTLE: Duration = Duration::from_secs(2);
/// The same, of a medium that nothing but its label tells, as older Ironics have it.
const LONG_SETTLE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
/// Devices told of on the console.
const NAMED: usize = 20;

// lifecycle.md §4
/// How the file system with `parameters.txt` is labelled, in any letter case.
pub const PARAMETERS_LABEL: &str = "ir-vfd-dev";
/// How one with files for the agent is.
pub const CONFIG_LABELS: [&str; 2] = ["config-2", "vmedia_boot_iso"];

/// What media held that are Ironic's, each with the device it was on.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Words of `parameters.txt`, a token perhaps among them.
    pub parameters: Option<(String, Secret)>,
    /// Files for the agent.
    pub content: Option<(String, Content)>,
}

/// Waits until the media that are wanted are there, or [`PATIENCE`] is over; nothing is put in place yet.
pub fn find(host: &SystemRoot, clock: &Clock, wanted: &Wanted) -> Found {
    let what = in_words(wanted);
    info!("looking for {what}, for up to {} s", PATIENCE.as_secs());
    let mut scan = Scan {
        wanted,
        found: Found::default(),
        fallback: None,
        told: BTreeMap::new(),
        looked_at: BTreeMap::new(),
    };
    let (started, mut since, mut complete) = (clock.elapsed(), Duration::ZERO, false);
    while clock.elapsed() - started < PATIENCE {
        if scan.look(host) {
            since = clock.elapsed();
        }
        complete = scan.is_complete(clock.elapsed() - since);
        if complete {
            break;
        }
        clock.sleep(PAUSE);
    }
    scan.finish(&what, complete)
}

/// For people: what is looked for.
fn in_words(wanted: &Wanted) -> String {
    let labels = CONFIG_LABELS.join(" or ");
    let published = match &wanted.publisher {
        Some(publisher) => format!(", published as {} (ir_pub_id)", publisher.escape_debug()),
        None => String::new(),
    };
    format!(
        "a medium labelled {labels}{published}, and parameters on one labelled {PARAMETERS_LABEL}"
    )
}

struct Scan<'a> {
    wanted: &'a Wanted,
    found: Found,
    /// Parameters on a device whose model alone says that it is virtual media.
    fallback: Option<(String, Secret)>,
    /// Of each device that is none of these, why.
    told: BTreeMap<String, String>,
    /// Those that need no second look, with what changes when another medium is put in: slow controllers are not asked for
    /// the same bytes again and again.
    looked_at: BTreeMap<String, String>,
}

impl Scan<'_> {
    /// Looks at every device; true if it found something it had not found before.
    fn look(&mut self, host: &SystemRoot) -> bool {
        let before = self.has();
        for device in removable::list(host) {
            match device {
                Ok(device) => self.examine(&device),
                Err(PassedOver { name, why }) => drop(self.told.insert(name, why)),
            }
        }
        before != self.has()
    }

    /// Which of the things that may be found are.
    fn has(&self) -> [bool; 3] {
        [
            self.found.parameters.is_some(),
            self.found.content.is_some(),
            self.fallback.is_some(),
        ]
    }

    fn examine(&mut self, device: &Removable) {
        let used = [
            self.found.parameters.as_ref().map(|(name, _)| name),
            self.found.content.as_ref().map(|(name, _)| name),
        ];
        if used.contains(&Some(&device.name)) {
            return;
        }
        if Medium::is_absent(device) {
            self.told
                .insert(device.name.clone(), "has no medium in it".to_owned());
            return;
        }
        if device.sequence.is_some() && self.looked_at.get(&device.name) == device.sequence.as_ref()
        {
            return;
        }
        let used = self.use_of(device);
        if let (Ok(_), Some(sequence)) = (&used, &device.sequence) {
            self.looked_at.insert(device.name.clone(), sequence.clone());
        }
        match used {
            Ok(None) => drop(self.told.remove(&device.name)),
            Ok(Some(why)) => drop(self.told.insert(device.name.clone(), why)),
            // It may have been pulled, or not be ready: it is looked at again.
            Err(error) => {
                let why = format!("cannot be used: {}", error.details());
                if self.told.insert(device.name.clone(), why.clone()).as_ref() != Some(&why) {
                    warn!("{} {why}", device.name);
                }
            }
        }
    }

    /// Takes what is on the device, if it is wanted; why not, if it is not.
    fn use_of(&mut self, device: &Removable) -> Result<Option<String>> {
        let Some(medium) = Medium::open(device)? else {
            return Ok(Some("holds no file system of Ironic's kind".to_owned()));
        };
        let is = |label: &str| medium.label.eq_ignore_ascii_case(label);
        let label = medium.label.escape_debug().to_string();
        if is(PARAMETERS_LABEL) {
            if let Some((first, _)) = &self.found.parameters {
                return Ok(Some(format!(
                    "is labelled {label} as {first} is, which was there first"
                )));
            }
            let Some(words) = medium.parameters()? else {
                return Ok(Some(format!(
                    "is labelled {label} and has no parameters.txt"
                )));
            };
            self.found.parameters = Some((device.name.clone(), Secret::new(words)));
            return Ok(None);
        }
        if CONFIG_LABELS.iter().any(|label| is(label)) {
            if let Some(why) = self.is_anothers(&medium) {
                return Ok(Some(format!("is labelled {label}, and {why}")));
            }
            if let Some((first, _)) = &self.found.content {
                return Ok(Some(format!(
                    "is labelled {label}, and {first} was there first"
                )));
            }
            let mut content = medium.content()?;
            if content.network_data.is_some()
                && let Some(why) = self.plan_is_anothers(&medium)
            {
                content.network_data = None;
                content.left_out.push(format!("network_data.json: {why}"));
            }
            self.found.content = Some((device.name.clone(), content));
            return Ok(None);
        }
        if device.calls_itself_virtual
            && self.fallback.is_none()
            && let Ok(Some(words)) = medium.parameters()
        {
            self.fallback = Some((device.name.clone(), Secret::new(words)));
            return Ok(None);
        }
        Ok(Some(format!("is labelled '{label}' ({})", medium.kind())))
    }

    /// Why the medium is not the one that Ironic made for this boot.
    fn is_anothers(&self, medium: &Medium) -> Option<String> {
        let publisher = self.wanted.publisher.as_ref()?;
        let own = medium.publisher.eq_ignore_ascii_case(publisher);
        (!own).then(|| match medium.publisher.as_str() {
            "" => "has no publisher".to_owned(),
            other => format!("was published as {}", other.escape_debug()),
        })
    }

    /// Why its plan of the network is not followed: without an `ir_pub_id`, nothing that was published is for this boot, and
    /// what was booted by the network has one.
    fn plan_is_anothers(&self, medium: &Medium) -> Option<String> {
        match (&self.wanted.publisher, self.wanted.booted_by_network) {
            (Some(_), _) => None,
            (None, true) => Some(
                "there is a BOOTIF and no ir_pub_id: addresses come from the network".to_owned(),
            ),
            (None, false) if medium.publisher.is_empty() => None,
            (None, false) => Some(format!(
                "its medium was published as {}, and there is no ir_pub_id",
                medium.publisher.escape_debug()
            )),
        }
    }

    /// Is there nothing more to wait for, the last thing having been found so long ago?
    fn is_complete(&self, quiet: Duration) -> bool {
        let parameters = self.found.parameters.is_some();
        match &self.found.content {
            Some(_) if parameters => true,
            Some(_) => (self.wanted.knows_ironic || self.fallback.is_some()) && quiet >= SETTLE,
            None => parameters && self.wanted.publisher.is_none() && quiet >= LONG_SETTLE,
        }
    }

    /// Says what was not taken: as a warning if something is lacking.
    fn finish(mut self, what: &str, complete: bool) -> Found {
        if self.found.parameters.is_none() {
            self.found.parameters = self.fallback.take();
        }
        for (name, why) in self.told.iter().take(NAMED) {
            match complete {
                true => info!("{name} {why}"),
                false => warn!("{name} {why}"),
            }
        }
        if self.told.len() > NAMED {
            info!("so it is with {} more devices", self.told.len() - NAMED);
        }
        if !complete {
            let lack = match (&self.found.content, &self.found.parameters) {
                (Some((name, _)), _) => format!(
                    "no parameters came beside {name}, and the kernel command line does not say where Ironic is"
                ),
                (None, Some((name, _))) => {
                    format!("parameters are on {name}, and nothing else came")
                }
                (None, None) if self.told.is_empty() => {
                    "there is no drive that could hold them: has this ramdisk the driver?"
                        .to_owned()
                }
                (None, None) => "it is on none of the devices above".to_owned(),
            };
            warn!(
                "looked for {what}: {lack}; going on without, is the medium still put in at the controller?"
            );
        }
        self.found
    }
}
