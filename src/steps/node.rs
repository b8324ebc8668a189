//! The node as Ironic describes it: what of it decides which disk is written.

use crate::codec::json::{Fields, Object, Value};
use crate::error::{Error, Kind, Result};

#[derive(Clone, Debug, Default)]
pub struct Node {
    pub uuid: Option<String>,
    /// A wish about disks this build cannot honour, by the name of its field.
    unmet: Option<&'static str>,
}

/// protocol/deploy.md §4: whose presence changes which disk is written.
const WISHES: [(&str, &str, &str); 3] = [
    (
        "instance_info",
        "root_device",
        "instance_info.root_device (root device hints)",
    ),
    (
        "properties",
        "root_device",
        "properties.root_device (root device hints)",
    ),
    (
        "properties",
        "skip_block_devices",
        "properties.skip_block_devices",
    ),
];

impl Node {
    pub fn new(node: &Object) -> Self {
        let wished = |part: &str, name: &str| match node.get(part) {
            Some(Value::Object(part)) => part.get(name).is_some_and(means_something),
            _ => false,
        };
        Node {
            uuid: node.string("uuid").ok().flatten().map(str::to_owned),
            unmet: WISHES
                .iter()
                .find(|(part, name, _)| wished(part, name))
                .map(|(_, _, field)| *field),
        }
    }

    /// Ok if the default rule may choose the disk.
    pub fn any_disk_will_do(&self) -> Result<()> {
        self.unmet.map_or(Ok(()), |field| {
            let why = format!(
                "the node has {field}, which this build does not support yet; no disk was touched"
            );
            Err(Error::new(Kind::DeviceNotFound, why))
        })
    }
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

    #[test]
    fn hints_and_skip_lists_stop_the_default_rule() {
        for (node, field) in [
            (r#"{}"#, None),
            (r#"{"properties":{"root_device":{}}}"#, None),
            (
                r#"{"properties":{"root_device":"","skip_block_devices":[]}}"#,
                None,
            ),
            (r#"{"properties":null,"instance_info":7}"#, None),
            (
                r#"{"properties":{"root_device":{"serial":"x"}}}"#,
                Some("properties.root_device"),
            ),
            (
                r#"{"instance_info":{"root_device":{"size":">10"}}}"#,
                Some("instance_info.root"),
            ),
            (
                r#"{"properties":{"root_device":"/dev/sda"}}"#,
                Some("properties.root_device"),
            ),
            (
                r#"{"properties":{"skip_block_devices":[{"name":"/dev/sda"}]}}"#,
                Some("skip_block"),
            ),
        ] {
            let Ok(Value::Object(object)) = parse(node) else {
                panic!("an object: {node}")
            };
            match (Node::new(&object).any_disk_will_do(), field) {
                (Ok(()), None) => (),
                (Err(error), Some(field)) => {
                    assert_eq!(error.kind(), Kind::DeviceNotFound);
                    assert!(error.details().contains(field), "{error}");
                }
                (outcome, _) => panic!("{node}: {outcome:?}"),
            }
        }
    }
}
