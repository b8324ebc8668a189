//! Takes an order in, from a document or from parameters alone, and has it carried out by the steps and commands that Ironic would ask for.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::{info, warn};

use crate::agent::order_progress::Progress;
use crate::agent::write_image_by_hand::Image;
use crate::agent::{Agent, effective_config, standalone_machine, system_time};
use crate::codec::json::{Value, gather, text_or_null};
use crate::command::make_bootable;
use crate::conductor::lookup::Enrolment;
use crate::config::Standalone;
use crate::disk::raid::apart;
use crate::disk::select::boot_medium::{BootMedium, is_external};
use crate::disk::select::seen_disks::Seen;
use crate::disk::select::verdicts::tell_named;
use crate::disk::{self, Disk};
use crate::drivers::modules;
use crate::error::{Context, Error, Kind, Result};
use crate::image::{Layout, Receipt, Request, Tools};
use crate::order::facts::Facts;
use crate::order::fields;
use crate::order::{Erase, Names, Order, Source, Then, Unready};
use crate::steps;
use crate::steps::find_boot_medium::{boot_medium, is_unknown};
use crate::steps::step_context::{Machine, Settings};
use crate::system_root::SystemRoot;

/// Where orders come in and are carried out.
pub(super) struct Desk<'a> {
    agent: &'a Agent,
    tools: Tools,
    settings: Settings,
    then: Then,
    /// None: parameters alone are the order.
    source: Option<(Source, u64)>,
}

/// An order as it was read.
pub(super) struct Ordered {
    pub order: Order,
    /// Where, as it may be told; none where parameters alone are it.
    pub place: Option<String>,
    /// The document, as it was served.
    pub bytes: Vec<u8>,
}

impl<'a> Desk<'a> {
    /// By the parameters; an error if they cannot be meant.
    pub fn new(agent: &'a Agent, disks: Seen, tools: Tools) -> Result<Self> {
        let config = &agent.config;
        let source = config.order.as_ref().map(|order| -> Result<_> {
            let source = Source::new(order, &agent.host, &tools)?;
            Ok((source, order.least_serial))
        });
        let source = source.transpose()?;
        let alone = config.standalone.iter().map(|order| &order.then);
        let mut then = alone.chain(config.order.iter().map(|order| &order.then));
        Ok(Desk {
            settings: Settings {
                own_disks_first: true,
                seen_disks: Some(disks),
                ..effective_config::settings(config, &Enrolment::default())
            },
            // The table of parameters has no other words.
            then: then
                .next()
                .and_then(|word| Then::named(word))
                .unwrap_or_default(),
            agent,
            tools,
            source,
        })
    }

    /// The order as it is now, from now on the oldest that is taken; the clock is right enough for what it names.
    pub fn order(&self) -> Result<Ordered, Unready> {
        let agent = self.agent;
        let ordered = self.read()?;
        let Some(place) = &ordered.place else {
            return Ok(ordered);
        };
        let order = &ordered.order;
        if let Some(serial) = order.serial {
            standalone_machine::note_serial(&agent.host, serial);
        }
        let serial = order.serial.map(|serial| format!(", serial {serial}"));
        info!("order: {place}{}", serial.unwrap_or_default());
        let urls = &order.request.urls;
        system_time::set_at_start(&agent.config, urls, &agent.host, &agent.clock)?;
        Ok(ordered)
    }

    /// Where this machine's order is looked for first; none where parameters alone are the order.
    pub fn first_place(&self) -> Option<String> {
        let names = self.names();
        self.source.as_ref()?.0.places(&names).into_iter().next()
    }

    fn names(&self) -> Names {
        let agent = self.agent;
        Names::read(&agent.host, agent.config.boot_interface.as_deref())
    }

