//! Every disk by every name it has, with its partitions and what is built on them: what `lsblk`, `udevadm` and `by-id` tell.

use std::fmt::Write;

use crate::disk::{self, Disk};
use crate::system_root::{SystemRoot, attribute};

/// A few lines for each disk, in lsblk's order.
pub fn description(host: &SystemRoot) -> String {
    disk::list(host)
        .iter()
        .fold(String::new(), |mut text, disk| {
            describe(host, disk, &mut text);
            text
        })
}

fn describe(host: &SystemRoot, disk: &Disk, text: &mut String) {
    let Disk { name, identity, .. } = disk;
    // Writing to a string does not fail.
    let _ = writeln!(text, "{name}");
    let mut line = |what: &str, told: &str| {
        if !told.is_empty() {
            let _ = writeln!(text, "    {what} {told:.400}");
        }
    };
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut kind = vec![format!(
        "{} bytes ({}), sectors of {} and {} bytes",
        disk.size.0, disk.size, disk.logical_sector, disk.physical_sector
    )];
    kind.extend(disk.transport.clone());
    for (is, word) in [
        (disk.rotational, "rotational"),
        (disk.read_only, "read-only"),
        (disk.removable, "removable"),
        (disk.discards == Some(true), "discards"),
        (disk.is_virtual_media(), "virtual media"),
    ] {
        if is {
            kind.push(word.to_owned());
        }
    }
    line("is", &kind.join(", "));
    line("vendor", &known(&identity.vendor));
    line("model", &known(&identity.model));
    line("serial", &identity.serials.join(" | "));
    line("wwn", &known(&identity.wwn));
    line("wwn_with_extension", &known(&identity.wwn_with_extension));
    line("hctl", &known(&disk.hctl));
    for path in disk.by_path.iter().chain(&disk.other_paths) {
        line("by-path", path);
    }
    let number = |name: &str| {
        let found = disk.numbers.iter().find(|(_, own)| own == name);
        found.map_or("", |(number, _)| number.as_str())
    };
    line("device", number(disk.kernel()));
    for (number, part) in disk.numbers.iter().filter(|(_, own)| own != disk.kernel()) {
        let at = host.sys("block").join(disk.kernel()).join(part);
        let told = |name: &str| attribute(at.join(name)).unwrap_or_default();
        let title = partition_name(&told("uevent"));
        line(
            "partition",
            &format!(
                "{part} {number} from sector {} on {} sectors of 512 bytes{title}",
                told("start"),
                told("size")
            ),
        );
    }
    line("held by", &disk.holders.join(" "));
    for unread in &disk.unread {
        line("unread", &format!("{}: {}", unread.field, unread.why));
    }
}

/// `PARTNAME=EFI system` of a partition's uevent, quoted.
fn partition_name(uevent: &str) -> String {
    let name = uevent
        .lines()
        .find_map(|line| line.strip_prefix("PARTNAME="));
    name.map_or_else(String::new, |name| format!(" {name:?}"))
}
