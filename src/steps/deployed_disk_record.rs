//! What is known of the disk that was written: told to Ironic, and kept over a restart of the agent.

use std::path::{Path, PathBuf};

use crate::codec::json::{Fields, Object, Value, gather, object, parse, print, text, text_or_null};
use crate::disk::table::partition_plan::Role;
use crate::image::deploy_receipt::Left;
use crate::image::layout::partition_image::Laid;

/// The disk that was written, and how its partitions are known.
#[derive(Clone, Debug)]
pub struct DeployedDisk {
    /// The one that was written.
    pub disk: PathBuf,
    /// As `standby.get_partition_uuids` gives it: protocol/deploy.md §12.
    pub uuids: Object,
}

impl DeployedDisk {
    /// From what the image path left.
    pub fn new(disk: &Path, left: &Left) -> Self {
        let uuids = match left {
            // How Ironic knows a whole disk from others: by the signature in its boot record.
            Left::Disk(signature) => {
                let signature = text(format!("{signature:#010x}"));
                Object::from_iter([("root uuid".to_owned(), signature)])
            }
            Left::Parts(parts) => of_parts(disk, parts),
        };
        let disk = disk.to_owned();
        DeployedDisk { disk, uuids }
    }

    /// Of the root file system, or of the whole disk.
    pub fn root(&self) -> Option<&str> {
        self.uuids.string("root uuid").ok().flatten()
    }

    /// Of the EFI system partition that was made.
    pub fn efi(&self) -> Option<&str> {
        let uuid = self.uuids.string("efi system partition uuid");
        uuid.ok().flatten()
    }

    /// For /run.
    pub fn to_text(&self) -> String {
        print(&object([
            ("disk", text(self.disk.to_string_lossy())),
            ("uuids", Value::Object(self.uuids.clone())),
        ]))
    }

    /// None if it is none of ours.
    pub fn parse(written: &str) -> Option<Self> {
        let Ok(Value::Object(object)) = parse(written) else {
            return None;
        };
        Some(DeployedDisk {
            disk: object.string("disk").ok()??.into(),
            uuids: object.object("uuids").ok()??.clone(),
        })
    }
}

fn of_parts(disk: &Path, parts: &[Laid]) -> Object {
    let uuid = |role: Role| {
        let part = parts.iter().find(|part| part.role == role);
        text_or_null(part.map(|part| part.uuid.as_str()))
    };
    let devices = parts.iter().map(|part| {
        let device = partition(disk, part.number);
        (part.role.name().to_owned(), text(device.to_string_lossy()))
    });
    let told = [
        ("root uuid", uuid(Role::Root)),
        ("efi system partition uuid", uuid(Role::Efi)),
        ("partitions", Value::Object(gather(devices))),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), value));
    told.into_iter().collect()
}

/// What the kernel calls a partition (block/partitions/core.c, add_partition): after a digit comes a `p`.
pub fn partition(disk: &Path, number: u32) -> PathBuf {
    let mut name = disk.to_path_buf().into_os_string();
    let digit = name
        .to_string_lossy()
        .ends_with(|c: char| c.is_ascii_digit());
    name.push(if digit { "p" } else { "" });
    name.push(number.to_string());
    name.into()
}