    /// The order as it is now; nothing is changed by that.
    pub fn read(&self) -> Result<Ordered, Unready> {
        let agent = self.agent;
        let Some((source, least)) = &self.source else {
            return Ok(Ordered {
                order: self.by_parameters()?,
                place: None,
                bytes: Vec::new(),
            });
        };
        let names = self.names();
        let found = source.find(&names)?;
        let facts = Facts {
            settings: &self.settings,
            host: &agent.host,
            names: &names,
            least_serial: standalone_machine::last_serial(&agent.host).max(*least),
            signed: source.wants_signatures(),
            then: self.then,
        };
        let order = fields::order(&found.fields, &facts)
            .with_context(|| format!("reading the order at {}", found.place))?;
        let after = Cell::new(Duration::ZERO);
        let fetch = |url: &str| {
            let fetched = source.document(url);
            fetched.map_err(|unready| {
                after.set(unready.after);
                unready.error
            })
        };
        let drive = order.drive.as_ref();
        let drive = drive.map(|drive| drive.source(order.request.layout, &fetch));
        let drive = drive.transpose().map_err(|error| Unready {
            error,
            after: after.get(),
        })?;
        Ok(Ordered {
            order: order.with_drive(drive),
            place: Some(found.place),
            bytes: found.bytes,
        })
    }

    /// The order that `ironlet.image` and its kin are.
    fn by_parameters(&self) -> Result<Order> {
        let given = self.agent.config.standalone.as_ref();
        let given = given.ok_or_else(|| wrong("there is no order".to_owned()))?;
        Ok(Order {
            request: image_by_parameters(given, &self.settings)?,
            drive: None,
            node: Default::default(),
            disk: given.disk.as_ref().map(PathBuf::from),
            erase: Erase::Nothing,
            then: self.then,
            serial: None,
            readback: None,
            rate: None,
            // Whatever it is, it is wanted on the disk.
            ignore_bootloader_failure: Some(true),
        })
    }

    /// By the steps and commands that Ironic would ask for, in its order; what `progress` knows to be done is not done again.
    pub fn carry_out(&self, order: &Order, progress: &mut Progress) -> Result<Then> {
        let mut tools = self.tools.clone();
        tools.readback = order.readback.unwrap_or(tools.readback);
        tools.rate = order.rate.or(tools.rate);
        let machine = standalone_machine::machine(self.agent, tools, &self.settings, &order.node);
        let mut disk = self.disk(&machine, order)?;
        let receipt = match progress.written(&order.request, &disk, &machine.tools) {
            Some(receipt) => {
                info!(
                    "the image is on {}: what comes after that is tried again",
                    disk.name
                );
                receipt
            }
            None => {
                if order.erase != Erase::Nothing && !progress.is_erased {
                    standalone_machine::erase(&machine, order.erase)?;
                    progress.is_erased = true;
                    disk = self.disk(&machine, order)?;
                }
                let drive = order.request.drive.clone();
                let request = Request {
                    drive: drive.map(|drive| drive.anew(self.settings.rebuild_drive)),
                    ..order.request.clone()
                };
                let receipt = steps::image::write(&machine, &request, &disk)?;
                progress.wrote(&order.request, &disk, &receipt);
                receipt
            }
        };
        self.finish(&machine, order, &disk, &receipt).map_err(|error| {
            let why = format!(
                "the image is on {} and verified, but this machine cannot be made to start from it: {}; that alone is tried again while \
                 image and order stay as they are",
                disk.name,
                error.details()
            );
            Error::new(Kind::DeploymentError, why)
        })?;
        Ok(match order.then {
            Then::Kexec => self.kexec_or_reboot(&disk.path),
            other => other,
        })
    }

    /// What comes after the image is on the disk.
    fn finish(
        &self,
        machine: &Machine,
        order: &Order,
        disk: &Disk,
        receipt: &Receipt,
    ) -> Result<()> {
        let written = steps::image::settle(machine, disk, receipt)?;
        let uuid = |uuid: Option<&str>| text_or_null(uuid);
        let root = match order.request.layout {
            Layout::Partition(_) => written.root(),
            Layout::Disk | Layout::Bytes => None,
        };
        let mut params = vec![
            ("root_uuid".to_owned(), uuid(root)),
            ("efi_system_part_uuid".to_owned(), uuid(written.efi())),
        ];
        if let Some(ignore) = order.ignore_bootloader_failure {
            params.push(("ignore_bootloader_failure".to_owned(), Value::Bool(ignore)));
        }
        make_bootable(machine, &gather(params))
    }

