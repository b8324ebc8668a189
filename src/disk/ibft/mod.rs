//! The disk that the firmware boots from over iSCSI: what it says of it in its table, where the kernel shows that. Who connects it again
//! is iscsi/.

mod boot_disk;
pub mod table;

use std::net::IpAddr;
use std::path::Path;

pub use crate::disk::ibft::boot_disk::{BootDisk, Chap};
use crate::error::{Context, Result};
use crate::secret::Secret;
use crate::system_root::{SystemRoot, attribute, names, read_bytes};

/// Those that the firmware describes, the one it boots from first: as the kernel's module iscsi_ibft shows them, else from the table that
/// a UEFI firmware hands to ACPI. None on most machines.
pub fn read(host: &SystemRoot) -> Result<Vec<BootDisk>> {
    let shown = host.sys("firmware/ibft");
    if shown.exists() {
        return as_shown(&shown);
    }
    for name in ["iBFT", "IBFT"] {
        let path = host.sys("firmware/acpi/tables").join(name);
        let table = read_bytes(&path, table::LARGEST as u64);
        if let Some(table) = table.with_context(|| format!("reading {}", path.display()))? {
            return table::parse(&table);
        }
    }
    Ok(Vec::new())
}

/// Why the machine's own disk is perhaps not among those that are there: it is behind iSCSI, and nobody is connected.
pub fn missing(host: &SystemRoot) -> Option<String> {
    let disks = match read(host) {
        Ok(disks) => disks,
        Err(error) => return Some(error.details().to_owned()),
    };
    let first = disks.first()?;
    let sessions = host.sys("class/iscsi_session");
    let connected = |session: &String| {
        let to = attribute(sessions.join(session).join("targetname"));
        let is_up = attribute(sessions.join(session).join("state"))
            .is_none_or(|state| state == "LOGGED_IN");
        is_up && disks.iter().any(|disk| to.as_deref() == Some(&disk.target))
    };
    (!names(&sessions).iter().any(connected)).then(|| {
        format!("this machine boots from the iSCSI disk {first} (iBFT), which is not connected: the log above says why")
    })
}

/// The module's files: a folder for each block, which it shows if that is valid or not.
fn as_shown(folder: &Path) -> Result<Vec<BootDisk>> {
    let initiator = attribute(folder.join("initiator/initiator-name")).unwrap_or_default();
    let targets = names(folder)
        .into_iter()
        .filter(|name| name.starts_with("target"));
    let targets = targets.map(|name| target(&folder.join(name))).collect();
    boot_disk::disks(&initiator, targets)
}

fn target(folder: &Path) -> Option<(bool, BootDisk)> {
    let text = |name: &str| attribute(folder.join(name));
    let number = |name: &str| text(name)?.parse::<u16>().ok();
    let flags = number("flags")?;
    let pair = |name, secret| Some((text(name)?, Secret::new(text(secret)?)));
    let chap = match number("chap-type")? {
        0 => None,
        kind => {
            let (user, secret) = pair("chap-name", "chap-secret")?;
            let back = match kind {
                2 => Some(pair("rev-chap-name", "rev-chap-name-secret")?),
                _ => None,
            };
            Some(Chap { user, secret, back })
        }
    };
    let address: IpAddr = text("ip-addr")?.parse().ok()?;
    let disk = BootDisk {
        initiator: String::new(),
        target: text("target-name").filter(|name| table::is_name(name))?,
        portal: table::portal(address.to_canonical(), number("port")?)?,
        lun: lun(&text("lun")?)?,
        chap,
    };
    (flags & 1 != 0).then_some((flags & 2 != 0, disk))
}

/// The module writes eight bytes in hexadecimal without leading zeros, so that larger ones shift the others; six zeros at the end are
/// those of a unit without levels.
fn lun(shown: &str) -> Option<u64> {
    let two = shown.strip_suffix("000000")?;
    let (first, second) = two.split_at_checked(if two.starts_with('0') {
        1
    } else {
        two.len().clamp(1, 3) - 1
    })?;
    let byte = |text: &str| u8::from_str_radix(text, 16).ok();
    Some(table::lun(&[byte(first)?, byte(second)?, 0, 0, 0, 0, 0, 0]))
}
