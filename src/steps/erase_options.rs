//! How disks are to be erased: the switches Ironic sets on the node before cleaning (protocol/steps.md §4).

use crate::codec::json::Value;
use crate::error::{Error, Kind, Result};
use crate::steps::node::Node;

/// As the node has them, or by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseOptions {
    /// Passes of random bytes when a disk is overwritten.
    pub passes: u32,
    /// A pass of zeros at the end?
    pub zeroize: bool,
    /// May a disk be overwritten that failed to erase itself?
    pub fall_back: bool,
    /// May NVMe disks be asked to erase themselves?
    pub nvme: bool,
    /// May other disks be asked to erase themselves?
    pub ata: bool,
    /// May a disk that failed to erase itself be discarded?
    pub discard: bool,
    /// Disks at once.
    pub concurrency: usize,
    /// Pass over read-only disks instead of failing?
    pub skip_read_only: bool,
    /// Do cluster file systems, which other machines may be using, protect their disks?
    pub guard: bool,
}

impl EraseOptions {
    /// `guard` and `discard` are what the parameters say, where the node says nothing.
    pub fn of(node: &Node, guard: bool, discard: bool) -> Result<Self> {
        let flag = |name, default| flag(node, name).map(|own| own.unwrap_or(default));
        let count = |name, default| count(node, name).map(|own| own.unwrap_or(default));
        let ata_alone = flag("agent_continue_if_ata_erase_failed", false)?;
        Ok(EraseOptions {
            passes: count("agent_erase_devices_iterations", 1)?,
            zeroize: flag("agent_erase_devices_zeroize", true)?,
            // The first is the newer name for what the second once said of ATA disks alone.
            fall_back: flag("agent_continue_if_secure_erase_failed", ata_alone)?,
            nvme: flag("agent_enable_nvme_secure_erase", true)?,
            ata: flag("agent_enable_ata_secure_erase", true)?,
            discard: flag("agent_enable_discard_erase", discard)?,
            concurrency: count("disk_erasure_concurrency", 1)?.max(1) as usize,
            skip_read_only: flag("agent_erase_skip_read_only", false)?,
            guard: EraseOptions::guard(node, guard)?,
        })
    }

    /// Whether cluster file systems protect their disks, alone: the switches of erasing are no business of a deploy.
    pub fn guard(node: &Node, otherwise: bool) -> Result<bool> {
        // Upstream's name reads the wrong way round: false is what takes the guard away.
        let kept = flag(node, "wipe_special_filesystems")?;
        Ok(otherwise && kept.unwrap_or(true))
    }
}

fn flag(node: &Node, name: &'static str) -> Result<Option<bool>> {
    match node.kept("driver_internal_info", name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong(name, "true or false")),
    }
}

fn count(node: &Node, name: &'static str) -> Result<Option<u32>> {
    match node.kept("driver_internal_info", name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match crate::codec::json::print(value).parse() {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(wrong(name, "a number from 0 on")),
        },
    }
}

fn wrong(name: &str, wanted: &str) -> Error {
    let why = format!("driver_internal_info.{name} must be {wanted}; no disk was touched");
    Error::new(Kind::CleaningError, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::parse;

    fn options(internal: &str) -> Result<EraseOptions> {
        let Ok(Value::Object(node)) = parse(&format!(r#"{{"driver_internal_info":{internal}}}"#))
        else {
            panic!("an object: {internal}")
        };
        EraseOptions::of(&Node::new(&node), true, false)
    }

    #[test]
    fn what_ironic_does_not_say_is_as_the_reference_agent_has_it() {
        let plain = EraseOptions {
            passes: 1,
            zeroize: true,
            fall_back: false,
            nvme: true,
            ata: true,
            discard: false,
            concurrency: 1,
            skip_read_only: false,
            guard: true,
        };
        for (internal, expected) in [
            ("{}", plain.clone()),
            (
                r#"{"disk_erasure_concurrency":4,"agent_erase_devices_iterations":0,"agent_erase_devices_zeroize":false}"#,
                EraseOptions {
                    passes: 0,
                    zeroize: false,
                    concurrency: 4,
                    ..plain.clone()
                },
            ),
            (
                r#"{"agent_continue_if_ata_erase_failed":true,"disk_erasure_concurrency":0}"#,
                EraseOptions {
                    fall_back: true,
                    ..plain.clone()
                },
            ),
            (
                r#"{"agent_continue_if_ata_erase_failed":true,"agent_continue_if_secure_erase_failed":false}"#,
                plain.clone(),
            ),
            (
                r#"{"wipe_special_filesystems":false,"agent_enable_nvme_secure_erase":false,"agent_enable_ata_secure_erase":null}"#,
                EraseOptions {
                    guard: false,
                    nvme: false,
                    ..plain.clone()
                },
            ),
        ] {
            assert_eq!(options(internal), Ok(expected), "{internal}");
        }
    }

    #[test]
    fn a_switch_that_cannot_be_understood_stops_everything() {
        for internal in [
            r#"{"agent_erase_devices_zeroize":"no"}"#,
            r#"{"agent_erase_devices_iterations":-1}"#,
            r#"{"disk_erasure_concurrency":"many"}"#,
        ] {
            let error = options(internal).expect_err(internal);
            assert!(error.details().contains("no disk was touched"), "{error}");
        }
    }
}