    /// Has the kernel take in that of the system on `disk`, or says why the firmware is to start it.
    fn kexec_or_reboot(&self, disk: &Path) -> Then {
        let host = &self.agent.host;
        match steps::kexec::load(host, disk, &|module| modules::load_named(host, module)) {
            Ok(()) => Then::Kexec,
            Err(error) => {
                warn!("no kexec, the machine is restarted instead: {error}");
                Then::Reboot
            }
        }
    }

    /// The one that is meant, or an error rather than a guess.
    fn disk(&self, machine: &Machine, order: &Order) -> Result<Disk> {
        let host = &self.agent.host;
        let medium = boot_medium(host, self.settings.medium.as_deref());
        if let Some(disk) = &order.disk {
            return meant(host, disk, &medium, self.agent.config.guard);
        }
        let chosen = steps::image::choose_disk(machine)?;
        match is_unknown(host, &medium, &disk::list(host)).filter(|_| !order.node.has_hints()) {
            Some(why) => Err(Error::new(Kind::DeviceNotFound, why)),
            None => Ok(chosen.disk),
        }
    }
}

/// The image that `ironlet.image` and its kin name.
pub(super) fn image_by_parameters(given: &Standalone, settings: &Settings) -> Result<Request> {
    let image = Image {
        urls: given.images.clone(),
        checksum: given.checksum.clone(),
        signature: settings.image_signature.clone(),
        keys: settings.image_keys.clone(),
        login: settings.login.clone(),
        disk: None,
    };
    image.request(settings.md5)
}

/// The disk that a person named; an error unless they can have meant it: a whole one, not the stick that the machine was started from,
/// and, unless `guard` is off, not what an array lacks.
pub(super) fn meant(
    host: &SystemRoot,
    path: &Path,
    medium: &BootMedium,
    guard: bool,
) -> Result<Disk> {
    let disks = disk::list(host);
    let name = &*kernel_name(path);
    let Some(disk) = disks.iter().find(|disk| is_called(disk, name)) else {
        return Ok(Disk {
            name: path.display().to_string(),
            path: path.to_owned(),
            ..Disk::default()
        });
    };
    if disk.kernel() != name {
        return Err(wrong(format!(
            "ironlet.disk: {name} is a partition of {}, and an image is for a whole disk",
            disk.name
        )));
    }
    // What is gone meanwhile holds nothing.
    if guard
        && disk.path.exists()
        && let Some(why) = apart::objection(&disk.path)?
    {
        return Err(wrong(format!(
            "ironlet.disk: {} {why}; ipa-guard-special-filesystems=false has it overwritten",
            disk.name
        )));
    }
    tell_named(&disks, disk, "ironlet.disk");
    match medium.protects(host, disk, &disks) {
        Some(why) if is_external(disk) => Err(wrong(format!(
            "ironlet.disk: {} {why}; is another disk meant? If that is wrong, start the machine from something else",
            disk.name
        ))),
        Some(why) => {
            warn!(
                "{} {why}; it is written, as ironlet.disk names it",
                disk.name
            );
            Ok(disk.clone())
        }
        None => Ok(disk.clone()),
    }
}

/// What the kernel calls the device at `path`.
pub(super) fn kernel_name(path: &Path) -> String {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Is it, or one of its partitions, called so by the kernel?
pub(super) fn is_called(disk: &Disk, name: &str) -> bool {
    disk.kernel() == name || disk.numbers.iter().any(|(_, kernel)| kernel == name)
}

fn wrong(why: String) -> Error {
    Error::new(Kind::InvalidCommandParamsError, why)
}
