//! What a person may try when the work failed, by the kind of the failure: its words say what went wrong, and where.

use crate::error::Kind;

/// One or two sentences; empty where nobody can know.
pub fn advice(kind: Kind) -> &'static str {
    match kind {
        Kind::ImageDownloadError => {
            "Is the URL right, does its server answer, and is the way there free: cable, switch port, VLAN, proxy?"
        }
        Kind::ImageChecksumError => {
            "Compare the checksum that was given, or the signature, with the file on the server; a proxy in between may serve an old or a changed one."
        }
        Kind::InvalidImage => {
            "Is the image the one that is meant, by its URL, format and checksum, and is the file on the server whole?"
        }
        Kind::DeploymentError => {
            "Is the image made for this machine, with a boot loader for its firmware (UEFI or BIOS), and does it fit the disk?"
        }
        Kind::ImageWriteError | Kind::BlockDeviceError | Kind::BlockDeviceEraseError => {
            "Look at the disk: its cable, its controller, and what the kernel says of it below; another disk may do."
        }
        Kind::DeviceNotFound => {
            "Look at the disks below and why each was passed over. Is one missing, its controller or its driver is; ironlet.disk names one."
        }
        Kind::InvalidCommandParamsError | Kind::InvalidContentError => {
            "Mend what was ordered: the words above name what is wrong with it."
        }
        Kind::SystemRebootError => "Switch the machine off by hand: its disk is done.",
        Kind::SoftwareRAIDError => "Look at the disks of the array, and at the log below.",
        _ => "The last lines of the log say what was tried before.",
    }
}
