//! The node as Ironic describes it: what of it decides which disk is written.

use crate::codec::json::{Array, Fields, Object, Value};
use crate::disk::{Hints, Wishes};
use crate::error::{Context, Error, Kind, Result};

/// What of the node decides what a step does.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// None in an order without Ironic.
    pub uuid: Option<String>,
    /// Root device hints: of the instance, else of the node.
    root: Option<Value>,
    skip: Option<Value>,
    /// What it is to have as RAID.
    target_raid: Option<Value>,
    /// What else matters of it, by part and name.
    kept: Vec<(&'static str, &'static str, Value)>,
}

/// Parts of the node and what of them is looked at.
const KEPT: &[(&str, &[&str])] = &[
    ("instance_info", &["deploy_boot_mode", "capabilities"]),
    ("properties", &["capabilities"]),
    (
        "driver_internal_info",
        &[
            "agent_continue_if_ata_erase_failed",
            "agent_continue_if_secure_erase_failed",
            "agent_enable_ata_secure_erase",
            "agent_enable_discard_erase",
            "agent_enable_nvme_secure_erase",
            "agent_erase_devices_iterations",
            "agent_erase_devices_zeroize",
            "agent_erase_skip_read_only",
            "deploy_boot_mode",
            "disk_erasure_concurrency",
            "wipe_special_filesystems",
        ],
    ),
];

impl Node {
    /// Keeps what is needed of Ironic's description; the rest, secrets above all, goes.
    pub fn new(node: &Object) -> Self {
        let wished = |part: &str, name: &str| match node.get(part) {
            Some(Value::Object(part)) => part.get(name).filter(|value| means_something(value)),
            _ => None,
        };
        let root = wished("instance_info", "root_device");
        Node {
            uuid: node.string("uuid").ok().flatten().map(str::to_owned),
            root: root
                .or_else(|| wished("properties", "root_device"))
                .cloned(),
            skip: wished("properties", "skip_block_devices").cloned(),
            target_raid: node
                .get("target_raid_config")
                .filter(|value| means_something(value))
                .cloned(),
            kept: kept(node),
        }
    }

    /// One of the things in [`KEPT`], as Ironic sent it.
    pub fn kept(&self, part: &str, name: &str) -> Option<&Value> {
        let mut kept = self.kept.iter();
        let found = kept.find(|(of, named, _)| (*of, *named) == (part, name));
        found.map(|(_, _, value)| value)
    }

    /// `target_raid_config`, as Ironic sent it; none if it is empty.
    pub fn target_raid(&self) -> Option<&Value> {
        self.target_raid.as_ref()
    }

    /// Does it say which disk is meant?
    pub fn has_hints(&self) -> bool {
        self.root.is_some()
    }

    /// Which disks are meant, and which are not; an error rather than a guess.
    pub fn wishes(&self) -> Result<Wishes> {
        let object = |value: &Value| match value {
            Value::Object(hints) if hints.contains_key("volume_name") => Err(wrong(
                "root_device cannot name a software RAID volume: volume_name is for skip_block_devices",
            )),
            Value::Object(hints) => Hints::parse(hints).context("root_device"),
            _ => Err(wrong("root_device must be an object of hints")),
        };
        let none = Array::new();
        let skip = match &self.skip {
            None => &none,
            Some(Value::Array(list)) => list,
            Some(_) => return Err(wrong("properties.skip_block_devices must be a list")),
        };
        Ok(Wishes {
            root: self.root.as_ref().map(object).transpose()?,
            skip: skip.iter().map(skipped).collect::<Result<_>>()?,
            ..Wishes::default()
        })
    }
}

fn kept(node: &Object) -> Vec<(&'static str, &'static str, Value)> {
    let mut kept = Vec::new();
    for (part, names) in KEPT {
        if let Some(Value::Object(from)) = node.get(*part) {
            let of = names.iter();
            kept.extend(of.filter_map(|name| Some((*part, *name, from.get(*name)?.clone()))));
        }
    }
    kept
}

fn skipped(value: &Value) -> Result<Hints> {
    match value {
        Value::Object(hints) => Hints::parse(hints).context("skip_block_devices"),
        _ => Err(wrong(
            "properties.skip_block_devices must be a list of hints",
        )),
    }
}

fn wrong(why: &str) -> Error {
    let why = format!("{why}; no disk was touched");
    Error::new(Kind::DeviceNotFound, why)
}

fn means_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::parse;

    fn wishes(node: &str) -> Result<Wishes> {
        let Ok(Value::Object(object)) = parse(node) else {
            panic!("an object: {node}")
        };
        Node::new(&object).wishes()
    }

    #[test]
    fn a_wrong_hint_is_told_with_where_it_stands() {
        for (json, whose) in [
            (
                r#"{"properties":{"root_device":{"size":"x"}}}"#,
                "root_device: ",
            ),
            (
                r#"{"properties":{"skip_block_devices":[{"size":"x"}]}}"#,
                "skip_block_devices: ",
            ),
        ] {
            let error = wishes(json).expect_err(json);
            assert!(error.details().starts_with(whose), "{error}");
        }
    }

    #[test]
    fn the_instance_is_asked_before_the_node() {
        for (node, root, skips) in [
            (r#"{}"#, None, 0),
            (r#"{"properties":{"root_device":{}}}"#, None, 0),
            (
                r#"{"properties":{"root_device":"","skip_block_devices":[]}}"#,
                None,
                0,
            ),
            (r#"{"properties":null,"instance_info":7}"#, None, 0),
            (
                r#"{"properties":{"root_device":{"serial":"x"}}}"#,
                Some("serial 'x'"),
                0,
            ),
            (
                r#"{"instance_info":{"root_device":{"size":">10"}},"properties":{"root_device":{"name":"/dev/sda"}}}"#,
                Some("size '>10'"),
                0,
            ),
            (
                r#"{"properties":{"skip_block_devices":[{"name":"/dev/sda"},{"size":7}]}}"#,
                None,
                2,
            ),
        ] {
            let wishes = wishes(node).expect(node);
            let hints = wishes.root.map(|hints| hints.to_string());
            assert_eq!(
                (hints.as_deref(), wishes.skip.len()),
                (root, skips),
                "{node}"
            );
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_and_never_left_out() {
        for (node, why) in [
            (
                r#"{"properties":{"root_device":"/dev/sda"}}"#,
                "must be an object",
            ),
            (
                r#"{"properties":{"root_device":{"colour":"red"}}}"#,
                "'colour' is none of size",
            ),
            (
                r#"{"properties":{"skip_block_devices":{"name":"/dev/sda"}}}"#,
                "must be a list",
            ),
            (
                r#"{"properties":{"skip_block_devices":["/dev/sda"]}}"#,
                "list of hints",
            ),
            (
                r#"{"properties":{"skip_block_devices":[{}]}}"#,
                "none in it",
            ),
            (
                r#"{"properties":{"root_device":{"volume_name":"big"}}}"#,
                "software RAID",
            ),
        ] {
            let error = wishes(node).expect_err(node);
            assert_eq!(error.kind(), Kind::DeviceNotFound);
            assert!(error.details().contains(why), "{error}");
        }
    }
}
