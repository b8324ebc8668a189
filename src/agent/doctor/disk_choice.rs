//! The last step of an examination: the disk an image would go to, chosen as a deploy would choose it. No disk is written.

use crate::agent::Agent;
use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::agent::order_desk::{self, Ordered};
use crate::disk::{self, Wishes};
use crate::error::Error;
use crate::steps::find_boot_medium::{boot_medium, is_unknown};
use crate::system_root::SystemRoot;

/// Which disk an image would go to, as far as it is known what is wished.
pub fn disk(host: &SystemRoot, agent: Option<&Agent>, ordered: Option<&Ordered>) -> State {
    let config = agent.map(|agent| &agent.config);
    let medium = boot_medium(host, config.and_then(|config| config.medium.as_deref()));
    let guard = config.is_none_or(|config| config.guard);
    let named = ordered.and_then(|ordered| ordered.order.disk.as_deref());
    let chosen = match (named, ordered) {
        (Some(path), _) if !path.exists() => {
            Err(Error::plain(format!("there is no disk {}", path.display())))
        }
        (Some(path), _) => {
            order_desk::meant(host, path, &medium, guard).and_then(|disk| match disk.read_only {
                true => Err(Error::plain(format!("{} is write-protected", disk.name))),
                false => Ok(format!(
                    "{} ({}), as ironlet.disk names it",
                    disk.name, disk.size
                )),
            })
        }
        (None, ordered) => {
            let wished = ordered
                .map(|ordered| ordered.order.node.wishes())
                .transpose();
            wished.and_then(|wished| {
                let wishes = Wishes {
                    medium: medium.clone(),
                    unguarded: !guard,
                    own_first: ordered.is_some(),
                    ..wished.unwrap_or_default()
                };
                if let Some(why) = ordered
                    .filter(|ordered| !ordered.order.node.has_hints())
                    .and_then(|_| is_unknown(host, &medium, &disk::list(host)))
                {
                    return Err(Error::plain(why));
                }
                let choice = disk::root(host, &wishes)?;
                Ok(format!(
                    "{} ({}): {}",
                    choice.disk.name, choice.disk.size, choice.why
                ))
            })
        }
    };
    match chosen {
        Ok(fact) => State::Fine(fact),
        Err(error) if error.details().contains("write-protected") => State::Wrong(Trouble {
            step: Step::Disks,
            why: error.details().to_owned(),
            remedy: "take the write protection off: a switch on the disk, its adapter or the card reader, the RAID controller's setup, or a volume \
                     that its SAN exports read-only; or name another disk"
                .to_owned(),
        }),
        Err(error) => State::Wrong(Trouble {
            step: Step::Disks,
            why: error.details().to_owned(),
            remedy: "hold what is said of each disk against root_device, skip_block_devices and ironlet.disk; \
                     where a disk is lacking: its controller's driver, its cable, and the RAID controller's own setup"
                .to_owned(),
        }),
    }
}
