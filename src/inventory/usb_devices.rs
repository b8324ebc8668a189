//! The collector `usb-devices`: USB devices of no class of their own, as upstream's lshw tells them.
//!
//! lshw calls a device generic if neither it nor an interface of it is audio, communication, input, printer, storage,
//! hub, video or wireless; upstream reports those and no others.

use std::path::Path;

use crate::codec::json::{Value, object, text};
use crate::error::Result;
use crate::system_root::{SystemRoot, attribute, names};

// USB-IF, "Defined Class Codes": those that lshw knows to be something.
const KNOWN_CLASSES: &[u8] = &[
    0x01, // audio
    0x02, // communication
    0x03, // human interface
    0x07, // printer
    0x08, // mass storage
    0x09, // hub
    0x0e, // video
    0xe0, // wireless
];

/// `usb_devices`: a list of {`product`, `vendor`, `handle`}; the texts are the device's own, empty if it has none, the
/// handle is `USB:<bus>:<device>`. Upstream leaves out any that share a hub, for lshw numbers their names; here all
/// are told. A machine without USB has an empty list.
pub fn collect(host: &SystemRoot) -> Result<Value> {
    let all = host.sys("bus/usb/devices");
    let found = names(&all);
    let devices = found.iter().filter_map(|name| {
        // Documentation/ABI/stable/sysfs-bus-usb: `usb1` is a root hub, `1-1:1.0` an interface of the device `1-1`.
        let is_device =
            name.starts_with(|first: char| first.is_ascii_digit()) && !name.contains(':');
        let interfaces = found.iter().filter(|other| {
            let own = other.strip_prefix(name.as_str());
            own.is_some_and(|rest| rest.starts_with(':'))
        });
        let directory = all.join(name);
        let known = is_known(&directory, "bDeviceClass")
            || interfaces
                .clone()
                .any(|one| is_known(&all.join(one), "bInterfaceClass"));
        (is_device && !known).then(|| device(&directory))?
    });
    Ok(Value::Array(devices.collect()))
}

fn is_known(directory: &Path, name: &str) -> bool {
    let class = attribute(directory.join(name)).and_then(|hex| u8::from_str_radix(&hex, 16).ok());
    class.is_some_and(|class| KNOWN_CLASSES.contains(&class))
}

fn device(directory: &Path) -> Option<Value> {
    let (bus, number) = (
        attribute(directory.join("busnum"))?,
        attribute(directory.join("devnum"))?,
    );
    let told = |name: &str| {
        text(readable(
            &attribute(directory.join(name)).unwrap_or_default(),
        ))
    };
    Some(object([
        ("product", told("product")),
        ("vendor", told("manufacturer")),
        ("handle", text(format!("USB:{bus}:{number}"))),
    ]))
}

/// lshw takes at most 80 characters, up to the first that is none of ` ` to `z`.
fn readable(told: &str) -> String {
    let fit = told
        .chars()
        .take_while(|c| (' '..='z').contains(c))
        .take(80);
    fit.collect::<String>().trim().to_owned()
}
