//! Steps of ironic-python-agent's hardware managers that this agent never offers, each with its reason: who asks for one is told.

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
        "firmware is written by its maker's programs, and this ramdisk has none",
    ),
    (
        &["execute_bootc_install"],
        "bootc images install themselves by a container, and this agent runs none: deploy a disk image",
    ),
];

/// Why there is no step of this name, if that is by decision.
pub fn reason(step: &str) -> Option<&'static str> {
    let found = DECLINED.iter().find(|(names, _)| names.contains(&step));
    found.map(|(_, reason)| *reason)
}
