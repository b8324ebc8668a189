//! Which block devices may be virtual media: drives for discs, and small disks behind USB, as controllers pretend to have
//! them. The machine's own disks never are, whatever is written on them; they are not even read here.

use std::fs;
use std::path::PathBuf;

use crate::disk::identity::transport::transport;
use crate::disk::identity::unreadable_fields::Reader;
use crate::system_root::{SystemRoot, attribute, device_name, names};
use crate::units::{Bytes, GIB};

/// Upstream's rule: a USB disk of this size or more is no virtual medium.
pub const TOO_LARGE: Bytes = Bytes(4 * GIB);
/// Never a medium, and never worth a word.
const SILENT: [&str; 3] = ["loop", "ram", "zram"];

/// A whole device with a medium of the kind that virtual media are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// What the machine calls it: `/dev/sr0`.
    pub name: String,
    /// What to open.
    pub path: PathBuf,
    /// Does its model say that it is virtual media?
    pub calls_itself_virtual: bool,
    /// Changes with the medium, where the kernel counts them.
    pub sequence: Option<String>,
}

/// One that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// What the machine calls it.
    pub name: String,
    /// In words, after the name.
    pub why: String,
}

/// Every device of the machine, by name: may it be a medium? Reads files of the kernel, and no device.
pub fn list(host: &SystemRoot) -> Vec<Result<Removable, PassedOver>> {
    let all = names(host.sys("block"));
    all.iter()
        .filter(|kernel| !SILENT.iter().any(|prefix| kernel.starts_with(prefix)))
        .filter_map(|kernel| judge(host, kernel))
        .collect()
}

/// None for one that has gone meanwhile.
fn judge(host: &SystemRoot, kernel: &str) -> Option<Result<Removable, PassedOver>> {
    // The link's target tells the buses above, which its name does not.
    let block = fs::canonicalize(host.sys("block").join(kernel)).ok()?;
    let name = device_name(kernel);
    // SPC-4 table 138: peripheral device type 5 is a drive for discs, 0 a disk; what is no SCSI device is a disk to lsblk.
    let kind = attribute(block.join("device/type"));
    let is_disk = kind.as_deref().is_none_or(|kind| kind == "0");
    let sectors = attribute(block.join("size")).and_then(|size| size.parse::<u64>().ok());
    let size = Bytes(sectors.unwrap_or_default().saturating_mul(512));
    let over = transport(host, &block, &mut Reader::default()).0;
    let why = match (kind.as_deref(), over.as_deref()) {
        (Some("5"), _) => None,
        (_, Some("usb")) if is_disk && size < TOO_LARGE => None,
        (_, Some("usb")) if is_disk => Some(format!(
            "is a USB disk of {size}, and virtual media have less than {TOO_LARGE}"
        )),
        (_, over) => Some(format!(
            "is a device of this machine's own ({size}, {})",
            over.unwrap_or("no removable medium")
        )),
    };
    let model = attribute(block.join("device/model")).unwrap_or_default();
    Some(match why {
        Some(why) => Err(PassedOver { name, why }),
        None => Ok(Removable {
            name,
            path: host.dev(kernel),
            calls_itself_virtual: model.to_lowercase().contains("virtual media"),
            sequence: attribute(block.join("diskseq")),
        }),
    })
}
