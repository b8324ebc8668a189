//! The disk a machine was started from: who tells, how it is found among the others, and that it is left alone.

mod support;

#[path = "support/machine.rs"]
mod machine;

use std::fs;
use std::path::{Path, PathBuf};

use ironlet::disk::select::boot_medium::BootMedium;
use ironlet::disk::select::cleanable::cleanable;
use ironlet::disk::select::write_permit::Permit;
use ironlet::disk::{self, Disk, Wishes, list};
use ironlet::steps::find_boot_medium::{boot_medium, is_unknown};
use machine::Machine;
use support::partition_tables::{name, says};

const EFIVARS: &str = "/sys/firmware/efi/efivars";
const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// The names of the disks that `medium` is said to be, and why.
fn protected(machine: &Machine, medium: &BootMedium) -> Vec<(String, String)> {
    let (host, disks) = (machine.host(), list(&machine.host()));
    let why = |disk: &Disk| Some((disk.name.clone(), medium.protects(&host, disk, &disks)?));
    disks.iter().filter_map(why).collect()
}

fn found(machine: &Machine) -> Vec<String> {
    let found = protected(machine, &boot_medium(&machine.host(), None));
    found.into_iter().map(|(name, _)| name).collect()
}

/// NVMe disks of 8 and 3 GiB, SATA disks of 6 and 5, a USB one of 4 on the first port; five empty files stand for them.
fn five_disks() -> Machine {
    let machine = Machine::recorded("ahci-nvme");
    for disk in list(&machine.host()) {
        let path = file(&machine, &disk.name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::File::create(path)
            .and_then(|file| file.set_len(64 << 20))
            .expect("a sparse file");
    }
    machine
}

fn file(machine: &Machine, disk: &str) -> PathBuf {
    machine.place(disk)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The machine with Boot0003 as what its firmware started, by a path of these nodes: type, subtype, data.
fn started_by_uefi(machine: Machine, nodes: &[(u8, u8, &[u8])]) -> Machine {
    let mut path = Vec::new();
    for (kind, subtype, data) in nodes {
        path.extend([*kind, *subtype, 4 + data.len() as u8, 0]);
        path.extend(*data);
    }
    path.extend([0x7f, 0xff, 4, 0]);
    let label = "UEFI stick"
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes);
    let mut option = vec![7, 0, 0, 0, 1, 0, 0, 0];
    option.extend((path.len() as u16).to_le_bytes());
    option.extend(label);
    option.extend(path);
    machine.with(&format!(
        "{EFIVARS}/BootCurrent-{GLOBAL} hex 060000000300\n{EFIVARS}/Boot0003-{GLOBAL} hex {}\n",
        hex(&option)
    ))
}

const ROOT: (u8, u8, &[u8]) = (2, 1, &[0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0]);

#[test]
#[rustfmt::skip]
fn the_firmware_s_own_way_to_a_disk_finds_it() {
    let ahci: (u8, u8, &[u8]) = (1, 1, &[2, 0x1f]);
    let pci = |device: &'static [u8; 2]| -> (u8, u8, &'static [u8]) { (1, 1, device) };
    let drive = |kind: u8, signature: &[u8]| {
        let mut data = vec![0; 38];
        data[20..20 + signature.len()].copy_from_slice(signature);
        data[37] = kind;
        data
    };
    for (what, nodes, disks) in [
        ("USB", &[ROOT, pci(&[0, 5]), (3, 5, &[0, 0])][..], &["/dev/sdc"][..]),
        // No disk is there, as firmware counts: the one on that controller is taken for it.
        ("USB, counted otherwise", &[ROOT, pci(&[0, 5]), (3, 5, &[4, 0])], &["/dev/sdc"]),
        ("USB on another controller", &[ROOT, pci(&[0, 6]), (3, 5, &[0, 0])], &[]),
        ("NVMe", &[ROOT, pci(&[0, 3]), (3, 23, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], &["/dev/nvme0n1"]),
        ("the second NVMe", &[ROOT, pci(&[0, 4]), (3, 23, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], &["/dev/nvme1n1"]),
        ("another namespace", &[ROOT, pci(&[0, 3]), (3, 23, &[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], &[]),
        ("SATA", &[ROOT, ahci, (3, 18, &[2, 0, 0xff, 0xff, 0, 0])], &["/dev/sdb"]),
        ("a controller of several disks", &[ROOT, ahci], &[]),
        ("one of a single disk", &[ROOT, pci(&[0, 3])], &["/dev/nvme0n1"]),
        ("the network", &[ROOT, pci(&[0, 3]), (3, 11, &[0; 33])], &[]),
        ("a boot record", &[(4, 1, &drive(1, &[0x78, 0x56, 0x34, 0x12]))], &["/dev/sda"]),
        ("no boot record", &[(4, 1, &drive(0, &[]))], &[]),
        ("a partition nobody has", &[(4, 1, &drive(2, &[9; 16]))], &[]),
    ] {
        let machine = started_by_uefi(five_disks(), nodes);
        says("sfdisk", &["-q", name(&file(&machine, "/dev/sda"))], "label: dos\nlabel-id: 0x12345678\nsize=8MiB\n");
        assert_eq!(found(&machine), disks, "{what}");
    }
}

/// In a ramdisk a machine runs on without its medium.
#[test]
fn a_stick_that_was_pulled_out_is_no_other_disk() {
    let nodes: &[(u8, u8, &[u8])] = &[ROOT, (1, 1, &[0, 5]), (3, 5, &[0, 0])];
    let machine = started_by_uefi(five_disks(), nodes).without("/sys/block/sdc");
    assert_eq!(found(&machine), [""; 0]);
}

#[test]
fn a_partition_s_guid_finds_its_disk() {
    const GUID: &str = "12345678-9ABC-DEF0-1122-334455667788";
    let bytes = b"\x78\x56\x34\x12\xbc\x9a\xf0\xde\x11\x22\x33\x44\x55\x66\x77\x88";
    let script = format!("label: gpt\nsize=4MiB\nsize=8MiB, uuid={GUID}\n");
    let mut drive = vec![0; 38];
    drive[20..36].copy_from_slice(bytes);
    drive[37] = 2;
    let current = started_by_uefi(five_disks(), &[(4, 1, &drive)]);
    let told: Vec<u8> = GUID
        .to_lowercase()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let loader = five_disks().with(&format!(
        "{EFIVARS}/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f hex 06000000{}0000\n",
        hex(&told)
    ));
    let by_hand = five_disks();
    let named = boot_medium(&by_hand.host(), Some(&format!("PARTUUID={GUID}")));
    for (machine, medium) in [
        (&current, boot_medium(&current.host(), None)),
        (&loader, boot_medium(&loader.host(), None)),
        (&by_hand, named),
    ] {
        says("sfdisk", &["-q", name(&file(machine, "/dev/sda"))], &script);
        let found = protected(machine, &medium);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "/dev/sda");
        assert!(
            found[0]
                .1
                .starts_with("is what this machine was started from: "),
            "{found:?}"
        );
    }
}

/// Started from the network, the BIOS calls the first disk what it calls the boot disk else.
#[test]
fn the_first_disk_of_a_bios_is_taken_for_it_only_where_it_must_be() {
    for (what, loader, signed, disks) in [
        ("SYSLINUX", 0x31, "/dev/sda", &["/dev/sda"][..]),
        ("ISOLINUX on a stick", 0x33, "/dev/sdc", &["/dev/sdc"]),
        ("PXELINUX", 0x32, "/dev/sda", &[]),
        ("PXELINUX, a stick first", 0x32, "/dev/sdc", &[]),
        ("GRUB on a stick", 0x72, "/dev/sdc", &["/dev/sdc"]),
        ("GRUB from who knows where", 0x72, "/dev/sda", &[]),
        ("iPXE", 0x66, "/dev/sda", &[]),
        ("QEMU, a stick first", 0xb0, "/dev/sdc", &[]),
        ("kexec", 0xd0, "/dev/sdc", &[]),
    ] {
        let machine = five_disks().with(&format!(
            "/proc/sys/kernel/bootloader_type = {loader}\n/sys/firmware/edd/int13_dev80/mbr_signature = 0x12345678\n"
        ));
        let disk = file(&machine, signed);
        says(
            "sfdisk",
            &["-q", name(&disk)],
            "label: dos\nlabel-id: 0x12345678\nsize=8MiB\n",
        );
        assert_eq!(found(&machine), disks, "{what}");
        let uefi = machine.with(&format!("{EFIVARS}/\n"));
        assert_eq!(found(&uefi), [""; 0], "{what}: no BIOS");
    }
}

#[test]
fn what_a_card_started_is_started_from_no_stick() {
    let machine = five_disks().with(
        "/proc/sys/kernel/bootloader_type = 102\n/sys/firmware/edd/int13_dev80/mbr_signature = 0x12345678\n\
         /proc/cmdline = quiet BOOTIF=01-52-54-00-00-00-01\n",
    );
    let script = "label: dos\nlabel-id: 0x12345678\nsize=8MiB\n";
    says("sfdisk", &["-q", name(&file(&machine, "/dev/sdc"))], script);
    assert_eq!(found(&machine), [""; 0]);
}

#[test]
fn no_disk_is_chosen_where_any_may_be_the_one_the_machine_was_started_from() {
    for (what, loader, line, unknown) in [
        ("GRUB, from ext4", 0x72, "BOOT_IMAGE=/boot/k quiet", true),
        ("EXTLINUX", 0x34, "BOOT_IMAGE=/boot/k", true),
        (
            "GRUB by a card",
            0x72,
            "BOOT_IMAGE=/k BOOTIF=01-52-54-00-00-00-01",
            false,
        ),
        ("GRUB by TFTP", 0x72, "BOOT_IMAGE=(tftp,10.0.0.1)/k", false),
        ("PXELINUX", 0x32, "BOOT_IMAGE=k", false),
        ("iPXE", 0x66, "", false),
        ("QEMU", 0xb0, "", false),
    ] {
        let machine = five_disks().with(&format!(
            "/proc/sys/kernel/bootloader_type = {loader}\n/proc/cmdline = {line}\n"
        ));
        let (host, disks) = (machine.host(), list(&machine.host()));
        let told = is_unknown(&host, &boot_medium(&host, None), &disks);
        assert_eq!(told.is_some(), unknown, "{what}: {told:?}");
        let named = is_unknown(&host, &boot_medium(&host, Some("/dev/sda")), &disks);
        assert_eq!(named, None, "{what}: ironlet.medium tells");
        let uefi = machine.with(&format!("{EFIVARS}/\n"));
        let told = is_unknown(&uefi.host(), &BootMedium::default(), &disks);
        assert_eq!(told, None, "{what}: UEFI");
    }
}

/// Makes a FAT file system in `place`, from `at` on, that holds `files`.
fn fat(place: &Path, at: u64, files: &[(&str, &[u8])]) {
    let own = place.with_extension("fat");
    fs::File::create(&own)
        .and_then(|file| file.set_len(16 << 20))
        .expect("room");
    says(
        "mkfs.vfat",
        &["-n", "STICK", "-i", "1234ABCD", name(&own)],
        "",
    );
    for (path, content) in files {
        let from = place.with_extension("content");
        fs::write(&from, content).expect("room");
        let mut folder = String::from("::");
        for part in path
            .split('/')
            .collect::<Vec<_>>()
            .split_last()
            .map_or(&[][..], |(_, rest)| rest)
        {
            folder += &format!("/{part}");
            says("mmd", &["-D", "s", "-i", name(&own), &folder], "");
        }
        says(
            "mcopy",
            &["-i", name(&own), name(&from), &format!("::{path}")],
            "",
        );
    }
    use std::os::unix::fs::FileExt;
    let disk = fs::OpenOptions::new()
        .write(true)
        .open(place)
        .expect("a disk");
    disk.write_all_at(&fs::read(&own).expect("it was made"), at)
        .expect("room");
}

/// As Documentation/arch/x86/boot.rst has it, with this text for its version.
fn kernel(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x3000];
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x20e..0x210].copy_from_slice(&0x1000u16.to_le_bytes());
    bytes[0x1200..0x1200 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

#[test]
fn what_holds_the_kernel_or_its_command_line_is_found() {
    let line =
        "BOOT_IMAGE=(hd0,msdos1)/boot/ironlet.kernel console=ttyS0 ironlet.image=http://h/disk.raw";
    let menu = b"menuentry x {\n\tlinux /boot/ironlet.kernel ironlet.image=http://h/disk.raw ironlet.then=reboot\n}\n";
    let other = b"linux /boot/ironlet.kernel ironlet.image=http://h/disk.raw.gz console=ttyS0\n";
    let own = kernel("6.1.0-32-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.129-1");
    let older = kernel("6.1.0-31-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.128-1");
    let newer =
        kernel("6.1.0-32-amd64-rt (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.129-1");
    for (what, path, content, hit) in [
        ("the kernel", "boot/ironlet.kernel", &own[..], true),
        ("an older one", "boot/ironlet.kernel", &older, false),
        ("one of a longer name", "boot/ironlet.kernel", &newer, false),
        ("the kernel elsewhere", "ironlet.kernel", &own, false),
        ("something else", "boot/ironlet.kernel", b"HdrS", false),
        ("a GRUB menu", "boot/grub/grub.cfg", menu, true),
        ("in other letters", "EFI/Boot/GRUB.CFG", menu, true),
        ("a menu of SYSLINUX", "syslinux.cfg", menu, true),
        ("another menu", "boot/grub/grub.cfg", other, false),
        ("no menu", "boot/grub/notes.txt", menu, false),
    ] {
        for at in [0, 1 << 20] {
            let machine = five_disks().with(&format!(
                "/proc/cmdline = {line}\n/proc/sys/kernel/osrelease = 6.1.0-32-amd64\n\
                 /proc/sys/kernel/version = #1 SMP Debian 6.1.129-1\n"
            ));
            let disk = file(&machine, "/dev/sdb");
            if at > 0 {
                says(
                    "sfdisk",
                    &["-q", name(&disk)],
                    "label: dos\nstart=2048, size=32768\n",
                );
            }
            fat(&disk, at, &[(path, content)]);
            let expected: &[&str] = if hit { &["/dev/sdb"] } else { &[] };
            assert_eq!(found(&machine), expected, "{what}, at byte {at}");
        }
    }
}

#[test]
fn a_disc_s_image_that_the_kernel_is_of_is_found_on_any_disk() {
    let own = kernel("6.1.0-32-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.129-1");
    let older = kernel("6.1.0-31-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.128-1");
    let menu = b"linux /boot/ironlet.kernel ironlet.image=http://h/disk.raw\n";
    for (what, path, content, hit) in [
        ("the kernel", "boot/ironlet.kernel", &own[..], true),
        ("an older one", "boot/ironlet.kernel", &older, false),
        ("the kernel elsewhere", "ironlet.kernel", &own, false),
        ("a GRUB menu", "boot/grub/grub.cfg", menu, true),
        ("no menu", "boot/grub/notes.txt", menu, false),
    ] {
        for (maker, at) in [("-r", 0), ("-J", 0), ("-r", 1 << 20)] {
            let machine = five_disks().with(
                "/proc/cmdline = BOOT_IMAGE=/boot/ironlet.kernel ironlet.image=http://h/disk.raw\n\
                 /proc/sys/kernel/osrelease = 6.1.0-32-amd64\n\
                 /proc/sys/kernel/version = #1 SMP Debian 6.1.129-1\n",
            );
            // What a disk is plugged into is no matter, and there may be copies. The NVMe one has no table: its sectors are larger.
            let disks = &["/dev/nvme0n1", "/dev/sda", "/dev/sdc"][usize::from(at > 0)..];
            for disk in disks {
                let disk = file(&machine, disk);
                if at > 0 {
                    says(
                        "sfdisk",
                        &["-q", name(&disk)],
                        "label: dos\nstart=2048, size=32768\n",
                    );
                }
                iso(&disk, maker, at, path, content);
            }
            let mut found = found(&machine);
            found.sort();
            let expected: &[&str] = if hit { disks } else { &[] };
            assert_eq!(found, expected, "{what}, {maker}, at byte {at}");
        }
    }
}

/// An image of a disc with one file, on the disk at `place` from byte `at` on.
fn iso(place: &Path, maker: &str, at: u64, path: &str, content: &[u8]) {
    use std::os::unix::fs::FileExt;
    let (tree, made) = (place.with_extension("tree"), place.with_extension("iso"));
    let own = tree.join(path);
    fs::create_dir_all(own.parent().expect("a folder")).expect("room");
    fs::write(own, content).expect("room");
    says(
        "genisoimage",
        &["-quiet", maker, "-o", name(&made), name(&tree)],
        "",
    );
    fs::remove_dir_all(tree).expect("ours");
    let disk = fs::OpenOptions::new()
        .write(true)
        .open(place)
        .expect("a disk");
    disk.write_all_at(&fs::read(made).expect("it was made"), at)
        .expect("room");
}

#[test]
fn a_person_may_name_it_in_any_way() {
    let machine = five_disks();
    fat(&file(&machine, "/dev/sdc"), 0, &[]);
    for (named, disks) in [
        ("/dev/sdc", &["/dev/sdc"][..]),
        (
            "/dev/disk/by-path/pci-0000:00:05.0-usb-0:1:1.0-scsi-0:0:0:0",
            &["/dev/sdc"],
        ),
        ("usb-0001", &["/dev/sdc"]),
        ("0x5000c500aabbcc01", &["/dev/sda"]),
        ("LABEL=stick", &["/dev/sdc"]),
        ("UUID=1234-abcd", &["/dev/sdc"]),
        ("LABEL=other", &[]),
        ("/dev/sd", &[]),
        ("sdc", &[]),
    ] {
        let found = protected(&machine, &boot_medium(&machine.host(), Some(named)));
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, disks, "{named}");
        assert!(found.iter().all(|(_, why)| why.contains("ironlet.medium")));
    }
}

/// By the default rule and by hints; without Ironic, what can be pulled out comes last.
#[test]
fn it_is_not_taken_and_the_reason_says_why() {
    let machine = five_disks();
    let host = machine.host();
    let hints = |serial: &str| {
        let text = format!(r#"{{"serial": "{serial}"}}"#);
        let ironlet::codec::json::Value::Object(hints) =
            ironlet::codec::json::parse(&text).expect("JSON")
        else {
            panic!("an object");
        };
        disk::Hints::parse(&hints).expect("hints")
    };
    for (what, named, own_first, wanted, chosen, said) in [
        (
            "as upstream has it",
            None,
            false,
            None,
            "/dev/sdc",
            "the smallest",
        ),
        (
            "its medium",
            Some("/dev/sdc"),
            false,
            None,
            "/dev/sdb",
            "/dev/sdc (4 GiB) is what this machine was started from",
        ),
        (
            "without Ironic",
            None,
            true,
            None,
            "/dev/sdb",
            "which can be pulled out last; then /dev/sda (6 GiB), /dev/nvme0n1 (8 GiB), /dev/sdc",
        ),
        (
            "another medium",
            Some("/dev/sdb"),
            true,
            None,
            "/dev/sda",
            "/dev/sdb (5 GiB) is what",
        ),
        (
            "hints that fit",
            None,
            false,
            Some("USB-0001"),
            "/dev/sdc",
            "the only one",
        ),
        (
            "hints that fit the medium",
            Some("/dev/sdc"),
            false,
            Some("USB-0001"),
            "",
            "/dev/sdc (4 GiB) is what this machine was started from: ironlet.medium=/dev/sdc",
        ),
    ] {
        let wishes = Wishes {
            medium: boot_medium(&host, named),
            own_first,
            root: wanted.map(hints),
            ..Wishes::default()
        };
        match disk::root(&host, &wishes) {
            Ok(disk::Choice { disk, why, .. }) => {
                assert_eq!(disk.name, chosen, "{what}: {why}");
                assert!(why.contains(said), "{what}: {why}");
            }
            Err(error) => {
                assert_eq!(chosen, "", "{what}: {error}");
                assert!(error.details().contains(said), "{what}: {error}");
            }
        }
    }
}

#[test]
fn it_is_not_cleaned_either() {
    let machine = five_disks();
    let host = machine.host();
    let wishes = Wishes {
        medium: boot_medium(&host, Some("/dev/sdc")),
        ..Wishes::default()
    };
    let disks: Vec<_> = list(&host).into_iter().map(|disk| disk.path).collect();
    let found =
        cleanable(&host, &Permit::new(&host, disks), &wishes, false).expect("others are clean");
    let cleaned: Vec<_> = found.disks.iter().map(|disk| disk.name.as_str()).collect();
    assert_eq!(
        cleaned,
        ["/dev/sda", "/dev/sdb", "/dev/nvme1n1", "/dev/nvme0n1"]
    );
    assert_eq!(found.passed_over.len(), 1);
    assert!(
        found.passed_over[0].1.contains("was started from"),
        "{:?}",
        found.passed_over
    );
}

#[test]
fn what_an_emmc_keeps_beside_its_user_area_is_no_disk() {
    let mut tree = String::new();
    for (name, sectors) in [
        ("mmcblk0", 16_777_216),
        ("mmcblk0boot0", 8192),
        ("mmcblk0boot1", 8192),
        ("mmcblk0rpmb", 8192),
        ("mmcblk10", 16_777_216),
    ] {
        let device = format!("/sys/devices/platform/mmc/mmc_host/mmc0/mmc0:0001/block/{name}");
        tree += &format!(
            "{device}/size = {sectors}\n/sys/block/{name} -> ..{}\n",
            &device[4..]
        );
    }
    let machine = Machine::empty().with(&tree);
    let names: Vec<_> = list(&machine.host())
        .into_iter()
        .map(|disk| disk.name)
        .collect();
    assert_eq!(names, ["/dev/mmcblk0", "/dev/mmcblk10"]);
}

/// What Ironic's ISO is for a controller that shows it as a disk behind USB.
#[test]
fn virtual_media_of_this_boot_are_neither_deployed_to_nor_cleaned() {
    let boot = "boot_method=vmedia ipa-api-url=http://192.0.2.1";
    let own = "0d5a2f4e-7c5d-4b6e-9d51-3b8f4e6a1c20";
    let sdc =
        "/sys/devices/pci0000:00/0000:00:05.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc";
    let iso = |label: &str, publisher: &str| -> Vec<u8> {
        let scratch = support::scratch::Scratch::new();
        let (tree, image) = (scratch.path("tree"), scratch.path("image"));
        fs::create_dir_all(&tree).expect("a folder");
        let words = ["-quiet", "-r", "-V", label, "-publisher", publisher];
        says(
            "genisoimage",
            &[&words[..], &["-o", name(&image), name(&tree)]].concat(),
            "",
        );
        fs::read(image).expect("it was made")
    };
    for (label, publisher, gib, line, spared) in [
        ("config-2", own, 2, format!("{boot} ir_pub_id={own}"), true),
        // Even if it is larger than what media are taken from: the machine was started from it.
        (
            "VMEDIA_BOOT_ISO",
            own,
            8,
            format!("{boot} ir_pub_id={}", own.to_uppercase()),
            true,
        ),
        ("VMEDIA_BOOT_ISO", "", 2, boot.to_owned(), true),
        // A drive of somebody's, which is to be cleaned.
        (
            "config-2",
            "somebody",
            2,
            format!("{boot} ir_pub_id={own}"),
            false,
        ),
        ("config-2", "", 8, boot.to_owned(), false),
        (
            "config-2",
            own,
            2,
            "ipa-api-url=http://192.0.2.1".to_owned(),
            false,
        ),
    ] {
        let machine = five_disks().with(&format!(
            "{sdc}/size = {}\n/proc/cmdline = {line}\n",
            (gib as u64) << 21
        ));
        let mut bytes = iso(label, publisher);
        bytes.resize(64 << 20, 0);
        fs::write(file(&machine, "/dev/sdc"), bytes).expect("room");
        assert_eq!(
            found(&machine) == ["/dev/sdc"],
            spared,
            "{label} {publisher} {line}"
        );
        let wishes = Wishes {
            medium: boot_medium(&machine.host(), None),
            ..Wishes::default()
        };
        let own = list(&machine.host()).into_iter().map(|disk| disk.path);
        let permit = Permit::new(&machine.host(), own.collect());
        let cleaned = cleanable(&machine.host(), &permit, &wishes, false).expect("disks");
        let passed = cleaned
            .passed_over
            .iter()
            .any(|(name, _)| name == "/dev/sdc");
        assert_eq!(passed, spared, "{:?}", cleaned.passed_over);
        let chosen = disk::root(&machine.host(), &wishes)
            .expect("one will do")
            .disk
            .name;
        assert!(!spared || chosen != "/dev/sdc", "{chosen}");
    }
}
