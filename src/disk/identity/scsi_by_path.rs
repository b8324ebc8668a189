//! The part of a by-path name that a SCSI disk's transport makes: SAS, Fibre Channel, iSCSI, ATA, Hyper-V, FireWire and the
//! rest, as udev's path_id spells it.

use std::path::{Path, PathBuf};

use crate::disk::identity::unreadable_fields::Reader;
use crate::system_root::names;

/// One part of a name, and how else it has been spelled.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// As udev spells it.
    pub name: String,
    /// A second spelling that udev makes at the same time.
    pub also: Option<String>,
    /// What former versions made of it.
    pub former: Option<String>,
}

/// What becomes of the walk up the buses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// None if udev has no name for this.
    pub part: Option<Part>,
    /// Does this place alone make the name unique?
    pub unique: bool,
    /// A name of its own, beside the others.
    pub whole: Option<String>,
    /// Where the walk goes on; none ends it.
    pub from: Option<PathBuf>,
}

impl Part {
    /// A part with one spelling.
    pub fn new(name: String) -> Self {
        Part {
            name,
            ..Part::default()
        }
    }
}

/// `host:channel:target:lun` of a SCSI device's directory.
struct Address {
    host: u32,
    channel: u32,
    target: u32,
    lun: u64,
}

impl Address {
    fn parse(name: &str) -> Option<Self> {
        let mut numbers = name.split(':');
        let address = Address {
            host: numbers.next()?.parse().ok()?,
            channel: numbers.next()?.parse().ok()?,
            target: numbers.next()?.parse().ok()?,
            lun: numbers.next()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(address)
    }

    /// SAM-5 4.7: one byte is a number; longer ones keep the form they have on the wire.
    fn lun(&self) -> String {
        match self.lun {
            ..256 => format!("lun-{}", self.lun),
            lun => format!(
                "lun-0x{:04x}{:04x}00000000",
                lun & 0xffff,
                lun >> 16 & 0xffff
            ),
        }
    }
}

/// What `device`, a directory of the SCSI subsystem at `path` below /sys, adds; none if it is no SCSI device itself, but
/// something above one.
pub fn scsi(device: &Path, path: &str, reader: &mut Reader) -> Option<Step> {
    let address = Address::parse(device.file_name()?.to_str()?)?;
    let within = |word: &str| path.split('/').any(|part| part.starts_with(word));
    if let Some(id) = reader.text("by_path", &device.join("ieee1394_id")) {
        // The SCSI host and target above have no name then.
        return Some(Step {
            part: Some(Part::new(format!("ieee1394-0x{id}"))),
            unique: true,
            from: above(device, "host"),
            ..Step::default()
        });
    }
    let mut step = Step {
        from: Some(device.to_owned()),
        unique: true,
        ..Step::default()
    };
    step.part = if within("rport-") {
        step.whole = fibre_channel_port(device, &address, reader);
        fibre_channel(device, &address, reader)
    } else if within("end_device-") {
        sas(device, &address, reader)
    } else if within("session") {
        iscsi(device, &address, reader)
    } else {
        step.unique = false;
        if within("ata") {
            ata(device, &address, reader)
        } else if within("vmbus_") || within("VMBUS") {
            hyperv(device, &address, reader)
        } else {
            step.from = above(device, "host");
            direct(device, &address).map(Part::new)
        }
    };
    // Where udev finds no name it stops, and what is above makes none either.
    if step.part.is_none() {
        step.from = None;
    }
    Some(step)
}

/// The directory above `device` that begins with `word` and a number: the SCSI host, the session.
fn above(device: &Path, word: &str) -> Option<PathBuf> {
    let numbered = |name: &str| {
        let number = name.strip_prefix(word);
        number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut all = device.ancestors();
    let found = all.find(|above| {
        let name = above.file_name().and_then(|name| name.to_str());
        name.is_some_and(numbered)
    });
    found.map(Path::to_owned)
}

/// An attribute of `device` in the class `class`: the kernel shows it below the device's own directory.
fn of_class(device: &Path, class: &str, name: &str, reader: &mut Reader) -> Option<String> {
    let own = device.file_name()?;
    reader.text("by_path", &device.join(class).join(own).join(name))
}

fn fibre_channel(device: &Path, address: &Address, reader: &mut Reader) -> Option<Part> {
    let port = of_class(device.parent()?, "fc_transport", "port_name", reader)?;
    Some(Part::new(format!("fc-{port}-{}", address.lun())))
}

/// sg3_utils, fc_wwpn_id: both ports, without the adapter's place.
fn fibre_channel_port(device: &Path, address: &Address, reader: &mut Reader) -> Option<String> {
    let port = above(device, "rport-")?;
    let target = of_class(&port, "fc_remote_ports", "port_name", reader)?;
    let host = above(device, "host")?;
    let initiator = of_class(&host, "fc_host", "port_name", reader)?;
    Some(format!("fc-{initiator}-{target}-lun-{}", address.lun))
}

fn sas(device: &Path, address: &Address, reader: &mut Reader) -> Option<Part> {
    let end = device.parent()?.parent()?;
    let port = end.parent()?;
    let lun = address.lun();
    let own = of_class(end, "sas_device", "sas_address", reader);
    let wide = own.map(|own| format!("sas-{own}-{lun}"));
    let lanes = of_class(port, "sas_port", "num_phys", reader)?;
    if lanes.parse::<u32>().is_ok_and(|lanes| lanes > 1) {
        return wide.map(Part::new);
    }
    let phy = of_class(end, "sas_device", "phy_identifier", reader)?;
    let expander = of_class(port.parent()?, "sas_device", "sas_address", reader);
    let at = expander
        .map(|address| format!("exp{address}-"))
        .unwrap_or_default();
    Some(Part {
        name: format!("sas-{at}phy{phy}-{lun}"),
        also: None,
        // Former versions knew the drive's own address alone.
        former: wide,
    })
}

fn iscsi(device: &Path, address: &Address, reader: &mut Reader) -> Option<Part> {
    let session = above(device, "session")?;
    let target = of_class(&session, "iscsi_session", "targetname", reader)?;
    let number = session.file_name()?.to_str()?.strip_prefix("session")?;
    let connection = session.join(format!("connection{number}:0"));
    let mut of = |name| of_class(&connection, "iscsi_connection", name, reader);
    let (portal, port) = (of("persistent_address")?, of("persistent_port")?);
    let lun = address.lun();
    Some(Part::new(format!(
        "ip-{portal}:{port}-iscsi-{target}-{lun}"
    )))
}

fn ata(device: &Path, address: &Address, reader: &mut Reader) -> Option<Part> {
    let adapter = above(device, "host")?;
    let port = of_class(adapter.parent()?, "ata_port", "port_no", reader)?;
    Some(Part {
        name: match address.channel {
            0 => format!("ata-{port}.{}", address.target),
            // Behind a port multiplier.
            channel => format!("ata-{port}.{channel}.0"),
        },
        // The port alone, as long ago.
        also: Some(format!("ata-{port}")),
        former: None,
    })
}

fn hyperv(device: &Path, address: &Address, reader: &mut Reader) -> Option<Part> {
    let host = above(device, "host")?;
    let id = reader.text("by_path", &host.parent()?.join("device_id"))?;
    let id = id.strip_prefix('{')?.strip_suffix('}')?.replace('-', "");
    Some(Part {
        name: format!("vmbus-{id}-{}", address.lun()),
        also: None,
        // Former versions took it for any other adapter.
        former: direct(device, address),
    })
}

fn direct(device: &Path, address: &Address) -> Option<String> {
    let host = above(device, "host")?;
    // Host numbers depend on the order of probing; the position on the adapter does not.
    let first = names(host.parent()?)
        .iter()
        .filter_map(|name| name.strip_prefix("host")?.parse().ok())
        .min()
        .unwrap_or(address.host);
    let host = address.host.saturating_sub(first);
    let Address {
        channel,
        target,
        lun,
        ..
    } = address;
    Some(format!("scsi-{host}:{channel}:{target}:{lun}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luns_of_more_than_a_byte_keep_the_form_of_the_wire() {
        for (address, expected) in [
            ("4:0:0:0", Some("lun-0")),
            ("4:0:0:255", Some("lun-255")),
            ("4:0:0:300", Some("lun-0x012c000000000000")),
            // As reported by users of zfcp: volume 140c of a DS8000.
            ("0:0:0:1074544660", Some("lun-0x4014400c00000000")),
            ("4:0:0", None),
            ("4:0:0:0:0", None),
            ("4:0:0:-1", None),
            ("target4:0:0", None),
        ] {
            let lun = Address::parse(address).map(|address| address.lun());
            assert_eq!(lun.as_deref(), expected, "{address}");
        }
    }
}
