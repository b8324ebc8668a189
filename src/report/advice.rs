//! What a person may try when the work failed, by the kind of the failure and by what it is of that is no image: its words say what went
//! wrong, and where.

use crate::error::{Error, Kind};
use crate::image::verify::block_map;

/// One or two sentences; empty where nobody can know.
pub fn advice(error: &Error) -> &'static str {
    let is_of = |what| error.details().contains(what);
    match error.kind() {
        Kind::ImageDownloadError if is_of(block_map::UNUSABLE) => {
            "Make the block map anew, of the image as it is before it is packed: bmaptool create."
        }
        Kind::ImageDownloadError => {
            "Is the URL right, does its server answer, and is the way there free: cable, switch port, VLAN, proxy?"
        }
        Kind::ImageChecksumError => {
            "Compare the checksum that was given, or the signature, with the file on the server; a proxy in between may serve an old or a changed one."
        }
        Kind::InvalidImage => {
            "Is the image the one that is meant, by its URL, format and checksum, and is the file on the server whole?"
        }
        Kind::DeploymentError if is_of("the config drive: ") => {
            "Look at the config drive, the image is not at fault: is its URL right, does its server answer, and is it ISO 9660 or vfat, packed by gzip or not?"
        }
        Kind::DeploymentError => {
            "Is the image made for this machine, with a boot loader for its firmware (UEFI or BIOS), and does it fit the disk?"
        }
        Kind::ImageWriteError | Kind::BlockDeviceError | Kind::BlockDeviceEraseError => {
            "Look at the disk: its cable, its controller, and what the kernel says of it below; another disk may do."
        }
        Kind::DeviceNotFound => {
            "Look at the disks below and why each was passed over. Is one missing, its controller or its driver is. Which is meant, root_device says \
             in an order and in Ironic's node, and ironlet.disk beside ironlet.image."
        }
        Kind::InvalidCommandParamsError | Kind::InvalidContentError => {
            "Mend what was ordered: the words above name what is wrong with it."
        }
        Kind::SystemRebootError => "Switch the machine off by hand: its disk is done.",
        Kind::SoftwareRAIDError => "Look at the disks of the array, and at the log below.",
        _ => "The last lines of the log say what was tried before.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_has_advice_of_its_own() {
        for (kind, details, words) in [
            (
                Kind::ImageDownloadError,
                "looking into http://h/i.bmap: the block map cannot be used: it is cut short",
                "bmaptool create",
            ),
            (
                Kind::ImageDownloadError,
                "fetching a block map: GET http://h/i.bmap: HTTP status 404: nothing there by that name",
                "Is the URL right",
            ),
            (
                Kind::DeploymentError,
                "the config drive: GET http://h/d: HTTP status 404: nothing there by that name",
                "Look at the config drive",
            ),
            (
                Kind::DeploymentError,
                "none of its 2 partitions",
                "boot loader for its firmware",
            ),
            (
                Kind::DeviceNotFound,
                "no disk to deploy to with serial X",
                "root_device says in an order",
            ),
        ] {
            let said = advice(&Error::new(kind, details));
            assert!(said.contains(words), "{details}: {said}");
        }
    }
}
