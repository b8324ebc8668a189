//! Says how the machine will start what is written: by UEFI or as a BIOS does, and from which kind of partition table.

use crate::codec::json::{Object, Value, parse, print};
use crate::disk::table::partition_plan::Scheme;
use crate::steps::node::Node;
use crate::system_root::SystemRoot;

/// By the node, else by how this ramdisk was started (protocol/deploy.md §10).
pub fn scheme(node: &Node, host: &SystemRoot) -> Scheme {
    let instance = Capabilities::of(node.kept("instance_info", "capabilities"));
    let own = Capabilities::of(node.kept("properties", "capabilities"));
    let either = |name: &str| instance.get(name).or_else(|| own.get(name));
    if is_uefi(node, host, &own, either("secure_boot").as_deref()) {
        return Scheme::Uefi;
    }
    match either("disk_label").as_deref() {
        Some("gpt") => Scheme::BiosGpt,
        _ => Scheme::Mbr,
    }
}

fn is_uefi(node: &Node, host: &SystemRoot, own: &Capabilities, secure: Option<&str>) -> bool {
    if secure.is_some_and(|secure| secure.eq_ignore_ascii_case("true")) {
        return true;
    }
    let said = |part: &str| node.kept(part, "deploy_boot_mode").map(word);
    let mode = said("instance_info")
        .or_else(|| own.get("boot_mode"))
        .or_else(|| said("driver_internal_info"));
    match mode.unwrap_or_default().to_ascii_lowercase().as_str() {
        "uefi" => true,
        "bios" => false,
        _ => host.sys("firmware/efi").exists(),
    }
}

/// An object, the text of one, or `name:value,name:value`; what is neither says nothing.
struct Capabilities(Object);

impl Capabilities {
    fn of(value: Option<&Value>) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once(':')?;
            Some((name.to_owned(), Value::String(value.to_owned())))
        };
        Capabilities(match value {
            Some(Value::Object(object)) => object.clone(),
            Some(Value::String(text)) => match parse(text) {
                Ok(Value::Object(object)) => object,
                _ => text.split(',').filter_map(pair).collect(),
            },
            _ => Object::new(),
        })
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(word)
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => print(other),
    }
}
