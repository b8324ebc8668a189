//! The table of steps: protocol/steps.md §2, as far as this build has them.

use crate::codec::json::{Object, Value};
use crate::error::{Error, Result};
use crate::steps::phase::Phase;
use crate::steps::step_context::Machine;
use crate::steps::{erase, image, metadata, nvram, pstore, raid};

pub(super) struct Step {
    pub name: &'static str,
    pub interface: &'static str,
    pub offers: &'static [Offer],
    pub arguments: &'static [Argument],
    /// May take what is large out of its arguments.
    pub run: fn(&Machine, &mut Object) -> Result<Value>,
}

/// A phase in which a step may run.
pub(super) struct Offer {
    pub phase: Phase,
    /// What it asks for; 0 is only on request.
    pub priority: u64,
    /// May the operator end the phase while it runs? Ironic waits for its end even so.
    pub abortable: bool,
}

pub(super) struct Argument {
    pub name: &'static str,
    pub required: bool,
    /// Empty for what Ironic itself sends and no operator.
    pub help: &'static str,
}

/// For cleaning, which may be given up between two steps.
const fn clean(priority: u64) -> Offer {
    Offer {
        phase: Phase::Clean,
        priority,
        abortable: true,
    }
}

const fn abortable(phase: Phase) -> Offer {
    Offer {
        phase,
        priority: 0,
        abortable: true,
    }
}

const fn on_request(phase: Phase) -> Offer {
    Offer {
        phase,
        priority: 0,
        abortable: false,
    }
}

const fn internal(name: &'static str) -> Argument {
    Argument {
        name,
        required: false,
        help: "",
    }
}

const fn optional(name: &'static str, help: &'static str) -> Argument {
    Argument {
        name,
        required: false,
        help,
    }
}

pub(super) static STEPS: &[Step] = &[
    Step {
        name: "erase_devices_metadata",
        interface: "deploy",
        offers: &[clean(99), on_request(Phase::Deploy)],
        arguments: &[],
        run: |machine, arguments| metadata::step(machine, arguments),
    },
    Step {
        name: "write_image",
        interface: "deploy",
        offers: &[on_request(Phase::Deploy), on_request(Phase::Service)],
        arguments: &[internal("image_info"), internal("configdrive")],
        run: image::step,
    },
    Step {
        name: "erase_devices",
        interface: "deploy",
        offers: &[clean(10)],
        arguments: &[],
        run: |machine, arguments| erase::devices(machine, arguments),
    },
    Step {
        name: "erase_devices_express",
        interface: "deploy",
        offers: &[clean(0)],
        arguments: &[],
        run: |machine, arguments| erase::express(machine, arguments),
    },
    Step {
        name: "erase_pstore",
        interface: "deploy",
        offers: &[clean(0)],
        arguments: &[],
        run: |machine, arguments| pstore::erase(machine, arguments),
    },
    Step {
        name: "clean_uefi_nvram",
        interface: "deploy",
        offers: &[clean(0), on_request(Phase::Deploy)],
        arguments: &[optional(
            "match_patterns",
            "Regular expressions; UEFI boot entries in whose device path one is found are removed, in any letter case. \
             Without them [\"^HD\\(\", \"shim.*\\.efi\", \"grub.*\\.efi\"].",
        )],
        run: |machine, arguments| nvram::clean(machine, arguments),
    },
    Step {
        name: "delete_configuration",
        interface: "raid",
        offers: &[clean(0), abortable(Phase::Service)],
        arguments: &[],
        run: raid::delete_configuration,
    },
    Step {
        name: "create_configuration",
        interface: "raid",
        offers: &[clean(0), abortable(Phase::Service)],
        arguments: &[],
        run: raid::create_configuration,
    },
    Step {
        name: "apply_configuration",
        interface: "raid",
        offers: &[on_request(Phase::Deploy), on_request(Phase::Service)],
        arguments: &[
            Argument {
                name: "raid_config",
                required: true,
                help: "The RAID configuration to apply.",
            },
            optional(
                "delete_existing",
                "Is the RAID configuration that is there deleted first? True unless told.",
            ),
        ],
        run: raid::apply_configuration,
    },
];

impl Step {
    /// Arguments go by name: one too many is an error, and so is one too few.
    pub fn accepts(&self, arguments: &Object) -> Result<()> {
        let step = self.name;
        let known = |name: &str| self.arguments.iter().any(|own| own.name == name);
        if let Some(stranger) = arguments.keys().find(|name| !known(name)) {
            let why = format!("step {step} has no argument '{stranger:.100}'");
            return Err(Error::plain(why));
        }
        let mut needed = self.arguments.iter().filter(|own| own.required);
        match needed.find(|own| !arguments.contains_key(own.name)) {
            Some(missing) => {
                let why = format!("step {step} needs an argument '{}'", missing.name);
                Err(Error::plain(why))
            }
            None => Ok(()),
        }
    }
}
