//! Steps of ironic-python-agent's hardware managers that this agent never offers, each with its reason: who asks for one is told.

use crate::error::{Error, Kind};
use crate::steps::phase::Phase;

/// Names and why.
const DECLINED: &[(&[&str], &str)] = &[
    (
        &["burnin_gpu"],
        "graphics processors are tried by their makers' drivers and programs, and this ramdisk has neither",
    ),
    (
        &["burnin_network"],
        "partners for it are paired by a coordination service, and it serves a port to whoever connects: measure the network from the deployed system",
    ),
    (
        &["generic_container_step", "container_clean_step"],
        "this agent runs no containers",
    ),
    (
        &[
            "update_nvidia_nic_firmware_image",
            "update_nvidia_nic_firmware_settings",
        ],
        "firmware is written by its maker's programs, and this ramdisk has none; Ironic's firmware interface updates out of band",
    ),
    (
        &["execute_bootc_install"],
        "bootc images install themselves by a container, and this agent runs none: deploy a disk image of the same system \
         (deploy_interface direct), or give this node upstream's ramdisk",
    ),
];

/// That there is no step of this name, and why, if that is by decision.
pub fn missing(step: &str, phase: Phase) -> Error {
    let found = DECLINED.iter().find(|(names, _)| names.contains(&step));
    let why = match found {
        Some((_, why)) => (*why).to_owned(),
        None => format!("this build has no such {} step", phase.word()),
    };
    let missing = format!("Could not find method: {step:.100} ({why})");
    Error::new(Kind::HardwareManagerMethodNotFound, missing)
}
