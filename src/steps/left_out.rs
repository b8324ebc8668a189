//! Steps of upstream's that this build leaves out on purpose: none is listed, and whoever asks for one all the same is told why.

use crate::error::{Error, Kind};
use crate::steps::phase::Phase;

/// Step → why it is not here.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "execute_bootc_install",
        "bootc images are installed by their own containers, and there is no container engine in this ramdisk; deploy a disk image of \
         the same system (deploy_interface direct), or give this node upstream's ramdisk",
    ),
    ("generic_container_step", CONTAINERS),
    ("container_clean_step", CONTAINERS),
    ("update_nvidia_nic_firmware_image", FIRMWARE),
    ("update_nvidia_nic_firmware_settings", FIRMWARE),
    (
        "burnin_gpu",
        "it runs a program of others, and there is none in this ramdisk",
    ),
];
const CONTAINERS: &str =
    "there is no container engine in this ramdisk, which has one program alone";
const FIRMWARE: &str = "it needs its maker's tools, and there are none in this ramdisk; Ironic's firmware interface updates out of band";

/// Why there is no such step.
pub fn left_out(step: &str, phase: Phase) -> Error {
    let known = LEFT_OUT.iter().find(|(name, _)| *name == step);
    let why = match known {
        Some((_, why)) => (*why).to_owned(),
        None => format!("this build has no such {} step", phase.word()),
    };
    let missing = format!("Could not find method: {step:.100} ({why})");
    Error::new(Kind::HardwareManagerMethodNotFound, missing)
}
