//! The fields of an order that say which disk is meant, which are not, and how it is divided: whatever of them would be passed over is
//! told, for behind it is a disk that somebody wants spared.

use crate::codec::json::{Object, Value, gather, parse};
use crate::order::reader::{self, Reader, as_text};
use crate::steps::node::Node;
use crate::system_root::device_name;

/// Which disk is meant and which are not, in a node as Ironic sends one.
pub fn node(reader: &mut Reader) -> Node {
    capabilities(reader);
    let mut properties = Object::new();
    for name in ["root_device", "skip_block_devices", "capabilities"] {
        if let Some(value) = reader.find(name) {
            properties.insert(name.to_owned(), value.clone());
        }
    }
    let node = Node::new(&gather([(
        "properties".to_owned(),
        Value::Object(properties),
    )]));
    if let Some(Value::Array(entries)) = reader.find("skip_block_devices") {
        for entry in entries {
            if let Value::Object(entry) = entry {
                unfit(reader, entry);
            }
        }
    }
    if let Err(error) = node.wishes() {
        let said = error.details().trim_end_matches("; no disk was touched");
        reader.told(said);
    }
    node
}

/// What of the capabilities decides how the disk is divided, and the words there are for it.
const CAPABILITIES: [(&str, &[&str]); 3] = [
    ("boot_mode", &["bios", "uefi"]),
    ("disk_label", &["msdos", "gpt"]),
    ("secure_boot", &["true", "false"]),
];

/// An object, or `name:value,name:value`: what is neither would say nothing, and nobody would know.
fn capabilities(reader: &mut Reader) {
    let pairs: Option<Vec<(String, String)>> = match reader.find("capabilities") {
        None => return,
        Some(Value::Object(object)) => pairs(object),
        Some(Value::String(text)) => match parse(text) {
            Ok(Value::Object(object)) => pairs(&object),
            _ => {
                let pair = |pair: &str| {
                    let (name, value) = pair.split_once(':')?;
                    Some((name.to_owned(), value.to_owned()))
                };
                text.split(',').map(pair).collect()
            }
        },
        Some(_) => None,
    };
    let Some(pairs) = pairs else {
        reader.problem(
            "capabilities",
            "must be an object of words, or name:value,name:value",
        );
        return;
    };
    for (name, value) in pairs {
        let known = CAPABILITIES.iter().find(|(own, _)| *own == name);
        let is_known = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
        if let Some((name, words)) = known.filter(|(_, words)| !is_known(words)) {
            let value = reader::shown(&value, 40);
            let why = format!("{name} is '{value}', which is none of {}", words.join(", "));
            reader.problem("capabilities", why);
        }
    }
}

/// None if a value is no word.
fn pairs(object: &Object) -> Option<Vec<(String, String)>> {
    let pair = |(name, value): (&String, &Value)| {
        let word = match value {
            Value::Bool(value) => value.to_string(),
            value => as_text(value)?,
        };
        Some((name.clone(), word))
    };
    object.iter().map(pair).collect()
}

/// Whoever spells a disk in a way that none is called by here wants it spared all the same.
fn unfit(reader: &mut Reader, entry: &Object) {
    let text = |key: &str| entry.get(key).and_then(as_text).unwrap_or_default();
    let (name, by_path) = (text("name"), text("by_path"));
    let (name, by_path) = (name.trim(), by_path.trim());
    let links = device_name("disk/");
    if name.starts_with(&links) && !name.starts_with(&device_name("disk/by-path/"))
        || name.contains("..")
    {
        let why = format!(
            "no disk is called '{}' here: serial, wwn or by_path say which is meant",
            reader::shown(name, 80)
        );
        reader.problem("skip_block_devices", why);
    }
    if is_partition(name) {
        let why = format!(
            "'{}' is a partition, and disks are skipped whole",
            reader::shown(name, 80)
        );
        reader.problem("skip_block_devices", why);
    }
    if !by_path.is_empty()
        && !by_path.starts_with(&device_name("disk/by-path/"))
        && !by_path.starts_with(['<', '=', '!', 's'])
    {
        let why = format!(
            "by_path is '{}', and begins with {}",
            reader::shown(by_path, 80),
            device_name("disk/by-path/")
        );
        reader.problem("skip_block_devices", why);
    }
}

/// As the kernel calls partitions of disks: `sda1`, `vdb2`, `nvme0n1p1`, `mmcblk0p2`.
fn is_partition(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or_default();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = ["sd", "vd", "hd", "xvd"]
        .iter()
        .find_map(|kind| bare.strip_prefix(kind));
    let lettered = letters
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase()));
    let numbered = (name.starts_with("nvme") || name.starts_with("mmcblk")) && bare.ends_with('p');
    name.len() > bare.len() && (lettered || numbered)
}
