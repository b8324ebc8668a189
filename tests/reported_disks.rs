//! Disks of machines that QEMU cannot emulate: by-path names and serial numbers as their owners' udev had them; and what becomes
//! of a field that cannot be read.

use ironlet::disk::{Disk, list};

#[path = "support/machine.rs"]
#[allow(dead_code)] // this binary needs a part of it
mod machine;
use machine::Machine;

const REPORTED: &str = include_str!("fixtures/machines/reported.list");

/// The manifest of a machine with the disk at `path` below /sys, and whose lines beginning with `S` and `A` are these.
fn manifest(path: &str, lines: &[&str]) -> String {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let kernel = parts.last().expect("a path");
    let mut out = format!(
        "/sys/block/{kernel} -> ..{path}\n/sys{path}/size = 8388608\n/sys{path}/dev = 8:0\n"
    );
    let told = |name: &str| {
        let mut lines = lines.iter().filter_map(|line| line.strip_prefix("S "));
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let mut at = String::from("/sys");
    for part in &parts {
        at += "/";
        at += part;
        if let Some(subsystem) = told(part).or(subsystem(part, parts[1])) {
            out += &format!("{at}/subsystem -> /x/{subsystem}\n");
        }
        if part.split(':').count() == 4 && part.starts_with(|c: char| c.is_ascii_digit()) {
            out += &format!("{at}/scsi_device/{part}/\n");
        }
        for line in lines.iter().filter_map(|line| line.strip_prefix("A ")) {
            if let Some(rest) = line.strip_prefix(part).filter(|rest| rest.starts_with('/')) {
                out += &format!("{at}{rest}\n");
            }
        }
    }
    // A SCSI disk's own device, or a namespace's controller.
    let above = match path.rsplit_once("/block/") {
        Some((device, _)) => format!("../../../{}", device.rsplit('/').next().expect("a name")),
        None => "..".to_owned(),
    };
    out += &format!("/sys{path}/device -> {above}\n");
    out
}

/// What the kernel calls it where its name tells.
fn subsystem(name: &str, first: &str) -> Option<&'static str> {
    let begins = |word: &str| {
        let rest = name.strip_prefix(word);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let usb = name
        .split_once('-')
        .is_some_and(|(bus, _)| bus.parse::<u8>().is_ok());
    Some(match () {
        () if name.contains('.') && name.split(':').count() == 3 && !usb => "pci",
        () if begins("host") || begins("target") || name.split(':').count() == 4 => "scsi",
        () if begins("usb") || usb => "usb",
        () if begins("nvme-subsys") => "nvme-subsystem",
        () if name.starts_with("nvme") && name.contains('n') && name[4..].contains('n') => "block",
        () if begins("nvme") => "nvme",
        () if begins("mmcblk") || name.starts_with("sd") && !name.contains('.') => "block",
        () if name == "xvda" => "block",
        () if name.starts_with("mmc") && name.contains(':') => "mmc",
        () if begins("mmc") => "mmc_host",
        () if name.len() == 36 => "vmbus",
        () if first == "LNXSYSTM:00" && name.contains(':') => "acpi",
        () if first == "platform"
            && (name.contains('.') || name.contains('@') || name == "HISI0162:01") =>
        {
            "platform"
        }
        () => return None,
    })
}

fn found(manifest: &str) -> Disk {
    let mut disks = list(&Machine::empty().with(manifest).host());
    assert_eq!(disks.len(), 1, "{manifest}");
    disks.remove(0)
}

fn without_directory(paths: &[String]) -> Vec<&str> {
    let names = paths
        .iter()
        .map(|path| path.strip_prefix("/dev/disk/by-path/"));
    names.map(|name| name.expect("a link")).collect()
}

#[test]
fn reported_disks_have_the_names_and_numbers_their_udev_gave_them() {
    let mut count = 0;
    for block in REPORTED.split("\nP ").skip(1) {
        let (path, rest) = block.split_once('\n').expect("lines");
        let lines: Vec<_> = rest.lines().collect();
        let disk = found(&manifest(path, &lines));
        let names = without_directory(&disk.by_path);
        let others = without_directory(&disk.other_paths);
        assert_eq!(disk.unread, [], "{path}");
        for line in &lines {
            match line.split_once('=') {
                Some(("E ID_PATH", "")) => assert!(names.is_empty(), "{path}: {names:?}"),
                Some(("E ID_PATH", name)) => {
                    assert!(names.contains(&name), "{path}: {name} in {names:?}");
                }
                Some((field, serial)) if field.starts_with("E ") => {
                    let own = &disk.identity.serials;
                    assert!(
                        own.iter().any(|own| own == serial),
                        "{path}: {serial} in {own:?}"
                    );
                }
                _ => match line.strip_prefix("F ") {
                    Some(name) => assert!(others.contains(&name), "{path}: {name} in {others:?}"),
                    None => continue,
                },
            }
            count += 1;
        }
    }
    println!("{count} names and serial numbers as reported");
    assert_eq!(count, 43);
}

#[test]
fn what_cannot_be_read_is_noted_and_what_is_not_there_is_not() {
    let path = "/devices/pci0000:00/0000:00:02.0/host9/rport-9:0-0/target9:0:0/9:0:0:0/block/sdd";
    let target = "/sys/devices/pci0000:00/0000:00:02.0/host9/rport-9:0-0/target9:0:0";
    // A directory in the place of a file opens, and cannot be read.
    for (more, fields) in [
        (String::new(), &[][..]),
        (
            format!("{target}/fc_transport/target9:0:0/port_name/\n"),
            &["by_path"],
        ),
        (format!("{target}/9:0:0:0/vpd_pg80/\n"), &["serial"]),
        (
            format!("{target}/9:0:0:0/vpd_pg83/\n"),
            &[
                "serial",
                "wwn",
                "wwn_with_extension",
                "wwn_vendor_extension",
            ],
        ),
        (format!("{target}/9:0:0:0/model/\n"), &["model"]),
        (
            format!("{target}/9:0:0:0/block/sdd/queue/rotational/\n"),
            &["rotational"],
        ),
    ] {
        let disk = found(&(manifest(path, &[]) + &more));
        let unread: Vec<_> = disk.unread.iter().map(|unread| unread.field).collect();
        assert_eq!(unread, fields, "{more}");
        assert!(disk.by_path.is_empty(), "its port has no name");
    }
    // A bus nobody knows: there is a name, and there may be another.
    let strange = "/devices/pci0000:00/0000:00:02.0/wonder7/host9/target9:0:0/9:0:0:0/block/sdd";
    let disk = found(&manifest(strange, &["S wonder7 wonderbus"]));
    assert_eq!(
        without_directory(&disk.by_path),
        ["pci-0000:00:02.0-scsi-0:0:0:0"]
    );
    let [unread] = &disk.unread[..] else {
        panic!("one field: {:?}", disk.unread)
    };
    assert_eq!(unread.field, "by_path");
    assert!(unread.why.contains("wonderbus"), "{}", unread.why);
}
