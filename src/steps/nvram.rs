//! `clean_uefi_nvram`: boot entries that systems on disks left in the firmware.

use log::info;

use crate::codec::json::{Fields, Object, Value, print};
use crate::efi::boot_order::BootOrder;
use crate::efi::efivars::Variables;
use crate::efi::entry_patterns::{DEFAULT, Patterns};
use crate::error::{Error, Kind, Result};
use crate::steps::step_context::Machine;

/// Entries that begin otherwise are not looked at (protocol/steps.md §8).
const SEEN: &[&str] = &[
    "BBS(",
    "FvFile(",
    "FvVol(",
    "HD(",
    "PciRoot(",
    "UsbClass(",
    "VenHw(",
    "VenMsg(",
];

pub(super) fn clean(machine: &Machine, arguments: &Object) -> Result<Value> {
    let patterns = patterns(arguments.field("match_patterns"))?;
    if !machine.host.sys("firmware/efi").exists() {
        let why = "this machine was started as a BIOS does: its firmware shows no boot entries; start it in UEFI \
                   mode for this step";
        return Err(Error::new(Kind::CommandExecutionError, why));
    }
    let mut menu = BootOrder::read(Variables::open(&machine.host)?)?;
    let all = menu.entries().len();
    let gone = menu.clean(|entry| {
        SEEN.iter().any(|start| entry.path.starts_with(start)) && patterns.find(&entry.path)
    })?;
    info!("{gone} of {all} boot entries are removed");
    Ok(Value::Null)
}

fn patterns(given: Option<&Value>) -> Result<Patterns> {
    let wrong = |given: &Value| {
        let why = format!(
            "The match_patterns must be a list of strings: {:.300}",
            print(given)
        );
        Error::new(Kind::InvalidCommandParamsError, why)
    };
    match given {
        None => Patterns::new(DEFAULT.iter().copied()),
        Some(Value::Array(list)) => {
            let text = |value: &'_ Value| match value {
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong(other)),
            };
            let texts = list.iter().map(text).collect::<Result<Vec<_>>>()?;
            Patterns::new(texts.iter().map(String::as_str))
        }
        Some(other) => Err(wrong(other)),
    }
}
